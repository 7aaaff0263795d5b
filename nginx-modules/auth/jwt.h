/*
 * jwt.h: verifies signed tokens (JWS compact, RFC 7515; claims, RFC 7519).
 *
 * Owns the rules of what a token may look like. Pure C over OpenSSL and
 * vg_json.h; knows neither nginx nor roles nor routes.
 *
 * In two steps, since several issuers may be known: vg_jwt_read() takes the
 * token apart and believes nothing; what it says of its issuer serves to find
 * keys and terms, and nothing else. vg_jwt_verify() then finds the key by the
 * token's kid and uses it with the one algorithm that is pinned to it: the
 * token's own alg must equal that one and decides nothing. A key that a token
 * brings or points to (jwk, jku, x5c, x5u) is never looked at.
 */

#ifndef VG_JWT_H
#define VG_JWT_H

#include "vg_json.h"

#define VG_JWT_MAX    6144 /* bytes of a whole token                      */
#define VG_JWT_KID    16   /* hex digits of a kid of ours                 */
#define VG_JWT_LEEWAY 30   /* seconds that clocks may differ, by default  */

/* algorithms, as bits: a key has one, a set of keys may take several */
#define VG_JWT_ES256 0x01
#define VG_JWT_RS256 0x02
#define VG_JWT_HS256 0x04 /* whoever verifies can sign: development       */

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
    VG_JWT_ROLE,
    VG_JWT_BROKEN, /* no memory, or OpenSSL failed: not the token's fault */
} vg_jwt_error_t;

typedef struct vg_jwt_keys_s vg_jwt_keys_t;

/* what the tokens of one issuer must say */
typedef struct {
    vg_str_t issuer, audience;
    int64_t  leeway; /* s                                                 */
} vg_jwt_terms_t;

/* A token taken apart; nobody has said yet that it is true. Strings lie in
 * the token and in the pool given to vg_jwt_read(). */
typedef struct {
    vg_str_t         kid; /* data NULL: none                              */
    vg_str_t         alg;
    vg_str_t         issuer; /* data NULL: none                           */
    vg_str_t         signed_part, signature;
    const vg_json_t *payload;
} vg_jwt_t;

/* What it says once it is known to be true. */
typedef struct {
    vg_str_t sub; /* never empty                                          */
    vg_str_t sid; /* of which session; data NULL: none                    */
    vg_str_t jti; /* data NULL: none                                      */
    int64_t  iat; /* microseconds since 1970; 0: it does not say          */
    int64_t  exp; /* the same; leeway not included                        */
} vg_jwt_claims_t;

/* VG_JWT_OK: it has a token's shape. Scratch memory comes from pool. */
vg_jwt_error_t vg_jwt_read(vg_pool_t *pool, vg_str_t token, vg_jwt_t *jwt);

/* Verifies it at a moment: key, signature, then claims. */
vg_jwt_error_t vg_jwt_verify(const vg_jwt_t *jwt, const vg_jwt_keys_t *keys,
                             const vg_jwt_terms_t *terms, int64_t now_us,
                             vg_jwt_claims_t *claims);

/* A static text fit for error_description of WWW-Authenticate (RFC 6750):
 * no quotes, no backslashes, nothing out of the token. */
const char *vg_jwt_error_text(vg_jwt_error_t error);

/* Strict: no padding, no white space, and the unused bits of the last digit
 * are zero, so that bytes have one spelling. false: not base64url, or no
 * memory. */
bool vg_jwt_base64url(vg_pool_t *pool, vg_str_t in, vg_str_t *out);

#endif /* VG_JWT_H */
