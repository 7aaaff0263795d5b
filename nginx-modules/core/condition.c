/*
 * condition.c: ETag, If-Match and If-None-Match of a call over HTTP.
 *
 * A change decides on If-Match in its own statement, by :ifMatch, so nobody
 * comes in between; a route whose statement does not take it refuses it. A
 * read has its answer at hand and is decided here.
 */

#include "http.h"
#include "tag.h"


static vg_str_t
vg_condition_header(ngx_table_elt_t *h)
{
    return h ? vg_of(h->value) : (vg_str_t){ NULL, 0 };
}


vg_rc_t
vg_condition_take(vg_http_t *http, vg_call_t *call)
{
    vg_str_t match, none, versions;

    match = vg_condition_header(http->request->headers_in.if_match);
    none = vg_condition_header(http->request->headers_in.if_none_match);
    if (call->endpoint->row->method == VG_GET) {
        return VG_OK; /* see vg_condition_answer() */
    }
    if (none.data != NULL) {
        (void) vg_refuse_field(call, "If-None-Match", "is for GET alone");
    }
    if (match.data != NULL && !call->endpoint->matches) {
        (void) vg_refuse_field(call, "If-Match", "cannot be honoured here");
    } else if (match.data != NULL) {
        if (!vg_tag_versions(&call->arena, match, &versions)) {
            (void) vg_refuse_field(call, "If-Match",
                                   "must be * or at most 32 entity tags");
        }
        call->in.if_match = versions;
    }
    return call->nproblems ? VG_ERROR : VG_OK;
}


static ngx_int_t
vg_condition_tag(ngx_http_request_t *r, vg_str_t tag)
{
    ngx_table_elt_t *h = ngx_list_push(&r->headers_out.headers);
    ngx_str_t        value = vg_ngx(tag);

    if (h == NULL) {
        return NGX_ERROR;
    }
    h->hash = 1;
    ngx_str_set(&h->key, "ETag");
    h->value.len = value.len;
    h->value.data = ngx_pstrdup(r->pool, &value);
    if (h->value.data == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }
    r->headers_out.etag = h; /* whoever compresses makes it weak */
    return NGX_OK;
}


static vg_str_t
vg_condition_own(vg_call_t *call)
{
    return vg_tag_make(&call->arena,
                       call->tagged.data != NULL ? call->tagged : call->text);
}


ngx_uint_t
vg_condition_known(vg_call_t *call, vg_str_t source)
{
    vg_str_t given = vg_header(call, "if-none-match");

    call->tagged = source;
    return call->endpoint->row->method == VG_GET && given.data != NULL
           && vg_tag_listed(given, vg_condition_own(call));
}


ngx_int_t
vg_condition_answer(ngx_http_request_t *r, vg_call_t *call, ngx_int_t status)
{
    vg_str_t          tag, given;
    const vg_route_t *row = call->endpoint->row;

    if (call->text.data == NULL || (row->flags & VG_LIST)
        || status == NGX_HTTP_NO_CONTENT
        || (row->method != VG_GET && vg_tag_version(call->text).data == NULL))
    {
        return status;
    }
    tag = vg_condition_own(call);
    if (tag.data == NULL || vg_condition_tag(r, tag) != NGX_OK
        || row->method != VG_GET)
    {
        return status;
    }
    given = vg_condition_header(r->headers_in.if_match);
    if (given.data != NULL && !vg_tag_listed(given, tag)) {
        return NGX_HTTP_PRECONDITION_FAILED;
    }
    given = vg_condition_header(r->headers_in.if_none_match);
    return given.data != NULL && vg_tag_listed(given, tag)
               ? NGX_HTTP_NOT_MODIFIED
               : status;
}
