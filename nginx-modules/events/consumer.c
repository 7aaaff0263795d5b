/*
 * consumer.c: one plugin along one log: its turns.
 *
 * A turn opens the cursor if it may have been moved by others, tries what is
 * parked, reads what comes after the cursor, and has it handled (batch.c). A
 * worker runs the consumers that fall to it by name. The cursor is in the
 * plugin's own database, whichever the log is in.
 */

#include "consumer.h"

#define VG_CONSUMER_POLL 2000 /* ms; a wake comes first                  */
/* us: no partition behind it is opened, unless the log's clock was that far
 * ahead once, since it does not go back */
#define VG_CONSUMER_FUTURE (32LL * 24 * 3600 * 1000000)
#define VG_CONSUMER_REST   1500 /* ms, after somebody else moved the cursor */

static vg_statement_t *vg_cursor_open, *vg_cursor_make;
static vg_statement_t *vg_log_read, *vg_log_blocked;
static vg_consumer_t  *vg_consumers;
static ngx_uint_t      vg_consumer_count;


ngx_int_t
vg_consumer_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_cursor_open, "cursor_open",
        "select c.pos, c.paused, (select count(*) from (select from vg.parked p"
        " where p.consumer = c.consumer and p.log = c.log"
        " and p.dead_at is null limit 1000) w), r.id, r.pos, r.until_pos, "
        "r.types::text,"
        " (select count(*) from (select from vg.parked p where p.consumer ="
        " c.consumer and p.log = c.log and p.dead_at is not null limit 1000) d)"
        " from vg.cursor c left join vg.replay r on r.consumer = c.consumer"
        " and r.log = c.log and r.done_at is null"
        " where c.consumer = $1::text and c.log = $2::text",
        2);
    vg_statement_kit(cf, &vg_cursor_make, "cursor_make",
                     "insert into vg.cursor (consumer, log)"
                     " values ($1::text, $2::text) on conflict do nothing",
                     2);
    /* of what it does not take, the place alone */
    vg_statement_kit(
        cf, &vg_log_read, "log_read",
        "select e.pos, e.event_id, e.type, e.aggregate_id,"
        " case when e.type = any ($3::text[]) then e.payload::text end,"
        " e.correlation_id, e.traceparent, e.actor_id, vg.z(e.at), e.source,"
        " e.logged_at, (1000 * extract(epoch from e.logged_at))::bigint"
        " from vg.event e where e.pos > $1::bigint"
        " and e.logged_at >= $2::timestamptz"
        " and e.logged_at < $5::timestamptz"
        " and ($4::bigint is null or e.pos <= $4::bigint)"
        " order by e.pos limit 500",
        5);
    vg_statement_kit(cf, &vg_log_blocked, "log_blocked",
                     "select distinct p.aggregate_id from vg.parked p"
                     " where p.consumer = $1::text and p.log = $2::text"
                     " and p.dead_at is null and p.aggregate_id in"
                     " (select jsonb_array_elements_text($3::jsonb))",
                     3);
    return vg_cursor_open && vg_cursor_make && vg_log_read && vg_log_blocked
               ? NGX_OK
               : NGX_ERROR;
}


void
vg_consumer_unit(vg_consumer_t *c, vg_unit_t *unit, const vg_statement_t *st,
                 const char **values, vg_lane_t lane, void (*done)(vg_unit_t *))
{
    vg_kit_make(unit, st, values, lane, done, c);
    unit->database = c->plugin->database;
    vg_unit_submit(unit);
}


/* ------------------------------------------------------ the end of a turn */

/* after a wake meanwhile: at once; else later */
void
vg_consumer_rest(vg_consumer_t *c, ngx_msec_t ms)
{
    if (c->pool != NULL) {
        ngx_destroy_pool(c->pool);
        c->pool = NULL;
    }
    c->count = 0;
    c->busy = 0;
    if (ngx_exiting) {
        return;
    }
    if (c->again) {
        c->again = 0;
        c->hurried = 1;
        ms = 1;
    }
    ngx_add_timer(&c->timer, ms);
}


