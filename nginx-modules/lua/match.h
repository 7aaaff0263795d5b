/*
 * match.h: Lua's patterns, with a bound on the steps that a match takes. Pure
 * C: LuaJIT's own matcher cannot be stopped, and a short pattern of seven
 * `a-` holds a worker for seconds.
 */

#ifndef VG_MATCH_H
#define VG_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VG_MATCH_ITEMS    128 /* of one pattern; so deep is the recursion   */
#define VG_MATCH_CAPTURES 32

typedef struct {
    uint8_t  kind, often;
    uint8_t  a, b;   /* a character; of %b its two; of %1 which          */
    uint32_t set[8]; /* of a class: a bit for each character              */
} vg_match_item_t;

typedef struct {
    const char *at;
    ptrdiff_t   len; /* VG_MATCH_OPEN, VG_MATCH_POSITION                    */
} vg_match_capture_t;

#define VG_MATCH_OPEN     (-1)
#define VG_MATCH_POSITION (-2)

typedef struct {
    bool               anchored; /* it begins with ^                        */
    unsigned           items, captures;
    const char        *subject, *end;
    uint64_t           steps; /* that are left                              */
    const char        *wrong; /* of a match: why it came to no end          */
    vg_match_capture_t capture[VG_MATCH_CAPTURES];
    vg_match_item_t    item[VG_MATCH_ITEMS + 1];
} vg_match_t;

/* NULL, or what is wrong with the pattern. */
const char *vg_match_compile(vg_match_t *m, const char *pattern, size_t len);

/* Does it match at s, which lies in the subject? The end of the match, or
 * NULL; with m->wrong it is not known. Steps go down, also between matches. */
const char *vg_match_at(vg_match_t *m, const char *s);

#endif /* VG_MATCH_H */
