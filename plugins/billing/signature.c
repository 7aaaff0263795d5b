/*
 * signature.c: the parts of a Stripe-Signature, in any order. Parts that are
 * not known are let be: their makers add new ones.
 */

#include "signature.h"

#include <string.h>

#define WHEN_MOST 12 /* digits of a second; the year is below 33658       */


static bool
signature_hex(vg_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (!(text.data[i] >= '0' && text.data[i] <= '9')
            && !(text.data[i] >= 'a' && text.data[i] <= 'f'))
        {
            return false;
        }
    }
    return text.len == 64;
}


static bool
signature_when(vg_str_t text, signature_t *signature)
{
    size_t i;

    if (signature->when.data != NULL || text.len == 0 || text.len > WHEN_MOST) {
        return false;
    }
    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        signature->at = signature->at * 10 + (text.data[i] - '0');
    }
    signature->when = text;
    return true;
}


static bool
signature_part(vg_str_t part, signature_t *signature)
{
    vg_str_t value;

    if (part.len >= 2 && memcmp(part.data, "t=", 2) == 0) {
        value = (vg_str_t){ part.data + 2, part.len - 2 };
        return signature_when(value, signature);
    }
    if (part.len >= 3 && memcmp(part.data, "v1=", 3) == 0) {
        value = (vg_str_t){ part.data + 3, part.len - 3 };
        if (!signature_hex(value)) {
            return false;
        }
        if (signature->count < SIGNATURES) {
            signature->v1[signature->count++] = value;
        }
    }
    return true;
}


bool
signature_read(vg_str_t header, signature_t *signature)
{
    vg_str_t    part;
    const char *p = header.data, *end, *comma;

    *signature = (signature_t){ .at = 0 };
    if (header.len == 0) {
        return false;
    }
    for (end = p + header.len; p < end; p = comma + 1) {
        comma = memchr(p, ',', (size_t) (end - p));
        comma = comma != NULL ? comma : end;
        for (; p < comma && *p == ' '; p++) {
            /* after a comma */
        }
        part = (vg_str_t){ p, (size_t) (comma - p) };
        if (!signature_part(part, signature)) {
            return false;
        }
        if (comma == end) {
            break;
        }
    }
    return signature->when.data != NULL && signature->count > 0;
}
