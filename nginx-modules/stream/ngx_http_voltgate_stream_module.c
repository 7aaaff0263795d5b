/*
 * ngx_http_voltgate_stream_module.c: the room's directives, and its start in
 * each worker.
 *
 *   voltgate_streams 1024;             http: of one worker, at once
 *   voltgate_streams_caller 32;        http: of one caller in one worker
 *   voltgate_stream_heartbeat 15s;     http: silence before a sign of life
 *   voltgate_stream_pace 250ms;        http: between two frames of a stream
 */

#include "inside.h"

static const vg_stream_conf_t *vg_stream_running;


static void *
vg_stream_create_conf(ngx_conf_t *cf)
{
    vg_stream_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_stream_conf_t));

    if (conf == NULL) {
        return NULL;
    }
    conf->max = NGX_CONF_UNSET_UINT;
    conf->max_caller = NGX_CONF_UNSET_UINT;
    conf->heartbeat = NGX_CONF_UNSET_MSEC;
    conf->pace = NGX_CONF_UNSET_MSEC;
    return conf;
}


static char *
vg_stream_init_conf(ngx_conf_t *cf, void *data)
{
    vg_stream_conf_t *conf = data;

    (void) cf;
    ngx_conf_init_uint_value(conf->max, 1024);
    ngx_conf_init_uint_value(conf->max_caller, 32);
    ngx_conf_init_msec_value(conf->heartbeat, 15000);
    ngx_conf_init_msec_value(conf->pace, 250);
    if (conf->max > UINT16_MAX) {
        return "has more than 65535 voltgate_streams";
    }
    if (conf->heartbeat < 1000 || conf->pace < 10) {
        return "has a voltgate_stream_heartbeat below 1s, "
               "or a voltgate_stream_pace below 10ms";
    }
    return NGX_CONF_OK;
}


const vg_stream_conf_t *
vg_stream_conf(void)
{
    return vg_stream_running;
}


static ngx_int_t
vg_stream_init_process(ngx_cycle_t *cycle)
{
    vg_stream_running = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_stream_module);
    if (vg_stream_running != NULL && vg_host != NULL
        && (ngx_process == NGX_PROCESS_WORKER
            || ngx_process == NGX_PROCESS_SINGLE))
    {
        vg_stream_start();
    }
    return NGX_OK;
}


static void
vg_stream_exit_process(ngx_cycle_t *cycle)
{
    (void) cycle;
    vg_stream_stop();
}


/* clang-format off */
static ngx_command_t  vg_stream_commands[] = {

    { ngx_string("voltgate_streams"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_num_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_stream_conf_t, max), NULL },

    { ngx_string("voltgate_streams_caller"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(vg_stream_conf_t, max_caller),
      NULL },

    { ngx_string("voltgate_stream_heartbeat"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(vg_stream_conf_t, heartbeat),
      NULL },

    { ngx_string("voltgate_stream_pace"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(vg_stream_conf_t, pace), NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_stream_ctx = {
    NULL, NULL, vg_stream_create_conf, vg_stream_init_conf,
    NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_stream_module = {
    NGX_MODULE_V1,
    &vg_stream_ctx,
    vg_stream_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_stream_init_process,
    NULL, NULL,
    vg_stream_exit_process,
    NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
