/*
 * ngx_http_voltgate_events_module: starts the clerk's work in each worker.
 */

#include "events.h"

extern ngx_module_t ngx_http_voltgate_events_module;

static ngx_uint_t vg_events_up; /* else what starts takes what is there   */

/* what each file asks of the database */
static ngx_int_t (*const vg_events_inits[])(ngx_conf_t *cf) = {
    vg_clerk_init,    vg_consumer_init, vg_batch_init,  vg_parked_init,
    vg_follower_init, vg_timer_init,    vg_replay_init, vg_operator_init,
};


static ngx_int_t
vg_events_ready(ngx_conf_t *cf)
{
    ngx_uint_t i;

    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    vg_consumer_confs_use(*(ngx_array_t **) ngx_http_conf_get_module_main_conf(
        cf, ngx_http_voltgate_events_module));
    for (i = 0; i < sizeof(vg_events_inits) / sizeof(vg_events_inits[0]); i++) {
        if (vg_events_inits[i](cf) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
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


static void *
vg_events_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_array_t *));
}


/* clang-format off */
static ngx_command_t  vg_events_commands[] = {

    { ngx_string("voltgate_consumer"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_consumer, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_events_ctx = {
    NULL, vg_events_ready, vg_events_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_events_module = {
    NGX_MODULE_V1,
    &vg_events_ctx,
    vg_events_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_events_start,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
