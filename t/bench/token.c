/*
 * token.c: what a token costs that is seen for the first time, in one process
 * and with one key: OpenSSL's bare verification, all of ours, libjwt's decode;
 * and the two hashes that a remembered one could be found by.
 *
 * Calls take turns, each kind coming first as often as another, since what
 * comes behind OpenSSL finds its caches warm; medians are printed, in us.
 */

#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "claims.h"
#include "jwt_keys.h"
#include "sip.h"

#define CALLS 9000 /* of each                                            */
#define KINDS 5

static EVP_PKEY      *pkey;
static vg_jwt_keys_t *keys;
static char          *token, *pem;
static char           signed_text[4096];
static size_t         signed_len, der_len;
static unsigned char  der[80];
static volatile int   sink;


static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}


static void
fail(const char *what)
{
    fprintf(stderr, "token: %s\n", what);
    exit(1);
}


static void
bare(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) != 1
        || EVP_DigestVerify(ctx, der, der_len, (unsigned char *) signed_text,
                            signed_len)
               != 1)
    {
        fail("bare");
    }
    EVP_MD_CTX_free(ctx);
}


static void
ours(void)
{
    vg_jwt_t        jwt;
    vg_pool_t      *pool = vg_arena_create();
    vg_claims_t     who;
    vg_jwt_terms_t  terms = { VG_STR("https://localhost:8443"),
                              VG_STR("voltgate"), VG_JWT_LEEWAY };
    vg_claims_map_t map = { .role = VG_STR("role"),
                            .company = VG_STR("company"),
                            .scope = VG_STR("scope") };
    vg_jwt_claims_t claims;

    if (vg_jwt_read(pool, vg_str(token), &jwt) != VG_JWT_OK
        || vg_jwt_verify(&jwt, keys, &terms, (int64_t) time(NULL) * 1000000,
                         &claims)
               != VG_JWT_OK
        || vg_claims_read(&map, jwt.payload, &who) != VG_JWT_OK)
    {
        fail("ours");
    }
    vg_arena_destroy(pool);
}


static void
libjwt(void)
{
    jwt_t *jwt = NULL;

    if (jwt_decode(&jwt, token, (unsigned char *) pem, (int) strlen(pem))) {
        fail("libjwt");
    }
    jwt_free(jwt);
}


static void
sha256(void)
{
    unsigned char hash[32];

    SHA256((unsigned char *) token, strlen(token), hash);
    sink += hash[0];
}


static void
sip(void)
{
    vg_sip_t key = { 1, 2 };

    sink += (int) vg_sip(&key, token, strlen(token)).one;
}


static void
prepare(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *private, *dot;
    jwt_t               *jwt;
    vg_str_t             sig, none = { NULL, 0 };
    ECDSA_SIG           *ecdsa = ECDSA_SIG_new();
    vg_pool_t           *pool = vg_arena_create();
    unsigned char       *to = der;
    const unsigned char *raw;

    pkey = EVP_EC_gen("P-256");
    PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
    BIO_write(bio, "", 1);
    BIO_get_mem_data(bio, &private);
    keys = vg_jwt_keys_create(VG_JWT_ES256 | VG_JWT_RS256, true);
    if (vg_jwt_keys_add(keys, pkey, none) != NULL) {
        fail("key");
    }
    jwt_new(&jwt);
    jwt_add_header(jwt, "kid", vg_jwt_keys_kid(keys));
    jwt_add_grants_json(
        jwt, "{\"iss\":\"https://localhost:8443\",\"aud\":\"voltgate\","
             "\"sub\":\"019393c0-0000-7000-8000-000000000001\","
             "\"role\":\"driver\","
             "\"sid\":\"019393c0-0000-7000-8000-000000000002\","
             "\"jti\":\"019393c0-0000-7000-8000-000000000003\","
             "\"iat\":1700000000.123456,\"exp\":99999999999}");
    if (jwt_set_alg(jwt, JWT_ALG_ES256, (unsigned char *) private,
                    (int) strlen(private))
            != 0
        || (token = jwt_encode_str(jwt)) == NULL)
    {
        fail("mint");
    }
    dot = strrchr(token, '.');
    signed_len = (size_t) (dot - token);
    memcpy(signed_text, token, signed_len);
    if (!vg_jwt_base64url(pool, vg_str(dot + 1), &sig)) {
        fail("signature");
    }
    raw = (const unsigned char *) sig.data;
    ECDSA_SIG_set0(ecdsa, BN_bin2bn(raw, 32, NULL),
                   BN_bin2bn(raw + 32, 32, NULL));
    der_len = (size_t) i2d_ECDSA_SIG(ecdsa, &to);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, pkey);
    BIO_write(bio, "", 1);
    BIO_get_mem_data(bio, &pem);
}


static int
by_size(const void *a, const void *b)
{
    return *(const double *) a < *(const double *) b ? -1 : 1;
}


int
main(void)
{
    double begun, *took = calloc((size_t) KINDS * CALLS, sizeof(double));
    size_t i, k, n;

    static void (*const kinds[KINDS])(void) = { bare, ours, libjwt, sha256,
                                                sip };

    prepare();
    if (took == NULL) {
        fail("memory");
    }
    for (n = 0; n < CALLS; n++) {
        for (i = 0; i < KINDS; i++) {
            k = (i * (1 + n % 4) + n) % KINDS;
            begun = now();
            kinds[k]();
            took[k * CALLS + n] = now() - begun;
        }
    }
    for (k = 0; k < KINDS; k++) {
        qsort(took + k * CALLS, CALLS, sizeof(double), by_size);
        printf("%.3f%c", took[k * CALLS + CALLS / 2], k < 4 ? ' ' : '\n');
    }
    free(took);
    return 0;
}
