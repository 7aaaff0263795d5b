/*
 * jwt_keys.c: see jwt_keys.h.
 */

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jwt_keys.h"
#include "jwt_signature.h"

#define JWT_PEM_MAX 65536 /* bytes of a key's file */

/* One row for each algorithm that is known here. Bounds keep out keys that are
 * weak, and those that would take long to verify with. */
typedef struct {
    unsigned    bit;
    const char *alg;
    const char *key_type; /* as EVP_PKEY_is_a() names it; NULL: a secret */
    const char *group;    /* of an EC key                               */
    size_t      half;     /* EC: bytes of r, and of s                   */
    int         bits_min, bits_max;
} jwt_alg_t;

static const jwt_alg_t jwt_algs[] = {
    { VG_JWT_ES256, "ES256", "EC", "prime256v1", 32, 256, 256 },
    { VG_JWT_RS256, "RS256", "RSA", NULL, 0, 2048, 8192 },
    { VG_JWT_HS256, "HS256", NULL, NULL, 0, 0, 0 },
    { 0, NULL, NULL, NULL, 0, 0, 0 },
};

struct vg_jwt_key_s {
    char             kid[VG_JWT_KID_MAX + 1]; /* empty: it has none      */
    const jwt_alg_t *alg;
    EVP_PKEY        *pkey; /* NULL: secret                               */
    char            *secret;
    size_t           secret_len;
    int64_t          from, until; /* us; until 0: for good               */
};

struct vg_jwt_keys_s {
    unsigned     algorithms;
    bool         strict;
    size_t       count;
    vg_jwt_key_t key[VG_JWT_KEYS];
};


unsigned
vg_jwt_alg_bit(vg_str_t name)
{
    for (const jwt_alg_t *alg = jwt_algs; alg->alg != NULL; alg++) {
        if (vg_str_eq(name, alg->alg)) {
            return alg->bit;
        }
    }

    return 0;
}


vg_jwt_keys_t *
vg_jwt_keys_create(unsigned algorithms, bool strict)
{
    vg_jwt_keys_t *keys = calloc(1, sizeof(vg_jwt_keys_t));

    if (keys != NULL) {
        keys->algorithms = algorithms;
        keys->strict = strict;
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

        if (keys->key[i].secret != NULL) {
            OPENSSL_cleanse(keys->key[i].secret, keys->key[i].secret_len);
            free(keys->key[i].secret);
        }
    }

    free(keys);
}


size_t
vg_jwt_keys_count(const vg_jwt_keys_t *keys)
{
    return keys->count;
}


const char *
vg_jwt_keys_kid(const vg_jwt_keys_t *keys)
{
    return keys->count == 0 ? NULL : keys->key[keys->count - 1].kid;
}


/* ---------------------------------------------------------------- finding */

static bool
jwt_key_holds(const vg_jwt_key_t *key, int64_t now_us)
{
    return key->until == 0 || (key->from <= now_us && now_us < key->until);
}


/* the only key of an algorithm; of two neither */
static const vg_jwt_key_t *
jwt_keys_only(const vg_jwt_keys_t *keys, vg_str_t alg, int64_t now_us)
{
    const vg_jwt_key_t *only = NULL;

    for (size_t i = 0; i < keys->count; i++) {
        if (vg_str_eq(alg, keys->key[i].alg->alg)
            && jwt_key_holds(&keys->key[i], now_us))
        {
            if (only != NULL) {
                return NULL;
            }

            only = &keys->key[i];
        }
    }

    return only;
}


const vg_jwt_key_t *
vg_jwt_keys_find(const vg_jwt_keys_t *keys, vg_str_t kid, vg_str_t alg,
                 int64_t now_us)
{
    if (kid.data == NULL) {
        return keys->strict ? NULL : jwt_keys_only(keys, alg, now_us);
    }

    for (size_t i = 0; kid.len != 0 && i < keys->count; i++) {
        if (vg_str_eq(kid, keys->key[i].kid)) {
            return jwt_key_holds(&keys->key[i], now_us) ? &keys->key[i] : NULL;
        }
    }

    return NULL;
}


const char *
vg_jwt_key_alg(const vg_jwt_key_t *key)
{
    return key->alg->alg;
}


/* ----------------------------------------------------------------- adding */

static const jwt_alg_t *
jwt_key_alg(const vg_jwt_keys_t *keys, EVP_PKEY *pkey)
{
    int              bits;
    char             group[64];
    const jwt_alg_t *alg;

    for (alg = jwt_algs; alg->alg != NULL; alg++) {
        if (!(keys->algorithms & alg->bit) || alg->key_type == NULL
            || !EVP_PKEY_is_a(pkey, alg->key_type))
        {
            continue;
        }

        bits = EVP_PKEY_get_bits(pkey);
        if (bits < alg->bits_min || bits > alg->bits_max) {
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
jwt_key_thumbprint(EVP_PKEY *pkey, char *kid)
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


/* the next place, with its name; NULL: *why */
static vg_jwt_key_t *
jwt_key_place(vg_jwt_keys_t *keys, vg_str_t kid, const char **why)
{
    vg_jwt_key_t *key = &keys->key[keys->count];

    *why = NULL;

    if (keys->count == VG_JWT_KEYS) {
        *why = "too many keys";
    } else if (kid.len > VG_JWT_KID_MAX
               || (kid.len != 0 && memchr(kid.data, '\0', kid.len) != NULL))
    {
        *why = "the key's name is too long, or none";
    }

    if (*why != NULL) {
        return NULL;
    }

    memset(key, 0, sizeof(*key));
    if (kid.len != 0) {
        memcpy(key->kid, kid.data, kid.len);
    }

    return key;
}


const char *
vg_jwt_keys_add(vg_jwt_keys_t *keys, EVP_PKEY *pkey, vg_str_t kid)
{
    const char   *why;
    vg_jwt_key_t *key = jwt_key_place(keys, kid, &why);

    if (key == NULL) {
        return why;
    }

    key->alg = jwt_key_alg(keys, pkey);
    if (key->alg == NULL) {
        return "not a key of an algorithm that is taken";
    }

    if (kid.data == NULL && !jwt_key_thumbprint(pkey, key->kid)) {
        return "the key has no DER form";
    }

    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->key[i].kid, key->kid) == 0 && key->kid[0] != '\0') {
            return keys->key[i].pkey != NULL
                           && EVP_PKEY_eq(keys->key[i].pkey, pkey) == 1
                       ? NULL
                       : "another key has that name";
        }
    }

    if (!EVP_PKEY_up_ref(pkey)) {
        return "the key cannot be kept";
    }

    key->pkey = pkey;
    keys->count++;

    return NULL;
}


