/*
 * db.c: the lanes of one worker, to each database, and the way of a unit into
 * one of them.
 */

#include "db.h"

#define VG_LANE_QUEUE 512 /* units that wait; more are refused           */

#define VG_SESSION                                                             \
    "-c search_path= -c idle_in_transaction_session_timeout=5s "               \
    "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c jit=off "

/* To plan a change anew takes longer than to run it. A plan is kept for long,
 * and may have been made while its table was empty, as the outbox mostly is:
 * then a scan of the whole looks cheap, and so does a sort. */
#define VG_INDEXED "-c enable_seqscan=off "
#define VG_ORDERED VG_INDEXED "-c enable_bitmapscan=off -c enable_sort=off "
#define VG_GENERIC "-c plan_cache_mode=force_generic_plan "

/* clang-format off */

static const vg_lane_state_t vg_lane_kinds[VG_LANES] = {
    [VG_LANE_READ] = {
        .lane = VG_LANE_READ, .nconns = 2, .batch = 64,
        .options = VG_SESSION VG_INDEXED
                   "-c statement_timeout=2s"
                   " -c default_transaction_read_only=on" },
    [VG_LANE_WRITE] = {
        .lane = VG_LANE_WRITE, .nconns = 2, .batch = 64,
        .options = VG_SESSION VG_INDEXED VG_GENERIC
                   "-c statement_timeout=3s -c lock_timeout=100ms"
                   " -c synchronous_commit=off" },
    [VG_LANE_PATIENT] = {
        .lane = VG_LANE_PATIENT, .nconns = 2, .batch = 1,
        .options = VG_SESSION VG_INDEXED VG_GENERIC
                   "-c statement_timeout=5s -c lock_timeout=2s" },
    [VG_LANE_APPEND] = {
        .lane = VG_LANE_APPEND, .nconns = 1, .batch = 256, .gather = 2,
        .options = VG_SESSION VG_INDEXED VG_GENERIC
                   "-c statement_timeout=3s -c lock_timeout=1s" },
    [VG_LANE_SLOW] = {
        .lane = VG_LANE_SLOW, .nconns = 1, .batch = 1,
        .options = VG_SESSION "-c statement_timeout=30s -c lock_timeout=2s" },
    [VG_LANE_LOG] = {
        .lane = VG_LANE_LOG, .nconns = 1, .batch = 16,
        .options = VG_SESSION VG_ORDERED VG_GENERIC
                   "-c statement_timeout=5s -c lock_timeout=1s" },
    [VG_LANE_LISTEN] = {
        .lane = VG_LANE_LISTEN, .nconns = 1, .batch = 1,
        .options = VG_SESSION "-c statement_timeout=2s" },
};

/* clang-format on */

/* of each database, its lanes */
static vg_lane_state_t vg_lanes[VG_DATABASES][VG_LANES];

static ngx_event_t vg_db_turn;
static ngx_uint_t  vg_db_started;

/* units that ended without a connection; told from the event loop */
static ngx_queue_t vg_db_over;


/* Who was answered together comes back together, but not at once: a batch of
 * the first of them would make the rest wait for a flush of its own. */
static ngx_uint_t
vg_lane_gathers(vg_lane_state_t *lane)
{
    if (lane->gather == 0 || lane->length == 0
        || lane->length * 2 >= lane->last) {
        return 0;
    }
    if (!lane->gathered.timer_set) {
        ngx_add_timer(&lane->gathered, lane->gather);
    }
    return 1;
}


static void
vg_lane_gathered(ngx_event_t *ev)
{
    vg_lane_state_t *lane = ev->data;

    lane->last = 0;
    vg_db_flush();
}


static void
vg_lane_wake(vg_lane_state_t *lane)
{
    ngx_uint_t i;
    vg_conn_t *conn;

    if (vg_lane_gathers(lane)) {
        return;
    }
    for (i = 0; i < lane->nconns && !ngx_queue_empty(&lane->waiting); i++) {
        conn = lane->conns[i];
        if (conn == NULL) {
            conn = lane->conns[i] = vg_conn_create(lane);
            if (conn == NULL) {
                return;
            }
            vg_conn_open(conn);
            continue;
        }
        if (vg_conn_idle(conn)) {
            vg_conn_take(conn);
        }
    }
}


