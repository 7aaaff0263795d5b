/*
 * life.c: a call is made and held; it is left by its client, or overdue, before
 * it has come to its end.
 */

#include "db.h"


/* what was not sent yet is not sent any more */
static void
vg_call_drop(vg_call_t *call)
{
    vg_unit_t *unit = call->unit;

    if (unit != NULL && vg_unit_drop(unit) == VG_OK) {
        call->unit = NULL;
        call->running = 0;
        vg_call_release(call);
    }
}


/* A change that was sent may still happen; one that waits in its lane must
 * not: its caller was told, and what its values point to may be gone. */
static void
vg_call_overdue(ngx_event_t *ev)
{
    vg_call_t *call = ev->data;

    ngx_log_error(
        NGX_LOG_WARN, call->log, 0, "voltgate: %V overdue, correlation %*s",
        &call->endpoint->label, call->correlation.len, call->correlation.data);
    call->retry_after = 1;
    vg_call_drop(call);
    vg_call_fail(call, "overdue");
}


void
vg_call_abandon(vg_call_t *call)
{
    call->abandoned = 1;
    if (call->finished || call->changed) {
        return;
    }
    vg_call_ref(call);
    vg_call_drop(call);
    vg_call_fail(call, "unavailable");
    vg_call_release(call);
}


vg_call_t *
vg_call_create(vg_endpoint_t *endpoint)
{
    size_t     n = endpoint ? endpoint->nfields + 1 : 1;
    vg_call_t *call;
    /* what it awaits lies here, too, and a second piece costs as much again */
    ngx_pool_t *pool = ngx_create_pool(
        endpoint && endpoint->awaits ? 8192 : 4096, ngx_cycle->log);

    if (pool == NULL) {
        return NULL;
    }
    /* one piece, zeroed: the call, its values, what is bound */
    call = ngx_pcalloc(
        pool, sizeof(vg_call_t) + n * (sizeof(vg_json_t *) + sizeof(vg_str_t)));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }
    call->pool = pool;
    call->arena = vg_arena_of(pool);
    call->log = ngx_cycle->log;
    call->refs = 1;
    call->endpoint = endpoint;
    call->bound = (vg_str_t *) (call + 1);
    call->values = (const vg_json_t **) (call->bound + n);
    call->now = vg_time_now();
    call->started = ngx_current_msec;
    call->key.slot = -1;
    call->quota = -1;
    vg_out_init(&call->problems, &call->arena);
    call->deadline.handler = vg_call_overdue;
    call->deadline.data = call;
    call->deadline.log = call->log;
    if (endpoint != NULL) {
        vg_plugin_hold(endpoint->plugin);
    }
    return call;
}


/* most calls only read */
vg_str_t
vg_call_new_id(vg_call_t *call)
{
    if (call->new_id[0] == '\0') {
        vg_uuid7(call->new_id, call->now);
    }
    return (vg_str_t){ call->new_id, sizeof(call->new_id) - 1 };
}


void
vg_call_ref(vg_call_t *call)
{
    call->refs++;
}


void
vg_call_release(vg_call_t *call)
{
    if (--call->refs) {
        return;
    }
    vg_key_give(call);
    if (call->deadline.timer_set) {
        ngx_del_timer(&call->deadline);
    }
    if (call->endpoint != NULL) {
        vg_plugin_release(call->endpoint->plugin);
    }
    ngx_destroy_pool(call->pool);
}
