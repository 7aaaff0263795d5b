/*
 * clerk.c: moves each database's outbox into its log, in the order of ids.
 *
 * Runs in worker 0. Nobody is elected: the master respawns it, and across
 * nodes an advisory lock lets one move at a time. A move is flushed before
 * anybody can see it: who reads a log from another database, a relay or a
 * partner's stream keeps positions that must never be given again.
 */

#include "events.h"
#include "link.h"

#define VG_CLERK_REST   10 /* ms between two moves while it is busy         */
#define VG_CLERK_GATE   50 /* ms: another node's clerk moves just now    */
#define VG_CLERK_BATCH  500
#define VG_CLERK_EXPIRE 300000 /* ms: stored answers; so many at once, that */
#define VG_CLERK_OLD    10000  /* one statement never takes too long        */
#define VG_CLERK_FIRST  5000   /* ms after the start                        */

typedef struct {
    ngx_uint_t  database;
    vg_unit_t   move, expire;
    ngx_event_t poll, expiry, rest;
    unsigned    busy:1; /* it moves, or rests from that                */
    unsigned    again:1;
} vg_clerk_t;

static vg_statement_t *vg_clerk_move, *vg_clerk_expire;
static vg_clerk_t      vg_clerks[VG_DATABASES];
static ngx_uint_t      vg_clerk_mine, vg_clerk_ringing; /* a bit for each    */
static ngx_event_t     vg_clerk_bell;
static ngx_msec_t      vg_clerk_look; /* without a bell                      */

static const char *vg_clerk_none[1];


ngx_int_t
vg_clerk_init(ngx_conf_t *cf)
{
    /* by an array: joined, it is planned for an outbox that is empty, as it
     * is when it is analysed, and reads the whole for each id */
    vg_statement_kit(
        cf, &vg_clerk_move, "outbox_move",
        "with gate as materialized (select pg_try_advisory_xact_lock("
        "hashtextextended('vg.clerk', 0)) as mine),"
        " next as (select o.id from vg.outbox o, gate where gate.mine"
        " order by o.id limit 500),"
        " moved as (delete from vg.outbox o"
        " where o.id = any (array(select n.id from next n)) returning o.*),"
        " clock as (update vg.log set logged_at = greatest(logged_at, now())"
        " where exists (select from moved) returning logged_at),"
        " put as (insert into vg.event (logged_at, event_id, type, source,"
        " aggregate_id, payload, correlation_id, traceparent, actor_id, at)"
        " select c.logged_at, m.event_id, m.type, m.plugin, m.aggregate_id,"
        " m.payload, m.correlation_id, m.traceparent, m.actor_id, m.at"
        " from moved m, clock c order by m.id returning type, pos)"
        " select g.mine, t.type, t.n, t.last from gate g left join"
        " (select p.type, count(*) as n, max(p.pos) as last from put p"
        " group by p.type) t on true",
        0);
    vg_statement_kit(cf, &vg_clerk_expire, "answers_expire",
                     /* a saga may rest for days, and goes by its answers */
                     "with old as ((select a.ctid from vg.answer as a"
                     " where a.hash <> 'saga'"
                     " and a.at < now() - interval '24 hours' limit 10000)"
                     " union all (select a.ctid from vg.answer as a"
                     " where a.hash = 'saga'"
                     " and a.at < now() - interval '8 days' limit 10000)),"
                     " gone as (delete from vg.answer as a using old"
                     " where a.ctid = old.ctid returning 1)"
                     " select count(*) from gone",
                     0);
    if (vg_clerk_move == NULL || vg_clerk_expire == NULL) {
        return NGX_ERROR;
    }
    vg_clerk_move->change = vg_clerk_move->firm = 1;
    return NGX_OK;
}


void
vg_kit_make(vg_unit_t *unit, const vg_statement_t *st, const char **values,
            vg_lane_t lane, void (*done)(vg_unit_t *), void *data)
{
    ngx_memzero(unit, sizeof(vg_unit_t));
    unit->statement = st;
    unit->values = values;
    unit->lane = lane;
    unit->relaxed = !st->firm;
    unit->done = done;
    unit->data = data;
}


