/* with: nginx-modules/outbound/allowance.c | -lpthread
 *
 * unit_allowance.c: how often, how many at once, how much of it again.
 */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../../nginx-modules/outbound/allowance.h"

static int tests, failures;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


/* how many of so many come in at one time */
static int
burst(uint64_t *word, unsigned rate, int count, uint64_t now)
{
    int in = 0;

    for (; count > 0; count--) {
        in += vg_rate_take(word, rate, now) == 0;
    }
    return in;
}


static void
test_rate(void)
{
    int      i, in = 0;
    uint64_t word = 0, now = 1000000000;

    ok(burst(&word, 10, 30, now) == 10, "ten at once");
    ok(vg_rate_take(&word, 10, now) == 100000,
       "the next in a tenth of a second");
    ok(vg_rate_take(&word, 10, now + 40000) == 60000,
       "asking meanwhile costs nothing");
    ok(vg_rate_take(&word, 10, now + 100000) == 0, "then it goes");
    for (i = 0; i < 100000; i++) { /* ten seconds, without a pause */
        now += 100;
        in += vg_rate_take(&word, 10, now) == 0;
    }
    ok(in >= 98 && in <= 100, "ten a second, however often it is asked");
    ok(burst(&word, 10, 30, now + 60000000) == 10,
       "a long pause saves up no more");

    word = 0;
    ok(burst(&word, 1, 5, now) == 1 && burst(&word, 1, 5, now + 999999) == 0
           && burst(&word, 1, 5, now + 1000000) == 1,
       "one a second");
}


static bool
all_live(uint32_t pid)
{
    (void) pid;
    return true;
}


static bool
not_seven(uint32_t pid)
{
    return pid != 7;
}


static void
test_permits(void)
{
    int      i, taken = 0, mine = -1;
    uint32_t permits[VG_PERMITS];

    memset(permits, 0, sizeof(permits));
    for (i = 0; i < 15; i++) {
        taken += vg_permit_take(permits, 10, 7, all_live) >= 0;
    }
    ok(taken == 10 && vg_permit_taken(permits) == 10, "ten at once");
    ok(vg_permit_take(permits, 10, 8, all_live) == -1, "of all together");
    vg_permit_give(permits, 4, 7);
    mine = vg_permit_take(permits, 10, 8, all_live);
    ok(mine == 4, "one that was given back is another's");
    ok(vg_permit_take(permits, 10, 8, not_seven) >= 0,
       "those of the dead are taken back");
    ok(permits[mine] == 8, "and nobody else's");
    vg_permit_give(permits, mine, 7);
    ok(permits[mine] == 8, "what was taken back is not given by who had it");
    vg_permit_forget(permits, 7);
    ok(vg_permit_taken(permits) == 2, "who begins anew has none");
}


static void
test_budget(void)
{
    int         i, again = 0;
    uint64_t    now = 5000;
    vg_budget_t budget;

    memset(&budget, 0, sizeof(budget));
    for (i = 0; i < 20; i++) {
        again += vg_budget_again(&budget, now);
    }
    ok(again == VG_BUDGET_FREE, "a few are free");
    for (i = 0; i < 1000; i++) {
        vg_budget_call(&budget, now + (uint64_t) i / 200);
    }
    for (i = 0; i < 1000; i++) {
        again += vg_budget_again(&budget, now + 5);
    }
    ok(again == 100, "a tenth of a thousand calls");
    ok(!vg_budget_again(&budget, now + 9), "and no more within ten seconds");
    again = 0;
    for (i = 0; i < 20; i++) {
        again += vg_budget_again(&budget, now + 60);
    }
    ok(again == VG_BUDGET_FREE, "what is long ago counts for nothing");

    memset(&budget, 0, sizeof(budget));
    for (i = 0; i < 70000; i++) {
        vg_budget_call(&budget, now);
    }
    for (i = again = 0; i < 70000; i++) {
        again += vg_budget_again(&budget, now);
    }
    ok(again > 6500 && again <= 7000, "a count that is full says enough");
}


#define THREADS 4

static uint32_t shared[VG_PERMITS];
static int      inside, most;

static void *
crowd(void *data)
{
    int      i, permit, now, seen;
    uint32_t pid = (uint32_t) (uintptr_t) data;

    for (i = 0; i < 50000; i++) {
        permit = vg_permit_take(shared, 3, pid, all_live);
        if (permit < 0) {
            continue;
        }
        now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        seen = __atomic_load_n(&most, __ATOMIC_SEQ_CST);
        while (now > seen
               && !__atomic_compare_exchange_n(&most, &seen, now, false,
                                               __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST))
        {
            continue;
        }
        (void) __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        vg_permit_give(shared, permit, pid);
    }
    return NULL;
}


static void
test_threads(void)
{
    uintptr_t i;
    pthread_t threads[THREADS];

    for (i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, crowd, (void *) (i + 1)) != 0) {
            ok(false, "a thread");
            return;
        }
    }
    for (i = 0; i < THREADS; i++) {
        (void) pthread_join(threads[i], NULL);
    }
    ok(most >= 1 && most <= 3, "never more than three, whoever asks");
    ok(vg_permit_taken(shared) == 0, "and none is left behind");
}


int
main(void)
{
    test_rate();
    test_permits();
    test_budget();
    test_threads();
    printf("1..%d\n", tests);
    return failures != 0;
}