const char *
vg_jwt_keys_add_secret(vg_jwt_keys_t *keys, vg_str_t secret, vg_str_t kid)
{
    const char   *why;
    vg_jwt_key_t *key = jwt_key_place(keys, kid, &why);

    if (key == NULL) {
        return why;
    }

    /* a set with both kinds would let one be taken for the other */
    if (keys->algorithms != VG_JWT_HS256) {
        return "a secret stands alone: HS256 and no other algorithm";
    }

    if (secret.len < VG_JWT_SECRET) {
        return "a secret has 32 bytes at least";
    }

    for (key->alg = jwt_algs; key->alg->bit != VG_JWT_HS256; key->alg++) {
        /* its row */
    }

    key->secret = malloc(secret.len);
    if (key->secret == NULL) {
        return "there is no memory";
    }

    memcpy(key->secret, secret.data, secret.len);
    key->secret_len = secret.len;
    keys->count++;

    return NULL;
}


/* in microseconds; false: there is none */
static bool
jwt_certificate_time(const ASN1_TIME *time, int64_t *us)
{
    int        days, seconds;
    bool       known;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);

    known = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);

    if (known) {
        *us = ((int64_t) days * 86400 + seconds) * 1000000;
    }

    return known;
}


static const char *
jwt_certificate_add(vg_jwt_keys_t *keys, X509 *certificate, vg_str_t kid,
                    int64_t now_us)
{
    size_t        count = keys->count;
    int64_t       from, until;
    const char   *why;
    vg_jwt_key_t *key;

    if (!jwt_certificate_time(X509_get0_notBefore(certificate), &from)
        || !jwt_certificate_time(X509_get0_notAfter(certificate), &until)
        || now_us < from || now_us >= until)
    {
        return "the certificate is not valid now";
    }

    why = vg_jwt_keys_add(keys, X509_get0_pubkey(certificate), kid);
    if (why == NULL && keys->count > count) {
        key = &keys->key[count];
        key->from = from;
        key->until = until;
    }

    return why;
}


const char *
vg_jwt_keys_add_pem(vg_jwt_keys_t *keys, vg_str_t pem, vg_str_t kid,
                    int64_t now_us)
{
    BIO        *bio = BIO_new_mem_buf(pem.data, (int) pem.len);
    X509       *certificate = NULL;
    EVP_PKEY   *pkey;
    const char *why = "there is no public key or certificate in PEM";

    if (bio == NULL) {
        return "there is no memory";
    }

    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (pkey != NULL) {
        why = vg_jwt_keys_add(keys, pkey, kid);
    } else if (BIO_reset(bio) == 1) {
        certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    }

    if (certificate != NULL) {
        why = jwt_certificate_add(keys, certificate, kid, now_us);
    }

    EVP_PKEY_free(pkey);
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();

    return why;
}


const char *
vg_jwt_keys_add_file(vg_jwt_keys_t *keys, const char *path, vg_str_t kid,
                     int64_t now_us)
{
    char       *text = malloc(JWT_PEM_MAX);
    FILE       *file = fopen(path, "r");
    size_t      len;
    const char *why = "the file cannot be opened";

    if (text != NULL && file != NULL) {
        len = fread(text, 1, JWT_PEM_MAX, file);
        why = len == JWT_PEM_MAX
                  ? "the file is too long"
                  : vg_jwt_keys_add_pem(keys, (vg_str_t){ text, len }, kid,
                                        now_us);
    }

    if (file != NULL) {
        (void) fclose(file);
    }

    free(text);

    return why;
}


/* -------------------------------------------------------------- verifying */

static vg_jwt_error_t
jwt_verify(const vg_jwt_key_t *key, vg_str_t text, vg_str_t signature)
{
    if (key->pkey == NULL) {
        return vg_jwt_signature_mac((vg_str_t){ key->secret, key->secret_len },
                                    text, signature);
    }

    return key->alg->half == 0
               ? vg_jwt_signature_rsa(key->pkey, text, signature)
               : vg_jwt_signature_ecdsa(key->pkey, key->alg->half, text,
                                        signature);
}


vg_jwt_error_t
vg_jwt_key_verify(const vg_jwt_key_t *key, vg_str_t text, vg_str_t signature)
{
    vg_jwt_error_t error = VG_JWT_SIGNATURE;

    if (signature.len != 0) {
        error = jwt_verify(key, text, signature);
    }

    /* what OpenSSL leaves in its queue would be read by the next TLS call of
     * this process as that connection's own failure */
    ERR_clear_error();

    return error;
}
