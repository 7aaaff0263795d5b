/*
 * keys.c: Idempotency-Keys that are running on this node.
 *
 * A fixed table in shared memory; a slot is one 64-bit word of hash and one
 * of owner, which is taken by compare and swap. A worker that died leaves
 * slots: they are free once their owner's process is gone. The database's
 * primary key is the arbiter; this only makes the loser's answer quick.
 */

#include <signal.h>

#include "host.h"

#define VG_KEYS       4096 /* a power of two */
#define VG_KEYS_PROBE 16

typedef struct {
    ngx_atomic_t hash;  /* written by the owner alone */
    ngx_atomic_t owner; /* pid; 0: free               */
} vg_key_slot_t;

static vg_key_slot_t *vg_keys;


size_t
vg_keys_size(void)
{
    return VG_KEYS * sizeof(vg_key_slot_t);
}


void
vg_keys_init(void *shared)
{
    vg_keys = shared;
}


uint64_t
vg_hash(const ngx_str_t *parts, ngx_uint_t count)
{
    size_t     i;
    uint64_t   h = 1469598103934665603ull; /* FNV-1a */
    ngx_uint_t part;

    for (part = 0; part < count; part++) {
        for (i = 0; i < parts[part].len; i++) {
            h = (h ^ parts[part].data[i]) * 1099511628211ull;
        }
        h = (h ^ 0xff) * 1099511628211ull;
    }
    return h ? h : 1;
}


static uint64_t
vg_key_hash(vg_call_t *call)
{
    ngx_str_t parts[] = { vg_ngx(call->caller.id), call->endpoint->label,
                          call->key.key };

    return vg_hash(parts, 3);
}


static ngx_uint_t
vg_key_dead(ngx_atomic_uint_t owner)
{
    return owner != 0 && kill((pid_t) owner, 0) == -1 && ngx_errno == ESRCH;
}


vg_rc_t
vg_key_take(vg_call_t *call)
{
    uint64_t          h = vg_key_hash(call);
    ngx_uint_t        i, at;
    vg_key_slot_t    *slot;
    ngx_atomic_uint_t owner;

    call->key.slot = -1;
    for (i = 0; i < VG_KEYS_PROBE; i++) {
        at = (h + i) & (VG_KEYS - 1);
        slot = &vg_keys[at];
        owner = slot->owner;
        if (slot->hash == h && owner != 0 && !vg_key_dead(owner)) {
            return VG_DECLINED;
        }
    }
    for (i = 0; i < VG_KEYS_PROBE; i++) {
        at = (h + i) & (VG_KEYS - 1);
        slot = &vg_keys[at];
        owner = slot->owner;
        if ((owner == 0 || vg_key_dead(owner))
            && ngx_atomic_cmp_set(&slot->owner, owner, ngx_pid))
        {
            slot->hash = h;
            call->key.slot = at;
            break;
        }
    }
    return VG_OK;
}


void
vg_key_give(vg_call_t *call)
{
    if (call->key.key.len && call->key.slot >= 0) {
        vg_keys[call->key.slot].hash = 0;
        ngx_memory_barrier();
        vg_keys[call->key.slot].owner = 0;
        call->key.slot = -1;
    }
}
