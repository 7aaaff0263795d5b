/*
 * code.c: what proves who reads a mailbox: six digits for an address, ten
 * characters for a password, which is worth more guesses.
 */

#include <ctype.h>
#include <string.h>

#include "accounts.h"

#define RANDOM_BYTES 60 /* 80 characters, of which some 12 are digits */
#define SALT_BYTES   16

static const struct {
    size_t      length;
    const char *letters; /* no two that look alike; all are base64url's */
} shapes[] = {
    [CODE_VERIFY] = { 6, "0123456789" },
    [CODE_RESET] = { 10, "0123456789ABCDEFGHJKMNPQRSTVWXYZ" },
};


/* In lower case, too: the statement folds it. */
bool
code_is_good(vg_str_t code, code_t kind)
{
    for (size_t i = 0; i < code.len; i++) {
        if (code.data[i] == '\0'
            || strchr(shapes[kind].letters,
                      toupper((unsigned char) code.data[i]))
                   == NULL)
        {
            return false;
        }
    }
    return code.len == shapes[kind].length;
}


/* Its letters among random characters of base64url: each as likely as the
 * others. data NULL: no randomness. */
static vg_str_t
code_make(vg_call_t *call, code_t kind)
{
    size_t   n = 0, length = shapes[kind].length;
    char    *code = vg_alloc(vg_pool(call), length);
    vg_str_t random;

    while (code != NULL && n < length) {
        random = vg_secret(call, RANDOM_BYTES);
        if (random.data == NULL) {
            return random;
        }
        for (size_t i = 0; i < random.len && n < length; i++) {
            if (strchr(shapes[kind].letters, random.data[i]) != NULL) {
                code[n++] = random.data[i];
            }
        }
    }
    return (vg_str_t){ code, length };
}


vg_rc_t
code_bind(vg_call_t *call, code_t kind)
{
    vg_str_t code = code_make(call, kind);
    vg_str_t salt = vg_secret(call, SALT_BYTES);
    vg_str_t hash;

    if (code.data == NULL || salt.data == NULL) {
        return vg_refuse(call, "internal");
    }
    hash = vg_sha256(call, salt, code);
    if (hash.data == NULL || vg_bind(call, "code", code) != VG_OK
        || vg_bind(call, "salt", salt) != VG_OK
        || vg_bind(call, "hash", hash) != VG_OK)
    {
        return vg_refuse(call, "internal");
    }
    return VG_OK;
}
