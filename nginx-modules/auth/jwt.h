/*
 * jwt.h: verifies signed tokens (JWS compact, RFC 7515; claims, RFC 7519).
 *
 * Owns the public keys and the rules of what a token may look like. Pure C
 * over OpenSSL and vg_json.h; knows neither nginx nor roles nor routes.
 *
 * A key is found by the token's kid and used with the one algorithm that is
 * pinned to it: the token's own alg must equal that one and decides nothing.
 * Keys are loaded once and only read afterwards, so workers share them after
 * the fork without a lock.
 */

#ifndef VG_JWT_H
#define VG_JWT_H

#include <openssl/evp.h>

#include "vg_json.h"

#define VG_JWT_MAX    4096 /* bytes of a whole token                      */
#define VG_JWT_KID    16   /* hex digits of a kid                         */
#define VG_JWT_LEEWAY 30   /* seconds that clocks may differ              */

typedef enum {
    VG_JWT_OK = 0,
    VG_JWT_TOO_LONG,
    VG_JWT_MALFORMED,
    VG_JWT_ALGORITHM,
    VG_JWT_KEY,
    VG_JWT_SIGNATURE,
    VG_JWT_CLAIMS,
    VG_JWT_EXPIRED,
    VG_JWT_NOT_YET,
    VG_JWT_ISSUER,
    VG_JWT_AUDIENCE,
    VG_JWT_BROKEN, /* no memory, or OpenSSL failed: not the token's fault */
} vg_jwt_error_t;

/* Strings lie in the pool given to vg_jwt_verify(). */
typedef struct {
    vg_str_t sub;     /* never empty                                     */
    vg_str_t role;    /* never empty                                     */
    vg_str_t company; /* data NULL: none                                 */
    vg_str_t scope;   /* words by one space; data NULL: all of the role's */
    vg_str_t session; /* sid; data NULL: none                            */
    vg_str_t payload; /* all claims, as they were signed: JSON text      */
    int64_t  exp;     /* microseconds since 1970; leeway not included    */
} vg_jwt_claims_t;

typedef struct vg_jwt_keys_s vg_jwt_keys_t;

/* The set of keys of one issuer; tokens must name this issuer and audience.
 * NULL: no memory. Freed by vg_jwt_keys_free(), which takes NULL too. */
vg_jwt_keys_t *vg_jwt_keys_create(vg_str_t issuer, vg_str_t audience);
void           vg_jwt_keys_free(vg_jwt_keys_t *keys);

/* Adds the public key of a PEM file. NULL: added (a key that is there already
 * is left as it is); else a static text that says why not. */
const char *vg_jwt_keys_add_pem(vg_jwt_keys_t *keys, const char *path);

/* Adds a key, of which only the public half is looked at; it keeps a reference
 * of its own. NULL: added, as above. */
const char *vg_jwt_keys_add(vg_jwt_keys_t *keys, EVP_PKEY *pkey);

/* The kid of the newest key, NUL-terminated; NULL when there is none. A kid
 * is the first 16 hex digits of SHA-256 over the DER SubjectPublicKeyInfo. */
const char *vg_jwt_keys_kid(const vg_jwt_keys_t *keys);

/* Verifies a token at a moment. Scratch memory comes from pool. */
vg_jwt_error_t vg_jwt_verify(const vg_jwt_keys_t *keys, vg_pool_t *pool,
                             vg_str_t token, int64_t now_us,
                             vg_jwt_claims_t *claims);

/* A static text fit for error_description of WWW-Authenticate (RFC 6750):
 * no quotes, no backslashes, nothing out of the token. */
const char *vg_jwt_error_text(vg_jwt_error_t error);

#endif /* VG_JWT_H */