void
vg_kit_unit(vg_unit_t *unit, const vg_statement_t *st, const char **values,
            vg_lane_t lane, void (*done)(vg_unit_t *), void *data)
{
    vg_kit_make(unit, st, values, lane, done, data);
    vg_unit_submit(unit);
}


ngx_uint_t
vg_kit_ok(const vg_unit_t *unit)
{
    if (unit->result == VG_UNIT_REFUSED) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: %s was refused: %s %s", unit->statement->name,
                      unit->sqlstate, unit->message);
    }
    return unit->result == VG_UNIT_OK;
}


static void
vg_clerk_tell_all(void)
{
    ngx_uint_t n;
    ngx_pid_t  pid;

    vg_consumers_wake();
    vg_follower_wake();
    vg_relay_wake();
    for (n = 0; n < VG_LINK_WORKERS; n++) {
        pid = vg_link_worker(n);
        if (pid != 0 && pid != ngx_pid) {
            (void) vg_link_tell(pid, VG_LINK_WAKE, VG_STR("log"));
        }
    }
}


/* a row for each type that was moved: mine, type, how many, the last's place */
static ngx_uint_t
vg_clerk_count(const vg_unit_t *unit, ngx_uint_t log)
{
    int        i;
    ngx_uint_t n, all = 0;

    for (i = 0; i < PQntuples(unit->rows); i++) {
        if (!PQgetisnull(unit->rows, i, 1)) {
            n = strtoul(PQgetvalue(unit->rows, i, 2), NULL, 10);
            all += n;
            vg_count_published(vg_str(PQgetvalue(unit->rows, i, 1)), n);
            vg_count_end(log, strtoull(PQgetvalue(unit->rows, i, 3), NULL, 10));
        }
    }
    return all;
}


static void
vg_clerk_moved(vg_unit_t *unit)
{
    vg_clerk_t *clerk = unit->data;
    ngx_uint_t  n = vg_kit_ok(unit) ? vg_clerk_count(unit, clerk->database) : 0;

    clerk->busy = 0;
    if (unit->result == VG_UNIT_OK && !ngx_exiting
        && PQgetvalue(unit->rows, 0, 0)[0] != 't')
    {
        ngx_add_timer(&clerk->poll, VG_CLERK_GATE);
    }
    if (n > 0) {
        vg_clerk_tell_all();
        vg_nodes_bell();
    }
    if (n == VG_CLERK_BATCH) {
        clerk->again = 0;
        vg_clerk_wake(1u << clerk->database);
    } else if (clerk->again && !ngx_exiting) {
        clerk->busy = 1;
        ngx_add_timer(&clerk->rest, VG_CLERK_REST);
    }
}


/* Who rings while a move is under way is not alone: those behind it share the
 * next one, and all who hear of it have more to do at once. */
static void
vg_clerk_rested(ngx_event_t *ev)
{
    vg_clerk_t *clerk = ev->data;

    clerk->busy = 0;
    clerk->again = 0;
    vg_clerk_wake(1u << clerk->database);
}


/* now, or soon after the move that is under way */
static void
vg_clerk_go(vg_clerk_t *clerk)
{
    if (clerk->busy) {
        clerk->again = 1;
        return;
    }
    clerk->busy = 1;
    vg_kit_make(&clerk->move, vg_clerk_move, vg_clerk_none, VG_LANE_LOG,
                vg_clerk_moved, clerk);
    clerk->move.database = clerk->database;
    vg_unit_submit(&clerk->move);
}


void
vg_clerk_wake(ngx_uint_t databases)
{
    ngx_uint_t i;

    for (i = 0; vg_clerk_mine && !ngx_exiting && i < vg_host->databases.nelts;
         i++) {
        if (databases & (1u << i)) {
            vg_clerk_go(&vg_clerks[i]);
        }
    }
}


