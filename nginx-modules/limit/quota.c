/*
 * quota.c: how many calls a key has had in a month (UTC).
 *
 * Counted in shared memory, call by call. Once a second worker 0 writes into
 * vg.quota how many this node has had in all, for each key that called, in one
 * statement, which gives back what the other nodes had. What is written twice
 * is the same, so a write of which no word came is simply written again. A
 * node that is killed forgets what it had not written: a second's calls at
 * most, to the caller's good.
 */

#include <time.h>

#include "db.h"
#include "events.h"
#include "limit.h"

#define VG_QUOTA_WRITE 1000 /* ms                                         */
#define VG_QUOTA_BATCH 500  /* keys in one statement                      */
#define VG_QUOTA_WAYS  8

typedef struct {
    vg_unit_t         unit;
    ngx_pool_t       *pool;
    const char       *values[2];
    ngx_uint_t        count;
    vg_quota_entry_t *entries[VG_QUOTA_BATCH];
} vg_quota_batch_t;

static vg_statement_t *vg_quota_put;
static ngx_event_t     vg_quota_timer;
static ngx_uint_t      vg_quota_at;   /* where the next batch begins          */
static ngx_uint_t      vg_quota_left; /* entries of this second's round      */


ngx_int_t
vg_quota_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_quota_put, "quota_put",
        "with w as (insert into vg.quota as q (id, month, node, used)"
        " select r.id, r.month, $2::text, r.used"
        " from jsonb_to_recordset($1::text::jsonb)"
        " as r (id text, month date, used bigint) order by r.id"
        " on conflict (id, month, node) do update"
        " set used = greatest(q.used, excluded.used)"
        " returning q.id, q.month, q.used)"
        " select w.id, w.used, coalesce((select sum(o.used) from vg.quota o"
        " where o.id = w.id and o.month = w.month and o.node <> $2::text), 0)"
        " from w",
        2);
    return vg_quota_put ? NGX_OK : NGX_ERROR;
}


/* ----------------------------------------------------------------- table */

static uint64_t
vg_quota_hash(vg_str_t id)
{
    uint64_t hash = vg_gcra_hash(vg_limit_shared->seed, id.data, id.len);

    return hash ? hash : 1;
}


static vg_quota_entry_t *
vg_quota_way(uint64_t key, ngx_uint_t i)
{
    return &vg_limit_shared->quotas[(key + i) % VG_QUOTAS];
}


static vg_quota_entry_t *
vg_quota_find(uint64_t key)
{
    ngx_uint_t        i;
    vg_quota_entry_t *e;

    for (i = 0; i < VG_QUOTA_WAYS; i++) {
        e = vg_quota_way(key, i);
        if (e->key == key) {
            return e;
        }
    }
    return NULL;
}


/* whoever is out with it may be dead: what it had sent is forgotten then */
static ngx_uint_t
vg_quota_hold(vg_quota_entry_t *e)
{
    ngx_atomic_uint_t holder = e->holder;

    if (holder != 0 && vg_limit_alive((uint32_t) holder)) {
        return 0;
    }
    if (!ngx_atomic_cmp_set(&e->holder, holder, ngx_pid)) {
        return 0;
    }
    e->sent = 0;
    return 1;
}


static void
vg_quota_release(vg_quota_entry_t *e)
{
    ngx_memory_barrier();
    e->holder = 0;
}


/* An entry for it: a free one, else one whose count is written down. A call
 * that counts on that one in this very moment is counted for the new key. */
static vg_quota_entry_t *
vg_quota_make(uint64_t key, vg_str_t id)
{
    ngx_uint_t        i;
    vg_quota_entry_t *e;

    for (i = 0; i < (ngx_uint_t) 2 * VG_QUOTA_WAYS && id.len < VG_QUOTA_ID; i++)
    {
        e = vg_quota_way(key, i % VG_QUOTA_WAYS);
        if (!(e->key == 0
              || (i >= VG_QUOTA_WAYS && e->loaded && e->pending == 0))
            || !vg_quota_hold(e))
        {
            continue;
        }
        e->key = 0;
        e->month = e->own = e->others = e->pending = e->loaded = 0;
        ngx_memzero(e->id, sizeof(e->id));
        ngx_memcpy(e->id, id.data, id.len);
        ngx_memory_barrier();
        e->key = key;
        vg_quota_release(e);
        return e;
    }
    return NULL;
}


