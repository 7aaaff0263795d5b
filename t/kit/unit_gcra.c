/* with: nginx-modules/limit/gcra.c | -lpthread
 *
 * unit_gcra.c: how often, as words of shared memory.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/limit/gcra.h"

#define START UINT64_C(86400000000) /* us: a day after the machine began */

static int            tests, failures;
static const uint64_t seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* ten a second, five at once */
static const vg_gcra_rule_t ten = { 100000, 500000 };


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


static vg_gcra_t
table_of(size_t size)
{
    void     *memory = aligned_alloc(64, size);
    vg_gcra_t table;

    memset(memory, 0, size);
    vg_gcra_init(&table, memory, size);
    return table;
}


/* how many of so many come in at one time */
static int
burst(vg_gcra_t *table, uint64_t key, const vg_gcra_rule_t *rule, int count,
      uint64_t now)
{
    int in = 0;

    for (; count > 0; count--) {
        in += !vg_gcra_take(table, key, rule, now).refused;
    }
    return in;
}


/* of the paper: key 00 01 .. 0f, messages 00 01 .. of 0 to 63 bytes, here for
 * one round and three; the values were computed by OpenSSL's SIPHASH */
static void
test_hash(void)
{
    int           i;
    unsigned char text[64];
    uint64_t      a, b;

    for (i = 0; i < 64; i++) {
        text[i] = (unsigned char) i;
    }
    ok(vg_gcra_hash(seed, text, 0) == UINT64_C(0xabac0158050fc4dc)
           && vg_gcra_hash(seed, text, 7) == UINT64_C(0xd3927d989bb11140)
           && vg_gcra_hash(seed, text, 8) == UINT64_C(0x369095118d299a8e)
           && vg_gcra_hash(seed, text, 63) == UINT64_C(0x9d199062b7bbb3a8),
       "the hash is SipHash-1-3, as OpenSSL has it");
    a = vg_gcra_hash(seed, "a", 1);
    b = vg_gcra_hash((uint64_t[]){ 1, 2 }, "a", 1);
    ok(a != b, "another seed is another hash");
}


static void
test_rate(void)
{
    int           i, in = 0;
    uint64_t      key = vg_gcra_hash(seed, "x", 1), now = START;
    vg_gcra_t     t = table_of(65536);
    vg_gcra_end_t end;

    ok(burst(&t, key, &ten, 9, now) == 5, "five at once");
    end = vg_gcra_take(&t, key, &ten, now);
    ok(end.refused && vg_gcra_left(&ten, end.ahead) == 0
           && vg_gcra_wait(&ten, end.ahead) == 100000,
       "the next in a tenth of a second");
    ok(vg_gcra_take(&t, key, &ten, now + 99999).refused, "not before");
    end = vg_gcra_take(&t, key, &ten, now + 100000);
    ok(!end.refused && end.ahead == 500000, "then it goes");
    for (i = 0; i < 100000; i++) { /* ten seconds, without a pause */
        now += 100;
        in += !vg_gcra_take(&t, key, &ten, now).refused;
    }
    ok(in >= 98 && in <= 100, "ten a second, however often it is asked");
    now += 60000000;
    end = vg_gcra_take(&t, key, &ten, now);
    ok(vg_gcra_left(&ten, end.ahead) == 4, "after one of five four are left");
    vg_gcra_give(&t, key, &ten, now);
    ok(burst(&t, key, &ten, 9, now) == 5, "what is given back is there again");
    ok(vg_gcra_look(&t, key, &ten, now).refused
           && !vg_gcra_look(&t, key, &ten, now + 100000).refused,
       "looking counts nothing");
    free(t.words);
}


static void
test_clock(void)
{
    uint64_t             half = UINT64_C(1) << 41, all = UINT64_C(1) << 42;
    uint64_t             key = vg_gcra_hash(seed, "x", 1);
    vg_gcra_t            t = table_of(65536);
    const vg_gcra_rule_t two = { 100000, 200000 }, fifty = { 100000, 5000000 };

    (void) burst(&t, key, &ten, 5, START);
    ok(burst(&t, key, &ten, 9, START - 20000) == 0
           && burst(&t, key, &ten, 9, START + 100000) == 1,
       "who looked at the clock a while ago is given nothing for it");
    ok(burst(&t, key, &ten, 9, START - 5000000) == 0
           && burst(&t, key, &ten, 9, START - 5000000 + 500000) == 5,
       "a clock that goes back refuses for no longer than a full burst");
    ok(burst(&t, key, &ten, 9, START - UINT64_C(7200000000)) == 5,
       "one that goes back two hours refuses nobody");
    ok(burst(&t, key, &ten, 9, START + UINT64_C(7200000000)) == 5,
       "one that goes ahead refuses nobody");
    ok(burst(&t, key, &ten, 9, START + half) == 5
           && burst(&t, key, &ten, 9, START + half + UINT64_C(3700000000)) == 5,
       "weeks later a word is of the past");
    ok(burst(&t, key, &ten, 9, all - 200000) == 5
           && burst(&t, key, &ten, 9, all - 100000) == 1
           && burst(&t, key, &ten, 9, all + 100000) == 2,
       "the bits of the time run over, and nobody notices");
    (void) burst(&t, key, &fifty, 99, START);
    ok(burst(&t, key, &two, 9, START) == 0
           && burst(&t, key, &two, 9, START + 200000) == 2,
       "a smaller burst in a new conf is waited for, not the one before");
    free(t.words);
}


