/*
 * minted.h: keys, tokens by hand and by libjwt, and all of the way of one; for
 * the tests of auth's pure files.
 */

#ifndef MINTED_H
#define MINTED_H

#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "../../nginx-modules/auth/claims.h"
#include "../../nginx-modules/auth/jwt_keys.h"

#define NOW    1800000000LL
#define NOW_US (NOW * 1000000)

/* a P-256 or RSA pair, with its PEM texts and a file for the public one */
typedef struct {
    EVP_PKEY *pkey;
    char     *private_pem, *public_pem;
    char      path[64];
    char      kid[VG_JWT_KID + 1];
} pair_t;

static unsigned   tests, failures;
static vg_pool_t *pool;

static inline void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}


static inline void
is(vg_jwt_error_t got, vg_jwt_error_t want, const char *name)
{
    ok(got == want, name);
    if (got != want) {
        printf("# got: %s\n# want: %s\n", vg_jwt_error_text(got),
               vg_jwt_error_text(want));
    }
}


static inline char *
bio_text(BIO *bio)
{
    char *data;
    long  len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t) len);

    BIO_free(bio);
    return text;
}


static inline void
pair_make(pair_t *pair, EVP_PKEY *pkey)
{
    int            fd;
    BIO           *bio;
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    int            len = i2d_PUBKEY(pkey, &der);

    pair->pkey = pkey;

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
    pair->private_pem = bio_text(bio);

    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, pkey);
    pair->public_pem = bio_text(bio);

    strcpy(pair->path, "/tmp/vg-unit-jwt-XXXXXX");
    fd = mkstemp(pair->path);
    if (fd < 0
        || write(fd, pair->public_pem, strlen(pair->public_pem))
               != (ssize_t) strlen(pair->public_pem))
    {
        printf("Bail out! no temporary file\n");
        exit(1);
    }
    close(fd);

    EVP_Digest(der, (size_t) len, digest, NULL, EVP_sha256(), NULL);
    OPENSSL_free(der);
    for (size_t i = 0; i < VG_JWT_KID / 2; i++) {
        sprintf(pair->kid + 2 * i, "%02x", digest[i]);
    }
}


static inline void
pair_drop(pair_t *pair)
{
    unlink(pair->path);
    free(pair->private_pem);
    free(pair->public_pem);
    EVP_PKEY_free(pair->pkey);
}


/* ---------------------------------------------------------------- minting */

static vg_str_t
base64url(const void *data, size_t len)
{
    char  *text = vg_alloc(pool, len * 4 / 3 + 8);
    int    n = EVP_EncodeBlock((unsigned char *) text, data, (int) len);
    size_t end;

    for (end = (size_t) n; end > 0 && text[end - 1] == '='; end--) {
        /* padding goes */
    }

    for (size_t i = 0; i < end; i++) {
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    }

    return (vg_str_t){ text, end };
}


/* Signs header and payload as JWS asks: r and s side by side. */
static inline vg_str_t
mint(const pair_t *pair, const char *header, const char *payload)
{
    size_t               len = 80;
    vg_str_t             h, p, text, sig;
    unsigned char        der[80], raw[64];
    ECDSA_SIG           *ecdsa;
    EVP_MD_CTX          *ctx = EVP_MD_CTX_new();
    const unsigned char *at = der;

    h = base64url(header, strlen(header));
    p = base64url(payload, strlen(payload));
    text =
        vg_printf(pool, "%.*s.%.*s", (int) h.len, h.data, (int) p.len, p.data);

    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pair->pkey);
    EVP_DigestSign(ctx, der, &len, (const unsigned char *) text.data, text.len);
    EVP_MD_CTX_free(ctx);

    ecdsa = d2i_ECDSA_SIG(NULL, &at, (long) len);
    BN_bn2binpad(ECDSA_SIG_get0_r(ecdsa), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(ecdsa), raw + 32, 32);
    ECDSA_SIG_free(ecdsa);

    sig = base64url(raw, sizeof(raw));
    return vg_printf(pool, "%.*s.%.*s", (int) text.len, text.data,
                     (int) sig.len, sig.data);
}


static inline const char *
header_of(const char *alg, const char *kid)
{
    return vg_printf(pool, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
                     alg, kid)
        .data;
}


/* libjwt's own token, signed with any algorithm and any key text */
static inline vg_str_t
libjwt_mint(jwt_alg_t alg, const char *key, const char *kid, long exp)
{
    char    *text;
    jwt_t   *jwt;
    vg_str_t token;

    jwt_new(&jwt);
    jwt_add_header(jwt, "kid", kid);
    jwt_add_grant(jwt, "iss", "voltgate");
    jwt_add_grant(jwt, "aud", "voltgate");
    jwt_add_grant(jwt, "sub", "u-1");
    jwt_add_grant(jwt, "role", "operator");
    jwt_add_grant(jwt, "company", "c-1");
    jwt_add_grant(jwt, "scope", "stations:read stations:write");
    jwt_add_grant_int(jwt, "iat", NOW);
    jwt_add_grant_int(jwt, "exp", exp);
    jwt_set_alg(jwt, alg, (const unsigned char *) key,
                key == NULL ? 0 : (int) strlen(key));

    text = jwt_encode_str(jwt);
    token = vg_printf(pool, "%s", text);
    free(text);
    jwt_free(jwt);

    return token;
}


/* -------------------------------------------------------------- verifying */

static const vg_jwt_terms_t terms = { { "voltgate", 8 },
                                      { "voltgate", 8 },
                                      VG_JWT_LEEWAY };

static const vg_claims_map_t map = { .role = { "role", 4 },
                                     .company = { "company", 7 },
                                     .scope = { "scope", 5 } };

/* all of the way: what it is, whether it is true, who it says */
static inline vg_jwt_error_t
verify_all(const vg_jwt_keys_t *keys, vg_str_t token, int64_t now_us,
           vg_jwt_claims_t *claims, vg_claims_t *who)
{
    vg_jwt_t       jwt;
    vg_jwt_error_t error = vg_jwt_read(pool, token, &jwt);

    memset(claims, 0, sizeof(*claims));
    memset(who, 0, sizeof(*who));

    if (error == VG_JWT_OK) {
        error = vg_jwt_verify(&jwt, keys, &terms, now_us, claims);
    }

    return error == VG_JWT_OK ? vg_claims_read(&map, jwt.payload, who) : error;
}


static inline vg_jwt_error_t
verify_at(const vg_jwt_keys_t *keys, vg_str_t token, int64_t now_us)
{
    vg_claims_t     who;
    vg_jwt_claims_t claims;

    return verify_all(keys, token, now_us, &claims, &who);
}


static inline vg_jwt_error_t
verify(const vg_jwt_keys_t *keys, vg_str_t token)
{
    return verify_at(keys, token, NOW_US);
}


static inline const char *
add(vg_jwt_keys_t *keys, const char *path)
{
    vg_str_t none = { NULL, 0 };

    return vg_jwt_keys_add_file(keys, path, none, NOW_US);
}

#endif /* MINTED_H */
