/* with: nginx-modules/audit/sieve.c
 *
 * unit_sieve.c: which refusals are rows of their own; what a flood costs.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../../nginx-modules/audit/sieve.h"

static const int64_t shortest = VG_SIEVE_SHORTEST;
static int           tests, failures;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


/* how many of so many are rows of their own */
static int
rows(vg_sieve_t *sieve, int64_t now, uint64_t who, int count, bool known)
{
    int    n = 0;
    size_t slot;

    for (; count > 0; count--) {
        n += vg_sieve_take(sieve, now, who, who * 31, known, &slot)
             == VG_SIEVE_ROW;
    }
    return n;
}


static void
test_one(void)
{
    size_t      slot = 0;
    int64_t     now = 1000000;
    uint64_t    calls;
    vg_sieve_t *s = calloc(1, sizeof(*s));

    ok(rows(s, now, 7, 100, true) == VG_SIEVE_BURST,
       "the first of one's are rows");
    ok(rows(s, now, 8, 5, true) == 5, "another has his own");
    ok(rows(s, now + 9000, 7, 5, true) == 0, "what is counted stays counted");
    ok(!vg_sieve_due(s, now + VG_SIEVE_SHORTEST - 1, &slot, &calls),
       "a row for many is not written at once");
    slot = 0;
    ok(vg_sieve_due(s, now + VG_SIEVE_SHORTEST, &slot, &calls) && calls == 85,
       "but after its time, for all the others");
    ok(!vg_sieve_due(s, now + VG_SIEVE_SHORTEST, &slot, &calls), "once");
    ok(rows(s, now + 12000, 7, 3, true) == 0,
       "it goes on while there are more");
    slot = 0;
    ok(!vg_sieve_due(s, now + 2 * shortest, &slot, &calls)
           && (slot = 0, vg_sieve_due(s, now + 3 * shortest, &slot, &calls))
           && calls == 3,
       "for twice as long");
    slot = 0;
    ok(!vg_sieve_due(s, now + 100 * shortest, &slot, &calls),
       "nothing is told of nothing");
    ok(rows(s, now + 100 * shortest, 7, 1, true) == 1,
       "who was quiet has rows of his own again");
    slot = 0;
    (void) rows(s, now + 100 * shortest, 9, 30, true);
    ok(vg_sieve_due(s, INT64_MAX, &slot, &calls) && calls == 10,
       "what is open at the end is told");
    free(s);
}


/* a thousand a ms, each from somewhere else, for an hour */
static void
test_flood(void)
{
    size_t      slot;
    int64_t     now = 0;
    uint64_t    calls, told = 0, written = 0, who = 1;
    vg_sieve_t *s = calloc(1, sizeof(*s));

    for (; now < 3600000; now++) {
        for (int i = 0; i < 10; i++, who++) {
            written += vg_sieve_take(s, now, who * 0x9e3779b97f4a7c15u, who,
                                     false, &slot)
                       == VG_SIEVE_ROW;
        }
        for (slot = 0; now % 1000 == 0 && vg_sieve_due(s, now, &slot, &calls);)
        {
            told++;
            written += calls;
        }
    }
    for (slot = 0; vg_sieve_due(s, INT64_MAX, &slot, &calls);) {
        written += calls;
    }
    printf("# %lu rows for many, %lu calls\n", told, written);
    ok(written == who - 1, "each call of a flood is in some row");
    ok(told < 25200, "rows for many are at most seven a second, in an hour");
    free(s);
}


static void
test_bound(void)
{
    int         n = 0;
    size_t      slot;
    vg_sieve_t *s = calloc(1, sizeof(*s));

    for (int64_t now = 0; now < 60000; now++) {
        n += vg_sieve_take(s, now, now * 0x9e3779b97f4a7c15u + 1, now + 1,
                           false, &slot)
             == VG_SIEVE_ROW;
    }
    ok(n <= VG_SIEVE_ALL + 60 * VG_SIEVE_RATE + 1,
       "of all who are not known there are so many rows a second");
    ok(n >= 59 * VG_SIEVE_RATE, "and no fewer");
    free(s);
}


static void
test_network(void)
{
    ok(vg_sieve_network("2001:db8::1") == vg_sieve_network("2001:db8::ffff:2"),
       "a network of IPv6 is one");
    ok(vg_sieve_network("2001:db8::1") != vg_sieve_network("2001:db8:0:1::1"),
       "two are two");
    ok(vg_sieve_network("192.0.2.1") != vg_sieve_network("192.0.2.2"),
       "an address of IPv4 is one");
    ok(vg_sieve_network("::ffff:192.0.2.1")
           != vg_sieve_network("::ffff:192.0.2.2"),
       "in IPv6 as well");
    ok(vg_sieve_network("") != 0 && vg_sieve_network("unix:") != 0,
       "none is one");
}


int
main(void)
{
    test_one();
    test_flood();
    test_bound();
    test_network();
    printf("1..%d\n", tests);
    return failures != 0;
}
