/*
 * node.c: this node says that it is there, and hears how many are.
 *
 * The clerk's tick of each second is here, too. Who does not beat for 15 s is
 * taken for gone by vg.node_alive(), so its charge points may be asked for
 * elsewhere; that is for stations to say.
 */

#include "events.h"
#include "nodes.h"
#include "table.h"

#define VG_NODE_TICK 1000 /* ms */
#define VG_NODE_BEAT 5000 /* ms; three may be missed                      */

static vg_statement_t *vg_node_beat;
static vg_unit_t       vg_node_unit;
static ngx_event_t     vg_node_timer;
static ngx_uint_t      vg_node_busy, vg_node_others;
static ngx_msec_t      vg_node_beaten; /* when, in ngx_current_msec        */
static ngx_uint_t      vg_node_known;  /* ... or never                     */
static char            vg_node_born[24];
static const char     *vg_node_values[2];


ngx_int_t
vg_node_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_node_beat, "node_beat",
        "with beat as (insert into vg.node as n (name, started_at, seen_at)"
        " values ($1::text, 'epoch'::timestamptz"
        " + $2::bigint * interval '1 microsecond', now())"
        " on conflict (name) do update set started_at = excluded.started_at,"
        " seen_at = excluded.seen_at),"
        " swept as (delete from vg.call"
        " where deadline < now() - interval '1 minute'),"
        " gone as (delete from vg.node where name <> $1::text"
        " and seen_at < now() - interval '1 day')"
        " select count(*) from vg.node where name <> $1::text"
        " and seen_at > now() - interval '15 seconds'",
        2);
    return vg_node_beat ? NGX_OK : NGX_ERROR;
}


const char *
vg_node_name(void)
{
    return (const char *) vg_host->node.data;
}


ngx_uint_t
vg_node_alone(void)
{
    return vg_node_others == 0;
}


/* another one rang: the next beat is too late to learn of it */
void
vg_node_met(void)
{
    vg_node_others = 1;
    vg_stream_others(1);
}


static void
vg_node_heard(vg_unit_t *unit)
{
    ngx_uint_t alone = vg_node_alone();

    vg_node_busy = 0;
    if (!vg_kit_ok(unit)) {
        return; /* the next tick tries again */
    }
    vg_node_known = 1;
    vg_node_beaten = ngx_current_msec;
    vg_node_others = PQgetvalue(unit->rows, 0, 0)[0] != '0';
    vg_stream_others(vg_node_others);
    if (alone && !vg_node_alone()) {
        vg_nodes_bell(); /* so they learn of us */
    }
}


static void
vg_node_tick(ngx_event_t *ev)
{
    if (ngx_exiting) {
        return;
    }
    ngx_add_timer(ev, VG_NODE_TICK);
    if (!vg_node_busy
        && (!vg_node_known
            || ngx_current_msec - vg_node_beaten >= VG_NODE_BEAT))
    {
        vg_node_busy = 1;
        vg_kit_unit(&vg_node_unit, vg_node_beat, vg_node_values, VG_LANE_WRITE,
                    vg_node_heard, NULL);
    }
    vg_near_tick();
    vg_bell_tick();
}


void
vg_node_start(void)
{
    (void) snprintf(vg_node_born, sizeof(vg_node_born), "%lld",
                    (long long) vg_table_born());
    vg_node_values[0] = vg_node_name();
    vg_node_values[1] = vg_node_born;
    vg_node_timer.handler = vg_node_tick;
    vg_node_timer.data = &vg_nobody;
    vg_node_timer.log = ngx_cycle->log;
    vg_node_timer.cancelable = 1;
    ngx_add_timer(&vg_node_timer, 1);
}
