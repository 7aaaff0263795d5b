/*
 * follower.c: this node along each log, in memory alone.
 *
 * The clerk's worker reads what came behind its place and runs the VG_HERE
 * rows of each event: tags are dropped, words put; streams about its aggregate
 * are woken, and nodes hears of it. Whoever wrote did so itself before it
 * answered; this is for what a killed worker did not, what was lost on its way
 * back, and for other nodes. The place is in shared memory, so that the next
 * clerk goes on where a killed one was; nothing is stored, and an event may be
 * told twice.
 */

#include "cache.h"
#include "events.h"

#define VG_FOLLOW_BATCH 500
#define VG_FOLLOW_POLL  1000 /* ms */

typedef struct {
    ngx_uint_t  log; /* whose: index of the database                     */
    vg_unit_t   unit;
    ngx_pool_t *pool; /* of what is asked                                 */
    const char *values[2];
    char        place[24];
    unsigned    busy:1;
    unsigned    again:1;
} vg_follower_t;

vg_statement_t *vg_log_end;

static vg_statement_t *vg_follow_read;
static vg_follower_t   vg_followers[VG_DATABASES];
static ngx_event_t     vg_follow_timer;
static ngx_uint_t      vg_follow_mine;

static void vg_follower_go(vg_follower_t *follower);


ngx_int_t
vg_follower_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_log_end, "log_end",
                     "select coalesce(max(pos), 0) from vg.event", 0);
    /* ten columns as vg_event_read() has them; of others the place alone */
    vg_statement_kit(
        cf, &vg_follow_read, "log_follow",
        "select e.pos, e.event_id, e.type, e.aggregate_id,"
        " case when e.type = any ($2::text[]) or e.type = '" VG_REVOKED_EVENT
        "' then e.payload::text end,"
        " e.correlation_id, e.traceparent, e.actor_id, vg.z(e.at), e.source"
        " from vg.event e where e.pos > $1::bigint order by e.pos limit 500",
        2);
    return vg_log_end && vg_follow_read ? NGX_OK : NGX_ERROR;
}


/* the call is over, and nobody waits for it */
static void
vg_follower_told(vg_call_t *call)
{
    if (call->error == NULL) {
        vg_cache_drop(call, NULL);
    } else {
        vg_log(call, VG_LOG_ERROR, "%s was not heard here: %s",
               call->endpoint->label.data, call->error->name);
    }
}


static void
vg_follower_tell(const vg_event_t *event)
{
    vg_call_t      *call;
    ngx_uint_t      i;
    vg_endpoint_t **e = vg_host->endpoints.elts;

    for (i = 0; i < vg_host->endpoints.nelts; i++) {
        if (!(e[i]->row->flags & VG_HERE)
            || e[i]->plugin->state == VG_PLUGIN_OUT
            || !vg_str_eq(event->type, e[i]->row->path))
        {
            continue;
        }
        call = vg_event_call(e[i], event, vg_follower_told, NULL);
        if (call != NULL) {
            vg_call_run(call, VG_EVENT_DEADLINE);
        }
    }
}


static vg_str_t
vg_follower_text(PGresult *rows, int row, int column)
{
    return (vg_str_t){ PQgetvalue(rows, row, column),
                       PQgetlength(rows, row, column) };
}


static void
vg_follower_take(vg_follower_t *follower, PGresult *rows)
{
    int         i, n = PQntuples(rows);
    vg_str_t    about;
    vg_pool_t   arena;
    vg_event_t  event;
    ngx_pool_t *pool = ngx_create_pool(4096, ngx_cycle->log);

    if (pool == NULL) {
        return;
    }
    arena = vg_arena_of(pool);
    for (i = 0; i < n; i++) {
        about = vg_follower_text(rows, i, 3);
        vg_nodes_followed(vg_follower_text(rows, i, 2), about,
                          PQgetisnull(rows, i, 4)
                              ? (vg_str_t){ NULL, 0 }
                              : vg_follower_text(rows, i, 4));
        vg_stream_heard(about);
        if (!PQgetisnull(rows, i, 4)) {
            if (vg_event_read(&arena, rows, i, 0, &event) == NGX_OK) {
                vg_follower_tell(&event);
            }
        }
    }
    vg_stream_heard(VG_STR(VG_EVENTS_TOPIC));
    *vg_shelf_place(follower->log) =
        strtoul(PQgetvalue(rows, n - 1, 0), NULL, 10) + 1;
    vg_count_end(follower->log, *vg_shelf_place(follower->log) - 1);
    ngx_destroy_pool(pool);
}


static void
vg_follower_have(vg_unit_t *unit)
{
    int            n = vg_kit_ok(unit) ? PQntuples(unit->rows) : 0;
    vg_follower_t *follower = unit->data;

    follower->busy = 0;
    if (n > 0 && unit->statement == vg_log_end) {
        *vg_shelf_place(follower->log) =
            strtoul(PQgetvalue(unit->rows, 0, 0), NULL, 10) + 1;
        follower->again = 1;
        vg_nodes_unfollowed();
    } else if (n > 0) {
        vg_follower_take(follower, unit->rows);
    }
    ngx_destroy_pool(follower->pool);
    follower->pool = NULL;
    if (n == VG_FOLLOW_BATCH || follower->again) {
        follower->again = 0;
        vg_follower_go(follower);
    }
}


/* The place is one more than that of the last event: zero is no place yet.
 * What is wanted is asked anew each time: a plugin may have been exchanged. */
static void
vg_follower_go(vg_follower_t *follower)
{
    uint64_t  place = *vg_shelf_place(follower->log);
    vg_pool_t arena;

    if (follower->busy) {
        follower->again = 1;
        return;
    }
    follower->pool = ngx_exiting ? NULL : ngx_create_pool(1024, ngx_cycle->log);
    if (follower->pool == NULL) {
        return;
    }
    arena = vg_arena_of(follower->pool);
    follower->busy = 1;
    (void) snprintf(follower->place, sizeof(follower->place), "%lu",
                    (unsigned long) (place ? place - 1 : 0));
    follower->values[0] = follower->place;
    follower->values[1] = vg_event_types(&arena, &vg_host->endpoints, 1);
    if (follower->values[1] == NULL) {
        /* no memory: it must not seem that none is for us */
        ngx_destroy_pool(follower->pool);
        follower->pool = NULL;
        follower->busy = 0;
        return;
    }
    vg_kit_make(&follower->unit, place ? vg_follow_read : vg_log_end,
                follower->values, VG_LANE_LOG, vg_follower_have, follower);
    follower->unit.database = follower->log;
    vg_unit_submit(&follower->unit);
}


void
vg_follower_wake(void)
{
    ngx_uint_t i;

    for (i = 0; vg_follow_mine && !ngx_exiting && i < vg_host->databases.nelts;
         i++) {
        vg_followers[i].log = i;
        vg_follower_go(&vg_followers[i]);
    }
}


static void
vg_follower_polled(ngx_event_t *ev)
{
    vg_follower_wake();
    if (!ngx_exiting) {
        ngx_add_timer(ev, VG_FOLLOW_POLL);
    }
}


void
vg_follower_start(void)
{
    vg_follow_mine = ngx_worker == 0;
    if (!vg_follow_mine) {
        return;
    }
    vg_follow_timer.handler = vg_follower_polled;
    vg_follow_timer.data = &vg_nobody;
    vg_follow_timer.log = ngx_cycle->log;
    vg_follow_timer.cancelable = 1;
    ngx_add_timer(&vg_follow_timer, 100);
}
