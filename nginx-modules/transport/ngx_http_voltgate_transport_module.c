/*
 * ngx_http_voltgate_transport_module: directives of transport; its place among
 * nginx's header filters; which version of TLS people need.
 */

#include "transport.h"

#include <ngx_event_openssl.h>

static void     *vg_transport_create(ngx_conf_t *cf);
static char     *vg_transport_init(ngx_conf_t *cf, void *conf);
static ngx_int_t vg_transport_ready(ngx_conf_t *cf);
static ngx_int_t vg_transport_start(ngx_cycle_t *cycle);
static char     *vg_set_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

static ngx_http_output_header_filter_pt vg_transport_next;

const vg_transport_t *vg_transport;

/* clang-format off */
static ngx_conf_enum_t  vg_tls_versions[] = {
    { ngx_string("TLSv1.2"), TLS1_2_VERSION },
    { ngx_string("TLSv1.3"), TLS1_3_VERSION },
    { ngx_null_string, 0 }
};

static ngx_command_t  vg_transport_commands[] = {

    { ngx_string("voltgate_cors"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_cors, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("voltgate_tls"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_transport_t, least), vg_tls_versions },

    ngx_null_command
};

static ngx_http_module_t  vg_transport_ctx = {
    NULL, vg_transport_ready, vg_transport_create, vg_transport_init,
    NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_transport_module = {
    NGX_MODULE_V1,
    &vg_transport_ctx,
    vg_transport_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_transport_start,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


static void *
vg_transport_create(ngx_conf_t *cf)
{
    vg_transport_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_transport_t));

    if (conf == NULL
        || ngx_array_init(&conf->origins, cf->pool, 4, sizeof(ngx_str_t)))
    {
        return NULL;
    }
    conf->least = NGX_CONF_UNSET;
    return conf;
}


static char *
vg_transport_init(ngx_conf_t *cf, void *conf)
{
    vg_transport_t *t = conf;

    (void) cf;
    if (t->least == NGX_CONF_UNSET) {
        t->least = TLS1_3_VERSION;
    }
    return NGX_CONF_OK;
}


static char *
vg_set_cors(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    (void) cmd;
    return vg_cors_set(cf, conf);
}


static ngx_int_t
vg_transport_filter(ngx_http_request_t *r)
{
    if (r == r->main && r->headers_out.status != NGX_HTTP_SWITCHING_PROTOCOLS
        && vg_cors_headers(r) != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_transport_next(r);
}


static ngx_int_t
vg_transport_ready(ngx_conf_t *cf)
{
    vg_transport_t *conf = ngx_http_conf_get_module_main_conf(
        cf, ngx_http_voltgate_transport_module);

    if (conf->origins.nelts || conf->any) {
        vg_transport_next = ngx_http_top_header_filter;
        ngx_http_top_header_filter = vg_transport_filter;
    }
    return vg_certificates_find(cf, conf);
}


static ngx_int_t
vg_transport_start(ngx_cycle_t *cycle)
{
    vg_transport_t *conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_transport_module);

    if (conf != NULL
        && (ngx_process == NGX_PROCESS_WORKER
            || ngx_process == NGX_PROCESS_SINGLE))
    {
        vg_transport = conf;
        vg_certificates_watch(cycle, conf);
    }
    return NGX_OK;
}


ngx_uint_t
vg_tls_too_old(ngx_http_request_t *r)
{
    return r->connection->ssl != NULL && vg_transport != NULL
           && SSL_version(r->connection->ssl->connection) < vg_transport->least;
}
