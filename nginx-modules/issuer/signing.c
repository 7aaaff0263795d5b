/*
 * signing.c: see signing.h.
 */

#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "signing.h"

#define WHY      256
#define PEM_MAX  16384
#define NAME_LEN 20 /* 20261121T104500Z.pem */
#define B64_MAX  1024

static const char pattern[] = "dddddddd-dddddd-----";
static const char fixed[] = "        T      Z.pem";


int64_t
vg_signing_made(const char *name)
{
    char     *end;
    struct tm tm = { 0 };

    if (strlen(name) != NAME_LEN) {
        return -1;
    }
    for (size_t i = 0; i < NAME_LEN; i++) {
        if (pattern[i] == 'd' ? name[i] < '0' || name[i] > '9'
                              : name[i] != fixed[i]) {
            return -1;
        }
    }
    end = strptime(name, "%Y%m%dT%H%M%SZ", &tm);
    return end != NULL ? (int64_t) timegm(&tm) : -1;
}


/* ---------------------------------------------------------------- one key */

static void
base64url(const unsigned char *in, size_t len, char *out)
{
    size_t n = (size_t) EVP_EncodeBlock((unsigned char *) out, in, (int) len);

    while (n > 0 && out[n - 1] == '=') {
        n--;
    }
    out[n] = '\0';
    for (char *p = out; *p != '\0'; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }
}


/* A number of the key, as long as it is, or of exactly so many bytes. */
static bool
key_number(EVP_PKEY *pkey, const char *name, size_t size, char *out)
{
    int           len;
    bool          good;
    BIGNUM       *n = NULL;
    unsigned char bytes[B64_MAX / 2];

    if (EVP_PKEY_get_bn_param(pkey, name, &n) != 1) {
        return false;
    }
    len = size ? (int) size : BN_num_bytes(n);
    good = (size_t) len <= sizeof(bytes) && BN_bn2binpad(n, bytes, len) == len;
    BN_free(n);
    if (good) {
        base64url(bytes, (size_t) len, out);
    }
    return good;
}


bool
vg_signing_kid(EVP_PKEY *pkey, char *kid)
{
    unsigned char digest[SHA256_DIGEST_LENGTH], *der = NULL;
    int           len = i2d_PUBKEY(pkey, &der);

    if (len <= 0) {
        return false;
    }
    SHA256(der, (size_t) len, digest);
    OPENSSL_free(der);
    for (size_t i = 0; i < 8; i++) {
        (void) snprintf(kid + 2 * i, 3, "%02x", digest[i]);
    }
    return true;
}


static const char *
key_describe(vg_signing_key_t *key)
{
    int  n = -1;
    char group[64] = "", one[B64_MAX], two[B64_MAX];

    if (!vg_signing_kid(key->pkey, key->kid)) {
        return "it has no DER form";
    }
    if (EVP_PKEY_is_a(key->pkey, "EC")
        && EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), NULL) == 1
        && strcmp(group, "prime256v1") == 0
        && key_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, 32, one)
        && key_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, 32, two))
    {
        strcpy(key->alg, "ES256");
        n = asprintf(
            &key->jwk,
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\","
            "\"alg\":\"ES256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
            key->kid, one, two);
    } else if (EVP_PKEY_is_a(key->pkey, "RSA")
               && EVP_PKEY_get_bits(key->pkey) >= 2048
               && key_number(key->pkey, OSSL_PKEY_PARAM_RSA_N, 0, one)
               && key_number(key->pkey, OSSL_PKEY_PARAM_RSA_E, 0, two))
    {
        strcpy(key->alg, "RS256");
        n = asprintf(&key->jwk,
                     "{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\","
                     "\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}",
                     key->kid, one, two);
    } else {
        return "it is neither an EC key on P-256 nor an RSA key of 2048 bits";
    }
    if (n < 0) {
        key->jwk = NULL;
        return "no memory";
    }
    return NULL;
}


static const char *
key_read(vg_signing_key_t *key, int folder, const char *name)
{
    int         fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    BIO        *bio;
    ssize_t     n = -1;
    struct stat st;

    if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if (st.st_mode & (S_IRWXO | S_IWGRP)) {
            (void) close(fd);
            return "others than its owner and group may read it";
        }
        key->pem = malloc(PEM_MAX);
        n = key->pem ? read(fd, key->pem, PEM_MAX - 1) : -1;
    }
    if (fd != -1) {
        (void) close(fd);
    }
    if (n <= 0) {
        return "it cannot be read";
    }
    key->pem[n] = '\0';
    key->len = (size_t) n;
    bio = BIO_new_mem_buf(key->pem, (int) n);
    key->pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return key->pkey ? key_describe(key) : "it is no private key in PEM";
}


/* ------------------------------------------------------------- the folder */

static int
is_key(const struct dirent *entry)
{
    return vg_signing_made(entry->d_name) >= 0;
}


void
vg_signing_free(vg_signing_t *keys)
{
    if (keys == NULL) {
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        EVP_PKEY_free(keys->key[i].pkey);
        if (keys->key[i].pem != NULL) {
            OPENSSL_cleanse(keys->key[i].pem, PEM_MAX);
        }
        free(keys->key[i].pem);
        free(keys->key[i].jwk);
    }
    free(keys);
}


static const char *
keys_read(vg_signing_t *keys, int folder, struct dirent **names, int n,
          char *why)
{
    const char       *wrong = NULL;
    vg_signing_key_t *key;

    if (n > VG_SIGNING_MAX) {
        return "there are too many keys in it";
    }
    for (int i = 0; i < n && wrong == NULL; i++) {
        key = &keys->key[keys->count++];
        key->made = vg_signing_made(names[i]->d_name);
        wrong = key_read(key, folder, names[i]->d_name);
        if (wrong != NULL) {
            (void) snprintf(why, WHY, "%.32s: %.200s", names[i]->d_name, wrong);
            return why;
        }
    }
    return keys->count ? NULL : "there is no key in it";
}


vg_signing_t *
vg_signing_read(const char *folder, char *why)
{
    int             n, fd;
    const char     *wrong = "no memory";
    vg_signing_t   *keys = calloc(1, sizeof(vg_signing_t));
    struct dirent **names = NULL;

    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    n = fd == -1 ? -1 : scandirat(fd, ".", &names, is_key, alphasort);
    if (n < 0) {
        wrong = strerror(errno);
    } else if (keys != NULL) {
        wrong = keys_read(keys, fd, names, n, why);
    }
    while (n > 0) {
        free(names[--n]);
    }
    free(names);
    if (fd != -1) {
        (void) close(fd);
    }
    if (wrong != NULL) {
        if (wrong != why) {
            (void) snprintf(why, WHY, "%s", wrong);
        }
        vg_signing_free(keys);
        return NULL;
    }
    return keys;
}


/* ------------------------------------------------------------------ times */

const vg_signing_key_t *
vg_signing_present(const vg_signing_t *keys, int64_t now, int64_t announce)
{
    for (size_t i = keys->count; i > 0; i--) {
        if (keys->key[i - 1].made + announce <= now) {
            return &keys->key[i - 1];
        }
    }
    return keys->count ? &keys->key[0] : NULL;
}


bool
vg_signing_shown(const vg_signing_t *keys, size_t i, int64_t now,
                 int64_t announce, int64_t keep)
{
    return i + 1 == keys->count
           || keys->key[i + 1].made + announce + keep > now;
}
