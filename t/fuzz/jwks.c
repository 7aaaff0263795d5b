/* with: nginx-modules/auth/jwks.c nginx-modules/auth/jwt.c nginx-modules/auth/jwt_keys.c nginx-modules/auth/jwt_signature.c | -lcrypto
 *
 * jwks.c: any bytes as a set of keys. What is taken holds keys that can be
 * used and that have a name of their own; what is not says why.
 */

#define _GNU_SOURCE

#include "fuzz.h"
#include "jwks.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char          *exact = fuzz_copy(data, size);
    vg_str_t       text = { exact, size };
    vg_pool_t     *pool = vg_arena_create();
    const char    *why = NULL;
    vg_jwt_keys_t *keys;

    keys = vg_jwks_read(pool, text, VG_JWT_ES256 | VG_JWT_RS256, &why);
    if (keys == NULL) {
        REQUIRE(why != NULL);
    } else {
        REQUIRE(vg_jwt_keys_count(keys) > 0
                && vg_jwt_keys_count(keys) <= VG_JWT_KEYS);
        REQUIRE(strlen(vg_jwt_keys_kid(keys)) <= VG_JWT_KID_MAX);
        REQUIRE(vg_jwt_keys_find(keys, VG_STR("nobody's"), VG_STR("ES256"), 0)
                    == NULL
                || memmem(exact, size, "nobody", 6) != NULL);
    }
    vg_jwt_keys_free(keys);
    vg_arena_destroy(pool);
    free(exact);
    return 0;
}
