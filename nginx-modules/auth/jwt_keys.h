/*
 * jwt_keys.h: the keys that tokens are verified with.
 *
 * Owns loading, naming and pinning of keys, and the one call that checks a
 * signature. Knows nothing of tokens' text or claims; see jwt.h for those.
 * A set of keys is filled and then only read, so workers share one that was
 * made before the fork without a lock; to change keys is to make a new set.
 */

#ifndef VG_JWT_KEYS_H
#define VG_JWT_KEYS_H

#include "jwt.h"

#include <openssl/evp.h>

#define VG_JWT_KEYS    32  /* of one set                                  */
#define VG_JWT_KID_MAX 128 /* bytes of a kid that others chose            */
#define VG_JWT_SECRET  32  /* bytes of a shared secret, at least          */

typedef struct vg_jwt_key_s vg_jwt_key_t;

/* An empty set, for keys of these algorithms (bits VG_JWT_ES256 ...). strict:
 * a token must name its key; else one that does not is verified with the only
 * key of its algorithm, where there is one. NULL: no memory. */
vg_jwt_keys_t *vg_jwt_keys_create(unsigned algorithms, bool strict);
void           vg_jwt_keys_free(vg_jwt_keys_t *keys); /* takes NULL too */

/* Adds a key. NULL: added (one that is there already is left as it is); else
 * a static text that says why not. kid: by which tokens name it; data NULL:
 * the first 16 hex digits of SHA-256 over its DER SubjectPublicKeyInfo.
 *
 * PEM is of a public key or of a certificate; one of a certificate is good for
 * as long as that is. now_us: when that is looked at first. */
const char *vg_jwt_keys_add_file(vg_jwt_keys_t *keys, const char *path,
                                 vg_str_t kid, int64_t now_us);
const char *vg_jwt_keys_add_pem(vg_jwt_keys_t *keys, vg_str_t pem, vg_str_t kid,
                                int64_t now_us);
const char *vg_jwt_keys_add(vg_jwt_keys_t *keys, EVP_PKEY *pkey, vg_str_t kid);
const char *vg_jwt_keys_add_secret(vg_jwt_keys_t *keys, vg_str_t secret,
                                   vg_str_t kid);

size_t vg_jwt_keys_count(const vg_jwt_keys_t *keys);

/* The kid of the newest key, NUL-terminated; NULL when there is none. */
const char *vg_jwt_keys_kid(const vg_jwt_keys_t *keys);

/* The key of that name; without one (data NULL) see strict. NULL: unknown. */
const vg_jwt_key_t *vg_jwt_keys_find(const vg_jwt_keys_t *keys, vg_str_t kid,
                                     vg_str_t alg, int64_t now_us);

/* the algorithm that is pinned to the key, as a token's alg names it */
const char *vg_jwt_key_alg(const vg_jwt_key_t *key);

/* "ES256" to its bit; 0: not known here */
unsigned vg_jwt_alg_bit(vg_str_t name);

/* Checks a signature in JWS's form. VG_JWT_OK, VG_JWT_SIGNATURE or
 * VG_JWT_BROKEN; leaves OpenSSL's error queue empty. */
vg_jwt_error_t vg_jwt_key_verify(const vg_jwt_key_t *key, vg_str_t text,
                                 vg_str_t signature);

#endif /* VG_JWT_KEYS_H */
