/*
 * ngx_http_voltgate_events_module: starts the clerk's work in each worker.
 */

#include "events.h"

static ngx_uint_t vg_events_up; /* else what starts takes what is there   */

static ngx_int_t
vg_events_ready(ngx_conf_t *cf)
{
    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    if (vg_clerk_init(cf) != NGX_OK || vg_consumer_init(cf) != NGX_OK
        || vg_parked_init(cf) != NGX_OK || vg_follower_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_timer_init(cf);
}


void
vg_events_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to)
{
    if (vg_events_up) {
        vg_consumers_switch(from, to);
        vg_timers_switch(from, to);
    }
}


static ngx_int_t
vg_events_start(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_host == NULL || ngx_process != NGX_PROCESS_WORKER) {
        return NGX_OK;
    }
    vg_clerk_start();
    vg_consumers_start();
    vg_follower_start();
    vg_timers_start();
    vg_events_up = 1;
    return NGX_OK;
}


/* clang-format off */
static ngx_http_module_t  vg_events_ctx = {
    NULL, vg_events_ready, NULL, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_events_module = {
    NGX_MODULE_V1,
    &vg_events_ctx,
    NULL,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_events_start,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
