/*
 * signing.h: the keys that tokens are signed with, out of a folder. Pure C over
 * OpenSSL and vg_json.h.
 *
 * A key is a file <when it was made>.pem, as in 20261121T104500Z.pem: an EC key
 * on P-256 (ES256) or an RSA key of 2048 bits and more (RS256). One set serves
 * a process until the folder has changed; then another is read, and the old
 * one freed.
 */

#ifndef VG_SIGNING_H
#define VG_SIGNING_H

#include <openssl/evp.h>

#include "vg_json.h"

#define VG_SIGNING_MAX 16 /* keys in a folder                              */

typedef struct {
    char      kid[17]; /* 16 hex digits of SHA-256 over its public DER     */
    char      alg[8];
    int64_t   made; /* s since 1970                                        */
    EVP_PKEY *pkey;
    char     *pem; /* as libjwt wants it: NUL-terminated                   */
    size_t    len;
    char     *jwk; /* its public half: RFC 7517                            */
} vg_signing_key_t;

typedef struct {
    size_t           count; /* oldest first                                */
    vg_signing_key_t key[VG_SIGNING_MAX];
} vg_signing_t;

/* What is in the folder; NULL: *why says what is wrong with it, in why[256]. */
vg_signing_t *vg_signing_read(const char *folder, char *why);
void          vg_signing_free(vg_signing_t *keys); /* NULL: nothing        */

/* The key to sign with now: the newest that was shown for `announce` s, so that
 * others know it; else the oldest. NULL: there is none. */
const vg_signing_key_t *vg_signing_present(const vg_signing_t *keys,
                                           int64_t now, int64_t announce);

/* Is this key still shown? Not when another has signed for `keep` s. */
bool vg_signing_shown(const vg_signing_t *keys, size_t i, int64_t now,
                      int64_t announce, int64_t keep);

/* The kid of a pair, from either half: 17 bytes. False: no DER form. */
bool vg_signing_kid(EVP_PKEY *pkey, char *kid);

/* The seconds that a file's name says; -1: it is no key's. */
int64_t vg_signing_made(const char *name);

#endif /* VG_SIGNING_H */
