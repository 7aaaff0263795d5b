/* with: nginx-modules/auth/jwt.c nginx-modules/auth/jwt_keys.c nginx-modules/auth/jwt_signature.c nginx-modules/auth/claims.c nginx-modules/core/vg_json.c | -lyajl -ljwt -lcrypto */

/*
 * Keys of each kind, with and without names, out of certificates; and
 * signatures at the edge of what is one.
 */

#define _GNU_SOURCE

#include <openssl/x509v3.h>

#include "minted.h"


#define ONE_WHO                                                                \
    "{\"iss\":\"voltgate\",\"aud\":\"voltgate\",\"sub\":\"u\","                \
    "\"role\":\"driver\",\"exp\":1800000060}"

/* two keys without a name: the second makes the first ambiguous */
static void
test_unnamed(const pair_t *pair, const pair_t *other, const pair_t *rsa)
{
    unsigned       all = VG_JWT_ES256 | VG_JWT_RS256;
    vg_str_t       token, named;
    vg_jwt_keys_t *keys = vg_jwt_keys_create(all, false);

    token = mint(pair, "{\"alg\":\"ES256\"}", ONE_WHO);
    named = mint(pair, "{\"alg\":\"ES256\",\"kid\":\"\"}", ONE_WHO);
    ok(vg_jwt_keys_add(keys, pair->pkey, VG_STR("")) == NULL
           && vg_jwt_keys_add(keys, rsa->pkey, VG_STR("")) == NULL,
       "keys need no name where one is not asked for");
    is(verify(keys, token), VG_JWT_OK,
       "a token without kid is verified by the only key of its algorithm");
    is(verify(keys, named), VG_JWT_KEY, "an empty kid names none");
    ok(vg_jwt_keys_add(keys, other->pkey, VG_STR("")) == NULL, "another one");
    is(verify(keys, token), VG_JWT_KEY, "of two keys neither is the only one");
    vg_jwt_keys_free(keys);

    keys = vg_jwt_keys_create(VG_JWT_ES256, false);
    ok(vg_jwt_keys_add(keys, pair->pkey, VG_STR("a")) == NULL
           && vg_jwt_keys_add(keys, pair->pkey, VG_STR("a")) == NULL
           && vg_jwt_keys_count(keys) == 1,
       "one key of one name is there once");
    ok(vg_jwt_keys_add(keys, other->pkey, VG_STR("a")) != NULL,
       "a name is one key's");
    vg_jwt_keys_free(keys);
}


/* RSA and a shared secret, signed by libjwt */
static void
test_algorithms(const pair_t *pair, const pair_t *rsa)
{
    vg_str_t       token, secret = VG_STR("0123456789abcdef0123456789abcdef");
    vg_jwt_keys_t *keys = vg_jwt_keys_create(VG_JWT_RS256, true);

    ok(add(keys, rsa->path) == NULL && add(keys, pair->path) != NULL,
       "an RSA key alone, where RS256 alone is taken");
    token = libjwt_mint(JWT_ALG_RS256, rsa->private_pem, rsa->kid, NOW + 60);
    is(verify(keys, token), VG_JWT_OK, "RS256");
    token = libjwt_mint(JWT_ALG_RS512, rsa->private_pem, rsa->kid, NOW + 60);
    is(verify(keys, token), VG_JWT_ALGORITHM, "RS512");
    token = libjwt_mint(JWT_ALG_HS256, rsa->public_pem, rsa->kid, NOW + 60);
    is(verify(keys, token), VG_JWT_ALGORITHM,
       "HS256 with the public RSA key as its secret");
    vg_jwt_keys_free(keys);

    keys = vg_jwt_keys_create(VG_JWT_HS256, false);
    ok(vg_jwt_keys_add_secret(keys, VG_STR("short"), VG_STR("")) != NULL,
       "a short secret is none");
    ok(vg_jwt_keys_add_secret(keys, secret, VG_STR("dev")) == NULL,
       "HS256, where it stands alone");
    ok(add(keys, pair->path) != NULL && add(keys, rsa->path) != NULL,
       "no public key stands beside it");
    token = libjwt_mint(JWT_ALG_HS256, secret.data, "dev", NOW + 60);
    is(verify(keys, token), VG_JWT_OK, "HS256");
    token = libjwt_mint(JWT_ALG_HS256, "another secret, just as long as it",
                        "dev", NOW + 60);
    is(verify(keys, token), VG_JWT_SIGNATURE, "by another secret");
    vg_jwt_keys_free(keys);
}


