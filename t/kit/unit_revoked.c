/* with: nginx-modules/auth/revoked.c nginx-modules/auth/sip.c nginx-modules/auth/claims.c nginx-modules/core/vg_json.c | -lyajl -lcrypto
 *
 * unit_revoked.c: the table of revocations, also when it is full and while
 * others write; the hash that identities are remembered by; claims to roles.
 */

#define _GNU_SOURCE

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../nginx-modules/auth/claims.h"
#include "../../nginx-modules/auth/revoked.h"
#include "../../nginx-modules/auth/sip.h"

#define S INT64_C(1000000)

static unsigned      tests, failures;
static vg_revoked_t *table;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
}


static bool
is_void(uint64_t id, int64_t iat, int64_t now)
{
    vg_proof_t proof = { { 0, id, 0 }, iat };

    return vg_revoked_is(table, &proof, now);
}


static void
test_entries(void)
{
    ok(!is_void(7, 0, S) && vg_revoked_moved(table) == 0, "an empty table");
    vg_revoked_add(table, 7, 10 * S, 100 * S, 5 * S);
    ok(vg_revoked_moved(table) == 1, "it has moved");
    ok(is_void(7, 10 * S - 1, 20 * S), "what was issued before is void");
    ok(is_void(7, 0, 20 * S), "and what does not say when");
    ok(!is_void(7, 10 * S, 20 * S), "what was issued then is not");
    ok(!is_void(8, 0, 20 * S), "another id is not");
    ok(!is_void(7, 0, 100 * S), "it is forgotten at its end");
    vg_revoked_add(table, 7, 8 * S, 50 * S, 20 * S);
    ok(is_void(7, 9 * S, 60 * S), "an earlier one takes nothing back");
    vg_revoked_add(table, 7, 30 * S, 200 * S, 20 * S);
    ok(is_void(7, 29 * S, 150 * S), "a later one goes further");
    vg_revoked_add(table, 9, 30 * S, 40 * S, 40 * S);
    ok(!is_void(9, 0, 30 * S), "one that is over is none");
}


/* the nth id of the set that 1 lies in */
static uint64_t
mate(unsigned nth)
{
    uint64_t id = 1;
    size_t   set = vg_revoked_set(table, id);

    while (nth > 0) {
        nth -= vg_revoked_set(table, ++id) == set;
    }
    return id;
}


static void
test_full(void)
{
    unsigned   i;
    bool       all = true;
    vg_proof_t proof = { { 0, 0, 0 }, 0 };

    memset(table, 0, sizeof(*table));
    for (i = 1; i <= VG_REVOKED_WAYS; i++) {
        vg_revoked_add(table, mate(i), (100 + i) * S, 1000 * S, 600 * S);
    }
    proof.iat = 50 * S;
    ok(!vg_revoked_is(table, &proof, 600 * S),
       "a full set touches nobody else");
    vg_revoked_add(table, mate(99), 500 * S, 2000 * S, 600 * S);
    proof.iat = 101 * S - 1;
    ok(vg_revoked_is(table, &proof, 600 * S),
       "where there was no room, all before the oldest is void");
    proof.iat = 101 * S;
    ok(!vg_revoked_is(table, &proof, 600 * S), "what came after it is not");
    for (i = 1; i <= VG_REVOKED_WAYS; i++) {
        all &= is_void(mate(i), (100 + i) * S - 1, 600 * S);
    }
    ok(all && is_void(mate(99), 499 * S, 600 * S),
       "all that was revoked still is");
    proof.iat = 0;
    ok(!vg_revoked_is(table, &proof, 1000 * S), "and that ends with it");
    vg_revoked_add(table, mate(100), 600 * S, 3000 * S, 1500 * S);
    ok(table->floor == 101 * S, "a place that is over is taken first");
}


/* Sessions end for good: void whenever a token was issued, also later. */
static void
test_good(void)
{
    unsigned   i;
    bool       all = true;
    vg_proof_t other = { { 0, 0, 0 }, 50 * S };

    memset(table, 0, sizeof(*table));
    for (i = 0; i <= VG_REVOKED_WAYS; i++) {
        vg_revoked_add(table, mate(i), 1000 * S, 1000 * S, 50 * S);
    }
    ok(!vg_revoked_is(table, &other, 60 * S) && table->floor == 50 * S,
       "one more than a set holds voids nothing that is new");
    other.iat = 50 * S - 1;
    ok(vg_revoked_is(table, &other, 60 * S), "but all that is older");
    for (i = 0; i <= VG_REVOKED_WAYS; i++) {
        all &= is_void(mate(i), 50 * S - 1, 60 * S);
    }
    ok(all, "those that were ended with it");
}


/* from a fixed seed: xorshift64 */
static void
test_many(void)
{
    unsigned i;
    uint64_t id = UINT64_C(0x9e3779b97f4a7c15);

    memset(table, 0, sizeof(*table));
    vg_revoked_seed(table, 7);
    vg_revoked_seed(table, 8);
    ok(table->word == 7, "the first word stays");
    for (i = 0; i < 9000; i++) {
        id ^= id << 13;
        id ^= id >> 7;
        id ^= id << 17;
        /* what one could choose, if it knew how sets are chosen */
        vg_revoked_add(table, id & ~UINT64_C(0x1ff00000000), 1000 * S, 1000 * S,
                       50 * S);
    }
    ok(vg_revoked_moved(table) == 9000 && table->floor == 0,
       "of 9,000 none gives way");
}


