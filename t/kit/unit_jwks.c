/* with: nginx-modules/auth/jwks.c nginx-modules/auth/jwt.c nginx-modules/auth/jwt_keys.c nginx-modules/auth/jwt_signature.c nginx-modules/core/vg_json.c | -lyajl -lcrypto
 *
 * unit_jwks.c: key sets as issuers publish them, and as nobody should.
 */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/auth/jwks.h"

static unsigned   tests, failures;
static vg_pool_t *pool;

static char ec[512], rsa[1024], off[512], small[1024];


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}


/* one number of a key as base64url; flip: another one, of the same length */
static const char *
number(EVP_PKEY *pkey, const char *name, int len, unsigned char flip)
{
    int           n;
    char         *text;
    BIGNUM       *bn = NULL;
    unsigned char raw[1024];

    EVP_PKEY_get_bn_param(pkey, name, &bn);
    n = len ? len : BN_num_bytes(bn);
    BN_bn2binpad(bn, raw, n);
    BN_free(bn);
    raw[n - 1] ^= flip;
    text = vg_alloc(pool, (size_t) n * 4 / 3 + 8);
    n = EVP_EncodeBlock((unsigned char *) text, raw, n);
    for (; text[n - 1] == '='; n--) {
    }
    text[n] = '\0';
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }
    return text;
}


static void
make(void)
{
    EVP_PKEY *p256 = EVP_EC_gen("P-256"), *r2048 = EVP_RSA_gen(2048);
    EVP_PKEY *r1024 = EVP_RSA_gen(1024);

    sprintf(ec, "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"",
            number(p256, OSSL_PKEY_PARAM_EC_PUB_X, 32, 0),
            number(p256, OSSL_PKEY_PARAM_EC_PUB_Y, 32, 0));
    sprintf(off, "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"",
            number(p256, OSSL_PKEY_PARAM_EC_PUB_X, 32, 0),
            number(p256, OSSL_PKEY_PARAM_EC_PUB_Y, 32, 1));
    sprintf(rsa, "\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"",
            number(r2048, OSSL_PKEY_PARAM_RSA_N, 0, 0));
    sprintf(small, "\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"",
            number(r1024, OSSL_PKEY_PARAM_RSA_N, 0, 0));
    EVP_PKEY_free(p256);
    EVP_PKEY_free(r2048);
    EVP_PKEY_free(r1024);
}


/* how many keys there are in it; -1: it is refused, and *why says so */
static int
count(unsigned algorithms, const char *text, const char **why)
{
    int            n = -1;
    vg_jwt_keys_t *keys;

    *why = "";
    keys = vg_jwks_read(pool, vg_str(text), algorithms, why);
    if (keys != NULL) {
        n = (int) vg_jwt_keys_count(keys);
    }
    vg_jwt_keys_free(keys);
    return n;
}


static const char *
set(const char *fmt, const char *a, const char *b)
{
    return vg_printf(pool, fmt, a, b).data;
}


static void
test_good(void)
{
    const char *why;
    unsigned    all = VG_JWT_ES256 | VG_JWT_RS256;

    ok(count(all,
             set("{\"keys\":[{\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"ES256\","
                 "%s},{\"kid\":\"b\",%s}]}",
                 ec, rsa),
             &why)
           == 2,
       "one of each");
    ok(count(VG_JWT_RS256,
             set("{\"keys\":[{\"kid\":\"a\",%s},{\"kid\":\"b\",%s}]}", ec, rsa),
             &why)
           == 1,
       "where RS256 alone is taken");
    ok(count(all, set("{\"keys\":[{%s},{%s}],\"more\":1}", ec, rsa), &why) == 2,
       "keys without names");
    ok(count(
           all,
           set("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"},"
               "{\"key_ops\":[\"verify\"],%s},{\"kid\":\"x\"}]}",
               ec, ""),
           &why)
           == 1,
       "a kind that is not known is left out");
    ok(count(
           all,
           set("{\"keys\":[{\"use\":\"enc\",%s},{\"key_ops\":[\"sign\"],%s}]}",
               ec, rsa),
           &why)
               == -1
           && strcmp(why, "it holds no key that can be used") == 0,
       "keys for something else are left out");
    ok(count(all, set("{\"keys\":[{\"alg\":\"ES384\",%s},{%s}]}", ec, rsa),
             &why)
           == 1,
       "a key of another algorithm is left out");
    ok(count(all, set("{\"keys\":[{%s},{%s}]}", off, rsa), &why) == 1,
       "a point that is not of the curve is left out");
    ok(count(all, set("{\"keys\":[{%s},{%s}]}", small, ec), &why) == 1,
       "a modulus of 1024 bits is left out");
}


/* each is refused as a whole */
static void
test_bad(void)
{
    const char *why;
    char        many[64 * 256];
    size_t      n, len = (size_t) sprintf(many, "{\"keys\":[");
    unsigned    all = VG_JWT_ES256 | VG_JWT_RS256;

    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[7]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"=\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[",
    };

    for (n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
        ok(count(all, texts[n], &why) == -1 && why[0] != '\0', texts[n]);
    }
    ok(count(all, set("{\"keys\":[{\"d\":\"AA\",%s},{%s}]}", ec, rsa), &why)
               == -1
           && strcmp(why, "it holds a private key") == 0,
       "a private key");
    ok(count(all,
             set("{\"keys\":[{\"kid\":\"a\",%s},{\"kid\":\"a\",%s}]}", ec, rsa),
             &why)
               == -1
           && strcmp(why, "two keys have one name") == 0,
       "one name for two");
    ok(count(all, set("{\"keys\":[{\"kid\":7,%s}]}%s", ec, ""), &why) == -1,
       "a name that is a number");
    ok(count(all, set("{\"keys\":[{\"kty\":\"EC\",%s}]}%s", ec, ""), &why)
           == -1,
       "a member twice");
    ok(count(all,
             set("{\"keys\":[%s]}%s", "{\"kty\":\"RSA\",\"n\":\"AA\"}", ""),
             &why)
           == -1,
       "no exponent");

    for (n = 0; n < 40; n++) {
        len += (size_t) sprintf(many + len, "%s{%s}", n ? "," : "", ec);
    }
    sprintf(many + len, "]}");
    ok(count(all, many, &why) == -1 && strcmp(why, "too many keys") == 0,
       "forty keys are too many");
}


/* exponents and moduli that would make anything a signature */
static void
test_rsa(void)
{
    char        even[1024];
    const char *why, *e[] = { "AQ", "Ag", "AA", "AQABAQABAQABAQ", "" };
    size_t      n, at = (size_t) (strstr(rsa, "\",\"e\"") - rsa);

    for (n = 0; n < 5; n++) {
        ok(count(VG_JWT_RS256,
                 set("{\"keys\":[{%s,\"e\":\"%s\"}]}",
                     vg_printf(pool, "%.*s\"", (int) at, rsa).data, e[n]),
                 &why)
               == -1,
           "an exponent of one, two, zero, too many bytes, none");
    }
    memcpy(even, rsa, sizeof(even));
    even[at - 1] =
        'A'; /* its last digit has two or four bits of the last byte */
    even[at - 2] = 'A';
    ok(count(VG_JWT_RS256, set("{\"keys\":[{%s}]}%s", even, ""), &why) == -1,
       "an even modulus");
}


int
main(void)
{
    pool = vg_arena_create();
    make();
    test_good();
    test_bad();
    test_rsa();
    vg_arena_destroy(pool);
    printf("1..%u\n", tests);
    return failures != 0;
}
