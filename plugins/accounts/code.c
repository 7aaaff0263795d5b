/*
 * code.c: six digits that prove who reads a mailbox.
 */

#include "accounts.h"

#define CODE_DIGITS  6
#define RANDOM_BYTES 60 /* of which some 12 characters are digits */
#define SALT_BYTES   16


bool
code_is_good(vg_str_t code)
{
    for (size_t i = 0; i < code.len; i++) {
        if (code.data[i] < '0' || code.data[i] > '9') {
            return false;
        }
    }
    return code.len == CODE_DIGITS;
}


/* The digits among random characters of base64url: each as likely as the
 * others. data NULL: no randomness. */
static vg_str_t
code_make(vg_call_t *call)
{
    size_t   n = 0;
    char    *code = vg_alloc(vg_pool(call), CODE_DIGITS);
    vg_str_t random;

    while (code != NULL && n < CODE_DIGITS) {
        random = vg_secret(call, RANDOM_BYTES);
        if (random.data == NULL) {
            return random;
        }
        for (size_t i = 0; i < random.len && n < CODE_DIGITS; i++) {
            if (random.data[i] >= '0' && random.data[i] <= '9') {
                code[n++] = random.data[i];
            }
        }
    }
    return (vg_str_t){ code, CODE_DIGITS };
}


vg_rc_t
code_bind(vg_call_t *call)
{
    static const char *const names[] = { "code_lifetime", "mails", NULL };

    vg_str_t code = code_make(call);
    vg_str_t salt = vg_secret(call, SALT_BYTES);
    vg_str_t hash, sandbox = vg_str(vg_setting(call, "sandbox"));

    if (code.data == NULL || salt.data == NULL) {
        return vg_refuse(call, "internal");
    }
    hash = vg_sha256(call, salt, code);
    if (hash.data == NULL || vg_bind(call, "code", code) != VG_OK
        || vg_bind(call, "salt", salt) != VG_OK
        || vg_bind(call, "hash", hash) != VG_OK
        || vg_bind(call, "sandbox",
                   vg_str_eq(sandbox, "on") ? VG_STR("true") : VG_STR("false"))
               != VG_OK)
    {
        return vg_refuse(call, "internal");
    }
    return settings_bind(call, names);
}
