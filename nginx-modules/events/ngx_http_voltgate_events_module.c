/*
 * ngx_http_voltgate_events_module: starts the clerk's work in each worker.
 */

#include "events.h"

extern ngx_module_t ngx_http_voltgate_events_module;

typedef struct {
    ngx_array_t *consumers; /* see settings.c                           */
    ngx_array_t *keeps;     /* see keep.c                               */
    time_t       keep;      /* s; 0: all                                */
    ngx_msec_t   look;      /* at outboxes, without a bell              */
    ngx_msec_t   longest;   /* period of a timer                        */
} vg_events_conf_t;

static ngx_uint_t vg_events_up; /* else what starts takes what is there   */

/* what each file asks of the database */
static ngx_int_t (*const vg_events_inits[])(ngx_conf_t *cf) = {
    vg_clerk_init,     vg_consumer_init, vg_batch_init,  vg_parked_init,
    vg_follower_init,  vg_timer_init,    vg_replay_init, vg_operator_init,
    vg_retention_init, vg_feed_init,
};


static ngx_int_t
vg_events_ready(ngx_conf_t *cf)
{
    ngx_uint_t        i;
    vg_events_conf_t *conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_events_module);

    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    vg_consumer_confs_use(conf->consumers);
    if (vg_keep_use(cf, conf->keeps) != NGX_OK) {
        return NGX_ERROR;
    }
    for (i = 0; i < sizeof(vg_events_inits) / sizeof(vg_events_inits[0]); i++) {
        if (vg_events_inits[i](cf) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return vg_told_init(cf);
}


void
vg_events_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to)
{
    vg_jobs_switch(from, to);
    if (vg_events_up) {
        vg_consumers_switch(from, to);
        vg_timers_switch(from, to);
    }
}


static ngx_int_t
vg_events_start(ngx_cycle_t *cycle)
{
    vg_events_conf_t *conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_events_module);

    if (vg_host == NULL || ngx_process != NGX_PROCESS_WORKER) {
        return NGX_OK;
    }
    vg_clerk_start(conf->look == NGX_CONF_UNSET_MSEC ? 1000 : conf->look);
    vg_consumers_start();
    vg_follower_start();
    vg_retention_start(conf->keep == NGX_CONF_UNSET ? 0 : conf->keep);
    vg_timers_start(conf->longest); /* unset: whatever plugins say */
    vg_events_up = 1;
    return NGX_OK;
}


static void *
vg_events_create(ngx_conf_t *cf)
{
    vg_events_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_events_conf_t));

    if (conf != NULL) {
        conf->keep = NGX_CONF_UNSET;
        conf->look = conf->longest = NGX_CONF_UNSET_MSEC;
    }
    return conf;
}


/* none is so short that nothing else would be done */
static ngx_conf_num_bounds_t vg_events_pause = {
    .post_handler = ngx_conf_check_num_bounds,
    .low = 10,
    .high = 3600000,
};

/* clang-format off */
static ngx_command_t  vg_events_commands[] = {

    { ngx_string("voltgate_consumer"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_consumer, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_events_conf_t, consumers), NULL },

    { ngx_string("voltgate_retention"), NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
      vg_set_retention, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_events_conf_t, keeps), NULL },

    { ngx_string("voltgate_events_keep"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_events_conf_t, keep), NULL },

    { ngx_string("voltgate_events_look"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_events_conf_t, look), &vg_events_pause },

    { ngx_string("voltgate_timer_longest"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_events_conf_t, longest), &vg_events_pause },

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
