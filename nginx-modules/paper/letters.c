/*
 * letters.c: see letters.h.
 */

#include <string.h>

#include <fribidi/fribidi.h>

#include "letters.h"

#define UNKNOWN 0xfffd

/* What is not shown: marks of direction and joining, variation selectors, and
 * what is no character. A name must not turn the amount beside it round. */
static const struct {
    uint32_t from, to;
} unseen[] = {
    { 0x00, 0x08 },     { 0x0b, 0x1f },     { 0x7f, 0x9f },
    { 0xad, 0xad },     { 0x34f, 0x34f },   { 0x61c, 0x61c },
    { 0x180b, 0x180e }, { 0x200b, 0x200f }, { 0x202a, 0x202e },
    { 0x2060, 0x206f }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
    { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
};


static bool
letter_seen(uint32_t code)
{
    size_t i;

    for (i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
        if (code >= unseen[i].from && code <= unseen[i].to) {
            return false;
        }
    }
    return true;
}


/* of text that is UTF-8 */
static uint32_t
letter_next(const unsigned char **p)
{
    const unsigned char *s = *p;

    if (s[0] < 0x80) {
        *p += 1;
        return s[0];
    }
    if (s[0] < 0xe0) {
        *p += 2;
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    }
    if (s[0] < 0xf0) {
        *p += 3;
        return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    }
    *p += 4;
    return UNKNOWN; /* behind the basic plane */
}


bool
vg_letters_read(vg_pool_t *pool, vg_str_t text, size_t most,
                vg_letters_t *letters)
{
    uint32_t             code;
    const unsigned char *p = (const unsigned char *) text.data, *end;

    most = most < text.len ? most : text.len;
    letters->count = 0;
    letters->codes = vg_alloc(pool, (most + 1) * sizeof(uint32_t));
    if (letters->codes == NULL) {
        return false;
    }
    if (text.data == NULL || !vg_str_utf8(text)) {
        return true;
    }
    for (end = p + text.len; p < end && letters->count < most;) {
        code = letter_next(&p);
        code = code == '\t' || code == 0xa0 ? ' ' : code;
        code = code == 0x85 || code == 0x2028 || code == 0x2029 ? '\n' : code;
        if (letter_seen(code)) {
            letters->codes[letters->count++] = code;
        }
    }
    return true;
}


size_t
vg_letters_break(const vg_letters_t *letters, size_t from, float width,
                 vg_letters_width_pt of, void *data, size_t *next)
{
    float  used = 0;
    size_t i, space = 0;

    for (i = from; i < letters->count && letters->codes[i] != '\n'; i++) {
        if (letters->codes[i] == ' ') {
            space = i;
        }
        used += of(data, letters->codes[i]);
        if (i > from && (used > width || i - from >= VG_LETTERS_LINE)) {
            break;
        }
    }
    if (i == letters->count || letters->codes[i] == '\n') {
        *next = i + (i < letters->count);
        return i;
    }
    if (space > from) {
        *next = space + 1;
        return space;
    }
    *next = i;
    return i;
}


bool
vg_letters_order(vg_pool_t *pool, const uint32_t *codes, size_t count,
                 vg_letters_t *line)
{
    size_t         i, n = 0;
    FriBidiParType direction = FRIBIDI_PAR_LTR;

    line->count = count;
    line->codes = vg_alloc(pool, (count + 1) * sizeof(uint32_t));
    if (line->codes == NULL) {
        return false;
    }
    memcpy(line->codes, codes, count * sizeof(uint32_t));
    for (i = 0; i < count && codes[i] < 0x590; i++) { /* the first is Hebrew */
    }
    if (i == count) {
        return true;
    }
    if (fribidi_log2vis(codes, (FriBidiStrIndex) count, &direction, line->codes,
                        NULL, NULL, NULL)
        == 0)
    {
        return false;
    }
    for (i = 0; i < count; i++) { /* joined letters leave marks behind */
        if (letter_seen(line->codes[i])) {
            line->codes[n++] = line->codes[i];
        }
    }
    line->count = n;
    return true;
}
