/*
 * pages.c: the kit's own pages: health, readiness, build, metrics, OpenAPI.
 * None of them waits and none asks the database.
 */

#include "db.h"
#include "http.h"

#ifndef VG_VERSION
#define VG_VERSION "0.1.0"
#endif
#ifndef VG_COMMIT
#define VG_COMMIT "unknown"
#endif

typedef ngx_int_t (*vg_page_pt)(ngx_http_request_t *r, vg_pool_t *pool);

static const char *const vg_page_states[] = { "starting", "ready", "out" };


static ngx_int_t
vg_page_healthz(ngx_http_request_t *r, vg_pool_t *pool)
{
    (void) pool;
    return vg_http_send(r, NGX_HTTP_OK, "application/json",
                        VG_STR("{\"status\":\"ok\"}"));
}


static void
vg_page_plugins(vg_out_t *out)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_out_key(out, "plugins");
    vg_out_open(out, '[');
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        vg_out_open(out, '{');
        vg_out_member(out, "name", vg_of(p[i]->name));
        vg_out_member(out, "version",
                      p[i]->manifest ? vg_str(p[i]->manifest->version)
                                     : (vg_str_t){ NULL, 0 });
        vg_out_member(out, "hash", vg_str(p[i]->hash));
        vg_out_member(out, "state", vg_str(vg_page_states[p[i]->state]));
        vg_out_close(out, '}');
    }
    vg_out_close(out, ']');
}


static ngx_int_t
vg_page_ready(ngx_http_request_t *r, vg_pool_t *pool)
{
    vg_out_t    out;
    const char *lacks = vg_check_lacks();

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "status",
                  lacks ? VG_STR("not ready") : VG_STR("ready"));
    if (lacks != NULL) {
        vg_out_member(&out, "lacks", vg_str(lacks));
    }
    vg_out_key(&out, "database");
    vg_out_bool(&out, lacks == NULL || ngx_strcmp(lacks, "database") != 0);
    vg_page_plugins(&out);
    vg_out_close(&out, '}');
    if (lacks != NULL) {
        (void) vg_http_add(r, "Retry-After", VG_STR("2"));
    }
    return vg_http_send(r, lacks ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_OK,
                        "application/json", vg_out_str(&out));
}


static ngx_int_t
vg_page_info(ngx_http_request_t *r, vg_pool_t *pool)
{
    vg_out_t out;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "name", VG_STR("voltgate"));
    vg_out_member(&out, "version", VG_STR(VG_VERSION));
    vg_out_member(&out, "commit", VG_STR(VG_COMMIT));
    vg_out_member(&out, "node", vg_of(vg_host->node));
    vg_page_plugins(&out);
    vg_out_close(&out, '}');
    return vg_http_send(r, NGX_HTTP_OK, "application/json", vg_out_str(&out));
}


static ngx_int_t
vg_page_metrics(ngx_http_request_t *r, vg_pool_t *pool)
{
    return vg_http_send(r, NGX_HTTP_OK,
                        "text/plain; version=0.0.4; charset=utf-8",
                        vg_metrics_render(pool));
}


static ngx_int_t
vg_page_openapi(ngx_http_request_t *r, vg_pool_t *pool)
{
    ngx_str_t copy = vg_host->openapi; /* a swap renders another */

    (void) pool;
    copy.data = ngx_pstrdup(r->pool, &copy);
    if (copy.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return vg_http_send(r, NGX_HTTP_OK, "application/json", vg_of(copy));
}


static const struct {
    ngx_str_t  path;
    vg_page_pt page;
} vg_pages[] = { { ngx_string("/healthz"), vg_page_healthz },
                 { ngx_string("/ready"), vg_page_ready },
                 { ngx_string("/info"), vg_page_info },
                 { ngx_string("/metrics"), vg_page_metrics },
                 { ngx_string("/openapi.json"), vg_page_openapi },
                 { ngx_string("/.well-known/jwks.json"), vg_discovery_jwks },
                 { ngx_string("/.well-known/openid-configuration"),
                   vg_discovery_metadata },
                 { ngx_string("/.well-known/oauth-authorization-server"),
                   vg_discovery_metadata },
                 { ngx_null_string, NULL } };


ngx_int_t
vg_page_handler(ngx_http_request_t *r)
{
    ngx_uint_t i;
    vg_http_t *http = vg_http_get(r);
    vg_pool_t  pool = vg_arena_of(r->pool);

    for (i = 0; vg_pages[i].page != NULL; i++) {
        if (r->uri.len == vg_pages[i].path.len
            && ngx_strncmp(r->uri.data, vg_pages[i].path.data, r->uri.len) == 0)
        {
            break;
        }
    }
    if (vg_pages[i].page == NULL) {
        return NGX_DECLINED;
    }
    http->route = vg_pages[i].path;
    (void) ngx_http_discard_request_body(r); /* or it were the next request */
    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        http->allow = 1u << VG_GET;
        return vg_http_problem(r, vg_kit_error("method_not_allowed", 18));
    }
    return vg_pages[i].page(r, &pool);
}
