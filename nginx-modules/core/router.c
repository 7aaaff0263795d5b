/*
 * router.c: which endpoint does a path mean?
 *
 * Paths of rows are under /api/v1 unless they begin with "/." or "/ocpi".
 * Literal segments win over :values, since rows are tried twice.
 */

#include "host.h"

static const char *const vg_methods[] = {
    [VG_GET] = "GET",       [VG_POST] = "POST",     [VG_PUT] = "PUT",
    [VG_PATCH] = "PATCH",   [VG_DELETE] = "DELETE", [VG_INTERNAL] = "INTERNAL",
    [VG_OCPP16] = "OCPP16", [VG_EVENT] = "EVENT",   [VG_EVERY] = "EVERY",
    [VG_JOB] = "JOB",       [VG_KEEP] = "KEEP",
};

static const ngx_str_t vg_base = ngx_string("/api/v1");


const char *
vg_method_name(vg_method_t method)
{
    return vg_methods[method];
}


/* one row against a path; literals only, or also values */
static ngx_uint_t
vg_route_fits(const char *row, ngx_str_t *path, ngx_str_t *values,
              ngx_uint_t *literal)
{
    u_char    *p = path->data, *end = p + path->len;
    ngx_uint_t n = 0;

    *literal = 1;
    while (*row != '\0') {
        if (*row == '{') {
            *literal = 0;
            if (n == VG_PATH_VALUES) {
                return 0;
            }
            values[n].data = p;
            while (p < end && *p != '/') {
                p++;
            }
            values[n].len = p - values[n].data;
            if (values[n++].len == 0) {
                return 0;
            }
            row = strchr(row, '}') + 1;
        } else if (p == end || *p++ != (u_char) *row++) {
            return 0;
        }
    }
    return p == end;
}


static ngx_uint_t
vg_route_method(ngx_uint_t method)
{
    switch (method) {
    case NGX_HTTP_GET:
    case NGX_HTTP_HEAD:
        return VG_GET;
    case NGX_HTTP_POST:
        return VG_POST;
    case NGX_HTTP_PUT:
        return VG_PUT;
    case NGX_HTTP_PATCH:
        return VG_PATCH;
    case NGX_HTTP_DELETE:
        return VG_DELETE;
    default:
        return VG_INTERNAL;
    }
}


vg_endpoint_t *
vg_route_match(ngx_uint_t method, ngx_str_t *path, ngx_str_t *values,
               ngx_uint_t *allow)
{
    ngx_str_t       rest = *path, tried[VG_PATH_VALUES];
    u_char          first;
    ngx_uint_t      i, literal, want = vg_route_method(method);
    vg_endpoint_t **e = vg_host->endpoints.elts, *found = NULL;

    *allow = 0;
    ngx_memzero(tried, sizeof(tried)); /* rows have fewer values than room */
    if (rest.len > vg_base.len
        && ngx_strncmp(rest.data, vg_base.data, vg_base.len) == 0)
    {
        rest.data += vg_base.len;
        rest.len -= vg_base.len;
    } else if (rest.len < 2 || rest.data[1] != '.') {
        return NULL;
    }
    first = rest.len > 1 ? rest.data[1] : '\0';
    for (i = 0; i < vg_host->endpoints.nelts; i++) {
        if (vg_host->firsts[i] != first
            || !vg_route_fits(e[i]->row->path, &rest, tried, &literal))
        {
            continue;
        }
        *allow |= 1u << e[i]->row->method;
        if (e[i]->row->method == want && (found == NULL || literal)) {
            found = e[i];
            ngx_memcpy(values, tried, sizeof(tried));
            if (literal) {
                break;
            }
        }
    }
    return found;
}
