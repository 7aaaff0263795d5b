/*
 * follower.c: this node along the log, in memory alone.
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
#define VG_FOLLOW_TYPES 4096 /* bytes of their names as an array */

/* Events that a crash of the database may take out of the log again, since
 * moves are not flushed at once: more than are moved in that time. */
#define VG_FOLLOW_BACK 10000

static vg_statement_t *vg_follow_end, *vg_follow_read;
static vg_unit_t       vg_follow_unit;
static ngx_event_t     vg_follow_timer;
static ngx_uint_t      vg_follow_busy, vg_follow_again, vg_follow_mine;
static ngx_uint_t      vg_follow_goes_back;
static const char     *vg_follow_values[2];
static char            vg_follow_place[24], vg_follow_types[VG_FOLLOW_TYPES];


ngx_int_t
vg_follower_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_follow_end, "log_end",
                     "select coalesce(max(pos), 0) from vg.event", 0);
    /* ten columns as vg_event_read() has them; of others the place alone */
    vg_statement_kit(
        cf, &vg_follow_read, "log_follow",
        "select e.pos, e.event_id, e.type, e.aggregate_id,"
        " case when e.type = any ($2::text[]) then e.payload::text end,"
        " e.correlation_id, e.traceparent, e.actor_id, vg.z(e.at), false"
        " from vg.event e where e.pos > $1::bigint order by e.pos limit 500",
        2);
    return vg_follow_end && vg_follow_read ? NGX_OK : NGX_ERROR;
}


/* what is wanted now: a plugin may have been exchanged */
static void
vg_follower_wanted(void)
{
    u_char         *p = (u_char *) vg_follow_types;
    u_char         *last = p + VG_FOLLOW_TYPES - 2;
    ngx_uint_t      i;
    vg_endpoint_t **e = vg_host->endpoints.elts;

    *p++ = '{';
    for (i = 0; i < vg_host->endpoints.nelts; i++) {
        if ((e[i]->row->flags & VG_HERE)
            && p + ngx_strlen(e[i]->row->path) + 3 < last) {
            p = ngx_slprintf(p, last, "%s\"%s\"", p[-1] == '{' ? "" : ",",
                             e[i]->row->path);
        }
    }
    *p++ = '}';
    *p = '\0';
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
vg_follower_take(PGresult *rows)
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
        vg_nodes_followed(vg_follower_text(rows, i, 2), about);
        vg_stream_heard(about);
        if (!PQgetisnull(rows, i, 4)) {
            vg_event_read(&arena, rows, i, 0, &event);
            vg_follower_tell(&event);
        }
    }
    *vg_shelf_place() = strtoul(PQgetvalue(rows, n - 1, 0), NULL, 10) + 1;
    ngx_destroy_pool(pool);
}


static void
vg_follower_have(vg_unit_t *unit)
{
    int n = vg_kit_ok(unit) ? PQntuples(unit->rows) : 0;

    vg_follow_busy = 0;
    if (n > 0 && unit->statement == vg_follow_end) {
        *vg_shelf_place() = strtoul(PQgetvalue(unit->rows, 0, 0), NULL, 10) + 1;
        vg_follow_again = 1;
        vg_nodes_unfollowed();
    } else if (n > 0) {
        vg_follower_take(unit->rows);
    }
    if (n == VG_FOLLOW_BATCH || vg_follow_again) {
        vg_follow_again = 0;
        vg_follower_wake();
    }
}


/* The place is one more than that of the last event: zero is no place yet. */
void
vg_follower_wake(void)
{
    uint64_t place;

    if (!vg_follow_mine || ngx_exiting) {
        return;
    }
    if (vg_follow_busy) {
        vg_follow_again = 1;
        return;
    }
    vg_follow_busy = 1;
    if (vg_follow_goes_back && *vg_shelf_place() != 0) {
        place = *vg_shelf_place();
        *vg_shelf_place() = place > VG_FOLLOW_BACK ? place - VG_FOLLOW_BACK : 1;
    }
    vg_follow_goes_back = 0;
    place = *vg_shelf_place();
    if (place == 0) {
        vg_kit_unit(&vg_follow_unit, vg_follow_end, vg_follow_values,
                    VG_LANE_READ, vg_follower_have, NULL);
        return;
    }
    vg_follower_wanted();
    (void) snprintf(vg_follow_place, sizeof(vg_follow_place), "%lu",
                    (unsigned long) place - 1);
    vg_follow_values[0] = vg_follow_place;
    vg_follow_values[1] = vg_follow_types;
    vg_kit_unit(&vg_follow_unit, vg_follow_read, vg_follow_values, VG_LANE_READ,
                vg_follower_have, NULL);
}


/* The database was away, perhaps by a crash: positions whose events it lost
 * are given again, to others. */
void
vg_follower_back(void)
{
    vg_follow_goes_back = 1;
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
    vg_follow_timer.log = ngx_cycle->log;
    vg_follow_timer.cancelable = 1;
    ngx_add_timer(&vg_follow_timer, 100);
}
