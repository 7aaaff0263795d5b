/*
 * allowance.c: see allowance.h.
 */

#include <stddef.h>

#include "allowance.h"

#define COUNT_MOST 0xffff


uint64_t
vg_rate_take(uint64_t *word, unsigned rate, uint64_t now)
{
    uint64_t step = 1000000 / rate, burst = step * (rate - 1);
    uint64_t at, was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    do {
        at = was > now ? was : now;
        if (at > now + burst) {
            return at - now - burst;
        }
    } while (!__atomic_compare_exchange_n(word, &was, at + step, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return 0;
}


/* ------------------------------------------------------------- at once */

static bool
permit_put(uint32_t *permit, uint32_t was, uint32_t pid)
{
    return __atomic_compare_exchange_n(permit, &was, pid, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}


int
vg_permit_take(uint32_t *permits, unsigned count, uint32_t pid,
               vg_alive_pt alive)
{
    unsigned i;
    uint32_t who;

    for (i = 0; i < count; i++) {
        if (permit_put(&permits[i], 0, pid)) {
            return (int) i;
        }
    }
    for (i = 0; i < count; i++) {
        who = __atomic_load_n(&permits[i], __ATOMIC_ACQUIRE);
        if (who != pid && (who == 0 || !alive(who))
            && permit_put(&permits[i], who, pid))
        {
            return (int) i;
        }
    }
    return -1;
}


void
vg_permit_give(uint32_t *permits, int permit, uint32_t pid)
{
    (void) permit_put(&permits[permit], pid, 0);
}


void
vg_permit_forget(uint32_t *permits, uint32_t pid)
{
    unsigned i;

    for (i = 0; i < VG_PERMITS; i++) {
        (void) permit_put(&permits[i], pid, 0);
    }
}


unsigned
vg_permit_taken(const uint32_t *permits)
{
    unsigned i, n = 0;

    for (i = 0; i < VG_PERMITS; i++) {
        n += __atomic_load_n(&permits[i], __ATOMIC_RELAXED) != 0;
    }
    return n;
}


/* --------------------------------------------------------------- again */

static unsigned
budget_calls(uint64_t second)
{
    return second >> 16 & COUNT_MOST;
}


static unsigned
budget_agains(uint64_t second)
{
    return second & COUNT_MOST;
}


static void
budget_add(vg_budget_t *budget, uint64_t now, uint64_t calls, uint64_t again)
{
    uint64_t *word = &budget->seconds[now % VG_BUDGET_SECONDS];
    uint64_t  next, was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    do {
        next = was >> 32 == (now & UINT32_MAX) ? was : now << 32;
        if (budget_calls(next) + calls > COUNT_MOST
            || budget_agains(next) + again > COUNT_MOST)
        {
            return; /* enough to know */
        }
        next += calls << 16 | again;
    } while (!__atomic_compare_exchange_n(word, &was, next, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}


void
vg_budget_call(vg_budget_t *budget, uint64_t now)
{
    budget_add(budget, now, 1, 0);
}


/* Two who ask at once may both be told yes on the last one: it is a budget,
 * not a lock. */
bool
vg_budget_again(vg_budget_t *budget, uint64_t now)
{
    unsigned i, calls = 0, again = 0;
    uint64_t word;

    for (i = 0; i < VG_BUDGET_SECONDS; i++) {
        word = __atomic_load_n(&budget->seconds[i], __ATOMIC_ACQUIRE);
        if ((uint32_t) ((uint32_t) now - (word >> 32)) < VG_BUDGET_SECONDS) {
            calls += budget_calls(word);
            again += budget_agains(word);
        }
    }
    if (again >= VG_BUDGET_FREE && 10 * (again + 1) > calls) {
        return false;
    }
    budget_add(budget, now, 0, 1);
    return true;
}
