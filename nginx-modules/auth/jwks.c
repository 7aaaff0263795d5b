/*
 * jwks.c: see jwks.h.
 */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "jwks.h"

/* One row for each kind of key: its members are numbers, big-endian. */
typedef struct {
    const char *kty;
    unsigned    bit;
    const char *alg;
    const char *crv; /* NULL: it has none                                */
    const char *one, *two;
} jwks_kind_t;

static const jwks_kind_t jwks_kinds[] = {
    { "EC", VG_JWT_ES256, "ES256", "P-256", "x", "y" },
    { "RSA", VG_JWT_RS256, "RS256", NULL, "n", "e" },
    { NULL, 0, NULL, NULL, NULL, NULL },
};

/* RFC 7518, 6: what only the owner of a key may know */
static const char *const jwks_private[] = { "d",  "p",   "q", "dp", "dq",
                                            "qi", "oth", "k", NULL };

#define JWKS_EC_HALF 32   /* bytes                                       */
#define JWKS_N_MAX   1024 /* bytes of a modulus                          */
#define JWKS_E_MAX   8    /* bytes; OpenSSL takes as many beside a large one */


static const jwks_kind_t *
jwks_kind(const vg_json_t *jwk, unsigned algorithms)
{
    vg_str_t           alg = vg_json_text(jwk, "alg");
    const jwks_kind_t *kind;

    for (kind = jwks_kinds; kind->kty != NULL; kind++) {
        if ((algorithms & kind->bit)
            && vg_str_eq(vg_json_text(jwk, "kty"), kind->kty)
            && (alg.data == NULL || vg_str_eq(alg, kind->alg))
            && (kind->crv == NULL
                || vg_str_eq(vg_json_text(jwk, "crv"), kind->crv)))
        {
            return kind;
        }
    }

    return NULL;
}


/* "use" and "key_ops" say the same in two ways; both may be missing */
static bool
jwks_verifies(const vg_json_t *jwk)
{
    vg_str_t         use = vg_json_text(jwk, "use");
    const vg_json_t *op, *ops = vg_json_get(jwk, "key_ops");

    if (use.data != NULL && !vg_str_eq(use, "sig")) {
        return false;
    }

    if (ops == NULL) {
        return true;
    }

    for (op = ops->first; op != NULL; op = op->next) {
        if (op->type == VG_JSON_STRING && vg_str_eq(op->text, "verify")) {
            return true;
        }
    }

    return false;
}


/* the number of a member, as bytes; false: it is none */
static bool
jwks_number(vg_pool_t *pool, const vg_json_t *jwk, const char *name, size_t min,
            size_t max, vg_str_t *bytes)
{
    const vg_json_t *node = vg_json_get(jwk, name);

    return node != NULL && node->type == VG_JSON_STRING
           && vg_jwt_base64url(pool, node->text, bytes) && bytes->len >= min
           && bytes->len <= max;
}


static EVP_PKEY *
jwks_made(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY     *pkey = NULL;
    OSSL_PARAM   *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        pkey = NULL;
    }

    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


/* x and y, behind the byte that says that neither is left out; that the point
 * is one of the curve is what OpenSSL looks at */
static EVP_PKEY *
jwks_ec(OSSL_PARAM_BLD *build, vg_str_t x, vg_str_t y)
{
    unsigned char point[1 + 2 * JWKS_EC_HALF] = { 0x04 };

    memcpy(point + 1, x.data, JWKS_EC_HALF);
    memcpy(point + 1 + JWKS_EC_HALF, y.data, JWKS_EC_HALF);

    if (!OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                         "prime256v1", 0)
        || !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
                                             point, sizeof(point)))
    {
        return NULL;
    }

    return jwks_made("EC", build);
}


/* An even modulus or exponent, and 1, would make anything a signature. */
static EVP_PKEY *
jwks_rsa(OSSL_PARAM_BLD *build, vg_str_t modulus, vg_str_t exponent)
{
    BIGNUM   *n, *e;
    EVP_PKEY *pkey = NULL;

    n = BN_bin2bn((const unsigned char *) modulus.data, (int) modulus.len,
                  NULL);
    e = BN_bin2bn((const unsigned char *) exponent.data, (int) exponent.len,
                  NULL);

    if (n != NULL && e != NULL && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e)
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n)
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
    {
        pkey = jwks_made("RSA", build);
    }

    BN_free(n);
    BN_free(e);

    return pkey;
}