/* a table of one line, which has no near ones; then one of 16, where a near
 * one is shared by all, and each has another beside it */
static void
test_sets(void)
{
    int           i, in = 0, displaced = 0;
    uint64_t      keys[32];
    vg_gcra_t     one = table_of(64);
    vg_gcra_end_t end;

    for (i = 0; i < 32; i++) {
        keys[i] = vg_gcra_hash(seed, &i, sizeof(i));
    }
    for (i = 0; i < 8; i++) {
        in += burst(&one, keys[i], &ten, 9, START + (uint64_t) i);
    }
    ok(in == 40, "a line counts eight keys");
    for (i = 0; i < 8; i++) {
        in += burst(&one, keys[i], &ten, 9, START + 8);
    }
    ok(in == 40, "each by itself");
    end = vg_gcra_take(&one, keys[8], &ten, START + 9);
    ok(!end.refused && end.displaced, "a ninth one displaces, and says so");
    ok(burst(&one, keys[1], &ten, 9, START + 9) == 0
           && burst(&one, keys[7], &ten, 9, START + 9) == 0
           && burst(&one, keys[0], &ten, 9, START + 10) == 5,
       "the oldest one, and no other");
    for (i = 0; i < 32; i++) {
        displaced +=
            vg_gcra_take(&one, keys[i], &ten, START + 10000000).displaced;
    }
    ok(displaced == 24,
       "what has passed is room: only a line's ninth displaces");
    free(one.words);
}


static void
test_near(void)
{
    int       i, in = 0, displaced = 0;
    uint64_t  hash;
    vg_gcra_t t = table_of(1024);

    for (i = 0; i < 64; i++) {
        hash = vg_gcra_hash(seed, &i, sizeof(i));
        displaced += vg_gcra_take(&t, hash, &ten, START).displaced;
    }
    for (i = 0; i < 64; i++) {
        hash = vg_gcra_hash(seed, &i, sizeof(i));
        in += burst(&t, hash, &ten, 9, START) == 4;
    }
    ok(displaced == 0 && in == 64,
       "where the near line is full a key has room in another");
    ok(t.words[0] && t.words[7], "the near line is used first");
    free(t.words);
}


/* ten million us of 16 MiB: what 100,000 keys displace */
static void
test_many(void)
{
    int       i, in = 0, displaced = 0;
    uint64_t  hash;
    vg_gcra_t t = table_of((size_t) 16 << 20);

    for (i = 0; i < 100000; i++) {
        hash = vg_gcra_hash(seed, &i, sizeof(i));
        displaced += vg_gcra_take(&t, hash, &ten, START).displaced;
    }
    for (i = 0; i < 100000; i++) {
        hash = vg_gcra_hash(seed, &i, sizeof(i));
        in += burst(&t, hash, &ten, 9, START) == 4;
    }
    printf("# %d of 100000 keys stand as they should, %d were displaced\n", in,
           displaced);
    ok(displaced == 0 && in >= 99998,
       "100,000 keys in use fit into 16 MiB, each with a count of its own");
    free(t.words);
}


static vg_gcra_t shared;
static uint64_t  shared_keys[4];


static void *
hammer(void *data)
{
    int   i;
    long  in = 0;
    long *sum = data;

    for (i = 0; i < 200000; i++) {
        in += !vg_gcra_take(&shared, shared_keys[i & 3],
                            &(vg_gcra_rule_t){ 1000, 100000000 },
                            START + (uint64_t) i / 100)
                   .refused;
    }
    *sum = in;
    return NULL;
}


static void
test_threads(void)
{
    int       i;
    long      sums[4], sum = 0;
    pthread_t threads[4];

    shared = table_of(64);
    for (i = 0; i < 4; i++) {
        shared_keys[i] = vg_gcra_hash(seed, &i, sizeof(i));
    }
    for (i = 0; i < 4; i++) {
        (void) pthread_create(&threads[i], NULL, hammer, &sums[i]);
    }
    for (i = 0; i < 4; i++) {
        (void) pthread_join(threads[i], NULL);
        sum += sums[i];
    }
    /* 100,000 at once of each key, and one or two more in 2 ms */
    printf("# %ld came in\n", sum);
    ok(sum >= 400000 && sum <= 400012, "four at once count as one");
    free(shared.words);
}


int
main(void)
{
    test_hash();
    test_rate();
    test_clock();
    test_sets();
    test_near();
    test_many();
    test_threads();
    printf("1..%d\n", tests);
    return failures != 0;
}
