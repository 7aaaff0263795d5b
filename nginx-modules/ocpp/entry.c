/*
 * entry.c: reads and refuses the WebSocket request of a charge point: the
 * identity that OCPP-J puts into the path.
 */

#include "entry.h"
#include "http.h"
#include "table.h"

/* the subprotocols that are spoken here, as the charger's list is searched */
static const char *const vg_entry_protocols[] = { "ocpp1.6", NULL };

static const struct {
    ngx_int_t   status;
    const char *message;
} vg_entry_refusals[] = {
    { 400, "Sec-WebSocket-Key must be 16 bytes in base64" },
    { 401, "the charge point's identity and password are needed" },
    { 403, "the charge point's security profile needs TLS" },
    { 404, "unknown charge point" },
    { 405, "a WebSocket starts by GET" },
    { 426, "this is a WebSocket endpoint, version 13" },
    { 429, "this charge point comes too often" },
    { 503, "try again later" },
};


/* --------------------------------------------------------------- identity */

/* What stands behind the location in the path as it was sent, so that an
 * encoded slash does not part it. data NULL: no identity. */
static vg_str_t
vg_entry_identity(ngx_http_request_t *r)
{
    u_char                   *p, *end, *dst, *src, *out;
    vg_str_t                  none = { NULL, 0 };
    ngx_str_t                *uri = &r->unparsed_uri;
    ngx_http_core_loc_conf_t *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    if (uri->len <= clcf->name.len
        || ngx_strncmp(uri->data, clcf->name.data, clcf->name.len) != 0)
    {
        return none;
    }
    p = uri->data + clcf->name.len;
    end = ngx_strlchr(p, uri->data + uri->len, '?');
    end = end ? end : uri->data + uri->len;
    if (clcf->name.data[clcf->name.len - 1] != '/' && p < end && *p == '/') {
        p++;
    }
    if (p == end || end - p > (ptrdiff_t) 3 * VG_IDENTITY_MAX
        || ngx_strlchr(p, end, '/') != NULL)
    {
        return none;
    }
    dst = out = ngx_pnalloc(r->pool, end - p);
    if (out == NULL) {
        return none;
    }
    src = p;
    ngx_unescape_uri(&dst, &src, end - p, 0);
    return (vg_str_t){ (char *) out, dst - out };
}


/* Printable ASCII, as OCPP's identifier strings are. A colon would make the
 * user name of Basic authentication ambiguous. */
static ngx_uint_t
vg_entry_identity_good(vg_str_t identity)
{
    size_t i;

    if (identity.len == 0 || identity.len > VG_IDENTITY_MAX) {
        return 0;
    }
    for (i = 0; i < identity.len; i++) {
        if (identity.data[i] < ' ' || identity.data[i] > '~'
            || identity.data[i] == ':') {
            return 0;
        }
    }
    return 1;
}


ngx_int_t
vg_entry_read(ngx_http_request_t *r, vg_entry_t *entry)
{
    if (r->method != NGX_HTTP_GET) {
        return NGX_HTTP_NOT_ALLOWED;
    }
    entry->identity = vg_entry_identity(r);
    if (!vg_entry_identity_good(entry->identity)) {
        return NGX_HTTP_NOT_FOUND;
    }
    return vg_upgrade_read(r, vg_entry_protocols, &entry->upgrade);
}


ngx_int_t
vg_entry_refuse(ngx_http_request_t *r, ngx_int_t status, ngx_uint_t retry)
{
    ngx_uint_t i = 0;
    vg_http_t *http = vg_http_get(r);

    while (vg_entry_refusals[i].status != status) {
        if (++i == sizeof(vg_entry_refusals) / sizeof(vg_entry_refusals[0])) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    if (http == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    http->basic = 1;
    http->allow = 1u << VG_GET;
    if (status == 426) {
        vg_upgrade_required(r);
    }
    r->keepalive = 0;
    if (status == NGX_HTTP_SERVICE_UNAVAILABLE && retry == 0) {
        /* spread, since OCPP 1.6 has no back-off that we could set */
        retry = 5 + ngx_random() % 11;
    }
    return vg_http_refuse(r, vg_kit_error_status(status),
                          vg_entry_refusals[i].message, retry);
}
