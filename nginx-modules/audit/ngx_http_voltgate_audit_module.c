/*
 * ngx_http_voltgate_audit_module: the trail's directives, and its start in
 * each worker.
 */

#include "audit.h"

static void     *vg_audit_create(ngx_conf_t *cf);
static ngx_int_t vg_audit_ready(ngx_conf_t *cf);
static ngx_int_t vg_audit_begin(ngx_cycle_t *cycle);
static void      vg_audit_end(ngx_cycle_t *cycle);
static char     *vg_set_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

extern ngx_module_t ngx_http_voltgate_audit_module;

typedef struct {
    ngx_flag_t on;
    time_t     keep; /* s; 0: for good                                    */
} vg_audit_conf_t;

/* clang-format off */
static ngx_command_t  vg_audit_commands[] = {

    { ngx_string("voltgate_audit"), NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG,
      vg_set_audit, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_audit_conf_t, on), NULL },

    { ngx_string("voltgate_audit_keep"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_audit_conf_t, keep), NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_audit_ctx = {
    NULL, vg_audit_ready, vg_audit_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_audit_module = {
    NGX_MODULE_V1,
    &vg_audit_ctx,
    vg_audit_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_audit_begin,
    NULL, NULL,
    vg_audit_end,
    NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


/* statements are made ready while the conf is read, after all directives */
static void *
vg_audit_create(ngx_conf_t *cf)
{
    vg_audit_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_audit_conf_t));

    if (conf != NULL) {
        conf->on = NGX_CONF_UNSET;
        conf->keep = NGX_CONF_UNSET;
        vg_audit_off = 0;
    }
    return conf;
}


static char *
vg_set_audit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char            *rc = ngx_conf_set_flag_slot(cf, cmd, conf);
    vg_audit_conf_t *audit = conf;

    vg_audit_off = audit->on == 0;
    return rc;
}


static ngx_int_t
vg_audit_ready(ngx_conf_t *cf)
{
    vg_audit_conf_t *conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_audit_module);

    ngx_conf_init_value(conf->on, 1);
    ngx_conf_init_value(conf->keep, 0);
    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    if (vg_audit_trail_init(cf) != NGX_OK || vg_audit_append_init(cf) != NGX_OK
        || vg_audit_seal_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_audit_list_init(cf);
}


/* the master may have read another conf since, which it threw away */
static ngx_int_t
vg_audit_begin(ngx_cycle_t *cycle)
{
    vg_audit_conf_t *conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_audit_module);

    if (vg_host == NULL || ngx_process != NGX_PROCESS_WORKER) {
        return NGX_OK;
    }
    vg_audit_off = !conf->on;
    vg_audit_append_start();
    vg_audit_refusal_start();
    vg_audit_seal_start(conf->keep);
    return NGX_OK;
}


static void
vg_audit_end(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_host != NULL && ngx_process == NGX_PROCESS_WORKER) {
        vg_audit_append_stop();
    }
}
