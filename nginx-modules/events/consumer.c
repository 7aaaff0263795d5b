/*
 * consumer.c: one plugin along the log.
 *
 * A batch is read after the cursor; each event's effects and the cursor's
 * step over it are one commit, so a second runner is fenced. An event that
 * fails twice is parked and the cursor goes on; later ones of its aggregate
 * park behind it. A worker runs the consumers that fall to it by name.
 */

#include "events.h"

#define VG_CONSUMER_POLL  2000 /* ms; a wake comes first                  */
#define VG_CONSUMER_REST  1500 /* ms, after somebody else moved the cursor */
#define VG_CONSUMER_TRIES 2    /* then it is parked                       */
#define VG_CONSUMER_SLOW  5    /* the same for what was slow or locked      */

struct vg_consumer_s {
    vg_plugin_slot_t *plugin;
    ngx_event_t       timer;
    ngx_pool_t       *pool; /* of the batch */
    vg_event_t       *events;
    ngx_uint_t        count, at, tries;
    char              pos[24];    /* where the cursor stands */
    char              failed[24]; /* the event that tries counts for */
    unsigned          busy:1;
    unsigned          again:1;
    unsigned          rests:1; /* and is not to be woken                  */
    unsigned          moves:1; /* the handler's commit moves the cursor   */
    vg_unit_t         unit;
    const char       *values[8];
    vg_parked_t       parked;
};

static vg_statement_t *vg_cursor_read, *vg_cursor_make, *vg_cursor_move;
static vg_statement_t *vg_cursor_park;
static vg_consumer_t  *vg_consumers;
static ngx_uint_t      vg_consumer_count;

static void vg_consumer_next(vg_consumer_t *consumer);
static void vg_consumer_failed(vg_consumer_t    *consumer,
                               const vg_error_t *error);
static void vg_consumer_rest(vg_consumer_t *consumer, ngx_msec_t ms);


ngx_int_t
vg_consumer_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_cursor_read, "cursor_read",
        "select c.pos, c.paused, e.pos, e.event_id, e.type, e.aggregate_id,"
        " e.payload::text, e.correlation_id, e.traceparent, e.actor_id, "
        "vg.z(e.at),"
        " exists (select from vg.parked p where p.consumer = c.consumer"
        " and p.aggregate_id = e.aggregate_id and p.dead_at is null)"
        " from vg.cursor c left join lateral"
        " (select x.* from vg.event x where x.pos > c.pos"
        " order by x.pos limit 100) e on true"
        " where c.consumer = $1::text order by e.pos",
        1);
    vg_statement_kit(cf, &vg_cursor_make, "cursor_make",
                     "insert into vg.cursor (consumer) values ($1::text)"
                     " on conflict (consumer) do nothing",
                     1);
    vg_statement_kit(cf, &vg_cursor_move, "cursor_move",
                     "select vg.cursor_move($1::text, $2::bigint, $3::bigint)",
                     3);
    vg_statement_kit(
        cf, &vg_cursor_park, "cursor_park",
        "with parked as (insert into vg.parked (consumer, pos, event_id, type,"
        " aggregate_id, next_at, error) values ($1::text, $3::bigint,"
        " $4::uuid, $5::text, $6::text, now() + interval '1 second',"
        " $7::text) on conflict (consumer, pos) do nothing)"
        " select vg.cursor_move($1::text, $2::bigint, $3::bigint)",
        7);
    return vg_cursor_read && vg_cursor_make && vg_cursor_move && vg_cursor_park
               ? NGX_OK
               : NGX_ERROR;
}


static void
vg_consumer_end(vg_consumer_t *consumer)
{
    if (consumer->pool != NULL) {
        ngx_destroy_pool(consumer->pool);
        consumer->pool = NULL;
    }
    consumer->count = 0;
}


/* after a wake meanwhile: at once; else later */
static void
vg_consumer_rest(vg_consumer_t *consumer, ngx_msec_t ms)
{
    vg_consumer_end(consumer);
    consumer->busy = 0;
    if (ngx_exiting) {
        return;
    }
    if (consumer->again) {
        consumer->again = 0;
        ms = 1;
    }
    ngx_add_timer(&consumer->timer, ms);
}


/* Another node runs it as well, or its rows are locked: whoever is ahead goes
 * on alone, or each event would be tried by both, and undone by one. */
static void
vg_consumer_fenced(vg_consumer_t *consumer)
{
    consumer->again = 0;
    consumer->rests = 1;
    vg_consumer_rest(consumer, VG_CONSUMER_REST);
}


static void
vg_consumer_moved(vg_unit_t *unit)
{
    vg_consumer_t *consumer = unit->data;

    if (unit->result != VG_UNIT_OK) {
        vg_consumer_fenced(consumer);
        return;
    }
    (void) snprintf(consumer->pos, sizeof(consumer->pos), "%s",
                    consumer->values[2]);
    consumer->at++;
    vg_consumer_next(consumer);
}


