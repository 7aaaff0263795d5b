/*
 * fuzz.h: what the targets share. A target is one file: it turns bytes into
 * one call of what it attacks, and requires of the result what must always
 * hold. A requirement that does not hold ends the program, as a crash does.
 */

#ifndef VG_FUZZ_H
#define VG_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vg_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(what)                                                          \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__,      \
                    #what);                                                    \
            abort();                                                           \
        }                                                                      \
    } while (0)


/* the next line of data, without its end; what is left moves on */
static inline vg_str_t
fuzz_line(vg_str_t *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    vg_str_t    line = { rest->data,
                      end ? (size_t) (end - rest->data) : rest->len };
    size_t      used = end ? line.len + 1 : line.len;

    *rest = (vg_str_t){ rest->data + used, rest->len - used };
    return line;
}


/* A copy of exactly these bytes, so that a step beyond them is seen. Never
 * NULL; freed by free(). */
static inline char *
fuzz_copy(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + (size == 0));

    REQUIRE(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}


/* a decimal number of an answer of ours, as a multiple of 10^-places: an
 * arithmetic of its own, so that it shares no mistake with what it checks */
static inline __int128
fuzz_decimal(vg_str_t text, int places)
{
    size_t   i;
    int      behind = -1;
    bool     minus = text.len > 0 && text.data[0] == '-';
    __int128 value = 0;

    REQUIRE(text.data != NULL && text.len > (size_t) minus);
    for (i = minus; i < text.len; i++) {
        if (text.data[i] == '.') {
            REQUIRE(behind < 0);
            behind = 0;
            continue;
        }
        REQUIRE(text.data[i] >= '0' && text.data[i] <= '9');
        value = value * 10 + (text.data[i] - '0');
        behind += behind >= 0;
    }
    REQUIRE(behind <= places);
    for (behind = behind < 0 ? 0 : behind; behind < places; behind++) {
        value *= 10;
    }
    return minus ? -value : value;
}

#endif /* VG_FUZZ_H */