static ngx_uint_t
vg_lane_is_away(vg_lane_state_t *lane)
{
    ngx_uint_t i;

    for (i = 0; i < lane->nconns; i++) {
        if (lane->conns[i] != NULL && vg_conn_up(lane->conns[i])) {
            return 0;
        }
    }
    return lane->failures > 0;
}


static vg_lane_state_t *
vg_unit_lane(const vg_unit_t *unit)
{
    return &vg_lanes[unit->database][unit->lane];
}


/* the units that were put aside, then each lane */
static void
vg_db_turned(ngx_event_t *ev)
{
    vg_unit_t   *unit;
    ngx_uint_t   i, d;
    ngx_queue_t *q;

    (void) ev;
    while (!ngx_queue_empty(&vg_db_over)) {
        q = ngx_queue_head(&vg_db_over);
        ngx_queue_remove(q);
        unit = ngx_queue_data(q, vg_unit_t, queue);
        unit->queued = 0;
        vg_unit_end(unit, unit->result);
    }
    for (d = 0; d < vg_host->databases.nelts; d++) {
        for (i = 0; i < VG_LANES; i++) {
            vg_lane_wake(&vg_lanes[d][i]);
        }
    }
}


void
vg_db_flush(void)
{
    if (vg_db_started) {
        ngx_post_event(&vg_db_turn, &ngx_posted_events);
    }
}


static void
vg_unit_aside(vg_unit_t *unit, vg_unit_result_t result)
{
    unit->result = result;
    unit->queued = 1;
    ngx_queue_insert_tail(&vg_db_over, &unit->queue);
}


void
vg_lane_away(vg_lane_state_t *lane)
{
    vg_unit_t   *unit;
    ngx_queue_t *q;

    while (vg_lane_is_away(lane) && !ngx_queue_empty(&lane->waiting)) {
        q = ngx_queue_head(&lane->waiting);
        unit = ngx_queue_data(q, vg_unit_t, queue);
        ngx_queue_remove(q);
        lane->length--;
        vg_unit_aside(unit, VG_UNIT_AWAY);
    }
    vg_db_flush();
}


void
vg_lanes_back(ngx_uint_t database)
{
    ngx_uint_t       i, j;
    vg_lane_state_t *lane;

    for (i = 0; i < VG_LANES; i++) {
        lane = &vg_lanes[database][i];
        if (lane->failures == 0) {
            continue;
        }
        lane->failures = 0;
        for (j = 0; j < lane->nconns; j++) {
            if (lane->conns[j] != NULL) {
                vg_conn_open(lane->conns[j]); /* if it is down */
            }
        }
    }
}


void
vg_unit_submit(vg_unit_t *unit)
{
    vg_lane_state_t *lane;

    if (unit->endpoint != NULL) {
        unit->database = unit->endpoint->plugin->database;
    }
    lane = vg_unit_lane(unit);
    unit->queued_at = ngx_current_msec;
    if (!vg_db_started || vg_lane_is_away(lane)) {
        vg_unit_aside(unit, VG_UNIT_AWAY);
    } else if (lane->length >= VG_LANE_QUEUE) {
        vg_unit_aside(unit, VG_UNIT_FULL);
    } else {
        unit->queued = 1;
        lane->length++;
        ngx_queue_insert_tail(&lane->waiting, &unit->queue);
    }
    vg_db_flush();
}


void
vg_unit_again(vg_unit_t *unit)
{
    vg_lane_state_t *lane = vg_unit_lane(unit);

    vg_unit_clear(unit);
    unit->failed = unit->aborted = 0;
    unit->sqlstate[0] = unit->constraint[0] = '\0';
    if (unit->dropped) {
        vg_unit_aside(unit, VG_UNIT_AWAY);
        return;
    }
    unit->alone = 1;
    unit->queued = 1;
    lane->length++;
    ngx_queue_insert_head(&lane->waiting, &unit->queue);
    vg_db_flush();
}


void
vg_unit_chain(vg_unit_t *head, vg_unit_t *unit)
{
    if (head->chain == NULL) {
        head->chain = unit;
    } else {
        head->last->link = unit;
    }
    head->last = unit;
    unit->head = head;
    unit->calls = 1;
    unit->queued_at = ngx_current_msec;
}


/* whose fault it was is refused; to the others it merely did not happen */
static void
vg_unit_end_chain(vg_unit_t *link, vg_unit_result_t result)
{
    vg_unit_t *next;

    for (; link != NULL; link = next) {
        next = link->link;
        vg_unit_end(link, result == VG_UNIT_REFUSED && !link->failed
                              ? VG_UNIT_UNDONE
                              : result);
    }
}


