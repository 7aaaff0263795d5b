/*
 * dunning.c: the steps of dunning; see dunning.h.
 */

#include <string.h>

#include "dunning.h"

static const struct {
    char    letter;
    int64_t seconds;
} units[] = {
    { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 },
};


/* the seconds that one letter stands for; 0: it is none */
static int64_t
unit_seconds(char letter)
{
    size_t i;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].letter == letter) {
            return units[i].seconds;
        }
    }
    return 0;
}


/* *p is behind the word afterwards */
static bool
span_read(const char **p, int64_t *span)
{
    int64_t value = 0;

    for (; **p >= '0' && **p <= '9'; (*p)++) {
        value = value * 10 + (**p - '0');
        if (value > DUNNING_LONGEST) {
            return false;
        }
    }
    *span = value * unit_seconds(**p);
    if (*span <= 0 || *span > DUNNING_LONGEST) {
        return false;
    }
    (*p)++;
    return **p == ' ' || **p == '\0';
}


bool
dunning_read(const char *words, dunning_t *dunning)
{
    int64_t last = 0;

    *dunning = (dunning_t){ .n = 0 };
    for (;;) {
        words += strspn(words, " ");
        if (*words == '\0') {
            return dunning->n > 0 || dunning->cancels;
        }
        if (dunning->cancels) {
            return false;
        }
        if (strncmp(words, "cancel", 6) == 0
            && (words[6] == ' ' || words[6] == '\0')) {
            dunning->cancels = true;
            words += 6;
            continue;
        }
        if (dunning->n == DUNNING_STEPS
            || !span_read(&words, &dunning->after[dunning->n])
            || dunning->after[dunning->n] <= last)
        {
            return false;
        }
        last = dunning->after[dunning->n++];
    }
}


const char *
dunning_wrong(const char *words)
{
    dunning_t dunning;

    return dunning_read(words, &dunning)
               ? NULL
               : "must be spans, each longer, as \"1d 3d 7d cancel\"";
}