static EVP_PKEY *
jwks_key(vg_pool_t *pool, const jwks_kind_t *kind, const vg_json_t *jwk)
{
    bool            ec = kind->bit == VG_JWT_ES256;
    size_t          min = ec ? JWKS_EC_HALF : 1;
    vg_str_t        one, two;
    EVP_PKEY       *pkey;
    OSSL_PARAM_BLD *build;

    if (!jwks_number(pool, jwk, kind->one, min, ec ? JWKS_EC_HALF : JWKS_N_MAX,
                     &one)
        || !jwks_number(pool, jwk, kind->two, min,
                        ec ? JWKS_EC_HALF : JWKS_E_MAX, &two))
    {
        return NULL;
    }

    build = OSSL_PARAM_BLD_new();
    if (build == NULL) {
        return NULL;
    }

    pkey = ec ? jwks_ec(build, one, two) : jwks_rsa(build, one, two);
    OSSL_PARAM_BLD_free(build);

    return pkey;
}


/* NULL, or why the whole set is refused */
static const char *
jwks_member(vg_pool_t *pool, vg_jwt_keys_t *keys, const vg_json_t *jwk,
            unsigned algorithms)
{
    vg_str_t           kid;
    EVP_PKEY          *pkey;
    const char        *why = NULL;
    const vg_json_t   *name = vg_json_get(jwk, "kid");
    const jwks_kind_t *kind;

    for (size_t i = 0; jwks_private[i] != NULL; i++) {
        if (vg_json_get(jwk, jwks_private[i]) != NULL) {
            return "it holds a private key";
        }
    }

    kind = jwks_kind(jwk, algorithms);
    if (kind == NULL || !jwks_verifies(jwk)) {
        return NULL;
    }

    kid = name == NULL ? VG_STR("") : vg_json_text(jwk, "kid");
    if (kid.data == NULL || (name != NULL && name->type != VG_JSON_STRING)) {
        return "a kid is no string";
    }

    if (kid.len != 0
        && vg_jwt_keys_find(keys, kid, VG_STR(""), INT64_MAX) != NULL) {
        return "two keys have one name";
    }

    pkey = jwks_key(pool, kind, jwk);
    if (pkey != NULL) {
        why = vg_jwt_keys_add(keys, pkey, kid);
    }

    EVP_PKEY_free(pkey);

    /* one that is too small or broken does not take the others with it */
    return vg_jwt_keys_count(keys) == VG_JWT_KEYS ? why : NULL;
}


static const char *
jwks_members(vg_pool_t *pool, vg_jwt_keys_t *keys, const vg_json_t *set,
             unsigned algorithms)
{
    const char      *why = NULL;
    const vg_json_t *jwk, *array = vg_json_get(set, "keys");

    if (array == NULL || array->type != VG_JSON_ARRAY) {
        return "it is no key set";
    }

    for (jwk = array->first; jwk != NULL && why == NULL; jwk = jwk->next) {
        why = jwk->type == VG_JSON_OBJECT
                  ? jwks_member(pool, keys, jwk, algorithms)
                  : "a key is no object";
    }

    if (why == NULL && vg_jwt_keys_count(keys) == 0) {
        why = "it holds no key that can be used";
    }

    return why;
}


vg_jwt_keys_t *
vg_jwks_read(vg_pool_t *pool, vg_str_t text, unsigned algorithms,
             const char **why)
{
    vg_jwt_keys_t *keys;

    if (text.len > VG_JWKS_MAX) {
        *why = "it is too long";
        return NULL;
    }

    keys =
        vg_jwt_keys_create(algorithms & (VG_JWT_ES256 | VG_JWT_RS256), false);
    if (keys == NULL) {
        *why = "there is no memory";
        return NULL;
    }

    *why =
        jwks_members(pool, keys, vg_json_parse(pool, text, NULL), algorithms);
    ERR_clear_error();

    if (*why != NULL) {
        vg_jwt_keys_free(keys);
        return NULL;
    }

    return keys;
}
