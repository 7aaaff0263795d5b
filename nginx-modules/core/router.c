/*
 * router.c: which endpoint does a path mean?
 *
 * Paths of rows are under /api/v1 unless they begin with "/.".
 * Literal segments win over {values}, and "{id}.pdf" over "{id}".
 */

#include "host.h"

static const char *const vg_methods[] = {
    [VG_GET] = "GET",       [VG_POST] = "POST",     [VG_PUT] = "PUT",
    [VG_PATCH] = "PATCH",   [VG_DELETE] = "DELETE", [VG_INTERNAL] = "INTERNAL",
    [VG_OCPP16] = "OCPP16", [VG_EVENT] = "EVENT",   [VG_EVERY] = "EVERY",
    [VG_JOB] = "JOB",       [VG_HOOK] = "HOOK",     [VG_KEEP] = "KEEP",
};

/* how a row may fit: with a value, with one that has an ending, to the letter */
enum { VG_ROUTE_VALUE = 1, VG_ROUTE_ENDING, VG_ROUTE_LITERAL };

static const ngx_str_t vg_base = ngx_string("/api/v1");


const char *
vg_method_name(vg_method_t method)
{
    return vg_methods[method];
}


/* A value goes as far as its segment, less what the row has behind it there:
 * "{id}.pdf". */
static u_char *
vg_route_value(const char *behind, u_char *p, u_char *end)
{
    u_char *last = p;
    size_t  len = strcspn(behind, "/");

    while (last < end && *last != '/') {
        last++;
    }
    if ((size_t) (last - p) > len && ngx_memcmp(last - len, behind, len) == 0) {
        return last - len;
    }
    return len ? p : last;
}


/* one row against a path; *fit is the larger, the more of it is the row's */
static ngx_uint_t
vg_route_fits(const char *row, ngx_str_t *path, ngx_str_t *values,
              ngx_uint_t *fit)
{
    u_char    *p = path->data, *end = p + path->len;
    ngx_uint_t n = 0;

    *fit = VG_ROUTE_LITERAL;
    while (*row != '\0') {
        if (*row == '{') {
            if (n == VG_PATH_VALUES) {
                return 0;
            }
            row = strchr(row, '}') + 1;
            values[n].data = p;
            p = vg_route_value(row, p, end);
            values[n].len = p - values[n].data;
            if (values[n++].len == 0) {
                return 0;
            }
            if (*row == '\0' || *row == '/') {
                *fit = VG_ROUTE_VALUE;
            } else if (*fit == VG_ROUTE_LITERAL) {
                *fit = VG_ROUTE_ENDING;
            }
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
    ngx_uint_t      i, fit, best = 0, want = vg_route_method(method);
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
            || !vg_route_fits(e[i]->row->path, &rest, tried, &fit))
        {
            continue;
        }
        *allow |= 1u << e[i]->row->method;
        if (e[i]->row->method == want && fit > best) {
            found = e[i];
            best = fit;
            ngx_memcpy(values, tried, sizeof(tried));
            if (fit == VG_ROUTE_LITERAL) {
                break;
            }
        }
    }
    return found;
}
