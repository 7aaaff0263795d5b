/*
 * jwt_keys.c: see jwt_keys.h and jwt.h.
 */

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "jwt_keys.h"

#define JWT_KEYS_MAX 16

/* One row for each algorithm that is known here. A row that is not enabled
 * keeps its keys out: switching RS256 on is a decision, not a rewrite. */
typedef struct {
    const char *alg;
    const char *key_type; /* as EVP_PKEY_is_a() names it                */
    const char *group;    /* of an EC key                               */
    size_t      half;     /* EC: bytes of r, and of s                   */
    int         bits_min;
    bool        enabled;
} jwt_alg_t;

static const jwt_alg_t jwt_algs[] = {
    { "ES256", "EC", "prime256v1", 32, 256, true },
    { "RS256", "RSA", NULL, 0, 2048, true },
};

struct vg_jwt_key_s {
    char             kid[VG_JWT_KID + 1];
    const jwt_alg_t *alg;
    EVP_PKEY        *pkey;
};

struct vg_jwt_keys_s {
    char        *issuer;
    char        *audience;
    size_t       count;
    vg_jwt_key_t key[JWT_KEYS_MAX];
};


static char *
jwt_dup(vg_str_t s)
{
    char *z = malloc(s.len + 1);

    if (z != NULL) {
        memcpy(z, s.data, s.len);
        z[s.len] = '\0';
    }

    return z;
}


vg_jwt_keys_t *
vg_jwt_keys_create(vg_str_t issuer, vg_str_t audience)
{
    vg_jwt_keys_t *keys = calloc(1, sizeof(vg_jwt_keys_t));

    if (keys == NULL) {
        return NULL;
    }

    keys->issuer = jwt_dup(issuer);
    keys->audience = jwt_dup(audience);

    if (keys->issuer == NULL || keys->audience == NULL) {
        vg_jwt_keys_free(keys);
        return NULL;
    }

    return keys;
}


void
vg_jwt_keys_free(vg_jwt_keys_t *keys)
{
    if (keys == NULL) {
        return;
    }

    for (size_t i = 0; i < keys->count; i++) {
        EVP_PKEY_free(keys->key[i].pkey);
    }

    free(keys->issuer);
    free(keys->audience);
    free(keys);
}


const char *
vg_jwt_keys_kid(const vg_jwt_keys_t *keys)
{
    return keys->count == 0 ? NULL : keys->key[keys->count - 1].kid;
}


static const jwt_alg_t *
jwt_key_alg(EVP_PKEY *pkey)
{
    char             group[64];
    const jwt_alg_t *alg;

    for (size_t i = 0; i < sizeof(jwt_algs) / sizeof(jwt_algs[0]); i++) {
        alg = &jwt_algs[i];

        if (!alg->enabled || !EVP_PKEY_is_a(pkey, alg->key_type)
            || EVP_PKEY_get_bits(pkey) < alg->bits_min)
        {
            continue;
        }

        if (alg->group == NULL
            || (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1
                && strcmp(group, alg->group) == 0))
        {
            return alg;
        }
    }

    return NULL;
}


static bool
jwt_key_kid(EVP_PKEY *pkey, char kid[VG_JWT_KID + 1])
{
    static const char hex[] = "0123456789abcdef";

    unsigned char  digest[SHA256_DIGEST_LENGTH];
    unsigned char *der = NULL;
    int            len = i2d_PUBKEY(pkey, &der);

    if (len <= 0) {
        return false;
    }

    SHA256(der, (size_t) len, digest);
    OPENSSL_free(der);

    for (size_t i = 0; i < VG_JWT_KID / 2; i++) {
        kid[2 * i] = hex[digest[i] >> 4];
        kid[2 * i + 1] = hex[digest[i] & 15];
    }

    kid[VG_JWT_KID] = '\0';
    return true;
}


const vg_jwt_key_t *
vg_jwt_keys_find(const vg_jwt_keys_t *keys, vg_str_t kid)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (vg_str_eq(kid, keys->key[i].kid)) {
            return &keys->key[i];
        }
    }

    return NULL;
}


