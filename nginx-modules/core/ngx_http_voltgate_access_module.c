/*
 * ngx_http_voltgate_access_module.c: identity and limits for any location.
 *
 *   voltgate_access [SCOPE];
 *                    location: what stands there (files, a proxy) is for who
 *                    has an identity, and that scope
 *
 * A call is made for the question alone and is over with its answer: nothing
 * runs by it. What nginx does behind this phase is not ours.
 */

#include "http.h"

extern ngx_module_t ngx_http_voltgate_access_module;

typedef struct {
    ngx_array_t endpoints; /* of vg_endpoint_t *                         */
} vg_access_main_t;

typedef struct {
    vg_endpoint_t *endpoint; /* NULL: nothing is asked                    */
} vg_access_conf_t;

typedef struct {
    vg_endpoint_t endpoint;
    vg_route_t    row;
} vg_access_place_t;


/* may it, or what is said instead */
static void
vg_access_go(vg_http_t *http, vg_rc_t rc)
{
    ngx_int_t           sent;
    vg_call_t          *call = http->call;
    ngx_http_request_t *r = http->request;

    if (call == NULL) {
        return;
    }
    if (rc == VG_OK) {
        rc = vg_auth_scope(call, call->endpoint->row->scope);
    }
    http->call = NULL;
    call->owner = NULL;
    http->access = rc == VG_OK ? VG_ACCESS_MAY : VG_ACCESS_REFUSED;
    if (rc != VG_OK) {
        (void) ngx_http_discard_request_body(r);
        sent = vg_http_answer(http, call);
        vg_call_release(call);
        ngx_http_finalize_request(r, sent);
        return;
    }
    vg_call_release(call);
    if (!http->entering) {
        r->read_event_handler = ngx_http_block_reading;
        r->write_event_handler = ngx_http_core_run_phases;
        ngx_http_core_run_phases(r);
    }
}


static ngx_int_t
vg_access_ask(vg_http_t *http, vg_endpoint_t *endpoint)
{
    vg_rc_t             rc;
    ngx_str_t           none[VG_PATH_VALUES];
    ngx_uint_t          access;
    ngx_http_request_t *r = http->request;

    ngx_memzero(none, sizeof(none));
    if (vg_http_call(http, endpoint, none) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    http->go = vg_access_go;
    http->access = VG_ACCESS_ASKED;
    r->main->count++; /* it may be answered in here, and http goes with it */
    http->inside = http->entering = 1;
    rc = vg_http_identify(http);
    if (rc != VG_DONE) {
        vg_http_identified(http, rc);
    }
    http->inside = http->entering = 0;
    access = http->access;
    if (access == VG_ACCESS_REFUSED) {
        ngx_http_finalize_request(r, NGX_DONE);
        return NGX_DONE;
    }
    r->main->count--;
    if (access == VG_ACCESS_MAY) {
        return NGX_OK;
    }
    r->read_event_handler = ngx_http_test_reading; /* a client that leaves */
    r->write_event_handler = ngx_http_request_empty_handler;
    return NGX_AGAIN;
}


static ngx_int_t
vg_access_handler(ngx_http_request_t *r)
{
    vg_http_t        *http;
    vg_access_conf_t *conf =
        ngx_http_get_module_loc_conf(r, ngx_http_voltgate_access_module);

    if (conf->endpoint == NULL) {
        return NGX_DECLINED;
    }
    http = vg_http_get(r);
    if (http == NULL || vg_host == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    /* asked for this location once; after a redirect it is another one */
    if (http->access == VG_ACCESS_MAY && http->place == conf->endpoint) {
        return NGX_OK;
    }
    http->place = conf->endpoint;
    return vg_access_ask(http, conf->endpoint);
}


/* ------------------------------------------------------------------- conf */

static char *
vg_set_access(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_str_t                *word = cf->args->elts;
    vg_endpoint_t           **e;
    vg_access_main_t         *main;
    vg_access_conf_t         *conf = data;
    vg_access_place_t        *place;
    ngx_http_core_loc_conf_t *location;

    (void) cmd;
    if (conf->endpoint != NULL) {
        return "is there twice";
    }
    main =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_access_module);
    location = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    place = ngx_pcalloc(cf->pool, sizeof(vg_access_place_t));
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }
    place->row.method = VG_GET;
    place->row.path = "";
    place->row.scope = cf->args->nelts > 1 ? (const char *) word[1].data : NULL;
    place->endpoint.row = &place->row;
    place->endpoint.label = location->name;
    conf->endpoint = &place->endpoint;
    e = ngx_array_push(&main->endpoints);
    if (e == NULL) {
        return NGX_CONF_ERROR;
    }
    *e = conf->endpoint;
    return NGX_CONF_OK;
}


static void *
vg_access_create_main(ngx_conf_t *cf)
{
    vg_access_main_t *main = ngx_pcalloc(cf->pool, sizeof(*main));

    if (main == NULL
        || ngx_array_init(&main->endpoints, cf->pool, 4,
                          sizeof(vg_endpoint_t *))
               != NGX_OK)
    {
        return NULL;
    }
    return main;
}


static void *
vg_access_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(vg_access_conf_t));
}


/* places inside of one are guarded as it is, unless they say more */
static char *
vg_access_merge(ngx_conf_t *cf, void *parent, void *child)
{
    vg_access_conf_t *outer = parent, *inner = child;

    (void) cf;
    if (inner->endpoint == NULL) {
        inner->endpoint = outer->endpoint;
    }
    return NGX_CONF_OK;
}


static ngx_int_t
vg_access_ready(ngx_conf_t *cf)
{
    ngx_uint_t                 i;
    vg_host_t                 *host = vg_host_conf(cf);
    vg_access_main_t          *main;
    vg_endpoint_t            **e;
    ngx_http_handler_pt       *handler;
    ngx_http_core_main_conf_t *core;

    main =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_access_module);
    if (main->endpoints.nelts == 0) {
        return NGX_OK;
    }
    if (host->zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "voltgate_access wants a voltgate_database");
        return NGX_ERROR;
    }
    e = main->endpoints.elts;
    for (i = 0; i < main->endpoints.nelts; i++) {
        e[i]->plugin = host->house;
    }
    core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    handler = ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }
    *handler = vg_access_handler;
    return NGX_OK;
}


/* clang-format off */
static ngx_command_t  vg_access_commands[] = {

    { ngx_string("voltgate_access"),
      NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
      vg_set_access, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_access_ctx = {
    NULL,                  /* preconfiguration  */
    vg_access_ready,       /* postconfiguration */
    vg_access_create_main, /* create main conf  */
    NULL,                  /* init main conf    */
    NULL,                  /* create srv conf   */
    NULL,                  /* merge srv conf    */
    vg_access_create,      /* create loc conf   */
    vg_access_merge,       /* merge loc conf    */
};

ngx_module_t  ngx_http_voltgate_access_module = {
    NGX_MODULE_V1,
    &vg_access_ctx,
    vg_access_commands,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