/* Two processes write while we read: what was revoked once is never not. */
static void
test_writers(void)
{
    int      held = 1;
    pid_t    pid[2];
    unsigned i, n;

    memset(table, 0, sizeof(*table));
    vg_revoked_add(table, 5, 100 * S, 10000 * S, S);
    for (n = 0; n < 2; n++) {
        pid[n] = fork();
        if (pid[n] == 0) {
            for (i = 0; i < 200000; i++) {
                vg_revoked_add(table, 6 + i % 5, (101 + i) * S, 1000000 * S, S);
            }
            _exit(0);
        }
    }
    for (i = 0; i < 1000000 && held; i++) {
        held = is_void(5, 99 * S, 2 * S);
    }
    ok(held, "one that others write beside is always seen");
    for (n = 0; n < 2; n++) {
        waitpid(pid[n], NULL, 0);
    }
    ok(vg_revoked_moved(table) == 400001, "each entry is counted");

    pid[0] = fork();
    if (pid[0] == 0) {
        table->lock = (uint32_t) getpid();
        _exit(0);
    }
    waitpid(pid[0], NULL, 0);
    vg_revoked_add(table, 77, 100 * S, 1000 * S, S);
    ok(is_void(77, 0, 2 * S), "who died with the lock keeps nobody out");
    table->lock = (uint32_t) getpid();
    vg_revoked_add(table, 78, 100 * S, 1000 * S, S);
    ok(is_void(78, 0, 2 * S), "nor who had our number");
}


/* against OpenSSL's, at all lengths around a word */
static void
test_sip(void)
{
    bool     same = true;
    size_t   len, size = 16, got;
    vg_sip_t key = { UINT64_C(0x0706050403020100),
                     UINT64_C(0x0f0e0d0c0b0a0908) },
             hash;
    EVP_MAC     *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    OSSL_PARAM   params[] = {
          OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_END
    };
    unsigned char bytes[64], theirs[16], ours[16];

    for (len = 0; len < sizeof(bytes); len++) {
        bytes[len] = (unsigned char) len;
    }
    for (len = 0; len < sizeof(bytes); len++) {
        EVP_MAC_init(ctx, bytes, 16, params); /* the key is 00 to 0f */
        EVP_MAC_update(ctx, bytes, len);
        EVP_MAC_final(ctx, theirs, &got, sizeof(theirs));
        hash = vg_sip(&key, bytes, len);
        memcpy(ours, &hash, 16);
        same &= memcmp(ours, theirs, 16) == 0;
    }
    ok(same && got == 16, "SipHash-2-4 of 128 bits is OpenSSL's");
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}


/* what claims of other issuers mean here */
static void
test_claims(void)
{
    static const vg_claims_role_t roles[] = {
        { { "boss", 4 }, { "admin", 5 } },
        { { "crew", 4 }, { "operator", 8 } },
    };
    static const struct {
        const char *payload, *path;
        bool        mapped;
        const char *fallback;
        const char *want; /* NULL: refused */
    } rows[] = {
        { "{\"role\":\"driver\"}", "role", false, "", "driver" },
        { "{\"role\":[\"driver\"]}", "role", false, "", NULL },
        { "{\"role\":\"\"}", "role", false, "driver", NULL },
        { "{}", "role", false, "", NULL },
        { "{}", "role", false, "driver", "driver" },
        { "{\"a\":{\"b\":[\"x\",\"crew\"]}}", "a.b", true, "", "operator" },
        { "{\"a\":{\"b\":[\"crew\",\"boss\"]}}", "a.b", true, "", "admin" },
        { "{\"a\":{\"b\":[\"x\"]}}", "a.b", true, "", NULL },
        { "{\"a\":{\"b\":[\"x\"]}}", "a.b", true, "driver", "driver" },
        { "{\"a\":{\"b\":7}}", "a.b", true, "", NULL },
        { "{\"a\":{\"b\":[[\"boss\"],{},7,null]}}", "a.b", true, "", NULL },
        { "{\"a.b\":\"boss\"}", "a.b", true, "", "admin" },
        { "{\"a\":{\"b.c\":\"boss\"}}", "a.b.c", true, "", "admin" },
        { "{\"a.b\":{\"c\":\"crew\"},\"a\":{\"b\":{\"c\":\"boss\"}}}", "a.b.c",
          true, "", "operator" },
        { "{\"https://x.y/role\":\"boss\"}", "https://x.y/role", true, "",
          "admin" },
        { "{\"a\":7}", "a.b", true, "", NULL },
        { "{\"a\":{}}", "a.", true, "", NULL },
        { "{\"role\":\"bo\\u0000ss\"}", "role", false, "", NULL },
    };
    vg_pool_t *pool = vg_arena_create();

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        vg_claims_t     got = { 0 };
        vg_claims_map_t map = { vg_str(rows[i].path),
                                { "", 0 },
                                { "", 0 },
                                roles,
                                rows[i].mapped ? 2 : 0,
                                vg_str(rows[i].fallback) };
        vg_jwt_error_t  error = vg_claims_read(
             &map, vg_json_parse(pool, vg_str(rows[i].payload), NULL), &got);

        ok(rows[i].want == NULL
               ? error != VG_JWT_OK
               : error == VG_JWT_OK && vg_str_eq(got.role, rows[i].want),
           rows[i].payload);
    }
    vg_arena_destroy(pool);
}


int
main(void)
{
    table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED) {
        return 1;
    }
    test_entries();
    test_full();
    test_good();
    test_many();
    test_writers();
    test_sip();
    test_claims();
    printf("1..%u\n", tests);
    return failures != 0;
}