const char *
vg_jwt_keys_add(vg_jwt_keys_t *keys, EVP_PKEY *pkey)
{
    vg_jwt_key_t *key = &keys->key[keys->count];

    if (keys->count == JWT_KEYS_MAX) {
        return "too many keys";
    }

    key->alg = jwt_key_alg(pkey);
    if (key->alg == NULL) {
        return "not a key of ES256 or RS256";
    }

    if (!jwt_key_kid(pkey, key->kid)) {
        return "the key has no DER form";
    }

    if (vg_jwt_keys_find(keys, vg_str(key->kid)) != NULL) {
        return NULL;
    }

    if (!EVP_PKEY_up_ref(pkey)) {
        return "the key cannot be kept";
    }

    key->pkey = pkey;
    keys->count++;

    return NULL;
}


const char *
vg_jwt_keys_add_pem(vg_jwt_keys_t *keys, const char *path)
{
    BIO        *bio = BIO_new_file(path, "r");
    EVP_PKEY   *pkey;
    const char *why;

    if (bio == NULL) {
        ERR_clear_error();
        return "the file cannot be opened";
    }

    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);

    why = (pkey == NULL) ? "the file holds no public key in PEM"
                         : vg_jwt_keys_add(keys, pkey);

    EVP_PKEY_free(pkey);
    ERR_clear_error();

    return why;
}


const char *
vg_jwt_key_alg(const vg_jwt_key_t *key)
{
    return key->alg->alg;
}


const char *
vg_jwt_keys_issuer(const vg_jwt_keys_t *keys)
{
    return keys->issuer;
}


const char *
vg_jwt_keys_audience(const vg_jwt_keys_t *keys)
{
    return keys->audience;
}


/* ------------------------------------------------------------- signature */

/* JWS has r and s side by side (RFC 7518 3.4), OpenSSL wants them in DER. */
static unsigned char *
jwt_ecdsa_der(const jwt_alg_t *alg, vg_str_t raw, size_t *len)
{
    int            n = -1;
    BIGNUM        *r, *s;
    ECDSA_SIG     *sig = ECDSA_SIG_new();
    unsigned char *der = NULL;

    const unsigned char *bytes = (const unsigned char *) raw.data;

    r = BN_bin2bn(bytes, (int) alg->half, NULL);
    s = BN_bin2bn(bytes + alg->half, (int) alg->half, NULL);

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s)) {
        r = s = NULL; /* the signature owns them now */
        n = i2d_ECDSA_SIG(sig, &der);
    }

    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);

    if (n <= 0) {
        return NULL;
    }

    *len = (size_t) n;
    return der;
}


static vg_jwt_error_t
jwt_digest_verify(EVP_PKEY *pkey, vg_str_t text, const unsigned char *sig,
                  size_t len)
{
    int         rc;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL
        || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) != 1)
    {
        EVP_MD_CTX_free(ctx);
        return VG_JWT_BROKEN;
    }

    rc = EVP_DigestVerify(ctx, sig, len, (const unsigned char *) text.data,
                          text.len);
    EVP_MD_CTX_free(ctx);

    return rc == 1 ? VG_JWT_OK : VG_JWT_SIGNATURE;
}


static vg_jwt_error_t
jwt_verify(const vg_jwt_key_t *key, vg_str_t text, vg_str_t signature)
{
    size_t         len;
    unsigned char *der;
    vg_jwt_error_t error;

    if (key->alg->half == 0) {
        return jwt_digest_verify(key->pkey, text,
                                 (const unsigned char *) signature.data,
                                 signature.len);
    }

    if (signature.len != 2 * key->alg->half) {
        return VG_JWT_SIGNATURE;
    }

    der = jwt_ecdsa_der(key->alg, signature, &len);
    if (der == NULL) {
        return VG_JWT_BROKEN;
    }

    error = jwt_digest_verify(key->pkey, text, der, len);
    OPENSSL_free(der);

    return error;
}


vg_jwt_error_t
vg_jwt_key_verify(const vg_jwt_key_t *key, vg_str_t text, vg_str_t signature)
{
    vg_jwt_error_t error = jwt_verify(key, text, signature);

    /* what OpenSSL leaves in its queue would be read by the next TLS call of
     * this process as that connection's own failure */
    ERR_clear_error();

    return error;
}
