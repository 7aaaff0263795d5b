/*
 * breaker.c: see breaker.h. The word, from its low end:
 *
 *   20 bits   closed: the last calls, 1 is a fault, the newest lowest
 *             half-open: trials let through (4), trials that went well (4)
 *    2 bits   the state
 *   42 bits   closed, half-open: since when; open: until when; in ms
 *
 * State and time together are the era that a pass belongs to.
 */

#include <stddef.h>

#include "breaker.h"

#define BITS        20
#define CALLS       ((UINT64_C(1) << BITS) - 1)
#define ERA(word)   ((word) >> BITS)
#define TIME(word)  ((word) >> (BITS + 2))
#define STATE(word) ((vg_breaker_state_t) ((word) >> BITS & 3))


static uint64_t
word_of(vg_breaker_state_t state, uint64_t time, uint64_t calls)
{
    return time << (BITS + 2) | (uint64_t) state << BITS | calls;
}


static uint64_t
half(uint64_t since, unsigned out, unsigned well)
{
    return word_of(VG_BREAKER_HALF, since, (uint64_t) out << 4 | well);
}


static unsigned
trials_out(uint64_t word)
{
    return word >> 4 & 15;
}


static unsigned
trials_well(uint64_t word)
{
    return word & 15;
}


static bool
put(uint64_t *word, uint64_t *was, uint64_t now)
{
    return __atomic_compare_exchange_n(word, was, now, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}


bool
vg_breaker_try(uint64_t *word, const vg_breaker_conf_t *conf, uint64_t now,
               vg_breaker_pass_t *pass)
{
    uint64_t next, was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    for (;;) {
        switch (STATE(was)) {

        case VG_BREAKER_OPEN:
            if (now < TIME(was)) {
                return false;
            }
            next = half(now, 1, 0);
            break;

        case VG_BREAKER_HALF:
            if (trials_out(was) < conf->trials) {
                next = was + (1 << 4);
            } else if (now >= TIME(was) + conf->open) {
                next = half(now, 1, 0); /* whoever had them died with them */
            } else {
                return false;
            }
            break;

        default:
            *pass = ERA(was);
            return true;
        }
        if (put(word, &was, next)) {
            *pass = ERA(next);
            return true;
        }
    }
}


static uint64_t
after_trial(uint64_t was, const vg_breaker_conf_t *conf, uint64_t now,
            vg_breaker_end_t end)
{
    switch (end) {

    case VG_BREAKER_FAULT:
        return word_of(VG_BREAKER_OPEN, now + conf->open, 0);

    case VG_BREAKER_GOOD:
        return trials_well(was) + 1 >= conf->trials
                   ? word_of(VG_BREAKER_CLOSED, now, 0)
                   : was + 1;

    default:
        return was - (1 << 4); /* another may try */
    }
}


static uint64_t
after_call(uint64_t was, const vg_breaker_conf_t *conf, uint64_t now,
           vg_breaker_end_t end)
{
    uint64_t window = (UINT64_C(1) << conf->window) - 1;
    uint64_t calls = ((was & CALLS) << 1 | (end == VG_BREAKER_FAULT)) & window;

    if (2 * (unsigned) __builtin_popcountll(calls) >= conf->window) {
        return word_of(VG_BREAKER_OPEN, now + conf->open, 0);
    }
    return (was & ~CALLS) | calls;
}


void
vg_breaker_end(uint64_t *word, const vg_breaker_conf_t *conf, uint64_t now,
               vg_breaker_pass_t pass, vg_breaker_end_t end)
{
    uint64_t next, was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    do {
        if (ERA(was) != pass) {
            return; /* it says nothing about what is now */
        }
        if (STATE(was) == VG_BREAKER_HALF) {
            next = after_trial(was, conf, now, end);
        } else if (end == VG_BREAKER_NONE) {
            return;
        } else {
            next = after_call(was, conf, now, end);
        }
    } while (next != was && !put(word, &was, next));
}


vg_breaker_state_t
vg_breaker_look(const uint64_t *word, uint64_t now)
{
    uint64_t was = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    return STATE(was) == VG_BREAKER_OPEN && now >= TIME(was) ? VG_BREAKER_HALF
                                                             : STATE(was);
}
