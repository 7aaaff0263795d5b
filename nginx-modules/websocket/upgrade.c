/*
 * upgrade.c: reads and answers a WebSocket request: RFC 6455 4.2.
 */

#include "deflate.h"
#include "http.h"
#include "upgrade.h"

#include <ngx_sha1.h>

#define VG_UPGRADE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define VG_UPGRADE_KEY  16 /* bytes, decoded                               */


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


ngx_uint_t
vg_upgrade_wanted(ngx_http_request_t *r)
{
    return vg_upgrade_says(r, "Upgrade", "websocket");
}


ngx_int_t
vg_upgrade_read(ngx_http_request_t *r, const char *const *protocols,
                vg_upgrade_t *upgrade)
{
    ngx_str_t *version = vg_http_header(r, "Sec-WebSocket-Version");

    if (r->method != NGX_HTTP_GET) {
        return NGX_HTTP_NOT_ALLOWED;
    }
    if (r->http_version != NGX_HTTP_VERSION_11
        || !vg_upgrade_says(r, "Connection", "upgrade") || !vg_upgrade_wanted(r)
        || version == NULL || version->len != 2
        || ngx_strncmp(version->data, "13", 2) != 0)
    {
        return 426;
    }
    upgrade->key = vg_http_header(r, "Sec-WebSocket-Key");
    if (!vg_upgrade_key_good(upgrade->key) || r->headers_in.content_length_n > 0
        || r->headers_in.chunked)
    {
        return NGX_HTTP_BAD_REQUEST;
    }
    while (*protocols != NULL
           && !vg_upgrade_says(r, "Sec-WebSocket-Protocol", *protocols))
    {
        protocols++;
    }
    upgrade->protocol = *protocols;
    upgrade->window = 0;
    return 0;
}


/* The first header that offers what can be accepted. */
void
vg_upgrade_press(ngx_http_request_t *r, vg_upgrade_t *upgrade)
{
    ngx_uint_t             i;
    ngx_list_part_t       *part = &r->headers_in.headers.part;
    ngx_table_elt_t       *h;
    static const ngx_str_t name = ngx_string("Sec-WebSocket-Extensions");

    for (; part != NULL && upgrade->window == 0; part = part->next) {
        h = part->elts;
        for (i = 0; i < part->nelts && upgrade->window == 0; i++) {
            if (h[i].key.len == name.len
                && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
            {
                upgrade->window = vg_deflate_offered(vg_of(h[i].value));
            }
        }
    }
}


void
vg_upgrade_required(ngx_http_request_t *r)
{
    ngx_str_set(&r->headers_out.status_line, "426 Upgrade Required");
    (void) vg_http_add(r, "Upgrade", VG_STR("websocket"));
    (void) vg_http_add(r, "Sec-WebSocket-Version", VG_STR("13"));
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
    char      extension[VG_DEFLATE_ANSWER];
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
                   != NGX_OK)
        || (upgrade->window
            && vg_http_add(r, "Sec-WebSocket-Extensions",
                           vg_deflate_answer(upgrade->window, extension))
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
