/*
 * clerk.c: moves the outbox into the log, in the order of its ids.
 *
 * Runs in worker 0. Nobody is elected: the master respawns it, and across
 * nodes an advisory lock lets one move at a time. A move need not be durable
 * by itself: outbox and log are lost or kept together.
 */

#include "events.h"
#include "link.h"

#define VG_CLERK_POLL   1000 /* ms */
#define VG_CLERK_GATE   50   /* ms: another node's clerk moves just now    */
#define VG_CLERK_BATCH  500
#define VG_CLERK_EXPIRE 300000 /* ms: stored answers; so many at once, that */
#define VG_CLERK_OLD    10000  /* one statement never takes too long        */
#define VG_CLERK_FIRST  5000   /* ms after the start                        */

static vg_statement_t *vg_clerk_move, *vg_clerk_expire;
static vg_unit_t       vg_clerk_unit, vg_clerk_old;
static ngx_event_t     vg_clerk_timer, vg_clerk_expiry;
static ngx_uint_t      vg_clerk_busy, vg_clerk_again, vg_clerk_mine;
static ngx_event_t     vg_clerk_bell;

static const char *vg_clerk_none[1];


ngx_int_t
vg_clerk_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_clerk_move, "outbox_move",
        "with gate as (select pg_try_advisory_xact_lock("
        "hashtextextended('vg.clerk', 0)) as mine),"
        " next as (select o.id from vg.outbox o, gate where gate.mine"
        " order by o.id limit 500),"
        " moved as (delete from vg.outbox o using next"
        " where o.id = next.id returning o.*),"
        " put as (insert into vg.event (event_id, type, source, aggregate_id,"
        " payload, correlation_id, traceparent, actor_id, at)"
        " select event_id, type, plugin, aggregate_id, payload,"
        " correlation_id, traceparent, actor_id, at from moved order by id "
        "returning 1)"
        " select count(*), (select gate.mine from gate) from put",
        0);
    vg_statement_kit(cf, &vg_clerk_expire, "answers_expire",
                     "with old as (select a.ctid from vg.answer as a"
                     " where a.at < now() - interval '24 hours' limit 10000),"
                     " gone as (delete from vg.answer as a using old"
                     " where a.ctid = old.ctid returning 1)"
                     " select count(*) from gone",
                     0);
    return vg_clerk_move && vg_clerk_expire ? NGX_OK : NGX_ERROR;
}


void
vg_kit_unit(vg_unit_t *unit, const vg_statement_t *st, const char **values,
            vg_lane_t lane, void (*done)(vg_unit_t *), void *data)
{
    ngx_memzero(unit, sizeof(vg_unit_t));
    unit->statement = st;
    unit->values = values;
    unit->lane = lane;
    unit->relaxed = 1;
    unit->done = done;
    unit->data = data;
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
    for (n = 0; n < VG_LINK_WORKERS; n++) {
        pid = vg_link_worker(n);
        if (pid != 0 && pid != ngx_pid) {
            (void) vg_link_tell(pid, VG_LINK_WAKE, VG_STR("log"));
        }
    }
}


static void
vg_clerk_moved(vg_unit_t *unit)
{
    ngx_int_t n = 0;

    vg_clerk_busy = 0;
    if (vg_kit_ok(unit)) {
        n = ngx_atoi((u_char *) PQgetvalue(unit->rows, 0, 0),
                     PQgetlength(unit->rows, 0, 0));
        if (PQgetvalue(unit->rows, 0, 1)[0] != 't' && !ngx_exiting) {
            ngx_add_timer(&vg_clerk_timer, VG_CLERK_GATE);
        }
    }
    if (n > 0) {
        vg_clerk_tell_all();
        vg_nodes_bell();
    }
    if (n == VG_CLERK_BATCH || vg_clerk_again) {
        vg_clerk_again = 0;
        vg_clerk_wake();
    }
}


/* worker 0: move now, or right after the move that is under way */
void
vg_clerk_wake(void)
{
    if (!vg_clerk_mine || ngx_exiting) {
        return;
    }
    if (vg_clerk_busy) {
        vg_clerk_again = 1;
        return;
    }
    vg_clerk_busy = 1;
    vg_kit_unit(&vg_clerk_unit, vg_clerk_move, vg_clerk_none, VG_LANE_WRITE,
                vg_clerk_moved, NULL);
}


static void
vg_clerk_polled(ngx_event_t *ev)
{
    vg_clerk_wake();
    if (!ngx_exiting) {
        ngx_add_timer(ev, VG_CLERK_POLL);
    }
}


static void
vg_clerk_expired(vg_unit_t *unit)
{
    ngx_int_t n = 0;

    if (vg_kit_ok(unit)) {
        n = ngx_atoi((u_char *) PQgetvalue(unit->rows, 0, 0),
                     PQgetlength(unit->rows, 0, 0));
    }
    if (!ngx_exiting) {
        ngx_add_timer(&vg_clerk_expiry,
                      n == VG_CLERK_OLD ? 1 : VG_CLERK_EXPIRE);
    }
}


static void
vg_clerk_expiring(ngx_event_t *ev)
{
    (void) ev;
    vg_kit_unit(&vg_clerk_old, vg_clerk_expire, vg_clerk_none, VG_LANE_SLOW,
                vg_clerk_expired, NULL);
}


/* once a turn, however many changes told something */
static void
vg_clerk_rung(ngx_event_t *ev)
{
    ngx_pid_t clerk = vg_link_clerk();

    (void) ev;
    if (clerk == ngx_pid) {
        vg_clerk_wake();
    } else if (clerk != 0) {
        (void) vg_link_tell(clerk, VG_LINK_WAKE, VG_STR("outbox"));
    }
}


void
vg_events_heard(ngx_uint_t back)
{
    if (!vg_clerk_mine || ngx_exiting) {
        return;
    }
    if (back) {
        vg_follower_back();
    }
    vg_clerk_tell_all();
}


void
vg_events_bell(void)
{
    if (vg_clerk_bell.handler != NULL) {
        ngx_post_event(&vg_clerk_bell, &ngx_posted_events);
    }
}


static void
vg_clerk_woken(vg_link_ref_t ref, vg_str_t bytes, ngx_msec_t timeout)
{
    (void) ref;
    (void) timeout;
    if (vg_str_eq(bytes, "outbox")) {
        vg_clerk_wake();
    } else {
        vg_consumers_wake();
    }
}


void
vg_clerk_start(void)
{
    vg_clerk_bell.handler = vg_clerk_rung;
    vg_clerk_bell.log = ngx_cycle->log;
    vg_link_on(VG_LINK_WAKE, vg_clerk_woken);
    vg_clerk_mine = ngx_worker == 0;
    if (!vg_clerk_mine) {
        return;
    }
    vg_clerk_timer.handler = vg_clerk_polled;
    vg_clerk_timer.log = ngx_cycle->log;
    vg_clerk_timer.cancelable = 1;
    ngx_add_timer(&vg_clerk_timer, VG_CLERK_POLL);
    vg_clerk_expiry.handler = vg_clerk_expiring;
    vg_clerk_expiry.log = ngx_cycle->log;
    vg_clerk_expiry.cancelable = 1;
    ngx_add_timer(&vg_clerk_expiry, VG_CLERK_FIRST);
}
