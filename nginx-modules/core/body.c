/*
 * body.c: what a body may be, and the JSON that it is.
 */

#include "form.h"
#include "http.h"

#define VG_BODY_VALUES 100000 /* in one body */
#define VG_BODY_FORM   "application/x-www-form-urlencoded"


/* without one it is nothing of all */
ngx_uint_t
vg_body_is(ngx_http_request_t *r, const char *name)
{
    size_t     len = ngx_strlen(name);
    ngx_str_t *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }
    type = &r->headers_in.content_type->value;
    return type->len >= len
           && ngx_strncasecmp(type->data, (u_char *) name, len) == 0
           && (type->len == len || type->data[len] == ';'
               || type->data[len] == ' ');
}


/* a PATCH is a merge patch by either name: RFC 7396 */
ngx_uint_t
vg_body_taken(ngx_http_request_t *r, const vg_route_t *row)
{
    if (r->headers_in.content_type == NULL) {
        return !(row->flags & VG_ROWS);
    }
    if (row->flags & VG_RAW) {
        return 1;
    }
    if (row->flags & VG_ROWS) {
        return vg_body_is(r, "text/csv")
               || vg_body_is(r, "application/geo+json");
    }
    return vg_body_is(r, "application/json")
           || ((row->flags & VG_FORM) && vg_body_is(r, VG_BODY_FORM))
           || (row->method == VG_PATCH
               && vg_body_is(r, "application/merge-patch+json"));
}


/* one buffer by configuration; a body on disk is read back, once */
static ngx_int_t
vg_body_gather(ngx_http_request_t *r, vg_call_t *call, vg_str_t *body)
{
    char        *p;
    off_t        size, all = 0;
    ssize_t      n;
    ngx_chain_t *cl;

    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {
        all += ngx_buf_size(cl->buf);
    }
    p = ngx_pnalloc(call->pool, all + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }
    *body = (vg_str_t){ p, all };
    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {
        size = ngx_buf_size(cl->buf);
        if (cl->buf->in_file) {
            n = ngx_read_file(cl->buf->file, (u_char *) p, size,
                              cl->buf->file_pos);
            if (n != size) {
                return NGX_ERROR;
            }
        } else if (size > 0) { /* an empty one may be nowhere */
            ngx_memcpy(p, cl->buf->pos, size);
        }
        p += size;
    }
    return NGX_OK;
}


/* A value costs a hundred bytes however short it is: 1 MiB of "[1,1,..." would
 * become 50. Commas in strings count too, which no honest body minds. */
static const vg_json_t *
vg_body_parse(vg_call_t *call, vg_str_t body, const char **wrong)
{
    size_t i, commas = 0;

    for (i = 0; i < body.len; i++) {
        commas += body.data[i] == ',';
    }
    if (commas >= VG_BODY_VALUES) {
        *wrong = "too many values";
        return NULL;
    }
    return vg_json_parse(&call->arena, body, wrong);
}


/* The body as JSON text: a form becomes an object, and a client that says by
 * its header who it is two of its members. */
static vg_rc_t
vg_body_text(vg_http_t *http, vg_str_t *body, const char **wrong)
{
    unsigned flags = http->call->endpoint->row->flags;

    if ((flags & VG_FORM) && vg_body_is(http->request, VG_BODY_FORM)) {
        *body = vg_form_json(&http->call->arena, *body, wrong);
        if (body->data == NULL) {
            return VG_ERROR;
        }
    }
    return flags & VG_OAUTH ? vg_oauth_client(http, body) : VG_OK;
}


vg_rc_t
vg_body_read(vg_http_t *http)
{
    vg_str_t            body;
    vg_call_t          *call = http->call;
    const char         *wrong = NULL;
    ngx_http_request_t *r = http->request;

    if (r->request_body == NULL || vg_body_gather(r, call, &body) != NGX_OK) {
        return vg_refuse(call, "internal");
    }
    if (body.len == 0) {
        return VG_OK;
    }
    if (call->endpoint->row->flags & VG_RAW) { /* looked at by vg_bind() */
        call->in.payload = body;
        return VG_OK;
    }
    if (vg_card_check(call, body, vg_body_is(r, VG_BODY_FORM)) != VG_OK) {
        return VG_ERROR;
    }
    if (vg_body_text(http, &body, &wrong) == VG_OK) {
        call->body = vg_body_parse(call, body, &wrong);
    }
    if (call->body != NULL) {
        call->in.payload = body;
        return VG_OK;
    }
    if (call->error == NULL) {
        (void) vg_refuse_with(
            call, "malformed",
            vg_printf(&call->arena, "{\"message\":\"body: %s\"}", wrong));
    }
    return VG_ERROR;
}


static bool
vg_body_secret(vg_call_t *call, vg_str_t name)
{
    ngx_uint_t        i;
    const vg_field_t *f = call->endpoint->row->fields;

    for (i = 0; i < call->endpoint->nfields; i++) {
        if (f[i].in == VG_BODY && (f[i].flags & VG_SECRET)
            && vg_str_eq(name, f[i].name))
        {
            return true;
        }
    }
    return false;
}


/* A password is guessed at from its digest at millions a second, so it is in
 * none that is kept: of the body what is before, between and behind secrets. */
vg_str_t
vg_body_plain(vg_call_t *call)
{
    vg_str_t         plain = { NULL, 0 }, all = call->in.payload;
    const char      *from = all.data;
    const vg_json_t *m = NULL;

    if (call->body != NULL && call->body->type == VG_JSON_OBJECT) {
        m = call->body->first;
    }
    for (; m != NULL; m = m->next) {
        if (vg_body_secret(call, m->key)) {
            plain = vg_printf(&call->arena, "%.*s%.*s", (int) plain.len,
                              plain.data ? plain.data : "",
                              (int) (m->raw.data - from), from);
            from = m->raw.data + m->raw.len;
        }
    }
    if (from == all.data) {
        return all;
    }
    return vg_printf(&call->arena, "%.*s%.*s", (int) plain.len, plain.data,
                     (int) (all.data + all.len - from), from);
}
