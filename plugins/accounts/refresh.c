/*
 * refresh.c: refresh tokens: "vgr_", 22 characters, ".", 64 hex digits.
 *
 * The next one is SHA-256 over a seed, which the database keeps, and the one
 * that was shown, which it does not. So a client that lost the answer gets the
 * same again, and nothing that is stored could be shown as a token.
 */

#include "accounts.h"

#define HANDLE_BYTES 16
#define HANDLE_CHARS 22
#define SECRET_BYTES 32
#define SEED_BYTES   16


static vg_str_t
token_of(vg_call_t *call, vg_str_t handle, vg_str_t secret)
{
    if (handle.data == NULL || secret.data == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    return vg_printf(vg_pool(call), "vgr_%.*s.%.*s", (int) handle.len,
                     handle.data, (int) secret.len, secret.data);
}


static vg_rc_t
token_bind(vg_call_t *call, vg_str_t token)
{
    vg_str_t seed = vg_secret(call, SEED_BYTES);
    vg_str_t hash = token.data ? vg_sha256(call, VG_STR(""), token) : token;

    if (hash.data == NULL || seed.data == NULL
        || vg_bind(call, "refresh", token) != VG_OK
        || vg_bind(call, "next", hash) != VG_OK
        || vg_bind(call, "seed", seed) != VG_OK)
    {
        return vg_refuse(call, "internal");
    }
    return VG_OK;
}


vg_rc_t
refresh_begin(vg_call_t *call)
{
    vg_str_t handle = vg_secret(call, HANDLE_BYTES);
    vg_str_t secret = vg_secret(call, SECRET_BYTES);
    vg_str_t hash;

    if (handle.data == NULL || secret.data == NULL) {
        return vg_refuse(call, "internal");
    }
    hash = vg_sha256(call, VG_STR(""), handle);
    secret = vg_sha256(call, VG_STR(""), secret);
    if (hash.data == NULL || vg_bind(call, "handle", hash) != VG_OK) {
        return vg_refuse(call, "internal");
    }
    return token_bind(call, token_of(call, handle, secret));
}


/* A token of no session, or one that is neither the present nor the last, is
 * the statement's to refuse: what it would become does not matter. */
vg_rc_t
refresh_go_on(vg_call_t *call)
{
    vg_str_t         token = vg_get(call, "refresh_token")->text;
    vg_str_t         handle, shown, seed, present;
    const vg_json_t *session = vg_json_get(vg_row(call), "session");

    shown = vg_sha256(call, VG_STR(""), token);
    if (shown.data == NULL || vg_bind(call, "shown", shown) != VG_OK) {
        return vg_refuse(call, "internal");
    }
    present = vg_json_text(session, "token");
    if (present.data == NULL) {
        return vg_refuse(call, "invalid_grant");
    }
    seed = vg_json_text(session, "lastSeed");
    if (seed.data == NULL || secret_same(shown, present)) {
        seed = vg_json_text(session, "seed");
    }
    handle = (vg_str_t){ token.data + 4, HANDLE_CHARS };
    return token_bind(call,
                      token_of(call, handle, vg_sha256(call, seed, token)));
}
