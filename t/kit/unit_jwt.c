/* with: nginx-modules/auth/jwt.c nginx-modules/auth/jwt_keys.c nginx-modules/core/vg_json.c | -lyajl -ljwt -lcrypto */

/*
 * Tokens minted by libjwt are verified by us, tokens signed here are verified
 * by libjwt and by us, and everything that is nearly a token is refused for
 * its own reason.
 */

#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../nginx-modules/auth/jwt.h"

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

static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}


static void
is(vg_jwt_error_t got, vg_jwt_error_t want, const char *name)
{
    ok(got == want, name);
    if (got != want) {
        printf("# got: %s\n# want: %s\n", vg_jwt_error_text(got),
               vg_jwt_error_text(want));
    }
}


static char *
bio_text(BIO *bio)
{
    char *data;
    long  len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t) len);

    BIO_free(bio);
    return text;
}


static void
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


static void
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
static vg_str_t
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


static const char *
header_of(const char *alg, const char *kid)
{
    return vg_printf(pool, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
                     alg, kid)
        .data;
}


/* libjwt's own token, signed with any algorithm and any key text */
static vg_str_t
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

static vg_jwt_error_t
verify_at(const vg_jwt_keys_t *keys, vg_str_t token, int64_t now_us)
{
    vg_jwt_claims_t claims;

    return vg_jwt_verify(keys, pool, token, now_us, &claims);
}


static vg_jwt_error_t
verify(const vg_jwt_keys_t *keys, vg_str_t token)
{
    return verify_at(keys, token, NOW_US);
}


static void
test_both_ways(const vg_jwt_keys_t *keys, const pair_t *pair)
{
    jwt_t          *jwt = NULL;
    vg_str_t        token;
    vg_jwt_claims_t claims;

    token = libjwt_mint(JWT_ALG_ES256, pair->private_pem, pair->kid, NOW + 60);
    is(vg_jwt_verify(keys, pool, token, NOW_US, &claims), VG_JWT_OK,
       "a token of libjwt is verified by us");
    ok(vg_str_eq(claims.sub, "u-1") && vg_str_eq(claims.role, "operator")
           && vg_str_eq(claims.company, "c-1")
           && vg_str_eq(claims.scope, "stations:read stations:write")
           && claims.exp == (NOW + 60) * 1000000,
       "its claims arrive");

    token = mint(pair, header_of("ES256", pair->kid),
                 "{\"iss\":\"voltgate\",\"aud\":[\"x\",\"voltgate\"],"
                 "\"sub\":\"u-2\",\"role\":\"driver\",\"exp\":1800000060.5}");
    is(vg_jwt_verify(keys, pool, token, NOW_US, &claims), VG_JWT_OK,
       "a token signed by hand, its audience an array, is verified by us");
    ok(claims.company.data == NULL && claims.scope.data == NULL,
       "absent company and scope are none");
    ok(jwt_decode(&jwt, token.data, (const unsigned char *) pair->public_pem,
                  (int) strlen(pair->public_pem))
               == 0
           && strcmp(jwt_get_grant(jwt, "sub"), "u-2") == 0,
       "and by libjwt");
    jwt_free(jwt);
}


/* What other verifiers fell for: none, and the public key as HMAC secret. */
static void
test_forgeries(const vg_jwt_keys_t *keys, const pair_t *pair,
               const pair_t *other)
{
    vg_str_t token, none;

    none = libjwt_mint(JWT_ALG_NONE, NULL, pair->kid, NOW + 60);
    is(verify(keys, none), VG_JWT_ALGORITHM, "alg none");

    token = libjwt_mint(JWT_ALG_HS256, pair->public_pem, pair->kid, NOW + 60);
    is(verify(keys, token), VG_JWT_ALGORITHM,
       "HS256 with the public key as its secret");

    token =
        libjwt_mint(JWT_ALG_ES256, other->private_pem, other->kid, NOW + 60);
    is(verify(keys, token), VG_JWT_KEY, "a key that we do not know");

    token = libjwt_mint(JWT_ALG_ES256, other->private_pem, pair->kid, NOW + 60);
    is(verify(keys, token), VG_JWT_SIGNATURE, "another key under our kid");

    token = mint(pair, "{\"alg\":\"ES256\"}", "{}");
    is(verify(keys, token), VG_JWT_MALFORMED, "no kid");

    token = mint(pair,
                 vg_printf(pool,
                           "{\"alg\":\"ES256\",\"kid\":\"%s\","
                           "\"crit\":[\"exp\"]}",
                           pair->kid)
                     .data,
                 "{}");
    is(verify(keys, token), VG_JWT_MALFORMED, "a critical extension");

    token = mint(pair,
                 vg_printf(pool,
                           "{\"alg\":\"HS256\",\"alg\":\"ES256\","
                           "\"kid\":\"%s\"}",
                           pair->kid)
                     .data,
                 "{}");
    is(verify(keys, token), VG_JWT_MALFORMED, "alg twice");
}


