/*
 * parked.c: events that failed, tried again one by one, the first of each
 * aggregate first. After so many tries one is dead, and event.failed.v1 is
 * told.
 */

#include "consumer.h"

static vg_statement_t *vg_parked_due, *vg_parked_done, *vg_parked_failed;
static vg_statement_t *vg_parked_put;

#define VG_PARKED_PUT_VALUES 13

/* of one turn: what is new waits no longer than that for what failed */
#define VG_PARKED_TURN 20
#define VG_PARKED_TIME 1000 /* ms */

/* one that is tried; lives in the pool of its turn */
typedef struct {
    vg_consumer_t *consumer;
    vg_event_t     event;
    vg_unit_t      head;
    const char    *id;
    const char    *values[6];
    const char    *tried;
    char           backoff[24], longest[24], tries[24];
    unsigned       chained:1;
} vg_parked_t;

static void vg_parked_next(vg_consumer_t *c);


ngx_int_t
vg_parked_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_parked_due, "parked_due",
        "select " VG_EVENT_COLUMNS ", e.id, e.tries from vg.parked e"
        " join vg.cursor c on c.consumer = e.consumer and c.log = e.log"
        " where not c.paused and e.consumer = $1::text and e.log = $2::text"
        " and e.dead_at is null and e.next_at <= now()"
        " and ($3::boolean or not exists (select from vg.parked b"
        " where b.consumer = e.consumer and b.log = e.log"
        " and b.aggregate_id = e.aggregate_id and b.pos < e.pos"
        " and b.dead_at is null)) order by e.pos limit 1",
        3);
    vg_statement_kit(cf, &vg_parked_done, "parked_done",
                     "select vg.parked_over($1::uuid)", 1);
    vg_statement_kit(
        cf, &vg_parked_failed, "parked_failed",
        "with failed as (update vg.parked set tries = tries + 1,"
        " error = $2::text, next_at = now() + least($4::interval,"
        " $3::interval * power(2, least(tries, 20)))"
        " * (0.5 + random() / 2), dead_at = case when tries + 1 >= $5::int"
        " then now() end where id = $1::uuid and dead_at is null"
        " and tries = $6::int returning id, consumer, event_id, type, tries,"
        " correlation_id, traceparent, dead_at)"
        " insert into vg.outbox (plugin, type, aggregate_id, payload,"
        " correlation_id, traceparent, actor_id) select 'kit',"
        " 'event.failed.v1',"
        " f.event_id::text, jsonb_build_object('deadLetterId', f.id,"
        " 'consumer', f.consumer, 'eventId', f.event_id, 'type', f.type,"
        " 'tries', f.tries, 'error', $2::text), f.correlation_id,"
        " f.traceparent, 'kit' from failed f where f.dead_at is not null "
        "returning 1",
        6);
    vg_statement_kit(
        cf, &vg_parked_put, "parked_put",
        "insert into vg.parked (consumer, log, pos, event_id, type, source,"
        " aggregate_id, payload, correlation_id, traceparent, actor_id, at,"
        " error, next_at) values ($1::text, $2::text, $3::bigint, $4::uuid,"
        " $5::text, $6::text, $7::text, $8::jsonb, $9::text,"
        " nullif($10::text, ''), $11::text, $12::timestamptz, $13::text,"
        " now() + interval '1 second') on conflict on constraint parked_place"
        " do update set dead_at = null, tries = 1, error = excluded.error,"
        " next_at = excluded.next_at",
        VG_PARKED_PUT_VALUES);
    return vg_parked_due && vg_parked_done && vg_parked_failed && vg_parked_put
               ? NGX_OK
               : NGX_ERROR;
}


static const char *
vg_parked_log(const vg_consumer_t *c)
{
    vg_database_t *db = vg_host->databases.elts;

    return (const char *) db[c->log].name.data;
}


