/*
 * revoked.c: see revoked.h.
 *
 * Who writes holds a lock that names it, so that one which was killed keeps
 * nobody out; in practice it is the clerk alone. A slot is free (until 0)
 * while its words change, and a reader looks again at the end.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "revoked.h"
#include "sip.h"

#define GET(word)        __atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#define PUT(word, value) __atomic_store_n(&(word), value, __ATOMIC_RELEASE)


static void
revoked_lock(vg_revoked_t *table)
{
    uint32_t holder = 0, me = (uint32_t) getpid();

    while (!__atomic_compare_exchange_n(&table->lock, &holder, me, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
    {
        if (holder == me
            || (holder != 0 && kill((pid_t) holder, 0) == -1 && errno == ESRCH))
        {
            continue; /* of a dead one: ours, if nobody else was quicker */
        }

        holder = 0;
        (void) sched_yield();
    }
}


void
vg_revoked_seed(vg_revoked_t *table, uint64_t word)
{
    uint64_t none = 0;

    (void) __atomic_compare_exchange_n(&table->word, &none, word | 1, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}


size_t
vg_revoked_set(const vg_revoked_t *table, uint64_t id)
{
    vg_sip_t secret = { GET(table->word), 0 };

    return (size_t) vg_sip(&secret, &id, sizeof(id)).one
           & (VG_REVOKED_SETS - 1);
}


static vg_revoked_slot_t *
revoked_set(const vg_revoked_t *table, uint64_t id)
{
    return (vg_revoked_slot_t *) &table
        ->slot[vg_revoked_set(table, id) * VG_REVOKED_WAYS];
}


/* the id's own slot, else a free one, else the one that was revoked first */
static vg_revoked_slot_t *
revoked_place(vg_revoked_t *table, uint64_t id, int64_t now)
{
    vg_revoked_slot_t *set = revoked_set(table, id), *place = &set[0];

    for (size_t i = 0; i < VG_REVOKED_WAYS; i++) {
        if (set[i].until > now && set[i].id == id) {
            return &set[i];
        }
    }

    for (size_t i = 0; i < VG_REVOKED_WAYS; i++) {
        if (set[i].until <= now) {
            return &set[i];
        }

        if (set[i].before < place->before) {
            place = &set[i];
        }
    }

    return place;
}


static int64_t
revoked_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}


/* A slot that is given away goes on as a moment for all ids. What is over for
 * good says a moment that has yet to come: with that nobody could log in. */
static void
revoked_floor(vg_revoked_t *table, const vg_revoked_slot_t *slot, int64_t now)
{
    int64_t before = slot->before < now ? slot->before : now;

    PUT(table->floor_until, revoked_later(table->floor_until, slot->until));
    PUT(table->floor, revoked_later(table->floor, before));
}


void
vg_revoked_add(vg_revoked_t *table, uint64_t id, int64_t before, int64_t until,
               int64_t now)
{
    vg_revoked_slot_t *slot;

    if (until <= now) {
        return;
    }

    revoked_lock(table);
    slot = revoked_place(table, id, now);

    if (slot->until > now && slot->id == id) {
        before = revoked_later(before, slot->before);
        until = revoked_later(until, slot->until);
        PUT(slot->before, before);
        PUT(slot->until, until);
    } else {
        if (slot->until > now) {
            revoked_floor(table, slot, now);
        }

        PUT(slot->until, 0);
        PUT(slot->id, id);
        PUT(slot->before, before);
        PUT(slot->until, until);
    }

    (void) __atomic_add_fetch(&table->moved, 1, __ATOMIC_ACQ_REL);
    PUT(table->lock, 0);
}


static bool
revoked_id(const vg_revoked_t *table, uint64_t id, int64_t iat, int64_t now)
{
    int64_t                  before, until;
    const vg_revoked_slot_t *slot = revoked_set(table, id);

    for (size_t i = 0; i < VG_REVOKED_WAYS; i++, slot++) {
        do {
            until = GET(slot->until);
            if (until <= now || GET(slot->id) != id) {
                before = 0;
                break;
            }

            before = GET(slot->before);
        } while (GET(slot->id) != id || GET(slot->until) != until);

        if (iat < before) {
            return true;
        }
    }

    return false;
}


bool
vg_revoked_is(const vg_revoked_t *table, const vg_proof_t *proof, int64_t now)
{
    for (size_t i = 0; i < VG_REVOKED_IDS; i++) {
        if (proof->id[i] != 0
            && revoked_id(table, proof->id[i], proof->iat, now)) {
            return true;
        }
    }

    return now < GET(table->floor_until) && proof->iat < GET(table->floor);
}


uint64_t
vg_revoked_moved(const vg_revoked_t *table)
{
    return GET(table->moved);
}
