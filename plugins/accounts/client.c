/*
 * client.c: a client of OAuth 2.0 that says who it is: by an API key, whose id
 * or prefix is client_id. The secret is the whole key, or what stands behind
 * its prefix.
 */

#include <string.h>

#include "accounts.h"

#define KEY_CHARS 59 /* "vg_", 12, "_", 43 */


bool
secret_same(vg_str_t a, vg_str_t b)
{
    volatile unsigned char differs = a.len != b.len;

    for (size_t i = 0; i < a.len && i < b.len; i++) {
        differs |= (unsigned char) (a.data[i] ^ b.data[i]);
    }
    return !differs && a.len != 0;
}


vg_rc_t
client_check(vg_call_t *call)
{
    vg_str_t         key, prefix, hash;
    const vg_json_t *secret = vg_get(call, "client_secret");
    const vg_json_t *client = vg_json_get(vg_row(call), "client");

    prefix = vg_json_text(client, "prefix");
    if (secret == NULL || prefix.data == NULL) {
        return vg_refuse(call, "invalid_client");
    }
    key = secret->text;
    if (key.len != KEY_CHARS) {
        key = vg_printf(vg_pool(call), "vg_%.*s_%.*s", (int) prefix.len,
                        prefix.data, (int) key.len, key.data);
    }
    hash = key.data ? vg_sha256(call, vg_json_text(client, "salt"), key) : key;
    if (hash.data == NULL) {
        return vg_refuse(call, "internal");
    }
    return secret_same(hash, vg_json_text(client, "hash"))
               ? VG_OK
               : vg_refuse(call, "invalid_client");
}
