/*
 * near.c: the clerk takes what other nodes ask of this one, and hands on what
 * they answered to it: one statement for both.
 *
 * taken_at is durable before anything is done, so what a crash of the
 * database takes back was not done, and nothing is done twice.
 */

#include "events.h"
#include "nodes.h"

#define VG_NEAR_TRIES 10   /* of writing an answer                        */
#define VG_NEAR_PAUSE 1000 /* ms between them                             */
#define VG_NEAR_BATCH 64

typedef struct {
    ngx_pool_t *pool;
    vg_unit_t   unit;
    const char *values[2];
    ngx_event_t timer;
    ngx_uint_t  tries;
} vg_near_t;

static vg_statement_t   *vg_near_take, *vg_near_write;
static vg_unit_t         vg_near_unit;
static const char       *vg_near_values[1];
static ngx_uint_t        vg_near_busy, vg_near_again;
static vg_far_handler_pt vg_near_handlers[VG_FAR_KINDS];


ngx_int_t
vg_near_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_near_take, "near_take",
        "with next as (select c.id from vg.call as c where c.node = $1::text"
        " and c.taken_at is null and c.deadline > now()"
        " order by c.id limit 64 for update skip locked),"
        " taken as (update vg.call as c set taken_at = now() from next"
        " where c.id = next.id returning c.*),"
        " heard as (delete from vg.call as c where c.from_node = $1::text"
        " and c.answered_at is not null returning c.*)"
        " select t.kind, t.id::text, t.bytes, ceil(extract(epoch from"
        " t.deadline - now()) * 1000)::bigint::text, t.id from taken as t"
        " union all select 'answer', h.asker_number::text, h.answer,"
        " h.asker_pid::text, h.id from heard as h order by 5",
        1);
    vg_statement_kit(
        cf, &vg_near_write, "near_write",
        "with answered as (update vg.call as c set answer = $2::text,"
        " answered_at = now() where c.id = $1::bigint"
        " and c.answered_at is null returning c.from_node)"
        " select pg_notify(vg.node_channel(a.from_node), '')"
        " from answered as a",
        2);
    if (vg_near_take == NULL || vg_near_write == NULL) {
        return NGX_ERROR;
    }
    vg_near_take->change = vg_near_take->firm = 1;
    return NGX_OK;
}


void
vg_far_on(vg_far_kind_t kind, vg_far_handler_pt handler)
{
    vg_near_handlers[kind] = handler;
}


/* ------------------------------------------------------------------ taking */

static vg_str_t
vg_near_text(PGresult *rows, int row, int column)
{
    return (vg_str_t){ PQgetvalue(rows, row, column),
                       PQgetlength(rows, row, column) };
}


/* an answer to one of our workers: [number, answer] */
static void
vg_near_pass(PGresult *rows, int row)
{
    vg_out_t    out;
    vg_str_t    pid = vg_near_text(rows, row, 3);
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(1024, ngx_cycle->log);

    if (pool == NULL) {
        return; /* the asker's timer tells */
    }
    arena = vg_arena_of(pool);
    vg_out_init(&out, &arena);
    vg_out_open(&out, '[');
    vg_out_raw(&out, vg_near_text(rows, row, 1));
    vg_out_raw(&out, vg_near_text(rows, row, 2));
    vg_out_close(&out, ']');
    (void) vg_link_tell((ngx_pid_t) ngx_atoi((u_char *) pid.data, pid.len),
                        VG_LINK_FAR, vg_out_str(&out));
    ngx_destroy_pool(pool);
}


static void
vg_near_run(PGresult *rows, int row)
{
    vg_str_t   kind = vg_near_text(rows, row, 0);
    vg_str_t   left = vg_near_text(rows, row, 3);
    ngx_uint_t i;

    for (i = 0; i < VG_FAR_KINDS; i++) {
        if (vg_str_eq(kind, vg_far_kind(i)) && vg_near_handlers[i] != NULL) {
            vg_near_handlers[i](PQgetvalue(rows, row, 1),
                                vg_near_text(rows, row, 2),
                                ngx_atoi((u_char *) left.data, left.len));
        }
    }
}


static void
vg_near_taken(vg_unit_t *unit)
{
    int i, n = vg_kit_ok(unit) ? PQntuples(unit->rows) : 0;

    for (i = 0; i < n; i++) {
        if (vg_str_eq(vg_near_text(unit->rows, i, 0), "answer")) {
            vg_near_pass(unit->rows, i);
        } else {
            vg_near_run(unit->rows, i);
        }
    }
    vg_near_busy = 0;
    if (vg_near_again || n >= VG_NEAR_BATCH) {
        vg_near_again = 0;
        vg_near_tick();
    }
}


/* by the clock, or because somebody rang */
void
vg_near_tick(void)
{
    if (vg_near_busy) {
        vg_near_again = 1;
        return;
    }
    if (ngx_exiting) {
        return; /* the next clerk does it */
    }
    vg_near_busy = 1;
    vg_near_values[0] = vg_node_name();
    vg_kit_unit(&vg_near_unit, vg_near_take, vg_near_values, VG_LANE_WRITE,
                vg_near_taken, NULL);
}


/* --------------------------------------------------------------- answering */

static void
vg_near_written(vg_unit_t *unit)
{
    vg_near_t *near = unit->data;

    if (unit->result == VG_UNIT_OK || unit->result == VG_UNIT_REFUSED
        || ++near->tries == VG_NEAR_TRIES)
    {
        ngx_destroy_pool(near->pool);
        return;
    }
    ngx_add_timer(&near->timer, VG_NEAR_PAUSE);
}


static void
vg_near_send(ngx_event_t *ev)
{
    vg_near_t *near = ev->data;

    vg_kit_unit(&near->unit, vg_near_write, near->values, VG_LANE_WRITE,
                vg_near_written, near);
}


/* without memory nobody answers, which the asker's timer tells */
void
vg_far_answer(const char *id, vg_str_t bytes)
{
    char       *copy;
    size_t      len = ngx_strlen(id);
    vg_near_t  *near;
    ngx_pool_t *pool;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }
    near = ngx_pcalloc(pool, sizeof(vg_near_t));
    copy = ngx_pnalloc(pool, len + bytes.len + 2);
    if (near == NULL || copy == NULL) {
        ngx_destroy_pool(pool);
        return;
    }
    ngx_memcpy(copy, id, len + 1);
    ngx_memcpy(copy + len + 1, bytes.data, bytes.len);
    copy[len + 1 + bytes.len] = '\0';
    near->pool = pool;
    near->values[0] = copy;
    near->values[1] = copy + len + 1;
    near->timer.handler = vg_near_send;
    near->timer.data = near;
    near->timer.log = ngx_cycle->log;
    near->timer.cancelable = 1;
    vg_near_send(&near->timer);
}