/* Each of these is signed well; only the claims are wrong. */
static const struct {
    const char    *payload;
    vg_jwt_error_t want;
    const char    *name;
} claim_rows[] = {
#define WHO "\"sub\":\"u\",\"role\":\"driver\","
#define FOR "\"iss\":\"voltgate\",\"aud\":\"voltgate\","
    { "{" WHO FOR "\"exp\":1799999971}", VG_JWT_OK,
      "expired 29 s ago is within the leeway" },
    { "{" WHO FOR "\"exp\":1799999970}", VG_JWT_EXPIRED, "expired 30 s ago" },
    { "{" WHO FOR "\"exp\":0}", VG_JWT_EXPIRED, "exp 0" },
    { "{" WHO FOR "\"iat\":1800000000}", VG_JWT_CLAIMS, "no exp" },
    { "{" WHO FOR "\"exp\":\"1800000060\"}", VG_JWT_CLAIMS, "exp is a string" },
    { "{" WHO FOR "\"exp\":1.9e9}", VG_JWT_CLAIMS, "exp with an exponent" },
    { "{" WHO FOR "\"exp\":-1}", VG_JWT_CLAIMS, "exp is negative" },
    { "{" WHO FOR "\"exp\":99999999999999999999}", VG_JWT_CLAIMS,
      "exp beyond 64 bits" },
    { "{" WHO FOR "\"exp\":1800000060,\"nbf\":1800000031}", VG_JWT_NOT_YET,
      "nbf in 31 s" },
    { "{" WHO FOR "\"exp\":1800000060,\"nbf\":1800000030}", VG_JWT_OK,
      "nbf in 30 s is within the leeway" },
    { "{" WHO FOR "\"exp\":1800000060,\"iat\":1800000031}", VG_JWT_NOT_YET,
      "issued in 31 s" },
    { "{" WHO FOR "\"exp\":1800000060,\"nbf\":null}", VG_JWT_CLAIMS,
      "nbf is null" },
    { "{" WHO "\"aud\":\"voltgate\",\"exp\":1800000060}", VG_JWT_ISSUER,
      "no iss" },
    { "{" WHO "\"iss\":\"voltgat\",\"aud\":\"voltgate\","
      "\"exp\":1800000060}",
      VG_JWT_ISSUER, "another iss" },
    { "{" WHO "\"iss\":\"voltgate\",\"exp\":1800000060}", VG_JWT_AUDIENCE,
      "no aud" },
    { "{" WHO "\"iss\":\"voltgate\",\"aud\":[\"a\",\"b\"],"
      "\"exp\":1800000060}",
      VG_JWT_AUDIENCE, "aud lists others" },
    { "{" WHO "\"iss\":\"voltgate\",\"aud\":[\"voltgate\",1],"
      "\"exp\":1800000060}",
      VG_JWT_CLAIMS, "aud lists a number" },
    { "{" WHO "\"iss\":\"voltgate\",\"aud\":{},\"exp\":1800000060}",
      VG_JWT_CLAIMS, "aud is an object" },
    { "{" FOR "\"role\":\"driver\",\"exp\":1800000060}", VG_JWT_CLAIMS,
      "no sub" },
    { "{" FOR "\"sub\":\"\",\"role\":\"driver\",\"exp\":1800000060}",
      VG_JWT_CLAIMS, "sub is empty" },
    { "{" FOR "\"sub\":\"u\\u0000v\",\"role\":\"driver\","
      "\"exp\":1800000060}",
      VG_JWT_CLAIMS, "sub holds a NUL" },
    { "{" FOR "\"sub\":\"u\",\"exp\":1800000060}", VG_JWT_CLAIMS, "no role" },
    { "{" WHO FOR "\"company\":7,\"exp\":1800000060}", VG_JWT_CLAIMS,
      "company is a number" },
    { "{" WHO FOR "\"scope\":[\"a\"],\"exp\":1800000060}", VG_JWT_CLAIMS,
      "scope is an array" },
    { "[]", VG_JWT_MALFORMED, "the payload is an array" },
    { "{", VG_JWT_MALFORMED, "the payload is no JSON" },
};


static void
test_claims(const vg_jwt_keys_t *keys, const pair_t *pair)
{
    for (size_t i = 0; i < sizeof(claim_rows) / sizeof(claim_rows[0]); i++) {
        is(verify(keys, mint(pair, header_of("ES256", pair->kid),
                             claim_rows[i].payload)),
           claim_rows[i].want, claim_rows[i].name);
    }
}


