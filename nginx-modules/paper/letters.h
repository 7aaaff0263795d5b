/*
 * letters.h: a text as the letters that paper shows of it. Pure C.
 */

#ifndef VG_LETTERS_H
#define VG_LETTERS_H

#include "vg_json.h"

/* code points of the basic plane, and '\n' between lines */
typedef struct {
    uint32_t *codes;
    size_t    count;
} vg_letters_t;

#define VG_LETTERS_LINE 400 /* of a line: some have no width at all          */

/* What cannot be seen, or turns the direction of what follows, is left out;
 * what fonts do not reach is U+FFFD; what is behind so many letters is not
 * read. False: no memory. */
bool vg_letters_read(vg_pool_t *pool, vg_str_t text, size_t most,
                     vg_letters_t *letters);

typedef float (*vg_letters_width_pt)(void *data, uint32_t code);

/* Where the line that begins at `from` ends, so that it is not wider than
 * `width`, but at least one letter long; *next is where the one behind it
 * begins. Breaks at spaces, and in words that are longer than a line. */
size_t vg_letters_break(const vg_letters_t *letters, size_t from, float width,
                        vg_letters_width_pt of, void *data, size_t *next);

/* One line as it is drawn from left to right (UAX #9, Arabic letters joined).
 * False: no memory. */
bool vg_letters_order(vg_pool_t *pool, const uint32_t *codes, size_t count,
                      vg_letters_t *line);

#endif /* VG_LETTERS_H */