/* in a replay an event may be there already, dead or not: it begins anew */
vg_unit_t *
vg_parked_unit(vg_consumer_t *c, const vg_event_t *event, const char *why,
               void (*done)(vg_unit_t *), void *data)
{
    vg_unit_t   *unit = ngx_pcalloc(c->pool, sizeof(vg_unit_t));
    const char **v = ngx_palloc(c->pool, VG_PARKED_PUT_VALUES * sizeof(char *));

    if (unit == NULL || v == NULL) {
        return NULL;
    }
    v[0] = (const char *) c->plugin->name.data;
    v[1] = vg_parked_log(c);
    v[2] = event->pos.data;
    v[3] = event->id.data;
    v[4] = event->type.data;
    v[5] = event->source.data;
    v[6] = event->aggregate.data;
    v[7] = event->payload.data;
    v[8] = event->correlation.data;
    v[9] = event->traceparent.data;
    v[10] = event->actor.data;
    v[11] = event->at.data;
    v[12] = why;
    vg_kit_make(unit, vg_parked_put, v, VG_LANE_WRITE, done, data);
    return unit;
}


/* -------------------------------------------------------------- one try */

static void
vg_parked_forget(vg_consumer_t *c)
{
    if (c->pool != NULL) {
        ngx_destroy_pool(c->pool);
        c->pool = NULL;
    }
}


static void
vg_parked_end(vg_consumer_t *c)
{
    vg_parked_forget(c);
    c->done(c);
}


/* the next that is due: those behind one that was handled wait no longer */
static void
vg_parked_over(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    vg_parked_forget(c);
    if (unit->result != VG_UNIT_OK) {
        vg_consumer_away(c);
        return;
    }
    vg_count_consumer(c, VG_COUNT_RETRIED, 1);
    vg_count_consumer(c, VG_COUNT_DIED, PQntuples(unit->rows));
    if (ngx_exiting) {
        vg_parked_end(c);
    } else {
        vg_events_bell(c->plugin->database); /* event.failed, perhaps */
        vg_parked_next(c);
    }
}


static void
vg_parked_fail(vg_parked_t *parked, const char *why)
{
    vg_consumer_t *c = parked->consumer;
    const char   **v = parked->values;

    (void) snprintf(parked->backoff, sizeof(parked->backoff), "%lu ms",
                    (unsigned long) c->conf->backoff);
    (void) snprintf(parked->longest, sizeof(parked->longest), "%lu ms",
                    (unsigned long) c->conf->longest);
    (void) snprintf(parked->tries, sizeof(parked->tries), "%lu",
                    (unsigned long) c->conf->tries);
    v[0] = parked->id;
    v[1] = why;
    v[2] = parked->backoff;
    v[3] = parked->longest;
    v[4] = parked->tries;
    v[5] = parked->tried;
    vg_consumer_unit(c, &c->unit, vg_parked_failed, v, VG_LANE_WRITE,
                     vg_parked_over);
}


/* With nobody to blame it is a try as well, or one that takes its connection
 * down each time would hold up all that comes behind it, for ever. */
static ngx_uint_t
vg_parked_lost(const vg_unit_t *unit)
{
    return unit->result == VG_UNIT_REFUSED ? unit->sqlstate[0] != '4'
                                           : unit->result == VG_UNIT_LOST;
}


/* after its call, if that had a statement: who was refused is known then */
static void
vg_parked_sent(vg_unit_t *unit)
{
    vg_parked_t    *parked = unit->data;
    vg_consumer_t  *c = parked->consumer;
    vg_event_run_t *run = c->runs;

    if (unit->result == VG_UNIT_REFUSED && run->error && !run->away) {
        vg_parked_fail(parked, run->error->name);
    } else if (vg_parked_lost(unit) && !ngx_exiting) {
        vg_parked_fail(parked, "its commit came to nothing");
    } else if (unit->result == VG_UNIT_OK) {
        vg_count_consumer(c, VG_COUNT_HANDLED, 1);
        vg_parked_forget(c);
        vg_parked_next(c);
    } else {
        vg_parked_forget(c);
        vg_consumer_away(c); /* the moment's fault, or another runner's turn */
    }
}