static void
test_damage(const vg_jwt_keys_t *keys, const pair_t *pair)
{
    char    *copy;
    size_t   i, accepted = 0;
    vg_str_t token =
        libjwt_mint(JWT_ALG_ES256, pair->private_pem, pair->kid, NOW + 60);

    is(verify(keys, token), VG_JWT_OK, "the token is good before the damage");

    /* a copy of the exact size, so that a read behind it is seen by ASan */
    for (i = 0; i < token.len; i++) {
        copy = malloc(i + 1);
        memcpy(copy, token.data, i);
        accepted += verify(keys, (vg_str_t){ copy, i }) == VG_JWT_OK;
        free(copy);
    }
    ok(accepted == 0, "truncated at each length it is refused");

    copy = malloc(token.len + 1);
    for (i = 0; i < token.len; i++) {
        memcpy(copy, token.data, token.len);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        accepted += verify(keys, (vg_str_t){ copy, token.len }) == VG_JWT_OK;
        copy[i] = '=';
        accepted += verify(keys, (vg_str_t){ copy, token.len }) == VG_JWT_OK;
        copy[i] = '.';
        if (token.data[i] != '.') {
            accepted +=
                verify(keys, (vg_str_t){ copy, token.len }) == VG_JWT_OK;
        }
    }
    free(copy);
    ok(accepted == 0, "with any one character changed it is refused");

    /* 64 bytes end in a digit with 4 unused bits: another spelling of the
     * same bytes would be a second token */
    copy = strndup(token.data, token.len);
    copy[token.len - 1]++;
    is(verify(keys, (vg_str_t){ copy, token.len }), VG_JWT_MALFORMED,
       "unused bits of the last digit must be zero");
    free(copy);
}


static void
test_sizes(const vg_jwt_keys_t *keys, const pair_t *pair)
{
    char    *text = malloc(VG_JWT_MAX + 1);
    vg_str_t token =
        libjwt_mint(JWT_ALG_ES256, pair->private_pem, pair->kid, NOW + 60);

    memset(text, 'A', VG_JWT_MAX + 1);
    is(verify(keys, (vg_str_t){ text, VG_JWT_MAX + 1 }), VG_JWT_TOO_LONG,
       "4097 bytes are too long");
    is(verify(keys, (vg_str_t){ text, VG_JWT_MAX }), VG_JWT_MALFORMED,
       "4096 bytes without a dot are malformed");
    free(text);

    is(verify(keys, VG_STR("..")), VG_JWT_MALFORMED, "two dots");
    is(verify_at(keys, token, (NOW + 90) * 1000000), VG_JWT_EXPIRED,
       "the same token later has expired");
}


static void
test_keys(vg_jwt_keys_t *keys, const pair_t *pair, const pair_t *rsa)
{
    ok(strcmp(vg_jwt_keys_kid(keys), pair->kid) == 0,
       "a kid is the thumbprint of the DER key");
    ok(vg_jwt_keys_add_pem(keys, pair->path) == NULL
           && strcmp(vg_jwt_keys_kid(keys), pair->kid) == 0,
       "the same key again is fine");
    ok(vg_jwt_keys_add_pem(keys, rsa->path) != NULL,
       "an RSA key is kept out: RS256 is not enabled");
    ok(vg_jwt_keys_add_pem(keys, "/nowhere.pem") != NULL, "a missing file");
    ok(vg_jwt_keys_add_pem(keys, "/dev/null") != NULL, "an empty file");
}


int
main(void)
{
    pair_t         pair, other, p384, rsa;
    vg_jwt_keys_t *keys;

    pool = vg_arena_create();
    pair_make(&pair, EVP_EC_gen("P-256"));
    pair_make(&other, EVP_EC_gen("P-256"));
    pair_make(&p384, EVP_EC_gen("P-384"));
    pair_make(&rsa, EVP_RSA_gen(2048));

    keys = vg_jwt_keys_create(VG_STR("voltgate"), VG_STR("voltgate"));
    ok(vg_jwt_keys_kid(keys) == NULL, "no key, no kid");
    ok(vg_jwt_keys_add_pem(keys, p384.path) != NULL,
       "a key of another curve is kept out");
    ok(vg_jwt_keys_add_pem(keys, pair.path) == NULL, "a P-256 key is added");

    test_keys(keys, &pair, &rsa);
    test_both_ways(keys, &pair);
    test_forgeries(keys, &pair, &other);
    test_claims(keys, &pair);
    test_damage(keys, &pair);
    test_sizes(keys, &pair);

    vg_jwt_keys_free(keys);
    pair_drop(&pair);
    pair_drop(&other);
    pair_drop(&p384);
    pair_drop(&rsa);
    vg_arena_destroy(pool);

    printf("1..%u\n", tests);
    return failures != 0;
}
