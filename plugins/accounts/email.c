/*
 * email.c: what this house takes for an address of a mailbox.
 *
 * ASCII alone: letters that look like others (Cyrillic, full-width, accents in
 * two spellings) are then no way to an address that reads like somebody
 * else's. A domain of another script is written as DNS has it, xn--…
 */

#include <string.h>

#include "email.h"

#define EMAIL_MAX 254 /* RFC 5321, 4.5.3.1.3, without the brackets */
#define LOCAL_MAX 64
#define LABEL_MAX 63

static bool
alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
}


/* dot-atom of RFC 5322: what no mailbox of today goes without */
static bool
local_is_good(const char *p, size_t len)
{
    static const char signs[] = "!#$%&'*+-/=?^_`{|}~";

    if (len == 0 || len > LOCAL_MAX || p[0] == '.' || p[len - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '.' ? p[i - 1] == '.'
                        : !alphanumeric(p[i])
                              && memchr(signs, p[i], sizeof(signs) - 1) == NULL)
        {
            return false;
        }
    }
    return true;
}


static bool
label_is_good(const char *p, size_t len)
{
    if (len == 0 || len > LABEL_MAX || p[0] == '-' || p[len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!alphanumeric(p[i]) && p[i] != '-') {
            return false;
        }
    }
    return true;
}


/* two labels or more, the last no number: else it is an address of IP */
static bool
domain_is_good(const char *p, size_t len)
{
    bool        letter = false;
    size_t      labels = 0;
    const char *dot, *end = p + len;

    for (;; p = dot + 1) {
        dot = memchr(p, '.', end - p);
        if (!label_is_good(p, (dot ? dot : end) - p)) {
            return false;
        }
        labels++;
        if (dot == NULL) {
            break;
        }
    }
    for (; p < end; p++) {
        letter |= !(*p >= '0' && *p <= '9');
    }
    return labels > 1 && letter;
}


const char *
email_fault(vg_str_t email)
{
    const char *at;

    for (size_t i = 0; i < email.len; i++) {
        if ((unsigned char) email.data[i] >= 0x80) {
            return "must be ASCII; a domain of another script is xn--...";
        }
    }
    at = email.len ? memchr(email.data, '@', email.len) : NULL;
    if (at == NULL || email.len > EMAIL_MAX
        || !local_is_good(email.data, at - email.data)
        || !domain_is_good(at + 1, email.data + email.len - at - 1))
    {
        return "must be an email address";
    }
    return NULL;
}
