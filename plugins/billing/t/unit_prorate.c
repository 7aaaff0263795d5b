/*
 * unit_prorate.c: what a part of a cycle is worth, by a table done by hand,
 * and what must hold of every cut.
 */

#include <stdio.h>
#include <stdlib.h>

#include "prorate.h"

#define DAY  ((int64_t) 86400 * 1000000)
#define HOUR ((int64_t) 3600 * 1000000)

typedef struct {
    const char *name;
    int64_t     price, elapsed, whole, left;
} case_t;

/* clang-format off */
static const case_t  cases[] = {
    { "nothing has gone",               1000, 0,        30 * DAY, 1000 },
    { "before it began",                1000, -1,       30 * DAY, 1000 },
    { "all of it",                      1000, 30 * DAY, 30 * DAY, 0 },
    { "beyond",                         1000, 31 * DAY, 30 * DAY, 0 },
    { "half",                           1000, 15 * DAY, 30 * DAY, 500 },
    { "10 of 31 days: 3.2258 of 10.00", 1000, 10 * DAY, 31 * DAY, 677 },
    { "14 of 28 days, an odd cent: half of it is used up", 999, 14 * DAY, 28 * DAY, 499 },
    { "a microsecond is nothing",       1000, 1,        30 * DAY, 1000 },
    { "all but a microsecond",          1000, 30 * DAY - 1, 30 * DAY, 0 },
    { "a month of 743 hours (clocks went forward), half", 743, 371 * HOUR + HOUR / 2, 743 * HOUR, 371 },
    { "yen",                            5000, 1 * DAY, 3 * DAY, 3333 },
    { "a year, leap, to its 60th day",  36600, 60 * DAY, 366 * DAY, 30600 },
    { "a billion, a third of a second of a year", 100000000000, 333333, 366 * DAY, 99999998946 },
    { "nothing to pay",                 0, 5 * DAY, 30 * DAY, 0 },
};
/* clang-format on */

static int tests, failed;


static void
ok(int good, const char *name)
{
    failed += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
}


/* below `most`; the same for the same seed everywhere (xorshift, 13, 7, 17) */
static int64_t
chance(uint64_t *state, int64_t most)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (int64_t) (*state % (uint64_t) most);
}


/* what a change at that moment costs */
static exact_t
change(exact_t from, exact_t to, int64_t elapsed, int64_t whole)
{
    return prorate_left(to, elapsed, whole)
           - prorate_left(from, elapsed, whole);
}


/* A cycle of chance, cut at rising moments, at each of which the price changes:
 * what was paid is the sum of the parts at their prices; and up and down in one
 * moment costs nothing. */
static int
cuts_hold(unsigned seed)
{
    int      i;
    uint64_t state = seed + 88172645463325252U;
    int64_t  whole = DAY * (28 + seed % 339), at = 0, from = 0;
    exact_t  price, next, paid, used = 0, there, back;

    price = chance(&state, 1000000);
    paid = price;
    for (i = 0; i < 8; i++) {
        at = from + chance(&state, whole - from + 1);
        next = chance(&state, 1000000);
        there = change(price, next, at, whole);
        back = change(next, price, at, whole);
        if (there + back != 0) {
            return 0;
        }
        used +=
            prorate_left(price, from, whole) - prorate_left(price, at, whole);
        paid += there;
        price = next;
        from = at;
    }
    used += prorate_left(price, from, whole);
    return paid == used;
}


int
main(void)
{
    size_t   i;
    unsigned seed, bad = 0;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(prorate_left(cases[i].price, cases[i].elapsed, cases[i].whole)
               == cases[i].left,
           cases[i].name);
    }
    ok(change(1000, 2000, 15 * DAY, 30 * DAY) == 500, "up");
    ok(change(2000, 1000, 15 * DAY, 30 * DAY) == -500, "down");
    ok(change(1000, 0, 10 * DAY, 31 * DAY) == -677, "to its end");
    ok(prorate_unused(1000, 10 * DAY, 40 * DAY, 20, 50) == 600,
       "two fifths of the energy are used, a quarter of the time");
    ok(prorate_unused(1000, 20 * DAY, 40 * DAY, 20, 50) == 500,
       "half of the time has gone, and less of the energy");
    ok(prorate_unused(1000, 0, 40 * DAY, 50, 50) == 0, "all of it is used");
    ok(prorate_unused(1000, 10 * DAY, 40 * DAY, 0, 0) == 750,
       "no energy is included: time alone");
    ok(prorate_energy(50, 50, 200, 0, 20 * DAY, 40 * DAY) == 125,
       "half of each");
    ok(prorate_energy(50, 50, 200, 50, 20 * DAY, 40 * DAY) == 150,
       "what was used, and half of the other");
    ok(prorate_energy(125, 200, 0, 30, 30 * DAY, 40 * DAY) == 75,
       "changed again: what the first two gave so far");
    ok(prorate_energy(50, 50, 50, 20, 17 * DAY, 40 * DAY) == 50,
       "as much: the same");
    for (seed = 1; seed <= 10000; seed++) {
        bad += !cuts_hold(seed);
    }
    ok(bad == 0, "10,000 cycles of eight changes: the parts are the whole");
    printf("1..%d\n", tests);
    return failed != 0;
}