static void
vg_consumer_park(vg_consumer_t *consumer, const char *why)
{
    ngx_uint_t   i;
    const char **v = consumer->values;
    vg_event_t  *event = &consumer->events[consumer->at];

    for (i = consumer->at + 1; i < consumer->count; i++) {
        consumer->events[i].blocked |=
            ngx_strcmp(consumer->events[i].aggregate.data,
                       event->aggregate.data)
            == 0; /* it was read before this one failed */
    }
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "voltgate: %V parks event %s %s: %s", &consumer->plugin->name,
                  event->type.data, event->id.data, why);
    v[0] = (const char *) consumer->plugin->name.data;
    v[1] = consumer->pos;
    v[2] = event->pos.data;
    v[3] = event->id.data;
    v[4] = event->type.data;
    v[5] = event->aggregate.data;
    v[6] = why;
    vg_kit_unit(&consumer->unit, vg_cursor_park, v, VG_LANE_WRITE,
                vg_consumer_moved, consumer);
}


static void
vg_consumer_after(vg_call_t *call, vg_unit_t *unit)
{
    vg_consumer_t *consumer = call->owner;

    unit->relaxed = 1;
    if (!unit->statement->change) {
        return; /* a load */
    }
    consumer->moves = 1;
    unit->after = vg_cursor_move;
    unit->after_values = vg_event_after(call, consumer->values, 3);
}


static void
vg_consumer_handled(vg_call_t *call)
{
    vg_consumer_t *consumer = call->owner;

    if (call->committed && call->error != NULL) {
        /* its effects and the step are in: only the word is wrong */
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: %V answered %s to an event, and changed",
                      &call->endpoint->label, call->error->name);
        call->error = NULL;
    }
    if (call->error == NULL && !consumer->moves) { /* nothing was changed */
        vg_kit_unit(&consumer->unit, vg_cursor_move, consumer->values,
                    VG_LANE_WRITE, vg_consumer_moved, consumer);
        return;
    }
    if (call->error == NULL) {
        (void) snprintf(consumer->pos, sizeof(consumer->pos), "%s",
                        consumer->values[2]);
        consumer->at++;
        vg_consumer_next(consumer);
        return;
    }
    if (call->away || ngx_exiting) {
        vg_consumer_rest(consumer, VG_CONSUMER_REST); /* the moment's fault */
        return;
    }
    vg_consumer_failed(consumer, call->error);
}


/* What was slow or met a lock may do better in a while, but not for ever: it
 * would hold back all that comes behind it. */
static void
vg_consumer_failed(vg_consumer_t *consumer, const vg_error_t *error)
{
    ngx_uint_t  slow = error->status >= 502;
    vg_event_t *event = &consumer->events[consumer->at];

    if (ngx_strcmp(consumer->failed, event->pos.data) != 0) {
        (void) snprintf(consumer->failed, sizeof(consumer->failed), "%s",
                        event->pos.data);
        consumer->tries = 0;
    }
    if (++consumer->tries >= (slow ? VG_CONSUMER_SLOW : VG_CONSUMER_TRIES)) {
        vg_consumer_park(consumer, error->name);
    } else if (slow) {
        vg_consumer_fenced(consumer);
    } else {
        vg_consumer_next(consumer);
    }
}


/* Over events that are not ours the cursor steps with the next one that is,
 * or at the end of the batch. */
static void
vg_consumer_next(vg_consumer_t *consumer)
{
    vg_call_t     *call;
    vg_event_t    *event;
    const char   **v = consumer->values;
    vg_endpoint_t *e = NULL;

    while (consumer->at < consumer->count) {
        event = &consumer->events[consumer->at];
        e = vg_event_endpoint(consumer->plugin, event->type);
        if (e != NULL || consumer->at + 1 == consumer->count) {
            break;
        }
        consumer->at++;
    }
    if (consumer->at >= consumer->count) {
        consumer->again |= consumer->count == 100;
        vg_consumer_rest(consumer, VG_CONSUMER_POLL);
        return;
    }
    v[0] = (const char *) consumer->plugin->name.data;
    v[1] = consumer->pos;
    v[2] = event->pos.data;
    if (e == NULL) {
        vg_kit_unit(&consumer->unit, vg_cursor_move, v, VG_LANE_WRITE,
                    vg_consumer_moved, consumer);
        return;
    }
    if (event->blocked) {
        vg_consumer_park(consumer, "an earlier one of its aggregate is parked");
        return;
    }
    call = vg_event_call(e, event, vg_consumer_handled, consumer);
    if (call == NULL) {
        vg_consumer_rest(consumer, VG_CONSUMER_REST);
        return;
    }
    consumer->moves = 0;
    call->unit_setup = vg_consumer_after;
    vg_call_run(call, VG_EVENT_DEADLINE);
}


static void
vg_consumer_parked_done(void *data)
{
    vg_consumer_next(data);
}