/* ------------------------------------------------------------- written down */

static void
vg_quota_over(vg_quota_batch_t *batch, ngx_uint_t good)
{
    ngx_uint_t        i;
    vg_quota_entry_t *e;

    for (i = 0; i < batch->count; i++) {
        e = batch->entries[i];
        if (!good) {
            (void) ngx_atomic_fetch_add(&e->pending, e->sent);
        }
        e->sent = 0;
        vg_quota_release(e);
    }
    ngx_destroy_pool(batch->pool);
}


static void
vg_quota_written(vg_unit_t *unit)
{
    int               i;
    vg_str_t          id;
    vg_quota_entry_t *e;
    vg_quota_batch_t *batch = unit->data;

    (void) vg_kit_ok(unit); /* logs what is none of the database's moods */
    (void) ngx_atomic_fetch_add(unit->result == VG_UNIT_OK
                                    ? &vg_limit_shared->counts.quota_writes
                                    : &vg_limit_shared->counts.quota_failed,
                                1);
    for (i = 0; unit->result == VG_UNIT_OK && i < PQntuples(unit->rows); i++) {
        id = vg_str(PQgetvalue(unit->rows, i, 0));
        e = vg_quota_find(vg_quota_hash(id));
        if (e != NULL && e->holder == (ngx_atomic_uint_t) ngx_pid) {
            e->sent = 0; /* too few for a moment, rather than too many */
            e->own = strtoull(PQgetvalue(unit->rows, i, 1), NULL, 10);
            e->others = strtoull(PQgetvalue(unit->rows, i, 2), NULL, 10);
            e->loaded = 1;
        }
    }
    vg_quota_over(batch, unit->result == VG_UNIT_OK);
}


static void
vg_quota_row(vg_out_t *out, vg_quota_entry_t *e)
{
    ngx_atomic_uint_t pending, month = e->month;

    /* what the node had before it was started is asked for first */
    do {
        pending = e->loaded ? e->pending : 0;
        e->sent = pending;
    } while (pending && !ngx_atomic_cmp_set(&e->pending, pending, 0));
    vg_out_open(out, '{');
    vg_out_member(out, "id", vg_str(e->id));
    vg_out_member(out, "month",
                  vg_printf(out->pool, "%lu-%02lu-01",
                            (unsigned long) month / 12,
                            (unsigned long) month % 12 + 1));
    vg_out_key(out, "used");
    vg_out_int(out, (int64_t) (e->own + pending));
    vg_out_close(out, '}');
}


static ngx_uint_t
vg_quota_wants(const vg_quota_entry_t *e)
{
    return e->key != 0 && e->month != 0 && (e->pending > 0 || !e->loaded);
}


/* what has something to write, from where the batch before stopped, so that
 * those in front do not keep the others from it */
static void
vg_quota_gather(vg_quota_batch_t *batch, vg_out_t *out, vg_quota_entry_t *one)
{
    vg_quota_entry_t *e;

    while (batch->count < VG_QUOTA_BATCH && (one || vg_quota_left > 0)) {
        e = one ? one : &vg_limit_shared->quotas[vg_quota_at];
        if (vg_quota_wants(e) && vg_quota_hold(e)) {
            vg_quota_row(out, e);
            batch->entries[batch->count++] = e;
        }
        if (one) {
            return;
        }
        vg_quota_at = (vg_quota_at + 1) % VG_QUOTAS;
        vg_quota_left--;
    }
}


/* one of them, or as many of the round as a statement takes */
static void
vg_quota_write(vg_quota_entry_t *one)
{
    vg_out_t          out;
    vg_str_t          text;
    vg_pool_t         arena;
    ngx_pool_t       *pool = ngx_create_pool(1024, ngx_cycle->log);
    vg_quota_batch_t *batch;

    batch = pool ? ngx_pcalloc(pool, sizeof(vg_quota_batch_t)) : NULL;
    if (batch == NULL) {
        if (pool != NULL) {
            ngx_destroy_pool(pool);
        }
        return; /* the next second */
    }
    batch->pool = pool;
    arena = vg_arena_of(pool);
    vg_out_init(&out, &arena);
    vg_out_open(&out, '[');
    vg_quota_gather(batch, &out, one);
    vg_out_close(&out, ']');
    text = vg_out_str(&out);
    batch->values[0] =
        vg_printf(&arena, "%.*s", (int) text.len, text.data).data;
    batch->values[1] = (const char *) vg_host->node.data;
    if (batch->count == 0 || text.data == NULL || batch->values[0] == NULL) {
        vg_quota_over(batch, 0);
        return;
    }
    vg_kit_unit(&batch->unit, vg_quota_put, batch->values, VG_LANE_WRITE,
                vg_quota_written, batch);
}


