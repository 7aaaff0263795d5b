/*
 * parked.c: events that failed, tried again: after 1 s, doubling to 30 s,
 * with jitter; the first of each aggregate first. After VG_EVENT_TRIES it is
 * dead and event.failed.v1 is told.
 */

#include "events.h"

static vg_statement_t *vg_parked_due, *vg_parked_done, *vg_parked_failed;


ngx_int_t
vg_parked_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_parked_due, "parked_due",
        "select e.pos, e.event_id, e.type, e.aggregate_id, e.payload::text,"
        " e.correlation_id, e.traceparent, e.actor_id, vg.z(e.at), false"
        " from vg.parked p join vg.event e on e.pos = p.pos"
        " where p.consumer = $1::text and p.dead_at is null"
        " and p.next_at <= now() and not exists (select from vg.parked b"
        " where b.consumer = p.consumer and b.aggregate_id = p.aggregate_id"
        " and b.pos < p.pos and b.dead_at is null)"
        " order by p.pos limit 1",
        1);
    vg_statement_kit(cf, &vg_parked_done, "parked_done",
                     "delete from vg.parked where consumer = $1::text"
                     " and pos = $2::bigint",
                     2);
    vg_statement_kit(
        cf, &vg_parked_failed, "parked_failed",
        "with failed as (update vg.parked set tries = tries + 1,"
        " error = $3::text, next_at = now() + least(interval '30 seconds',"
        " interval '1 second' * power(2, least(tries, 10)))"
        " * (0.5 + random() / 2), dead_at = case when tries + 1 >= 10"
        " then now() end where consumer = $1::text and pos = $2::bigint"
        " returning consumer, event_id, type, aggregate_id, tries, dead_at)"
        " insert into vg.outbox (plugin, type, aggregate_id, payload,"
        " correlation_id, actor_id) select 'kit', 'event.failed.v1',"
        " f.event_id::text, jsonb_build_object('consumer', f.consumer,"
        " 'eventId', f.event_id, 'type', f.type, 'tries', f.tries,"
        " 'error', $3::text), '', 'kit' from failed f"
        " where f.dead_at is not null",
        3);
    return vg_parked_due && vg_parked_done && vg_parked_failed ? NGX_OK
                                                               : NGX_ERROR;
}


static void
vg_parked_forget(vg_parked_t *parked)
{
    if (parked->pool != NULL) {
        ngx_destroy_pool(parked->pool);
        parked->pool = NULL;
    }
}


static void
vg_parked_end(vg_parked_t *parked)
{
    vg_parked_forget(parked);
    parked->done(parked->data);
}


/* the next that is due: those behind one that was handled wait no longer */
static void
vg_parked_next(vg_parked_t *parked)
{
    if (ngx_exiting) {
        vg_parked_end(parked);
        return;
    }
    vg_parked_forget(parked);
    vg_parked_run(parked);
}


static void
vg_parked_written(vg_unit_t *unit)
{
    if (unit->result != VG_UNIT_OK) {
        vg_parked_end(unit->data);
        return;
    }
    vg_parked_next(unit->data);
}


static void
vg_parked_after(vg_call_t *call, vg_unit_t *unit)
{
    vg_parked_t *parked = call->owner;

    unit->relaxed = 1;
    if (unit->statement->change) {
        parked->moves = 1;
        unit->after = vg_parked_done;
        unit->after_values = vg_event_after(call, parked->values, 2);
    }
}


static void
vg_parked_fail(vg_parked_t *parked, const char *why)
{
    (void) snprintf(parked->why, sizeof(parked->why), "%s", why);
    parked->values[2] = parked->why;
    vg_kit_unit(&parked->unit, vg_parked_failed, parked->values, VG_LANE_WRITE,
                vg_parked_written, parked);
}


static void
vg_parked_handled(vg_call_t *call)
{
    vg_parked_t *parked = call->owner;

    if (call->error == NULL && !parked->moves) { /* nothing was changed */
        vg_kit_unit(&parked->unit, vg_parked_done, parked->values,
                    VG_LANE_WRITE, vg_parked_written, parked);
        return;
    }
    if (call->error == NULL) {
        vg_parked_next(parked);
        return;
    }
    if (call->away || ngx_exiting) {
        vg_parked_end(parked); /* the moment's fault */
        return;
    }
    vg_parked_fail(parked, call->error->name);
}


static void
vg_parked_have(vg_unit_t *unit)
{
    vg_call_t     *call;
    vg_pool_t      pool;
    vg_parked_t   *parked = unit->data;
    vg_endpoint_t *e;

    if (unit->result != VG_UNIT_OK || PQntuples(unit->rows) == 0) {
        vg_parked_end(parked);
        return;
    }
    parked->pool = ngx_create_pool(4096, ngx_cycle->log);
    if (parked->pool == NULL) {
        vg_parked_end(parked);
        return;
    }
    pool = vg_arena_of(parked->pool);
    vg_event_read(&pool, unit->rows, 0, 0, &parked->event);
    parked->values[1] = parked->event.pos.data;
    e = vg_event_endpoint(parked->plugin, parked->event.type);
    if (e == NULL) {
        vg_parked_fail(parked, "no handler");
        return;
    }
    call = vg_event_call(e, &parked->event, vg_parked_handled, parked);
    if (call == NULL) {
        vg_parked_end(parked);
        return;
    }
    parked->moves = 0;
    call->unit_setup = vg_parked_after;
    vg_call_run(call, VG_EVENT_DEADLINE);
}


void
vg_parked_run(vg_parked_t *parked)
{
    parked->values[0] = (const char *) parked->plugin->name.data;
    vg_kit_unit(&parked->unit, vg_parked_due, parked->values, VG_LANE_READ,
                vg_parked_have, parked);
}
