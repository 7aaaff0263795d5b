/*
 * place.c: see place.h.
 */

#include "place.h"

#define PLACE_TRIES 8


void
vg_places_init(vg_places_t *places, void *memory, size_t size)
{
    places->shared = memory;
    places->sets = (size - sizeof(vg_place_shared_t))
                   / (VG_PLACE_WAYS * sizeof(vg_place_entry_t));
    places->column = -1;
}


static void
place_clear(vg_places_t *places, int column)
{
    size_t            i;
    vg_place_entry_t *e = places->shared->entries;

    for (i = 0; i < places->sets * VG_PLACE_WAYS; i++) {
        if (__atomic_load_n(&e[i].columns[column], __ATOMIC_RELAXED)) {
            __atomic_store_n(&e[i].columns[column], 0, __ATOMIC_SEQ_CST);
        }
    }
}


static bool
place_claim(uint32_t *word, uint32_t was, uint32_t pid)
{
    return __atomic_compare_exchange_n(word, &was, pid, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}


/* The columns of the dead are cleared while they are claimed for ourselves,
 * and but one is given back: two who do so at once do not meet. */
void
vg_places_join(vg_places_t *places, uint32_t pid, vg_place_alive_pt alive)
{
    int                i;
    uint32_t           was, used;
    vg_place_shared_t *shared = places->shared;

    places->column = -1;
    for (i = 0; i < VG_PLACE_WORKERS; i++) {
        was = __atomic_load_n(&shared->pids[i], __ATOMIC_SEQ_CST);
        if ((was == 0 && places->column >= 0)
            || (was != 0 && was != pid && alive(was))
            || !place_claim(&shared->pids[i], was, pid))
        {
            continue;
        }
        if (was != 0) {
            place_clear(places, i);
        }
        if (places->column < 0) {
            places->column = i;
        } else {
            __atomic_store_n(&shared->pids[i], 0, __ATOMIC_SEQ_CST);
        }
    }
    used = __atomic_load_n(&shared->used, __ATOMIC_SEQ_CST);
    while (places->column >= (int) used
           && !__atomic_compare_exchange_n(&shared->used, &used,
                                           (uint32_t) places->column + 1, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
    }
}


void
vg_places_leave(vg_places_t *places)
{
    int column = places->column;

    if (column >= 0) {
        places->column = -1;
        place_clear(places, column);
        __atomic_store_n(&places->shared->pids[column], 0, __ATOMIC_SEQ_CST);
    }
}


static unsigned
place_sum(const vg_places_t *places, const vg_place_entry_t *e)
{
    unsigned i, sum = 0;
    unsigned used = __atomic_load_n(&places->shared->used, __ATOMIC_SEQ_CST);

    for (i = 0; i < used; i++) {
        sum += __atomic_load_n(&e->columns[i], __ATOMIC_SEQ_CST);
    }
    return sum;
}


static vg_place_entry_t *
place_set(const vg_places_t *places, uint64_t key)
{
    return places->shared->entries
           + ((key >> 32) * places->sets >> 32) * VG_PLACE_WAYS;
}


static vg_place_entry_t *
place_find(vg_place_entry_t *set, uint64_t key, const vg_place_entry_t *but)
{
    int i;

    for (i = 0; i < VG_PLACE_WAYS; i++) {
        if (&set[i] != but
            && __atomic_load_n(&set[i].key, __ATOMIC_SEQ_CST) == key) {
            return &set[i];
        }
    }
    return NULL;
}


static bool
place_becomes(vg_place_entry_t *e, uint64_t was, uint64_t key)
{
    return __atomic_compare_exchange_n(&e->key, &was, key, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}


/* an entry that nobody counts on becomes this key's */
static vg_place_entry_t *
place_seize(vg_places_t *places, vg_place_entry_t *set, uint64_t key)
{
    int      i;
    uint64_t was;

    for (i = 0; i < VG_PLACE_WAYS; i++) {
        was = __atomic_load_n(&set[i].key, __ATOMIC_SEQ_CST);
        if (place_sum(places, &set[i]) != 0
            || !place_becomes(&set[i], was, key)) {
            continue;
        }
        if (place_find(set, key, &set[i]) == NULL) {
            return &set[i];
        }
        (void) place_becomes(&set[i], key, 0); /* somebody was quicker */
        return NULL;
    }
    return NULL;
}


int
vg_place_take(vg_places_t *places, uint64_t key, unsigned most)
{
    int               tries;
    uint16_t         *mine;
    vg_place_entry_t *e, *set = place_set(places, key ? key : 1);

    key = key ? key : 1;
    for (tries = 0; places->column >= 0 && tries < PLACE_TRIES; tries++) {
        e = place_find(set, key, NULL);
        e = e ? e : place_seize(places, set, key);
        if (e == NULL) {
            continue;
        }
        mine = &e->columns[places->column];
        (void) __atomic_fetch_add(mine, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&e->key, __ATOMIC_SEQ_CST) != key) {
            (void) __atomic_fetch_sub(mine, 1, __ATOMIC_SEQ_CST);
            continue; /* it became another's in between */
        }
        if (place_sum(places, e) > most) {
            (void) __atomic_fetch_sub(mine, 1, __ATOMIC_SEQ_CST);
            return VG_PLACE_FULL;
        }
        return (int) (e - places->shared->entries);
    }
    return VG_PLACE_NONE;
}


void
vg_place_give(vg_places_t *places, int place)
{
    if (place >= 0 && places->column >= 0) {
        (void) __atomic_fetch_sub(
            &places->shared->entries[place].columns[places->column], 1,
            __ATOMIC_SEQ_CST);
    }
}


unsigned
vg_place_taken(const vg_places_t *places, uint64_t key)
{
    const vg_place_entry_t *e;

    key = key ? key : 1;
    e = place_find(place_set(places, key), key, NULL);
    return e ? place_sum(places, e) : 0;
}
