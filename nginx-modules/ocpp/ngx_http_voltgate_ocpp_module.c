/*
 * ngx_http_voltgate_ocpp_module.c: the room's directives, and its start on
 * each worker.
 *
 *   voltgate_ocpp;                     location: a WebSocket endpoint; the
 *                                      rest of the path is the identity
 *   voltgate_ocpp_ping 60s;            http: silence before a ping
 *   voltgate_ocpp_max_message 64k;     http: of one message
 *   voltgate_ocpp_call_timeout 30s;    http: for a charger's answer
 *   voltgate_ocpp_deflate on;          http: permessage-deflate if offered
 *   voltgate_ocpp_handshakes 1000 8192;
 *                                      http: that begin in a second, of the
 *                                      node; that wait, of each worker
 *   voltgate_ocpp_reconnects 20 3s 5m; http: connections of one charge point
 *                                      that are free, what each further one
 *                                      costs, the longest wait; or off
 *   voltgate_ocpp_recorder 8k 65536 [PATH];
 *                                      http: the flight recorder: bytes for
 *                                      each charge point, how many, where;
 *                                      or off
 *   voltgate_ocpp_organization NAME;   http: O of charge points' certificates
 *   voltgate_ocpp_boots 32 5s;         http: under way in each worker; how
 *                                      long others wait, until told to come
 *                                      again
 */

#include "charger.h"
#include "module.h"
#include "node.h"

static const vg_ocpp_conf_t *vg_ocpp_running;
static ngx_uint_t            vg_ocpp_started;


static char *
vg_ocpp_location(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t *clcf =
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    (void) cmd;
    (void) conf;

    clcf->handler = vg_handshake;
    return NGX_CONF_OK;
}


/* NGX_ERROR: it is no number from 1 on */
static ngx_int_t
vg_ocpp_number(const ngx_str_t *word)
{
    ngx_int_t n = ngx_atoi(word->data, word->len);

    return n > 0 && n <= 1000000 ? n : NGX_ERROR;
}


static char *
vg_ocpp_handshakes(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_str_t      *word = cf->args->elts;
    vg_ocpp_conf_t *conf = data;

    (void) cmd;

    conf->rate = vg_ocpp_number(&word[1]);
    conf->queue = vg_ocpp_number(&word[2]);
    return conf->rate == NGX_ERROR || conf->queue == NGX_ERROR
               ? "wants a rate and a number that may wait"
               : NGX_CONF_OK;
}


static char *
vg_ocpp_reconnects(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_str_t      *word = cf->args->elts;
    vg_ocpp_conf_t *conf = data;

    (void) cmd;

    if (cf->args->nelts == 2) {
        conf->guard.burst = 0;
        return ngx_strcmp(word[1].data, "off") == 0 ? NGX_CONF_OK
                                                    : "wants off, or three";
    }
    conf->guard.burst = vg_ocpp_number(&word[1]);
    conf->guard.step = ngx_parse_time(&word[2], 0);
    conf->guard.most = ngx_parse_time(&word[3], 0);
    return conf->guard.burst <= 0 || conf->guard.step <= 0
                   || conf->guard.most <= 0
               ? "wants a number and two times"
               : NGX_CONF_OK;
}


static char *
vg_ocpp_boots(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_int_t       wait;
    ngx_str_t      *word = cf->args->elts;
    vg_ocpp_conf_t *conf = data;

    (void) cmd;

    conf->boots = vg_ocpp_number(&word[1]);
    wait = ngx_parse_time(&word[2], 0);
    if (conf->boots == NGX_ERROR || wait < 0 || wait > 20000) {
        return "wants a number and a time of at most 20s";
    }
    conf->boot_wait = (ngx_msec_t) wait;
    return NGX_CONF_OK;
}