/* Another node runs it as well, or its rows are locked: whoever is ahead goes
 * on alone, or each event would be tried by both, and undone by one. */
void
vg_consumer_fenced(vg_consumer_t *c)
{
    c->again = 0;
    c->rests = 1;
    c->opened = 0;
    vg_consumer_rest(c, VG_CONSUMER_REST);
}


/* the moment's fault: nothing is known of what was sent */
void
vg_consumer_away(vg_consumer_t *c)
{
    c->opened = 0;
    vg_consumer_rest(c, VG_CONSUMER_REST);
}


/* --------------------------------------------------------- what was read */

static void
vg_consumer_handled(vg_consumer_t *c)
{
    vg_count_place(c);
    if (c->count > 0) { /* and not before: what was not handled comes again */
        ngx_memcpy(c->since, c->read, sizeof(c->since));
    }
    c->again |= c->count == VG_CONSUMER_READ || c->replay[0] != '\0';
    c->opened &= c->replay[0] == '\0';
    vg_consumer_rest(c, VG_CONSUMER_POLL);
}


static void
vg_consumer_mark(vg_unit_t *unit)
{
    int            k;
    ngx_uint_t     i;
    vg_consumer_t *c = unit->data;

    if (!vg_kit_ok(unit)) {
        vg_consumer_away(c);
        return;
    }
    for (k = 0; k < PQntuples(unit->rows); k++) {
        for (i = 0; i < c->count; i++) {
            c->events[i].blocked |= ngx_strcmp(c->events[i].aggregate.data,
                                               PQgetvalue(unit->rows, k, 0))
                                    == 0;
        }
    }
    vg_batch_run(c, vg_consumer_handled);
}


/* those of the events that wait behind a parked one, if there is any */
static void
vg_consumer_blocked(vg_consumer_t *c)
{
    vg_out_t   out;
    vg_pool_t  pool = vg_arena_of(c->pool);
    ngx_uint_t i;
    vg_str_t   text;

    if (!c->parked || c->conf->pass) {
        vg_batch_run(c, vg_consumer_handled);
        return;
    }
    vg_out_init(&out, &pool);
    vg_out_open(&out, '[');
    for (i = 0; i < c->count; i++) {
        vg_out_string(&out, c->events[i].aggregate);
    }
    vg_out_close(&out, ']');
    text = vg_out_str(&out);
    if (text.len < 2) {
        vg_consumer_away(c);
        return;
    }
    c->values[2] = vg_printf(&pool, "%.*s", (int) text.len, text.data).data;
    vg_consumer_unit(c, &c->unit, vg_log_blocked, c->values, VG_LANE_LOG,
                     vg_consumer_mark);
}


static ngx_int_t
vg_consumer_take(vg_consumer_t *c, PGresult *rows)
{
    int       i, n = PQntuples(rows);
    vg_pool_t pool = vg_arena_of(c->pool);

    c->events = ngx_pcalloc(c->pool, n * sizeof(vg_event_t));
    c->runs = ngx_pcalloc(c->pool, n * sizeof(vg_event_run_t));
    if (c->events == NULL || c->runs == NULL) {
        return NGX_ERROR;
    }
    for (i = 0; i < n; i++) {
        if (vg_event_read(&pool, rows, i, 0, &c->events[i]) != NGX_OK) {
            return NGX_ERROR;
        }
        c->events[i].other = PQgetisnull(rows, i, 4);
    }
    c->count = n;
    (void) snprintf(c->read, sizeof(c->read), "%s",
                    PQgetvalue(rows, n - 1, VG_EVENT_NCOLUMNS));
    c->logged =
        strtoull(PQgetvalue(rows, n - 1, VG_EVENT_NCOLUMNS + 1), NULL, 10);
    c->beyond =
        (int64_t) c->logged > (vg_time_now() + VG_CONSUMER_FUTURE) / 1000;
    vg_count_end(c->log, strtoull(c->events[n - 1].pos.data, NULL, 10));
    return NGX_OK;
}


