/*
 * token.c: signed tokens of the operator's own key, for machines, development
 * and the first admin.
 *
 * ES256 alone. The header's kid is the first 16 hex digits of SHA-256 over
 * the DER of the public key, so that a verifier finds the key by what it is.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "cli.h"
#include "signing.h"

typedef struct {
    const char *role;
    const char *subject;
    const char *company;
    const char *scopes;
    const char *key;
    long        ttl; /* s; negative: already over, for tests */
} token_t;

static int token_ttl(const char *text, long *ttl);
static int token_print(const token_t *token, const char *path);
static int token_claims(jwt_t *jwt, const token_t *token);
static int key_id(const char *pem, size_t len, char *kid);


int
cli_token(int argc, char **argv)
{
    static const struct option options[] = {
        { "role", required_argument, NULL, 'r' },
        { "subject", required_argument, NULL, 's' },
        { "company", required_argument, NULL, 'c' },
        { "scopes", required_argument, NULL, 'o' },
        { "ttl", required_argument, NULL, 't' },
        { "key", required_argument, NULL, 'k' },
        { NULL, 0, NULL, 0 },
    };
    token_t token = { .ttl = 3600 };
    char   *path = NULL;
    int     option, rc;

    /* getopt's state is the process's, and one command runs in it */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            token.role = optarg;
            break;
        case 's':
            token.subject = optarg;
            break;
        case 'c':
            token.company = optarg;
            break;
        case 'o':
            token.scopes = optarg;
            break;
        case 'k':
            token.key = optarg;
            break;
        case 't':
            if (token_ttl(optarg, &token.ttl) != 0) {
                return cli_fail("--ttl is a number and s, m, h or d");
            }
            break;
        default:
            return 2;
        }
    }
    if (token.role == NULL || token.subject == NULL || optind != argc) {
        return cli_fail("token needs --role and --subject");
    }

    if (token.key == NULL) {
        path = cli_key_path("private.pem");
        if (path == NULL) {
            return cli_fail("no memory");
        }
    }
    rc = token_print(&token, path ? path : token.key);
    free(path);
    return rc;
}


static int
token_ttl(const char *text, long *ttl)
{
    static const struct {
        char unit;
        long seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    char *end;
    long  number;

    errno = 0;
    number = strtol(text, &end, 10);
    /* ten years bound every product below */
    if (errno != 0 || end == text || labs(number) > 10L * 366 * 86400) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (end[0] == units[i].unit && end[1] == '\0') {
            *ttl = number * units[i].seconds;
            return 0;
        }
    }
    return 1;
}


static int
token_print(const token_t *token, const char *path)
{
    size_t len;
    char  *pem = cli_read(path, &len), *text = NULL;
    char   kid[17];
    jwt_t *jwt = NULL;
    int    rc = 1;

    if (pem == NULL || key_id(pem, len, kid) != 0) {
        goto done;
    }
    if (jwt_new(&jwt) != 0
        || jwt_set_alg(jwt, JWT_ALG_ES256, (unsigned char *) pem, (int) len)
               != 0
        || jwt_add_header(jwt, "kid", kid) != 0 || token_claims(jwt, token) != 0
        || (text = jwt_encode_str(jwt)) == NULL)
    {
        cli_fail("the token could not be signed with %s", path);
        goto done;
    }
    rc = puts(text) < 0;

done:
    free(text);
    if (jwt != NULL) {
        jwt_free(jwt);
    }
    if (pem != NULL) {
        OPENSSL_cleanse(pem, len);
        free(pem);
    }
    return rc;
}


static int
token_claims(jwt_t *jwt, const token_t *token)
{
    const struct {
        const char *name;
        const char *value; /* NULL: the claim is left out */
    } claims[] = {
        { "iss", "voltgate" },         { "aud", "voltgate" },
        { "sub", token->subject },     { "role", token->role },
        { "company", token->company }, { "scope", token->scopes },
    };
    time_t now = time(NULL);

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (claims[i].value != NULL
            && jwt_add_grant(jwt, claims[i].name, claims[i].value) != 0)
        {
            return 1;
        }
    }
    return jwt_add_grant_int(jwt, "iat", now) != 0
           || jwt_add_grant_int(jwt, "exp", now + token->ttl) != 0;
}


/* kid of the key pair whose private half is in pem; kid holds 17 bytes */
static int
key_id(const char *pem, size_t len, char *kid)
{
    BIO      *bio = BIO_new_mem_buf(pem, (int) len);
    EVP_PKEY *key = NULL;
    int       rc;

    if (bio != NULL) {
        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    }
    if (key == NULL || !vg_signing_kid(key, kid)) {
        rc = cli_fail("the key is no private key in PEM");
    } else {
        rc = 0;
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    return rc;
}
