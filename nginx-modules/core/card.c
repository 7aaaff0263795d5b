/*
 * card.c: the number of a card has no place here. A head is looked at before
 * anything of it is logged, answered or routed; a body before it is parsed.
 *
 * Of the head: its line, and those fields that are kept, echoed or logged.
 * Others are compared and forgotten, and some of them (traces, tags, tokens)
 * are random enough to look like anything.
 */

#include "http.h"
#include "pan.h"

static const ngx_str_t vg_card_fields[] = {
    ngx_string("idempotency-key"),
    ngx_string("x-correlation-id"),
    ngx_string("referer"), /* nginx's error log has this one, */
    ngx_string("host"),    /* and this                        */
    ngx_string("origin"),
};

#define VG_CARD_FIELDS (sizeof(vg_card_fields) / sizeof(vg_card_fields[0]))


static ngx_uint_t
vg_card_field(const ngx_table_elt_t *h)
{
    ngx_uint_t i;

    for (i = 0; i < VG_CARD_FIELDS; i++) {
        if (h->key.len == vg_card_fields[i].len
            && ngx_strncasecmp(h->key.data, vg_card_fields[i].data, h->key.len)
                   == 0)
        {
            return vg_pan_found((char *) h->value.data, h->value.len,
                                VG_PAN_PLAIN);
        }
    }
    return 0;
}


/* a field that has one has it no more */
static ngx_uint_t
vg_card_headers(ngx_http_request_t *r)
{
    ngx_uint_t       i, found = 0;
    ngx_list_part_t *part;
    ngx_table_elt_t *h;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        for (h = part->elts, i = 0; i < part->nelts; i++) {
            if (vg_card_field(&h[i])) {
                ngx_str_set(&h[i].value, "");
                found = 1;
            }
        }
    }
    return found;
}


static ngx_uint_t
vg_card_line(ngx_http_request_t *r)
{
    ngx_str_t *uri = &r->unparsed_uri;

    if (!vg_pan_found((char *) uri->data, uri->len, VG_PAN_URL)) {
        return 0;
    }
    ngx_str_set(&r->request_line, "-");
    ngx_str_set(&r->unparsed_uri, "/");
    ngx_str_set(&r->uri, "/");
    ngx_str_null(&r->args);
    ngx_str_null(&r->exten);
    return 1;
}


static ngx_int_t
vg_card_handler(ngx_http_request_t *r)
{
    ngx_uint_t headers = vg_card_headers(r);

    if (!vg_card_line(r) && !headers) {
        return NGX_DECLINED;
    }
    (void) ngx_http_discard_request_body(r);
    ngx_http_finalize_request(
        r, vg_http_problem(r, vg_kit_error("card_number", 11)));
    return NGX_DONE;
}


/* the first phase: before a location, whose limits are logged with the line */
ngx_int_t
vg_card_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt       *handler;
    ngx_http_core_main_conf_t *core =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(&core->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }
    *handler = vg_card_handler;
    return NGX_OK;
}


vg_rc_t
vg_card_check(vg_call_t *call, vg_str_t bytes, ngx_uint_t form)
{
    if (vg_pan_found(bytes.data, bytes.len, form ? VG_PAN_URL : VG_PAN_JSON)) {
        return vg_refuse(call, "card_number");
    }
    return VG_OK;
}
