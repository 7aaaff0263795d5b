/*
 * timer.c: VG_EVERY routes, and those of what is kept for a while. Each node's
 * worker 0 tries; the row of vg.timer lets one of them through, in the commit
 * of the effect.
 */

#include "events.h"

#define VG_KEEP_FIRST 2000 /* ms after the start                         */
#define VG_KEEP_REST  50   /* ms at least between turns while there is more */

typedef struct {
    ngx_queue_t    queue;
    vg_endpoint_t *endpoint; /* NULL: its generation is retired          */
    ngx_event_t    event;
    vg_unit_t      take; /* with the statement before it                  */
    const char    *values[2];
    ngx_uint_t     busy; /* of call and unit, that are not over           */
    ngx_uint_t     more; /* VG_KEEP: older rows are left                  */
    ngx_msec_t     fired;
    char           name[128];
    char           period[48];
} vg_timer_t;

static vg_statement_t *vg_timer_take;
static ngx_queue_t     vg_timers;
static ngx_msec_t      vg_timer_longest;


ngx_int_t
vg_timer_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_timer_take, "timer_take",
                     "select vg.timer_take($1::text, $2::interval)", 2);
    return vg_timer_take ? NGX_OK : NGX_ERROR;
}


static ngx_msec_t
vg_timer_period(const vg_endpoint_t *e)
{
    return ngx_min(e->period, vg_timer_longest);
}


/* its call is over, and so is the unit: the next period begins. While there is
 * more it rests as long as the turn took: half of what it gets is left to
 * others, however slow the disk. */
static void
vg_timer_rest(vg_timer_t *timer)
{
    ngx_msec_t took = ngx_current_msec - timer->fired;

    if (--timer->busy) {
        return;
    }
    if (timer->endpoint == NULL) {
        ngx_free(timer);
    } else if (!ngx_exiting) {
        ngx_add_timer(&timer->event, timer->more
                                         ? ngx_max(took, VG_KEEP_REST)
                                         : vg_timer_period(timer->endpoint));
    }
}


static void
vg_timer_taken(vg_unit_t *unit)
{
    vg_timer_rest(unit->data);
}


static void
vg_timer_submit(vg_call_t *call, vg_unit_t *unit)
{
    vg_timer_t *timer = call->owner;

    if (!unit->statement->change) {
        vg_unit_submit(unit);
        return;
    }
    timer->busy++;
    vg_kit_make(&timer->take, vg_timer_take, timer->values,
                call->endpoint->row->method == VG_KEEP ? VG_LANE_SLOW
                                                       : VG_LANE_WRITE,
                vg_timer_taken, timer);
    timer->take.database = call->endpoint->plugin->database;
    timer->take.relaxed = 0;
    vg_unit_chain(&timer->take, unit);
    vg_unit_submit(&timer->take);
}


static void
vg_timer_over(vg_call_t *call)
{
    vg_timer_t *timer = call->owner;

    timer->more = call->endpoint->row->method == VG_KEEP && vg_keep_more(call);
    vg_timer_rest(timer);
}


static void
vg_timer_fired(ngx_event_t *ev)
{
    vg_timer_t *timer = ev->data;
    vg_call_t  *call;

    call = vg_event_may(timer->endpoint->plugin)
               ? vg_call_create(timer->endpoint)
               : NULL;
    if (call == NULL) {
        ngx_add_timer(ev, vg_timer_period(timer->endpoint));
        return;
    }
    call->caller.id = VG_STR("system");
    call->caller.role = VG_STR("system");
    call->correlation = vg_call_new_id(call);
    call->finish = vg_timer_over;
    call->owner = timer;
    call->unit_submit = vg_timer_submit;
    timer->busy = 1;
    timer->fired = ngx_current_msec;
    if (timer->endpoint->row->method != VG_KEEP) {
        vg_call_run(call, VG_EVENT_DEADLINE);
    } else if (vg_keep_bind(call) == VG_OK) {
        vg_call_run(call, VG_KEEP_DEADLINE);
    } else {
        vg_call_fail(call, "internal");
    }
}


/* the row's period is a tenth shorter, or a clock's jitter would halve it */
static void
vg_timer_add(vg_endpoint_t *e)
{
    vg_timer_t *timer = ngx_calloc(sizeof(vg_timer_t), ngx_cycle->log);
    ngx_uint_t  keep = e->row->method == VG_KEEP;

    if (timer == NULL) {
        return;
    }
    timer->endpoint = e;
    (void) snprintf(timer->name, sizeof(timer->name), "%s/%s/%s",
                    e->plugin->name.data, e->row->statement, e->row->path);
    (void) snprintf(timer->period, sizeof(timer->period), "%lu milliseconds",
                    (unsigned long) (keep ? VG_KEEP_REST : vg_timer_period(e))
                        / 10 * 9);
    timer->values[0] = timer->name;
    timer->values[1] = timer->period;
    timer->event.handler = vg_timer_fired;
    timer->event.data = timer;
    timer->event.log = ngx_cycle->log;
    timer->event.cancelable = 1;
    ngx_queue_insert_tail(&vg_timers, &timer->queue);
    ngx_add_timer(&timer->event, keep ? VG_KEEP_FIRST : vg_timer_period(e));
}


static void
vg_timers_add(vg_plugin_slot_t *plugin)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts && ngx_worker == 0; i++) {
        if (e[i]->row->method == VG_EVERY || e[i]->row->method == VG_KEEP) {
            vg_timer_add(e[i]);
        }
    }
}


/* one whose call is under way goes when that is over */
void
vg_timers_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to)
{
    vg_timer_t  *timer;
    ngx_queue_t *q, *next;

    for (q = ngx_queue_head(&vg_timers); q != ngx_queue_sentinel(&vg_timers);
         q = next)
    {
        next = ngx_queue_next(q);
        timer = ngx_queue_data(q, vg_timer_t, queue);
        if (timer->endpoint->plugin != from) {
            continue;
        }
        ngx_queue_remove(q);
        timer->endpoint = NULL;
        if (timer->event.timer_set) {
            ngx_del_timer(&timer->event);
            ngx_free(timer);
        }
    }
    vg_timers_add(to);
}


void
vg_timers_start(ngx_msec_t longest)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_timer_longest = longest;
    ngx_queue_init(&vg_timers);
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        vg_timers_add(p[i]);
    }
}