static void
vg_clerk_polled(ngx_event_t *ev)
{
    vg_clerk_t *clerk = ev->data;

    vg_clerk_wake(1u << clerk->database);
    if (!ngx_exiting) {
        ngx_add_timer(ev, vg_clerk_look);
    }
}


static void
vg_clerk_expired(vg_unit_t *unit)
{
    ngx_int_t   n = 0;
    vg_clerk_t *clerk = unit->data;

    if (vg_kit_ok(unit)) {
        n = ngx_atoi((u_char *) PQgetvalue(unit->rows, 0, 0),
                     PQgetlength(unit->rows, 0, 0));
    }
    if (!ngx_exiting) {
        ngx_add_timer(&clerk->expiry, n >= VG_CLERK_OLD ? 1 : VG_CLERK_EXPIRE);
    }
}


static void
vg_clerk_expiring(ngx_event_t *ev)
{
    vg_clerk_t *clerk = ev->data;

    vg_kit_make(&clerk->expire, vg_clerk_expire, vg_clerk_none, VG_LANE_SLOW,
                vg_clerk_expired, clerk);
    clerk->expire.database = clerk->database;
    vg_unit_submit(&clerk->expire);
}


/* once a turn, however many changes told something; a letter each database */
static void
vg_clerk_rung(ngx_event_t *ev)
{
    u_char     text[NGX_INT_T_LEN];
    ngx_pid_t  clerk = vg_link_clerk();
    ngx_uint_t ringing = vg_clerk_ringing;

    (void) ev;
    vg_clerk_ringing = 0;
    if (clerk == ngx_pid) {
        vg_clerk_wake(ringing);
    } else if (clerk != 0) {
        (void) vg_link_tell(
            clerk, VG_LINK_WAKE,
            (vg_str_t){ (char *) text,
                        ngx_sprintf(text, "%ui", ringing) - text });
    }
}


void
vg_events_heard(void)
{
    if (vg_clerk_mine && !ngx_exiting) {
        vg_clerk_tell_all();
    }
}


void
vg_events_bell(ngx_uint_t database)
{
    if (vg_clerk_bell.handler != NULL) {
        vg_clerk_ringing |= 1u << database;
        ngx_post_event(&vg_clerk_bell, &ngx_posted_events);
    }
}


/* "log": there is something to read; "jobs": some to do; a number: something
 * to move */
static void
vg_clerk_woken(vg_link_ref_t ref, vg_str_t bytes, ngx_msec_t timeout)
{
    ngx_int_t databases = ngx_atoi((u_char *) bytes.data, bytes.len);

    (void) ref;
    (void) timeout;
    if (databases > 0) {
        vg_clerk_wake(databases);
    } else if (vg_str_eq(bytes, "jobs")) {
        vg_jobs_wake();
    } else {
        vg_consumers_wake();
    }
}


/* first 0: it is not set yet */
static void
vg_clerk_timer(ngx_event_t *ev, vg_clerk_t               *clerk,
               void (*handler)(ngx_event_t *), ngx_msec_t first)
{
    ev->handler = handler;
    ev->data = clerk;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;
    if (first != 0) {
        ngx_add_timer(ev, first);
    }
}


void
vg_clerk_start(ngx_msec_t look)
{
    ngx_uint_t i;

    vg_clerk_look = look;
    vg_clerk_bell.handler = vg_clerk_rung;
    vg_clerk_bell.data = &vg_nobody;
    vg_clerk_bell.log = ngx_cycle->log;
    vg_link_on(VG_LINK_WAKE, vg_clerk_woken);
    vg_clerk_mine = ngx_worker == 0;
    for (i = 0; vg_clerk_mine && i < vg_host->databases.nelts; i++) {
        vg_clerks[i].database = i;
        vg_clerk_timer(&vg_clerks[i].poll, &vg_clerks[i], vg_clerk_polled,
                       look);
        vg_clerk_timer(&vg_clerks[i].expiry, &vg_clerks[i], vg_clerk_expiring,
                       VG_CLERK_FIRST);
        vg_clerk_timer(&vg_clerks[i].rest, &vg_clerks[i], vg_clerk_rested, 0);
    }
}
