/*
 * guard.c: connections that cost time, which passes.
 */

#include "guard.h"

#include <stddef.h>

#define VG_GUARD_PROBE 8
#define VG_GUARD_FIRST 2000 /* ms of the first wait                       */
#define VG_GUARD_LEVEL 20   /* waits do not double for ever               */


/* Its row, or the one of its neighbours that was paid for first. */
static vg_guard_slot_t *
vg_guard_slot(vg_guard_slot_t *slots, uint64_t key)
{
    int              i;
    vg_guard_slot_t *slot, *oldest = NULL;

    for (i = 0; i < VG_GUARD_PROBE; i++) {
        slot = &slots[(key + (uint64_t) i) & (VG_GUARD_SLOTS - 1)];
        if (slot->key == key) {
            return slot;
        }
        if (oldest == NULL || slot->key == 0
            || (oldest->key != 0 && slot->due < oldest->due))
        {
            oldest = slot;
        }
    }
    oldest->due = 0;
    oldest->until = 0;
    oldest->level = 0;
    oldest->key = key;
    return oldest;
}


static int64_t
vg_guard_wait(const vg_guard_conf_t *conf, uint64_t level)
{
    int64_t wait;

    level = level < VG_GUARD_LEVEL ? level : VG_GUARD_LEVEL;
    wait = (int64_t) VG_GUARD_FIRST << (level - 1);
    return wait < conf->most ? wait : conf->most;
}


/* Who is refused pays nothing, else one that does not listen would never
 * come in. */
int64_t
vg_guard_come(vg_guard_slot_t *slots, const vg_guard_conf_t *conf, uint64_t key,
              int64_t now)
{
    vg_guard_slot_t *slot;

    if (conf->burst == 0) {
        return 0;
    }
    slot = vg_guard_slot(slots, key);
    if (slot->until > now && slot->until - now <= conf->most) {
        return slot->until - now;
    }
    if (slot->due <= now) {
        slot->due = now;
        slot->level = 0;
    }
    if (slot->due + conf->step - now > conf->step * conf->burst) {
        slot->level++;
        slot->until = now + vg_guard_wait(conf, slot->level);
        /* then it may try once */
        slot->due = slot->until + conf->step * (conf->burst - 1);
        return slot->until - now;
    }
    slot->due += conf->step;
    return 0;
}


void
vg_guard_charge(vg_guard_slot_t *slots, const vg_guard_conf_t *conf,
                uint64_t key, int64_t now, int64_t count)
{
    vg_guard_slot_t *slot;

    if (conf->burst == 0) {
        return;
    }
    slot = vg_guard_slot(slots, key);
    slot->due = (slot->due > now ? slot->due : now) + conf->step * count;
}
