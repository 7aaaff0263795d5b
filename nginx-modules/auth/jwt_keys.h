/*
 * jwt_keys.h: the public keys that tokens are verified with.
 *
 * Owns loading, naming and pinning of keys, and the one call that checks a
 * signature. Knows nothing of tokens' text or claims; see jwt.h for those.
 */

#ifndef VG_JWT_KEYS_H
#define VG_JWT_KEYS_H

#include "jwt.h"

typedef struct vg_jwt_key_s vg_jwt_key_t;

/* NULL: unknown */
const vg_jwt_key_t *vg_jwt_keys_find(const vg_jwt_keys_t *keys, vg_str_t kid);

/* the algorithm that is pinned to the key, as a token's alg names it */
const char *vg_jwt_key_alg(const vg_jwt_key_t *key);

/* Checks a signature in JWS's form. VG_JWT_OK, VG_JWT_SIGNATURE or
 * VG_JWT_BROKEN; leaves OpenSSL's error queue empty. */
vg_jwt_error_t vg_jwt_key_verify(const vg_jwt_key_t *key, vg_str_t text,
                                 vg_str_t signature);

const char *vg_jwt_keys_issuer(const vg_jwt_keys_t *keys);
const char *vg_jwt_keys_audience(const vg_jwt_keys_t *keys);

#endif /* VG_JWT_KEYS_H */
