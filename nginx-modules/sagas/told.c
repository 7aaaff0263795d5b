/*
 * told.c: sagas that a change of this worker began, or told that what they
 * wait for may have come. They are run when the change has been answered,
 * with no look at the row: it is what the change said, and this worker's.
 */

#include "sagas.h"

static ngx_queue_t vg_saga_told;
static ngx_event_t vg_saga_bell;


static void
vg_saga_rung(ngx_event_t *ev)
{
    ngx_queue_t   *q;
    vg_saga_run_t *run;

    (void) ev;
    while (!ngx_queue_empty(&vg_saga_told)) {
        q = ngx_queue_head(&vg_saga_told);
        ngx_queue_remove(q);
        run = ngx_queue_data(q, vg_saga_run_t, queue);
        if (run->known) {
            vg_saga_go(run);
        } else {
            vg_saga_wake(run);
        }
    }
}


static void
vg_saga_take_told(vg_call_t *call, const vg_json_t *told)
{
    vg_saga_run_t   *run;
    const vg_json_t *data = vg_json_get(told, "data");

    run = vg_saga_create(call->endpoint->plugin->database);
    if (run == NULL) {
        return; /* the poll finds it */
    }
    run->plugin = vg_saga_keep(run, vg_of(call->endpoint->plugin->name));
    run->id = vg_saga_keep(run, vg_json_text(told, "id"));
    run->name = vg_saga_keep(run, vg_json_text(told, "saga"));
    if (run->id.data == NULL || run->name.data == NULL) {
        vg_saga_free(run);
        return;
    }
    if (data != NULL) {
        run->known = run->fresh = 1;
        run->data = vg_saga_keep(run, data->raw);
        run->step = VG_STR("");
        run->version = VG_STR("1");
        run->caller.id = vg_saga_keep(run, call->caller.id);
        run->caller.role = vg_saga_keep(run, call->caller.role);
        run->caller.company = vg_saga_keep(run, call->caller.company);
        run->correlation = vg_saga_keep(run, call->correlation);
        run->traceparent = vg_saga_keep(run, call->traceparent);
        run->since = ngx_current_msec;
        run->leased = ngx_current_msec + VG_SAGA_BEGUN;
        vg_saga_count_begun(run->name);
    }
    ngx_queue_insert_tail(&vg_saga_told, &run->queue);
    ngx_post_event(&vg_saga_bell, &ngx_posted_events);
}


void
vg_sagas_told(vg_call_t *call, vg_str_t told)
{
    const vg_json_t *item;
    const vg_json_t *all = vg_json_parse(&call->arena, told, NULL);

    if (vg_saga_bell.handler == NULL) {
        return; /* not up yet */
    }
    for (item = all ? all->first : NULL; item != NULL; item = item->next) {
        vg_saga_take_told(call, item);
    }
}


void
vg_saga_told_start(void)
{
    ngx_queue_init(&vg_saga_told);
    vg_saga_bell.handler = vg_saga_rung;
    vg_saga_bell.log = ngx_cycle->log;
}
