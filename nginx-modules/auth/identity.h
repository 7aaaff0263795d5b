/*
 * identity.h: roles and scopes, API keys, remembered identities.
 */

#ifndef VG_IDENTITY_H
#define VG_IDENTITY_H

#include "http.h"

bool vg_role_known(vg_str_t role);

#define VG_KEY_TRUSTED 10000000 /* us: so long after it was proved         */

/* X-API-Key: VG_OK, VG_ERROR, or VG_DONE when accounts must be asked */
vg_rc_t vg_key_identify(vg_http_t *http, vg_str_t key);

/* What a key is found by, inside of key; len 0: it is none. */
vg_str_t vg_key_prefix(vg_str_t key);

/* Is it still one? As vg_ask_start(): the answer of `api_key.find`. */
vg_call_t *vg_key_again(vg_str_t prefix, vg_str_t        correlation,
                        void (*done)(vg_call_t *), void *owner);

/* Identities seen before, by SHA-256 of what was shown; per worker. */
ngx_uint_t vg_tokens_find(vg_call_t *call, vg_str_t token);
void       vg_tokens_keep(vg_call_t *call, vg_str_t token, int64_t until_us);

/* Revocations heard so far: what was asked for before one is not kept. */
ngx_uint_t vg_tokens_drops(void);
void       vg_tokens_start(void);

#endif /* VG_IDENTITY_H */