static void
vg_parked_send(vg_parked_t *parked, vg_unit_t *unit)
{
    parked->values[0] = parked->id;
    vg_kit_make(&parked->head, vg_parked_done, parked->values, VG_LANE_WRITE,
                vg_parked_sent, parked);
    parked->head.database = parked->consumer->plugin->database;
    parked->head.relaxed = unit == NULL;
    if (unit != NULL) {
        vg_unit_chain(&parked->head, unit);
    }
    vg_unit_submit(&parked->head);
}


static void
vg_parked_submit(vg_call_t *call, vg_unit_t *unit)
{
    vg_parked_t *parked = call->owner;

    if (!unit->statement->change) {
        vg_unit_submit(unit); /* a load */
        return;
    }
    parked->chained = 1;
    vg_parked_send(parked, unit);
}


static void
vg_parked_handled(vg_call_t *call)
{
    vg_parked_t    *parked = call->owner;
    vg_consumer_t  *c = parked->consumer;
    vg_event_run_t *run = c->runs;

    run->error = call->committed ? NULL : call->error;
    run->away = call->away;
    if (parked->chained) {
        return; /* vg_parked_sent() */
    }
    if (run->error == NULL) {
        vg_parked_send(parked, NULL);
    } else if (run->away || ngx_exiting) {
        vg_parked_forget(c);
        vg_consumer_away(c);
    } else {
        vg_parked_fail(parked, run->error->name);
    }
}


/* ------------------------------------------------------------ those due */

static ngx_int_t
vg_parked_try(vg_consumer_t *c, PGresult *rows)
{
    vg_call_t     *call;
    vg_pool_t      pool;
    vg_parked_t   *parked;
    vg_endpoint_t *e;

    c->pool = ngx_create_pool(4096, ngx_cycle->log);
    parked = c->pool ? ngx_pcalloc(c->pool, sizeof(vg_parked_t)) : NULL;
    c->runs = parked ? ngx_pcalloc(c->pool, sizeof(vg_event_run_t)) : NULL;
    if (c->runs == NULL) {
        return NGX_ERROR;
    }
    pool = vg_arena_of(c->pool);
    parked->consumer = c;
    if (vg_event_read(&pool, rows, 0, 0, &parked->event) != NGX_OK) {
        return NGX_ERROR;
    }
    parked->id =
        vg_printf(&pool, "%s", PQgetvalue(rows, 0, VG_EVENT_NCOLUMNS)).data;
    parked->tried =
        vg_printf(&pool, "%s", PQgetvalue(rows, 0, VG_EVENT_NCOLUMNS + 1)).data;
    e = vg_event_endpoint(c->plugin, parked->event.type);
    if (e == NULL) {
        vg_parked_fail(parked, "no handler");
        return NGX_OK;
    }
    call = vg_event_call(e, &parked->event, vg_parked_handled, parked);
    if (call == NULL) {
        return NGX_ERROR;
    }
    call->unit_submit = vg_parked_submit;
    vg_call_run(call, VG_EVENT_DEADLINE);
    return NGX_OK;
}


static void
vg_parked_have(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    if (unit->result != VG_UNIT_OK) {
        vg_consumer_away(c);
    } else if (PQntuples(unit->rows) == 0) {
        vg_parked_end(c);
    } else if (vg_parked_try(c, unit->rows) != NGX_OK) {
        vg_parked_forget(c);
        vg_consumer_away(c);
    }
}


static void
vg_parked_next(vg_consumer_t *c)
{
    if (c->tried++ >= VG_PARKED_TURN || !vg_event_may(c->plugin)
        || ngx_current_msec - c->began >= VG_PARKED_TIME)
    {
        c->again = 1;
        vg_parked_end(c);
        return;
    }
    c->values[0] = (const char *) c->plugin->name.data;
    c->values[1] = vg_parked_log(c);
    c->values[2] = c->conf->pass ? "t" : "f";
    vg_consumer_unit(c, &c->unit, vg_parked_due, c->values, VG_LANE_LOG,
                     vg_parked_have);
}


void
vg_parked_run(vg_consumer_t *c, void (*done)(vg_consumer_t *))
{
    c->done = done;
    c->tried = 0;
    c->began = ngx_current_msec;
    vg_parked_next(c);
}