void
vg_unit_unchain(vg_unit_t *head)
{
    vg_unit_end_chain(head->chain, VG_UNIT_AWAY);
    head->chain = NULL;
}


void
vg_unit_end(vg_unit_t *unit, vg_unit_result_t result)
{
    PGresult *rows = unit->packed ? NULL : unit->rows; /* done() may free it */

    vg_unit_end_chain(unit->chain, result);
    unit->chain = NULL;
    unit->result = result;
    if (unit->endpoint != NULL) {
        vg_metrics_unit(unit->endpoint, ngx_current_msec - unit->queued_at,
                        result == VG_UNIT_OK);
    }
    unit->done(unit);
    PQclear(rows);
}


vg_rc_t
vg_unit_drop(vg_unit_t *unit)
{
    if (!unit->queued || unit->result != VG_UNIT_OK) {
        unit->dropped = 1;
        return VG_DECLINED;
    }
    ngx_queue_remove(&unit->queue);
    vg_unit_lane(unit)->length--;
    unit->queued = 0;
    return VG_OK;
}


/* each connection that there is, of every lane of every database */
static void
vg_db_walk(void (*visit)(vg_conn_t **conn, ngx_uint_t number),
           ngx_uint_t number)
{
    ngx_uint_t d, i, j;

    for (d = 0; d < VG_DATABASES; d++) {
        for (i = 0; i < VG_LANES; i++) {
            for (j = 0; j < VG_LANE_CONNS; j++) {
                if (vg_lanes[d][i].conns[j] != NULL) {
                    visit(&vg_lanes[d][i].conns[j], number);
                }
            }
        }
    }
}


static void
vg_db_forget_in(vg_conn_t **conn, ngx_uint_t number)
{
    vg_conn_forget(*conn, number);
}


void
vg_db_forget(ngx_uint_t number)
{
    vg_db_walk(vg_db_forget_in, number);
}


void
vg_db_hear(void (*heard)(const char *channel, const char *payload),
           void (*lost)(void))
{
    vg_lanes[VG_HOME][VG_LANE_LISTEN].heard = heard;
    vg_lanes[VG_HOME][VG_LANE_LISTEN].lost = lost;
}


ngx_uint_t
vg_db_alive(ngx_uint_t database)
{
    ngx_uint_t i;
    vg_conn_t *conn;

    for (i = 0; i < VG_LANE_CONNS; i++) {
        conn = vg_lanes[database][VG_LANE_READ].conns[i];
        if (conn != NULL && vg_conn_up(conn)) {
            return 1;
        }
    }
    conn = vg_lanes[database][VG_LANE_SLOW].conns[0];
    return conn != NULL && vg_conn_up(conn);
}


static void
vg_lane_start(vg_lane_state_t *lane, ngx_uint_t database)
{
    lane->database = database;
    ngx_queue_init(&lane->waiting);
    lane->gathered.handler = vg_lane_gathered;
    lane->gathered.data = lane;
    lane->gathered.log = ngx_cycle->log;
}


ngx_int_t
vg_db_start(ngx_cycle_t *cycle)
{
    ngx_uint_t i, d;

    if (vg_host->databases.nelts == 0) {
        return NGX_OK;
    }
    vg_db_turn.handler = vg_db_turned;
    vg_db_turn.log = cycle->log;
    ngx_queue_init(&vg_db_over);
    for (d = 0; d < vg_host->databases.nelts; d++) {
        ngx_memcpy(vg_lanes[d], vg_lane_kinds, sizeof(vg_lane_kinds));
        for (i = 0; i < VG_LANES; i++) {
            vg_lane_start(&vg_lanes[d][i], d);
        }
    }
    vg_db_started = 1;
    vg_check_start();
    return NGX_OK;
}


static void
vg_db_close(vg_conn_t **conn, ngx_uint_t number)
{
    (void) number;
    vg_conn_close(*conn);
    *conn = NULL;
}


void
vg_db_stop(void)
{
    ngx_uint_t i, d;

    vg_db_started = 0;
    for (d = 0; d < vg_host->databases.nelts; d++) {
        for (i = 0; i < VG_LANES; i++) {
            if (vg_lanes[d][i].gathered.timer_set) {
                ngx_del_timer(&vg_lanes[d][i].gathered);
            }
        }
    }
    vg_db_walk(vg_db_close, 0);
}
