/*
 * written.c: see written.h.
 */

#include <string.h>
#include <strings.h>

#include "written.h"

#define NAME_MOST    64
#define ADDRESS_MOST 254
#define KEY_MOST     128
#define SUBJECT_MOST 500
#define WORD         45 /* bytes of an encoded word, at most 75 then */

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


static bool
word_sign(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '-' || c == '_';
}


bool
vg_written_plain(vg_str_t text, size_t most, char first)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < first || text.data[i] > '~') {
            return false;
        }
    }
    return text.len <= most;
}


bool
vg_written_token(const char *name)
{
    size_t i, len = strlen(name);

    for (i = 0; i < len; i++) {
        if (!word_sign(name[i])) {
            return false;
        }
    }
    return len > 0 && len <= NAME_MOST;
}


/* a segment that is, in whatever spelling, "." or ".." */
static bool
only_dots(const char *p, const char *end)
{
    int dots = 0;

    while (p < end) {
        if (*p == '.') {
            p++;
        } else if (end - p >= 3 && strncasecmp(p, "%2e", 3) == 0) {
            p += 3;
        } else {
            return false;
        }
        dots++;
    }
    return dots == 1 || dots == 2;
}


bool
vg_written_path(vg_str_t path, size_t most)
{
    const char *p = path.data, *end, *next;

    if (path.len == 0) {
        return true;
    }
    if ((*p != '/' && *p != '?') || !vg_written_plain(path, most, '!')) {
        return false;
    }
    end = path.data + path.len;
    while (p < end && *p == '/') {
        next = p + 1;
        while (next < end && *next != '/' && *next != '?' && *next != '#') {
            next++;
        }
        if (only_dots(p + 1, next)) {
            return false;
        }
        p = next;
    }
    return true;
}


bool
vg_written_address(vg_str_t address)
{
    size_t at = 0, i, signs = 0;

    for (i = 0; i < address.len; i++) {
        if (address.data[i] <= ' ' || address.data[i] > '~'
            || strchr("<>()[]\\,;:\"", address.data[i]) != NULL)
        {
            return false;
        }
        if (address.data[i] == '@') {
            at = i;
            signs++;
        }
    }
    return signs == 1 && at > 0 && at + 1 < address.len
           && address.len <= ADDRESS_MOST;
}


bool
vg_written_key(vg_str_t key)
{
    size_t i;

    for (i = 0; i < key.len; i++) {
        if (!word_sign(key.data[i])) {
            return false;
        }
    }
    return key.len <= KEY_MOST;
}


bool
vg_written_subject(vg_str_t subject)
{
    size_t i;

    for (i = 0; i < subject.len; i++) {
        if ((unsigned char) subject.data[i] < ' ' || subject.data[i] == 0x7f) {
            return false;
        }
    }
    return subject.len <= SUBJECT_MOST && vg_str_utf8(subject);
}


/* so many characters of base64 behind to; where they end */
static char *
encode(char *to, const char *from, size_t len)
{
    size_t   i;
    unsigned bits;

    for (i = 0; i < len; i += 3) {
        bits = (unsigned) (unsigned char) from[i] << 16;
        bits |= i + 1 < len ? (unsigned) (unsigned char) from[i + 1] << 8 : 0;
        bits |= i + 2 < len ? (unsigned) (unsigned char) from[i + 2] : 0;
        *to++ = base64[bits >> 18 & 63];
        *to++ = base64[bits >> 12 & 63];
        *to++ = i + 1 < len ? base64[bits >> 6 & 63] : '=';
        *to++ = i + 2 < len ? base64[bits & 63] : '=';
    }
    return to;
}


static char *
put(char *to, const char *text)
{
    while (*text != '\0') {
        *to++ = *text++;
    }
    return to;
}


/* words of whole characters, each encoded by itself */
static vg_str_t
words(vg_pool_t *pool, vg_str_t text)
{
    char  *line, *to;
    size_t len;

    line = to = vg_alloc(pool, (text.len / (WORD - 3) + 1) * 76);
    while (line != NULL && text.len > 0) {
        len = text.len < WORD ? text.len : WORD;
        while (len < text.len
               && ((unsigned char) text.data[len] & 0xc0) == 0x80) {
            len--;
        }
        if (to != line) {
            *to++ = ' ';
        }
        to = put(to, "=?UTF-8?B?");
        to = encode(to, text.data, len);
        to = put(to, "?=");
        text.data += len;
        text.len -= len;
    }
    return (vg_str_t){ line, line ? (size_t) (to - line) : 0 };
}


vg_str_t
vg_written_encoded(vg_pool_t *pool, vg_str_t subject)
{
    size_t i;

    for (i = 0; i < subject.len; i++) {
        if ((unsigned char) subject.data[i] > '~'
            || (subject.data[i] == '=' && i + 1 < subject.len
                && subject.data[i + 1] == '?'))
        {
            return words(pool, subject);
        }
    }
    return subject;
}
