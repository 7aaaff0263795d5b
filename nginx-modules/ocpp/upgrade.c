/*
 * upgrade.c: reads and answers a WebSocket request: RFC 6455 4.2, and the
 * identity that OCPP-J puts into the path.
 */

#include "http.h"
#include "table.h"
#include "upgrade.h"

#include <ngx_sha1.h>

#define VG_UPGRADE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define VG_UPGRADE_KEY  16 /* bytes, decoded                               */

/* the subprotocols that are spoken here, as the charger's list is searched */
static const char *const vg_upgrade_protocols[] = { "ocpp1.6", NULL };

static const struct {
    ngx_int_t   status;
    const char *message;
} vg_upgrade_refusals[] = {
    { 400, "Sec-WebSocket-Key must be 16 bytes in base64" },
    { 401, "the charge point's identity and password are needed" },
    { 403, "the charge point's security profile needs TLS" },
    { 404, "unknown charge point" },
    { 405, "a WebSocket starts by GET" },
    { 426, "this is a WebSocket endpoint, version 13" },
    { 503, "try again later" },
};


/* ---------------------------------------------------------------- headers */

/* Is word an element of this comma separated list? */
static ngx_uint_t
vg_upgrade_lists(const ngx_str_t *list, const char *word)
{
    size_t  len = ngx_strlen(word);
    u_char *p = list->data, *end = p + list->len, *start;

    while (p < end) {
        while (p < end && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }
        start = p;
        while (p < end && *p != ' ' && *p != '\t' && *p != ',') {
            p++;
        }
        if ((size_t) (p - start) == len
            && ngx_strncasecmp(start, (u_char *) word, len) == 0)
        {
            return 1;
        }
    }
    return 0;
}


/* A header may come more than once; its lists are one list. */
static ngx_uint_t
vg_upgrade_says(ngx_http_request_t *r, const char *name, const char *word)
{
    ngx_str_t        key = { ngx_strlen(name), (u_char *) name };
    ngx_uint_t       i;
    ngx_list_part_t *part;
    ngx_table_elt_t *h;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;
        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == key.len
                && ngx_strncasecmp(h[i].key.data, key.data, key.len) == 0
                && vg_upgrade_lists(&h[i].value, word))
            {
                return 1;
            }
        }
    }
    return 0;
}


static ngx_uint_t
vg_upgrade_key_good(ngx_str_t *key)
{
    u_char    bytes[ngx_base64_decoded_length(24)];
    ngx_str_t out = { 0, bytes };

    return key != NULL && key->len == 24
           && ngx_decode_base64(&out, key) == NGX_OK
           && out.len == VG_UPGRADE_KEY;
}


/* --------------------------------------------------------------- identity */

/* What stands behind the location in the path as it was sent, so that an
 * encoded slash does not part it. data NULL: no identity. */
static vg_str_t
vg_upgrade_identity(ngx_http_request_t *r)
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
vg_upgrade_identity_good(vg_str_t identity)
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
vg_upgrade_read(ngx_http_request_t *r, vg_upgrade_t *upgrade)
{
    ngx_str_t         *version = vg_http_header(r, "Sec-WebSocket-Version");
    const char *const *protocol = vg_upgrade_protocols;

    if (r->method != NGX_HTTP_GET) {
        return NGX_HTTP_NOT_ALLOWED;
    }
    upgrade->identity = vg_upgrade_identity(r);
    if (!vg_upgrade_identity_good(upgrade->identity)) {
        return NGX_HTTP_NOT_FOUND;
    }
    if (r->http_version != NGX_HTTP_VERSION_11
        || !vg_upgrade_says(r, "Connection", "upgrade")
        || !vg_upgrade_says(r, "Upgrade", "websocket") || version == NULL
        || version->len != 2 || ngx_strncmp(version->data, "13", 2) != 0)
    {
        return 426;
    }
    upgrade->key = vg_http_header(r, "Sec-WebSocket-Key");
    if (!vg_upgrade_key_good(upgrade->key) || r->headers_in.content_length_n > 0
        || r->headers_in.chunked)
    {
        return NGX_HTTP_BAD_REQUEST;
    }
    while (*protocol != NULL
           && !vg_upgrade_says(r, "Sec-WebSocket-Protocol", *protocol))
    {
        protocol++;
    }
    upgrade->protocol = *protocol;
    return 0;
}


/* ---------------------------------------------------------------- answers */

ngx_int_t
vg_upgrade_refuse(ngx_http_request_t *r, ngx_int_t status)
{
    ngx_uint_t i = 0;
    vg_http_t *http = vg_http_get(r);

    while (vg_upgrade_refusals[i].status != status) {
        if (++i == sizeof(vg_upgrade_refusals) / sizeof(vg_upgrade_refusals[0]))
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    if (http == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    http->basic = 1;
    http->allow = 1u << VG_GET;
    if (status == 426) {
        ngx_str_set(&r->headers_out.status_line, "426 Upgrade Required");
        (void) vg_http_add(r, "Upgrade", VG_STR("websocket"));
        (void) vg_http_add(r, "Sec-WebSocket-Version", VG_STR("13"));
    }
    r->keepalive = 0;
    /* spread, since OCPP 1.6 has no back-off that we could set */
    return vg_http_refuse(
        r, vg_kit_error_status(status), vg_upgrade_refusals[i].message,
        status == NGX_HTTP_SERVICE_UNAVAILABLE ? 5 + ngx_random() % 11 : 0);
}


static vg_str_t
vg_upgrade_accept_value(const ngx_str_t *key, u_char *buf)
{
    u_char     digest[20];
    ngx_str_t  in = { sizeof(digest), digest }, out = { 0, buf };
    ngx_sha1_t sha1;

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->data, key->len);
    ngx_sha1_update(&sha1, VG_UPGRADE_GUID, sizeof(VG_UPGRADE_GUID) - 1);
    ngx_sha1_final(digest, &sha1);
    ngx_encode_base64(&out, &in);
    return vg_of(out);
}


ngx_int_t
vg_upgrade_accept(ngx_http_request_t *r, const vg_upgrade_t *upgrade)
{
    u_char    buf[ngx_base64_encoded_length(20)];
    ngx_int_t rc;

    /* nginx writes "Connection: upgrade" itself, but no reason */
    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");
    if (vg_http_add(r, "Upgrade", VG_STR("websocket")) != NGX_OK
        || vg_http_add(r, "Sec-WebSocket-Accept",
                       vg_upgrade_accept_value(upgrade->key, buf))
               != NGX_OK
        || (upgrade->protocol != NULL
            && vg_http_add(r, "Sec-WebSocket-Protocol",
                           vg_str(upgrade->protocol))
                   != NGX_OK))
    {
        return NGX_ERROR;
    }
    rc = ngx_http_send_header(r);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }
    return ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_OK ? NGX_OK
                                                              : NGX_ERROR;
}
