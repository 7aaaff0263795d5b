/*
 * unit_dunning.c: the steps of dunning, as an operator writes them.
 */

#include <stdio.h>
#include <string.h>

#include "dunning.h"

typedef struct {
    const char *words;
    const char *steps; /* NULL: refused                                  */
} case_t;

/* clang-format off */
static const case_t  cases[] = {
    { "1d 3d 7d cancel", "86400 259200 604800 cancel" },
    { "1d", "86400" },
    { "cancel", "cancel" },
    { "  90s   5m 2h 1w  ", "90 300 7200 604800" },
    { "366d cancel", "31622400 cancel" },
    { "1s 2s 3s 4s 5s 6s 7s 8s 9s 10s 11s 12s 13s 14s 15s 16s cancel",
      "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 cancel" },
    { "1s 2s 3s 4s 5s 6s 7s 8s 9s 10s 11s 12s 13s 14s 15s 16s 17s", NULL },
    { "", NULL },
    { "   ", NULL },
    { "0d", NULL },
    { "d", NULL },
    { "1", NULL },
    { "1y", NULL },
    { "-1d", NULL },
    { "1d2d", NULL },
    { "3d 1d", NULL },
    { "1d 24h", NULL },
    { "367d", NULL },
    { "99999999999999999999d", NULL },
    { "1d cancel 2d", NULL },
    { "cancel cancel", NULL },
    { "cancelled", NULL },
    { "1d,2d", NULL },
};
/* clang-format on */


static const char *
shown(const dunning_t *dunning)
{
    int         i;
    static char text[512];
    size_t      at = 0;

    text[0] = '\0';
    for (i = 0; i < dunning->n; i++) {
        at += (size_t) snprintf(text + at, sizeof(text) - at, "%s%lld",
                                i ? " " : "", (long long) dunning->after[i]);
    }
    if (dunning->cancels) {
        (void) snprintf(text + at, sizeof(text) - at, "%scancel",
                        at ? " " : "");
    }
    return text;
}


int
main(void)
{
    size_t    i, n = sizeof(cases) / sizeof(cases[0]);
    int       good, failed = 0;
    bool      read;
    dunning_t dunning;

    printf("1..%d\n", (int) n);
    for (i = 0; i < n; i++) {
        read = dunning_read(cases[i].words, &dunning);
        good = cases[i].steps == NULL
                   ? !read
                   : read && strcmp(shown(&dunning), cases[i].steps) == 0;
        failed += !good;
        printf("%sok %d - \"%s\"\n", good ? "" : "not ", (int) i + 1,
               cases[i].words);
    }
    return failed != 0;
}