static void
certify(const pair_t *pair, char *pem, size_t size, long from, long until)
{
    int   len;
    BIO  *bio = BIO_new(BIO_s_mem());
    X509 *x = X509_new();

    (void) ASN1_TIME_set(X509_getm_notBefore(x), from);
    (void) ASN1_TIME_set(X509_getm_notAfter(x), until);
    X509_set_pubkey(x, pair->pkey);
    X509_sign(x, pair->pkey, EVP_sha256());
    PEM_write_bio_X509(bio, x);
    len = BIO_read(bio, pem, (int) size - 1);
    pem[len > 0 ? len : 0] = '\0';
    X509_free(x);
    BIO_free(bio);
}


/* a key out of a certificate is good for as long as that is */
static void
test_certificates(const pair_t *pair, const pair_t *rsa)
{
    char           pem[4096];
    unsigned       all = VG_JWT_ES256 | VG_JWT_RS256;
    vg_str_t       none = { NULL, 0 }, token;
    vg_jwt_keys_t *keys = vg_jwt_keys_create(all, true);

    certify(pair, pem, sizeof(pem), NOW - 60, NOW);
    ok(vg_jwt_keys_add_pem(keys, vg_str(pem), none, NOW_US) != NULL,
       "a certificate that has ended");
    certify(pair, pem, sizeof(pem), NOW + 1, NOW + 60);
    ok(vg_jwt_keys_add_pem(keys, vg_str(pem), none, NOW_US) != NULL,
       "one that has not begun");
    certify(pair, pem, sizeof(pem), NOW - 60, NOW + 30);
    ok(vg_jwt_keys_add_pem(keys, vg_str(pem), none, NOW_US) == NULL,
       "a certificate of P-256");
    certify(rsa, pem, sizeof(pem), NOW - 60, NOW + 30);
    ok(vg_jwt_keys_add_pem(keys, vg_str(pem), none, NOW_US) == NULL,
       "one of RSA");

    token = libjwt_mint(JWT_ALG_ES256, pair->private_pem, pair->kid, NOW + 60);
    is(verify(keys, token), VG_JWT_OK, "a token by a certificate's key");
    is(verify_at(keys, token, (NOW + 30) * 1000000), VG_JWT_KEY,
       "which ends with the certificate");
    vg_jwt_keys_free(keys);
}


/* r and s at the edge: what is signed so is signed by nobody */
static void
test_signatures(const vg_jwt_keys_t *keys, const pair_t *pair)
{
    /* the order n of P-256 */
    static const unsigned char order[32] = {
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
        0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
    };
    unsigned char one[32] = { 0 }, zero[32] = { 0 }, raw[64];
    vg_str_t      good, sig;
    size_t        text;

    const unsigned char *edges[] = { zero, one, order };

    one[31] = 1;
    good = mint(pair, header_of("ES256", pair->kid), ONE_WHO);
    text = (size_t) ((char *) memrchr(good.data, '.', good.len) - good.data);
    for (size_t r = 0; r < 3; r++) {
        for (size_t s = 0; s < 3; s++) {
            memcpy(raw, edges[r], 32);
            memcpy(raw + 32, edges[s], 32);
            sig = base64url(raw, 64);
            is(verify(keys, vg_printf(pool, "%.*s.%.*s", (int) text, good.data,
                                      (int) sig.len, sig.data)),
               VG_JWT_SIGNATURE, "r and s of zero, one and the order");
        }
    }
    is(verify(keys, (vg_str_t){ good.data, text + 1 }), VG_JWT_SIGNATURE,
       "an empty signature");
    sig = base64url("short", 5);
    is(verify(keys, vg_printf(pool, "%.*s.%.*s", (int) text, good.data,
                              (int) sig.len, sig.data)),
       VG_JWT_SIGNATURE, "a short one");
}


int
main(void)
{
    pair_t         pair, other, rsa;
    vg_jwt_keys_t *keys = vg_jwt_keys_create(VG_JWT_ES256, true);

    pool = vg_arena_create();
    pair_make(&pair, EVP_EC_gen("P-256"));
    pair_make(&other, EVP_EC_gen("P-256"));
    pair_make(&rsa, EVP_RSA_gen(2048));
    ok(add(keys, pair.path) == NULL, "a P-256 key is added");

    test_signatures(keys, &pair);
    test_unnamed(&pair, &other, &rsa);
    test_algorithms(&pair, &rsa);
    test_certificates(&pair, &rsa);

    vg_jwt_keys_free(keys);
    pair_drop(&pair);
    pair_drop(&other);
    pair_drop(&rsa);
    vg_arena_destroy(pool);
    printf("1..%u\n", tests);
    return failures != 0;
}
