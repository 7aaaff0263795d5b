/*
 * spelling.c: see spelling.h.
 */

#include "spelling.h"

#include <string.h>

#define VIN          17
#define PHONE_MIN    5
#define PHONE_MAX    15 /* E.164 */
#define EMAIL_LOCAL  64 /* RFC 5321, 4.5.3.1 */
#define EMAIL_MAX    254
#define LABEL_MAX    63
#define LANGUAGE_MAX 8 /* of a subtag */

static bool
digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* C1 controls, marks that turn or hide what stands around them, line ends of
 * Unicode, the byte order mark. p has at least one byte before end. */
static bool
hides(const unsigned char *p, const unsigned char *end)
{
    size_t left = end - p;

    if (*p < 0x20 || *p == 0x7f) {
        return true;
    }

    if (left >= 2 && p[0] == 0xc2) {
        return p[1] < 0xa0;
    }

    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x80) {
        return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae);
    }

    if (left >= 3 && p[0] == 0xe2 && p[1] == 0x81) {
        return p[2] >= 0xa0 && p[2] <= 0xaf;
    }

    return left >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
}

bool
spelling_line(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *) s, *end = p + len;

    if (len != 0 && (s[0] == ' ' || s[len - 1] == ' ')) {
        return false;
    }

    for (; p < end; p++) {
        if (hides(p, end)) {
            return false;
        }
    }

    return true;
}

/* I, O and Q are left out, since they look like 1 and 0 */
bool
spelling_vin(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!(digit(s[i]) || letter(s[i])) || strchr("IOQioq", s[i]) != NULL) {
            return false;
        }
    }

    return len == VIN;
}

bool
spelling_country(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] < 'A' || s[i] > 'Z') {
            return false;
        }
    }

    return len == 2 || len == 3;
}

bool
spelling_phone(const char *s, size_t len)
{
    size_t digits = 0;

    for (size_t i = 0; i < len; i++) {
        if (digit(s[i])) {
            digits++;
        } else if (s[i] == '\0' || strchr(" -()./", s[i]) == NULL) {
            if (s[i] != '+' || i != 0) {
                return false;
            }
        }
    }

    return digits >= PHONE_MIN && digits <= PHONE_MAX;
}

/* labels of letters, digits and inner hyphens, two at least */
static bool
host(const char *s, size_t len)
{
    size_t label = 0, dots = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i == len || s[i] == '.') {
            if (label == 0 || label > LABEL_MAX || s[i - 1] == '-') {
                return false;
            }
            dots += i < len;
            label = 0;
        } else if (digit(s[i]) || letter(s[i]) || (s[i] == '-' && label != 0)) {
            label++;
        } else {
            return false;
        }
    }

    return dots != 0;
}

bool
spelling_email(const char *s, size_t len)
{
    const char *at = memchr(s, '@', len);
    size_t      local = at != NULL ? (size_t) (at - s) : 0;

    if (local == 0 || local > EMAIL_LOCAL || len > EMAIL_MAX
        || !spelling_line(s, len))
    {
        return false;
    }

    for (size_t i = 0; i < local; i++) {
        if (strchr(" \"(),:;<>[\\]", s[i]) != NULL
            || (s[i] == '.' && (i == 0 || i + 1 == local || s[i + 1] == '.')))
        {
            return false;
        }
    }

    return host(at + 1, len - local - 1);
}

bool
spelling_language(const char *s, size_t len)
{
    size_t subtag = 0;
    bool   first = true;

    for (size_t i = 0; i <= len; i++) {
        if (i == len || s[i] == '-') {
            if (subtag < 2 || subtag > (first ? 3 : LANGUAGE_MAX)) {
                return false;
            }
            first = false;
            subtag = 0;
        } else if (letter(s[i]) || (!first && digit(s[i]))) {
            subtag++;
        } else {
            return false;
        }
    }

    return true;
}