static char *
vg_ocpp_recorder(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ssize_t         ring;
    ngx_str_t      *word = cf->args->elts;
    vg_ocpp_conf_t *conf = data;

    (void) cmd;

    if (cf->args->nelts == 2) {
        conf->recorder.ring = 0;
        return ngx_strcmp(word[1].data, "off") == 0 ? NGX_CONF_OK
                                                    : "wants off, or two";
    }
    ring = ngx_parse_size(&word[1]);
    conf->recorder.rings = vg_ocpp_number(&word[2]);
    if (ring < VG_RECORDER_LEAST || ring > VG_RECORDER_MOST
        || conf->recorder.rings == NGX_ERROR)
    {
        return "wants between 4k and 64k, and a number";
    }
    conf->recorder.ring = (size_t) ring;
    if (cf->args->nelts == 4) {
        conf->recorder.path = word[3];
        return ngx_conf_full_name(cf->cycle, &conf->recorder.path, 0) == NGX_OK
                   ? NGX_CONF_OK
                   : NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}


/* clang-format off */
static ngx_command_t  vg_ocpp_commands[] = {

    { ngx_string("voltgate_ocpp"),
      NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      vg_ocpp_location,
      0,
      0,
      NULL },

    { ngx_string("voltgate_ocpp_ping"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_ocpp_conf_t, socket.ping),
      NULL },

    { ngx_string("voltgate_ocpp_max_message"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_ocpp_conf_t, socket.max_message),
      NULL },

    { ngx_string("voltgate_ocpp_call_timeout"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_ocpp_conf_t, call_timeout),
      NULL },

    { ngx_string("voltgate_ocpp_deflate"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_ocpp_conf_t, deflate),
      NULL },

    { ngx_string("voltgate_ocpp_handshakes"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
      vg_ocpp_handshakes,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("voltgate_ocpp_reconnects"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1 | NGX_CONF_TAKE3,
      vg_ocpp_reconnects,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("voltgate_ocpp_recorder"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE123,
      vg_ocpp_recorder,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("voltgate_ocpp_organization"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_ocpp_conf_t, organization),
      NULL },

    { ngx_string("voltgate_ocpp_boots"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
      vg_ocpp_boots,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_null_command
};
/* clang-format on */


static void *
vg_ocpp_create_conf(ngx_conf_t *cf)
{
    vg_ocpp_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_ocpp_conf_t));

    if (conf == NULL) {
        return NULL;
    }
    conf->socket.ping = NGX_CONF_UNSET_MSEC;
    conf->socket.max_message = NGX_CONF_UNSET_SIZE;
    conf->call_timeout = NGX_CONF_UNSET_MSEC;
    conf->deflate = NGX_CONF_UNSET;
    conf->rate = 1000;
    conf->queue = 8192;
    conf->guard = (vg_guard_conf_t){ 3000, 20, 300000 };
    conf->recorder.ring = 8192;
    conf->recorder.rings = 65536;
    conf->boots = 32;
    conf->boot_wait = 5000;
    return conf;
}


static char *
vg_ocpp_init_conf(ngx_conf_t *cf, void *data)
{
    vg_ocpp_conf_t *conf = data;

    (void) cf;

    ngx_conf_init_msec_value(conf->socket.ping, 60000);
    ngx_conf_init_size_value(conf->socket.max_message, 65536);
    ngx_conf_init_msec_value(conf->call_timeout, 30000);
    ngx_conf_init_value(conf->deflate, 1);

    if (conf->socket.ping < 100 || conf->call_timeout == 0) {
        return "has an OCPP ping or timeout that is too short";
    }
    /* a result must fit into a message between workers */
    if (conf->socket.max_message < 1024
        || conf->socket.max_message > VG_SOCKET_MESSAGE)
    {
        return "must have voltgate_ocpp_max_message between 1k and 64k";
    }
    return NGX_CONF_OK;
}


const vg_ocpp_conf_t *
vg_ocpp_conf(void)
{
    return vg_ocpp_running;
}


/* the configuration is taken into use */
static ngx_int_t
vg_ocpp_init_module(ngx_cycle_t *cycle)
{
    vg_host_t *host =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_voltgate_module);
    const vg_ocpp_conf_t *conf;

    if (host == NULL || host->zone == NULL) {
        return NGX_OK;
    }
    conf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_voltgate_ocpp_module);
    vg_recorder_open(cycle, &conf->recorder);
    return vg_node_open(cycle);
}


static ngx_int_t
vg_ocpp_init_process(ngx_cycle_t *cycle)
{
    vg_ocpp_running = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_ocpp_module);
    if (vg_ocpp_running == NULL || vg_host == NULL || vg_node() == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }
    vg_ocpp_started = 1;
    vg_charger_init();
    vg_order_init();
    vg_far_chargers_start();
    vg_handshake_start();
    vg_exchange_start(vg_ocpp_running->boots, vg_ocpp_running->boot_wait);
    return NGX_OK;
}


/* what is left when a worker is told to leave at once */
static void
vg_ocpp_exit_process(ngx_cycle_t *cycle)
{
    (void) cycle;

    if (vg_ocpp_started) {
        vg_charger_stop();
    }
}


/* clang-format off */
static ngx_http_module_t  vg_ocpp_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    vg_ocpp_create_conf,                   /* create main configuration */
    vg_ocpp_init_conf,                     /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};
/* clang-format on */


/* clang-format off */
ngx_module_t  ngx_http_voltgate_ocpp_module = {
    NGX_MODULE_V1,
    &vg_ocpp_module_ctx,                   /* module context */
    vg_ocpp_commands,                      /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    vg_ocpp_init_module,                   /* init module */
    vg_ocpp_init_process,                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    vg_ocpp_exit_process,                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
