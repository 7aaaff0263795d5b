/*
 * ngx_http_voltgate_observe_module: what the access log can say of a call:
 * $vg_correlation_id $vg_trace_id $vg_user_id $vg_role $vg_route $vg_ms.
 */

#include "http.h"

static ngx_int_t vg_observe_variables(ngx_conf_t *cf);

/* clang-format off */
static ngx_http_module_t  vg_observe_ctx = {
    vg_observe_variables, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_observe_module = {
    NGX_MODULE_V1,
    &vg_observe_ctx,
    NULL,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


/* data: the offset of an ngx_str_t in vg_http_t */
static ngx_int_t
vg_observe_get(ngx_http_request_t *r, ngx_http_variable_value_t *v,
               uintptr_t data)
{
    vg_http_t *http = vg_http_get(r);
    ngx_str_t *s;

    if (http == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }
    s = (ngx_str_t *) ((u_char *) http + data);
    v->data = s->data;
    v->len = s->len;
    v->valid = s->data != NULL;
    v->not_found = s->data == NULL;
    v->no_cacheable = 1;
    return NGX_OK;
}


/* whole milliseconds since the request began, a JSON number */
static ngx_int_t
vg_observe_ms(ngx_http_request_t *r, ngx_http_variable_value_t *v,
              uintptr_t data)
{
    ngx_time_t *now = ngx_timeofday();
    int64_t     ms = (int64_t) (now->sec - r->start_sec) * 1000
                 + ((int64_t) now->msec - (int64_t) r->start_msec);
    u_char *text = ngx_pnalloc(r->pool, NGX_INT64_LEN);

    (void) data;
    if (text == NULL) {
        return NGX_ERROR;
    }
    v->data = text;
    v->len = (unsigned) (ngx_sprintf(text, "%L", ngx_max(ms, 0)) - text);
    v->valid = 1;
    v->not_found = 0;
    v->no_cacheable = 1;
    return NGX_OK;
}


static ngx_http_variable_t vg_observe_names[] = {
    { ngx_string("vg_correlation_id"), NULL, vg_observe_get,
      offsetof(vg_http_t, correlation), NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("vg_trace_id"), NULL, vg_observe_get,
      offsetof(vg_http_t, trace), NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("vg_user_id"), NULL, vg_observe_get, offsetof(vg_http_t, user),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("vg_role"), NULL, vg_observe_get, offsetof(vg_http_t, role),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("vg_route"), NULL, vg_observe_get, offsetof(vg_http_t, route),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },
    { ngx_string("vg_ms"), NULL, vg_observe_ms, 0, NGX_HTTP_VAR_NOCACHEABLE,
      0 },
    ngx_http_null_variable
};


static ngx_int_t
vg_observe_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t *v, *added;

    for (v = vg_observe_names; v->name.len; v++) {
        added = ngx_http_add_variable(cf, &v->name, v->flags);
        if (added == NULL) {
            return NGX_ERROR;
        }
        added->get_handler = v->get_handler;
        added->data = v->data;
    }
    return NGX_OK;
}
