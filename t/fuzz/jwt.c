/* with: nginx-modules/auth/jwt.c nginx-modules/auth/claims.c | -lcrypto
 *
 * jwt.c: any token. Two lines are header and payload, encoded here, with a
 * signature that is good when the first byte is even: else no claim would ever
 * be read. One line is a token as it came.
 */

#include "fuzz.h"
#include "claims.h"
#include "jwt_keys.h"

struct vg_jwt_key_s {
    int even;
};

static vg_jwt_key_t known;

#define NOW INT64_C(1800000000)


const vg_jwt_key_t *
vg_jwt_keys_find(const vg_jwt_keys_t *keys, vg_str_t kid, vg_str_t alg,
                 int64_t now_us)
{
    (void) keys;
    (void) alg;
    (void) now_us;
    return vg_str_eq(kid, "k") ? &known : NULL;
}


const char *
vg_jwt_key_alg(const vg_jwt_key_t *key)
{
    (void) key;
    return "ES256";
}


vg_jwt_error_t
vg_jwt_key_verify(const vg_jwt_key_t *key, vg_str_t text, vg_str_t signature)
{
    (void) text;
    (void) signature;
    return key->even ? VG_JWT_OK : VG_JWT_SIGNATURE;
}


/* roles at two depths, so that paths are walked */
static const vg_claims_role_t roles[] = { { { "r", 1 }, { "driver", 6 } },
                                          { { "a", 1 }, { "admin", 5 } } };
static const vg_claims_map_t  maps[] = {
     { { "role", 4 }, { "company", 7 }, { "scope", 5 }, NULL, 0, { "", 0 } },
     { { "a.b.c", 5 }, { "company", 7 }, { "", 0 }, roles, 2, { "", 0 } },
};


static vg_jwt_error_t
verified(vg_pool_t *pool, vg_str_t token)
{
    vg_jwt_t        jwt;
    vg_claims_t     who;
    vg_jwt_error_t  error;
    vg_jwt_claims_t claims;
    vg_jwt_terms_t  terms = { VG_STR("i"), VG_STR("a"), VG_JWT_LEEWAY };

    error = vg_jwt_read(pool, token, &jwt);
    if (error != VG_JWT_OK) {
        return error;
    }
    for (size_t i = 0; i < 2; i++) {
        if (vg_claims_read(&maps[i], jwt.payload, &who) == VG_JWT_OK) {
            REQUIRE(who.role.len > 0);
        }
    }
    error = vg_jwt_verify(&jwt, NULL, &terms, NOW * 1000000, &claims);
    if (error == VG_JWT_OK) {
        REQUIRE(known.even && claims.sub.len > 0 && claims.iat >= 0);
        REQUIRE(claims.exp > (NOW - VG_JWT_LEEWAY) * 1000000);
    }
    return error;
}


static size_t
base64url(char *to, vg_str_t from)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                 "qrstuvwxyz0123456789-_";
    size_t            i, n = 0;
    int               bits = 0;
    unsigned          held = 0;

    for (i = 0; i < from.len; i++) {
        held = held << 8 | (unsigned char) from.data[i];
        for (bits += 8; bits >= 6; bits -= 6) {
            to[n++] = digits[held >> (bits - 6) & 63];
        }
    }
    if (bits > 0) {
        to[n++] = digits[held << (6 - bits) & 63];
    }
    return n;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         n = 0;
    char          *token = malloc(size * 2 + 64), *exact;
    vg_str_t       rest = { (const char *) data, size }, line;
    vg_pool_t     *pool = vg_arena_create();
    vg_jwt_error_t error;

    REQUIRE(token != NULL);
    known.even = size > 0 && data[0] % 2 == 0;
    rest.data += size > 0;
    rest.len -= size > 0;
    line = fuzz_line(&rest);
    if (rest.len > 0) {
        n = base64url(token, line);
        token[n++] = '.';
        n += base64url(token + n, rest);
        n += (size_t) sprintf(token + n, ".AAAA");
    } else if (line.len > 0) {
        memcpy(token, line.data, n = line.len);
    }
    exact = fuzz_copy((const uint8_t *) token, n);
    error = verified(pool, (vg_str_t){ exact, n });
    REQUIRE(vg_jwt_error_text(error) != NULL);
    vg_arena_destroy(pool);
    free(exact);
    free(token);
    return 0;
}