/* A replay that finds nothing more is at its end, wherever that was; else,
 * now and then, the cursor goes over what was not for us. */
static void
vg_consumer_empty(vg_consumer_t *c)
{
    if (!c->beyond && vg_count_known(c->log) > strtoull(c->values[8], NULL, 10))
    {
        c->beyond = c->again = 1; /* there is more, where nobody looked */
        vg_consumer_rest(c, VG_CONSUMER_POLL);
    } else if (c->replay[0] != '\0') {
        vg_batch_catch_up(c, c->until, vg_consumer_handled);
    } else if (c->polled && ngx_strcmp(c->pos, c->ahead) != 0) {
        vg_batch_catch_up(c, c->ahead, vg_consumer_handled);
    } else {
        vg_consumer_rest(c, VG_CONSUMER_POLL);
    }
}


static void
vg_consumer_have(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    if (!vg_kit_ok(unit)) {
        vg_consumer_away(c);
    } else if (PQntuples(unit->rows) == 0) {
        vg_consumer_empty(c);
    } else if (vg_consumer_take(c, unit->rows) != NGX_OK) {
        vg_consumer_away(c);
    } else {
        vg_consumer_blocked(c);
    }
}


/* ---------------------------------------------------------------- a turn */

static void
vg_consumer_read(vg_consumer_t *c)
{
    vg_pool_t      pool;
    const char   **v = c->values;
    vg_database_t *db = vg_host->databases.elts;

    c->pool = ngx_create_pool(16384, ngx_cycle->log);
    if (c->pool == NULL) {
        vg_consumer_away(c);
        return;
    }
    pool = vg_arena_of(c->pool);
    v[8] = (c->replay[0] != '\0') ? c->pos : c->ahead;
    v[9] = c->since;
    v[10] = c->types[0] != '\0'
                ? c->types
                : vg_event_types(&pool, &c->plugin->endpoints, 0);
    v[11] = c->replay[0] != '\0' ? c->until : NULL;
    v[12] = c->beyond
                ? "infinity"
                : vg_time_text(&pool, vg_time_now() + VG_CONSUMER_FUTURE).data;
    if (v[10] == NULL || v[12] == NULL) {
        vg_consumer_away(c); /* no memory: it must not seem that nothing is
                                for us */
        return;
    }
    v[0] = (const char *) c->plugin->name.data;
    v[1] = (const char *) db[c->log].name.data;
    vg_kit_make(&c->unit, vg_log_read, v + 8, VG_LANE_LOG, vg_consumer_have, c);
    c->unit.database = c->log;
    vg_unit_submit(&c->unit);
}


static void
vg_consumer_begin(vg_consumer_t *c)
{
    if (c->parked) {
        vg_parked_run(c, vg_consumer_read);
    } else {
        vg_consumer_read(c);
    }
}


/* Columns as cursor_open has them. A position that another runner or an
 * operator set is taken as it is, and nothing is known of what is before. */
static void
vg_consumer_place(vg_consumer_t *c, PGresult *rows)
{
    ngx_uint_t  replays = !PQgetisnull(rows, 0, 3);
    const char *pos = PQgetvalue(rows, 0, replays ? 4 : 0);

    c->parked = PQgetvalue(rows, 0, 2)[0] != '0';
    c->opened = 1;
    (void) snprintf(c->replay, sizeof(c->replay), "%s", PQgetvalue(rows, 0, 3));
    (void) snprintf(c->until, sizeof(c->until), "%s", PQgetvalue(rows, 0, 5));
    (void) snprintf(c->types, sizeof(c->types), "%s", PQgetvalue(rows, 0, 6));
    if (ngx_strcmp(c->pos, pos) != 0) {
        (void) snprintf(c->pos, sizeof(c->pos), "%s", pos);
        (void) snprintf(c->ahead, sizeof(c->ahead), "%s", pos);
        (void) snprintf(c->since, sizeof(c->since), "-infinity");
    }
}


