/* with: nginx-modules/auth/jwt.c nginx-modules/auth/jwt_keys.c nginx-modules/auth/jwt_signature.c nginx-modules/auth/claims.c nginx-modules/core/vg_json.c | -lyajl -ljwt -lcrypto */

/*
 * Tokens minted by libjwt are verified by us, tokens signed here are verified
 * by libjwt and by us, and everything that is nearly a token is refused for
 * its own reason.
 */

#define _GNU_SOURCE

#include "minted.h"


static void
test_both_ways(const vg_jwt_keys_t *keys, const pair_t *pair)
{
    jwt_t          *jwt = NULL;
    vg_str_t        token;
    vg_claims_t     who;
    vg_jwt_claims_t claims;

    token = libjwt_mint(JWT_ALG_ES256, pair->private_pem, pair->kid, NOW + 60);
    is(verify_all(keys, token, NOW_US, &claims, &who), VG_JWT_OK,
       "a token of libjwt is verified by us");
    ok(vg_str_eq(claims.sub, "u-1") && vg_str_eq(who.role, "operator")
           && vg_str_eq(who.company, "c-1")
           && vg_str_eq(who.scope, "stations:read stations:write")
           && claims.exp == (NOW + 60) * 1000000,
       "its claims arrive");

    token = mint(pair, header_of("ES256", pair->kid),
                 "{\"iss\":\"voltgate\",\"aud\":[\"x\",\"voltgate\"],"
                 "\"sub\":\"u-2\",\"role\":\"driver\",\"exp\":1800000060.5}");
    is(verify_all(keys, token, NOW_US, &claims, &who), VG_JWT_OK,
       "a token signed by hand, its audience an array, is verified by us");
    ok(who.company.data == NULL && who.scope.data == NULL && claims.iat == 0
           && claims.exp == 1800000060500000,
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

    token = mint(pair, "{\"alg\":\"ES256\"}",
                 "{\"iss\":\"voltgate\",\"aud\":\"voltgate\"}");
    is(verify(keys, token), VG_JWT_KEY, "no kid");

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
    { "{" WHO FOR "\"exp\":99999999999.9999999}", VG_JWT_OK,
      "the last moment that can be written" },
    { "{" WHO FOR "\"exp\":100000000000}", VG_JWT_CLAIMS, "one second more" },
    { "{" WHO FOR "\"exp\":1800000060.}", VG_JWT_MALFORMED,
      "a point without a fraction is no JSON" },
    { "{" WHO FOR "\"exp\":1800000060,\"exp\":1900000000}", VG_JWT_MALFORMED,
      "exp twice" },
    { "{" WHO FOR "\"role\":\"admin\",\"exp\":1800000060}", VG_JWT_MALFORMED,
      "role twice" },
    { "{" WHO FOR "\"exp\":1800000060,\"sid\":7}", VG_JWT_CLAIMS,
      "sid is a number" },
    { "{" WHO FOR "\"exp\":1800000060,\"jti\":[]}", VG_JWT_CLAIMS,
      "jti is an array" },
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
    { "{" FOR "\"sub\":\"u\",\"exp\":1800000060}", VG_JWT_ROLE, "no role" },
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
       "6145 bytes are too long");
    is(verify(keys, (vg_str_t){ text, VG_JWT_MAX }), VG_JWT_MALFORMED,
       "6144 bytes without a dot are malformed");
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
    ok(add(keys, pair->path) == NULL
           && strcmp(vg_jwt_keys_kid(keys), pair->kid) == 0,
       "the same key again is fine");
    ok(add(keys, rsa->path) != NULL,
       "an RSA key is kept out: RS256 is not taken here");
    ok(add(keys, "/nowhere.pem") != NULL, "a missing file");
    ok(add(keys, "/dev/null") != NULL, "an empty file");
    ok(add(keys, "/dev/zero") != NULL, "an endless one");
    ok(vg_jwt_keys_add_secret(keys, VG_STR("0123456789abcdef0123456789abcdef"),
                              VG_STR(""))
           != NULL,
       "a secret does not stand beside public keys");
    ok(vg_jwt_keys_add(keys, rsa->pkey, VG_STR("x")) != NULL
           && vg_jwt_keys_count(keys) == 1,
       "and nothing of it is left");
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

    keys = vg_jwt_keys_create(VG_JWT_ES256, true);
    ok(vg_jwt_keys_kid(keys) == NULL, "no key, no kid");
    ok(add(keys, p384.path) != NULL, "a key of another curve is kept out");
    ok(add(keys, pair.path) == NULL, "a P-256 key is added");

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