static void
vg_consumer_made(vg_unit_t *unit)
{
    vg_consumer_t *consumer = unit->data;

    consumer->again = unit->result == VG_UNIT_OK;
    vg_consumer_rest(consumer, VG_CONSUMER_REST);
}


static void
vg_consumer_take(vg_consumer_t *consumer, PGresult *rows)
{
    int       i, n = PQntuples(rows);
    vg_pool_t pool;

    consumer->pool = ngx_create_pool(16384, ngx_cycle->log);
    if (consumer->pool == NULL) {
        return;
    }
    pool = vg_arena_of(consumer->pool);
    (void) snprintf(consumer->pos, sizeof(consumer->pos), "%s",
                    PQgetvalue(rows, 0, 0));
    consumer->at = 0;
    if (PQgetisnull(rows, 0, 2)) {
        return;
    }
    consumer->events = ngx_pcalloc(consumer->pool, n * sizeof(vg_event_t));
    for (i = 0; consumer->events != NULL && i < n; i++) {
        vg_event_read(&pool, rows, i, 2, &consumer->events[i]);
        consumer->count = i + 1;
    }
}


static void
vg_consumer_have(vg_unit_t *unit)
{
    vg_consumer_t *consumer = unit->data;

    if (!vg_kit_ok(unit)) {
        vg_consumer_rest(consumer, VG_CONSUMER_REST);
        return;
    }
    if (PQntuples(unit->rows) == 0) {
        vg_kit_unit(&consumer->unit, vg_cursor_make, consumer->values,
                    VG_LANE_WRITE, vg_consumer_made, consumer);
        return;
    }
    if (PQgetvalue(unit->rows, 0, 1)[0] == 't') { /* paused */
        vg_consumer_rest(consumer, VG_CONSUMER_POLL);
        return;
    }
    vg_consumer_take(consumer, unit->rows);
    vg_parked_run(&consumer->parked);
}


static ngx_uint_t
vg_consumer_wanted(vg_plugin_slot_t *plugin)
{
    ngx_uint_t      i, n = 0;
    vg_endpoint_t **e = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        n += e[i]->row->method == VG_EVENT && !(e[i]->row->flags & VG_HERE);
    }
    return n > 0;
}


static void
vg_consumer_run(ngx_event_t *ev)
{
    vg_consumer_t *consumer = ev->data;

    if (consumer->busy) {
        consumer->again = 1;
        return;
    }
    if (consumer->timer.timer_set) {
        if (consumer->rests) {
            return;
        }
        ngx_del_timer(&consumer->timer);
    }
    consumer->rests = 0;
    if (!vg_consumer_wanted(consumer->plugin)
        || !vg_event_may(consumer->plugin)) {
        ngx_add_timer(&consumer->timer, VG_CONSUMER_REST);
        return;
    }
    consumer->busy = 1;
    consumer->values[0] = (const char *) consumer->plugin->name.data;
    vg_kit_unit(&consumer->unit, vg_cursor_read, consumer->values, VG_LANE_READ,
                vg_consumer_have, consumer);
}


void
vg_consumers_wake(void)
{
    ngx_uint_t i;

    for (i = 0; i < vg_consumer_count && !ngx_exiting; i++) {
        vg_consumer_run(&vg_consumers[i].timer);
    }
}


static ngx_uint_t
vg_consumer_mine(vg_plugin_slot_t *plugin)
{
    ngx_core_conf_t *ccf;

    ccf =
        (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx, ngx_core_module);
    return ngx_crc32_short(plugin->name.data, plugin->name.len)
               % ngx_max(ccf->worker_processes, 1)
           == ngx_worker;
}


/* Each step looks at consumer->plugin anew, and a call holds its own. */
void
vg_consumers_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to)
{
    ngx_uint_t i;

    for (i = 0; i < vg_consumer_count; i++) {
        if (vg_consumers[i].plugin == from) {
            vg_consumers[i].plugin = vg_consumers[i].parked.plugin = to;
        }
    }
}


/* also for a plugin that takes no events: its next version may */
void
vg_consumers_start(void)
{
    ngx_uint_t         i;
    vg_consumer_t     *consumer;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_consumers = ngx_calloc(
        (vg_host->plugins.nelts + 1) * sizeof(vg_consumer_t), ngx_cycle->log);
    for (i = 0; vg_consumers != NULL && i < vg_host->plugins.nelts; i++) {
        if (!vg_consumer_mine(p[i])) {
            continue;
        }
        consumer = &vg_consumers[vg_consumer_count++];
        consumer->plugin = p[i];
        consumer->timer.handler = vg_consumer_run;
        consumer->timer.data = consumer;
        consumer->timer.log = ngx_cycle->log;
        consumer->timer.cancelable = 1;
        consumer->parked.plugin = p[i];
        consumer->parked.done = vg_consumer_parked_done;
        consumer->parked.data = consumer;
        ngx_add_timer(&consumer->timer, 200);
    }
}