static void
vg_consumer_made(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    c->again = unit->result == VG_UNIT_OK;
    vg_consumer_rest(c, VG_CONSUMER_REST);
}


static void
vg_consumer_opened(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    if (!vg_kit_ok(unit)) {
        vg_consumer_away(c);
        return;
    }
    if (PQntuples(unit->rows) > 0) {
        vg_count_rows(c, strtoul(PQgetvalue(unit->rows, 0, 2), NULL, 10),
                      strtoul(PQgetvalue(unit->rows, 0, 7), NULL, 10),
                      PQgetvalue(unit->rows, 0, 1)[0] == 't');
    }
    if (PQntuples(unit->rows) == 0) {
        vg_consumer_unit(c, &c->unit, vg_cursor_make, c->values, VG_LANE_WRITE,
                         vg_consumer_made);
    } else if (PQgetvalue(unit->rows, 0, 1)[0] == 't') {
        c->opened = 0;
        vg_consumer_rest(c, VG_CONSUMER_POLL); /* paused */
    } else {
        vg_consumer_place(c, unit->rows);
        vg_consumer_begin(c);
    }
}


static void
vg_consumer_open(vg_consumer_t *c)
{
    vg_database_t *db = vg_host->databases.elts;

    c->values[0] = (const char *) c->plugin->name.data;
    c->values[1] = (const char *) db[c->log].name.data;
    vg_consumer_unit(c, &c->unit, vg_cursor_open, c->values, VG_LANE_LOG,
                     vg_consumer_opened);
}


/* A wake finds a timer that is set. By the poll's own timer the cursor is
 * opened anew: others may have moved it, paused it, or retried a dead one. */
static void
vg_consumer_run(ngx_event_t *ev)
{
    vg_consumer_t *c = ev->data;

    if (c->busy) {
        c->again = 1;
        return;
    }
    c->polled = !c->timer.timer_set;
    if (c->timer.timer_set) {
        if (c->rests) {
            return;
        }
        ngx_del_timer(&c->timer);
    }
    c->rests = 0;
    if (!vg_event_listens(c->plugin) || !vg_event_may(c->plugin)) {
        ngx_add_timer(&c->timer, VG_CONSUMER_REST);
        return;
    }
    c->busy = 1;
    if (c->hurried) {
        c->hurried = c->polled = 0;
    }
    if (c->opened && !c->polled) {
        vg_consumer_begin(c);
    } else {
        vg_consumer_open(c);
    }
}


void
vg_consumers_wake(void)
{
    ngx_uint_t i;

    for (i = 0; i < vg_consumer_count && !ngx_exiting; i++) {
        vg_consumer_run(&vg_consumers[i].timer);
    }
}


/* ---------------------------------------------------------- who runs where */

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
            vg_consumers[i].plugin = to;
        }
    }
}


static void
vg_consumer_start(vg_plugin_slot_t *plugin, ngx_uint_t log)
{
    vg_consumer_t *c = &vg_consumers[vg_consumer_count++];

    c->plugin = plugin;
    c->log = log;
    c->conf = vg_consumer_conf(&plugin->name);
    c->timer.handler = vg_consumer_run;
    c->timer.data = c;
    c->timer.log = ngx_cycle->log;
    c->timer.cancelable = 1;
    ngx_add_timer(&c->timer, 200);
}


/* also for a plugin that takes no events: its next version may */
void
vg_consumers_start(void)
{
    ngx_uint_t         i, log;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_consumers =
        ngx_calloc(vg_host->databases.nelts * (vg_host->plugins.nelts + 1)
                       * sizeof(vg_consumer_t),
                   ngx_cycle->log);
    for (i = 0; vg_consumers != NULL && i < vg_host->plugins.nelts; i++) {
        for (log = 0; log < vg_host->databases.nelts; log++) {
            if (vg_consumer_mine(p[i])) {
                vg_consumer_start(p[i], log);
            }
        }
    }
}