static void
vg_quota_tick(ngx_event_t *ev)
{
    ngx_uint_t left;

    if (ngx_exiting) {
        return;
    }
    if (ngx_worker == 0) {
        if (vg_quota_left == 0) {
            vg_quota_left = VG_QUOTAS;
        }
        left = vg_quota_left;
        vg_quota_write(NULL);
        if (vg_quota_left == left) {
            vg_quota_left = 0; /* no memory: the next second */
        }
    }
    ngx_add_timer(ev, vg_quota_left ? 1 : VG_QUOTA_WRITE);
}


void
vg_quota_start(void)
{
    ngx_memzero(&vg_quota_timer, sizeof(vg_quota_timer));
    vg_quota_timer.handler = vg_quota_tick;
    vg_quota_timer.data = &vg_nobody;
    vg_quota_timer.log = ngx_cycle->log;
    vg_quota_timer.cancelable = 1;
    ngx_add_timer(&vg_quota_timer, VG_QUOTA_WRITE);
}


void
vg_quota_stop(void)
{
    if (vg_quota_timer.timer_set) {
        ngx_del_timer(&vg_quota_timer);
    }
}


/* --------------------------------------------------------------- counting */

/* year * 12 + month from 0; *reset: s until the next one */
static ngx_atomic_uint_t
vg_quota_month(int64_t now_us, uint64_t *reset)
{
    time_t    now = (time_t) (now_us / 1000000);
    struct tm tm, next = { .tm_mday = 1 };

    (void) gmtime_r(&now, &tm);
    next.tm_year = tm.tm_year;
    next.tm_mon = tm.tm_mon + 1; /* 12 is January of the next year */
    *reset = (uint64_t) (timegm(&next) - now);
    return ((ngx_atomic_uint_t) tm.tm_year + 1900) * 12
           + (ngx_atomic_uint_t) tm.tm_mon;
}


/* what was not written of a month that is over is forgotten */
static ngx_uint_t
vg_quota_turn(vg_quota_entry_t *e, ngx_atomic_uint_t month)
{
    ngx_uint_t turned = 0;

    if (e->month != month && vg_quota_hold(e)) {
        if (e->month != month) {
            e->own = e->others = e->pending = e->loaded = 0;
            e->month = month;
            turned = 1;
        }
        vg_quota_release(e);
    }
    return turned;
}


vg_rc_t
vg_quota_take(vg_str_t id, int64_t quota, int64_t now_us, uint64_t *left,
              uint64_t *reset)
{
    uint64_t          used, key = vg_quota_hash(id);
    ngx_uint_t        turned;
    ngx_atomic_uint_t month = vg_quota_month(now_us, reset);
    vg_quota_entry_t *e = vg_quota_find(key);

    e = e ? e : vg_quota_make(key, id);
    *left = (uint64_t) quota;
    if (e == NULL) {
        (void) ngx_atomic_fetch_add(&vg_limit_shared->counts.uncounted, 1);
        return VG_OK;
    }
    turned = vg_quota_turn(e, month);
    used =
        e->own + e->others + e->sent + ngx_atomic_fetch_add(&e->pending, 1) + 1;
    if (turned) {
        vg_quota_write(e); /* its first call: what do others know of it? */
    }
    *left = used > (uint64_t) quota ? 0 : (uint64_t) quota - used;
    if (used > (uint64_t) quota) {
        (void) ngx_atomic_fetch_add(&e->pending, -1);
        return VG_DECLINED;
    }
    return VG_OK;
}


/* Written down meanwhile, it is one too many: of a call in a million. */
void
vg_quota_give(vg_str_t id)
{
    ngx_atomic_uint_t pending;
    vg_quota_entry_t *e = vg_quota_find(vg_quota_hash(id));

    while (e != NULL && (pending = e->pending) > 0) {
        if (ngx_atomic_cmp_set(&e->pending, pending, pending - 1)) {
            return;
        }
    }
}
