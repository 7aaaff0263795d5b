/*
 * table.c: charge point -> worker, in shared memory, in fixed slots.
 *
 * Open addressing with a bounded probe. A slot keeps its identity and epoch
 * when its connection ends, and is taken over by another one when room is
 * needed. The lock names its owner, so that one that died inside does not stop
 * the rest; a slot it left half written has no pid.
 */

#include <time.h>

#include "node.h"

#define VG_TABLE_PROBE 128
#define VG_TABLE_SPIN  1024 /* looks at the lock before its owner is checked */
#define VG_TABLE_LATE  1000 /* ms: nobody is inside for as long             */

int64_t
vg_table_born(void)
{
    return (int64_t) vg_node()->born;
}


/* ------------------------------------------------------------------- lock */

/* the loop's own clock stands still meanwhile */
static ngx_msec_t
vg_table_now(void)
{
    struct timespec t;

    (void) clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (ngx_msec_t) t.tv_sec * 1000 + (ngx_msec_t) t.tv_nsec / 1000000;
}


/* The number of one that died may be another's by now, even ours: what has been
 * held for long is held by nobody. */
static ngx_uint_t
vg_table_left(ngx_atomic_uint_t owner, ngx_msec_t since)
{
    return (kill((pid_t) owner, 0) == -1 && ngx_errno == ESRCH)
           || vg_table_now() - since > VG_TABLE_LATE;
}


static vg_node_t *
vg_table_lock(void)
{
    ngx_uint_t        spin;
    ngx_msec_t        since = 0;
    vg_node_t        *table = vg_node();
    ngx_atomic_uint_t owner, before = 0;

    for (spin = 1;; spin++) {
        owner = table->lock;
        if (owner == 0) {
            if (ngx_atomic_cmp_set(&table->lock, 0, ngx_pid)) {
                return table;
            }
            continue;
        }
        if (spin % VG_TABLE_SPIN == 0) {
            since = owner == before ? since : vg_table_now();
            before = owner;
            if (vg_table_left(owner, since)
                && ngx_atomic_cmp_set(&table->lock, owner, ngx_pid))
            {
                return table;
            }
            ngx_sched_yield();
        }
        ngx_cpu_pause();
    }
}


/* unless it was taken for dead */
static void
vg_table_unlock(vg_node_t *table)
{
    ngx_memory_barrier();
    (void) ngx_atomic_cmp_set(&table->lock, ngx_pid, 0);
}


/* ------------------------------------------------------------------ slots */

static ngx_uint_t
vg_table_alive(const vg_holder_t *holder)
{
    return holder->pid != 0
           && (holder->pid == ngx_pid || kill(holder->pid, 0) == 0
               || ngx_errno != ESRCH);
}


/* The identity's slot, or NULL; *room: one that may be taken instead. */
static vg_table_slot_t *
vg_table_probe(vg_node_t *table, vg_str_t identity, vg_table_slot_t **room)
{
    ngx_uint_t       i;
    uint32_t         hash;
    vg_table_slot_t *slot;

    *room = NULL;
    if (identity.len == 0 || identity.len > VG_IDENTITY_MAX) {
        return NULL;
    }
    hash = ngx_murmur_hash2((u_char *) identity.data, identity.len);
    for (i = 0; i < VG_TABLE_PROBE; i++) {
        slot = &table->slots[(hash + i) & (VG_TABLE_SLOTS - 1)];
        if (slot->len == identity.len
            && ngx_memcmp(slot->identity, identity.data, identity.len) == 0)
        {
            return slot;
        }
        if (*room == NULL && slot->holder.pid == 0) {
            *room = slot;
        }
        if (slot->len == 0) {
            break;
        }
    }
    return NULL;
}


vg_rc_t
vg_table_claim(vg_str_t identity, const vg_holder_t *mine, vg_holder_t *old)
{
    vg_rc_t          rc = VG_OK;
    vg_node_t       *table = vg_table_lock();
    vg_table_slot_t *room, *slot = vg_table_probe(table, identity, &room);

    ngx_memzero(old, sizeof(*old));
    if (slot == NULL && room == NULL) {
        rc = VG_ERROR;
    } else if (slot == NULL) {
        room->len = identity.len;
        ngx_memcpy(room->identity, identity.data, identity.len);
        room->holder = *mine;
    } else if (slot->holder.epoch > mine->epoch) {
        rc = VG_DECLINED;
    } else {
        *old = slot->holder;
        slot->holder = *mine;
    }
    vg_table_unlock(table);
    return rc;
}


vg_holder_t
vg_table_outdate(vg_str_t identity, int64_t epoch)
{
    vg_node_t       *table = vg_table_lock();
    vg_holder_t      old = { 0, 0, 0 };
    vg_table_slot_t *room, *slot = vg_table_probe(table, identity, &room);

    if (slot == NULL && room != NULL) {
        slot = room;
        slot->len = identity.len;
        ngx_memcpy(slot->identity, identity.data, identity.len);
        slot->holder.epoch = 0;
    }
    if (slot != NULL && slot->holder.epoch < epoch) {
        old = slot->holder;
        slot->holder = (vg_holder_t){ 0, 0, epoch };
    }
    vg_table_unlock(table);
    return old;
}


vg_holder_t
vg_table_find(vg_str_t identity)
{
    vg_node_t       *table = vg_table_lock();
    vg_holder_t      holder = { 0, 0, 0 };
    vg_table_slot_t *room, *slot = vg_table_probe(table, identity, &room);

    if (slot != NULL) {
        holder = slot->holder;
    }
    vg_table_unlock(table);
    return holder;
}


void
vg_table_leave(vg_str_t identity, const vg_holder_t *mine)
{
    vg_node_t       *table = vg_table_lock();
    vg_table_slot_t *room, *slot = vg_table_probe(table, identity, &room);

    if (slot != NULL && slot->holder.pid == mine->pid
        && slot->holder.number == mine->number)
    {
        slot->holder.pid = 0;
    }
    vg_table_unlock(table);
}


ngx_uint_t
vg_table_sweep(ngx_uint_t *next, char *identity, size_t *len, vg_holder_t *dead)
{
    ngx_uint_t       found = 0;
    vg_node_t       *table = vg_table_lock();
    vg_table_slot_t *slot;

    while (*next < VG_TABLE_SLOTS && !found) {
        slot = &table->slots[(*next)++];
        if (slot->holder.pid != 0 && !vg_table_alive(&slot->holder)) {
            found = 1;
            *dead = slot->holder;
            *len = slot->len;
            ngx_memcpy(identity, slot->identity, slot->len);
            slot->holder.pid = 0;
        }
    }
    vg_table_unlock(table);
    return found;
}
