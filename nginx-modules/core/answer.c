/*
 * answer.c: what goes back over HTTP: headers, bodies, problems; and nginx's
 * own refusals in the same shape.
 */

#include "http.h"

extern ngx_module_t ngx_http_voltgate_module;


ngx_str_t *
vg_http_headers(ngx_http_request_t *r, const char *name, ngx_uint_t *count)
{
    size_t           len = ngx_strlen(name);
    ngx_str_t       *first = NULL;
    ngx_uint_t       i;
    ngx_list_part_t *part;
    ngx_table_elt_t *h;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;
        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len != len
                || ngx_strncasecmp(h[i].key.data, (u_char *) name, len) != 0)
            {
                continue;
            }
            first = first ? first : &h[i].value;
            if (count == NULL) {
                return first;
            }
            (*count)++;
        }
    }
    return first;
}


ngx_str_t *
vg_http_header(ngx_http_request_t *r, const char *name)
{
    return vg_http_headers(r, name, NULL);
}


/* where nginx looks for it by itself, as $sent_http_cache_control does */
static ngx_int_t
vg_http_controls(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_array_t      *controls = &r->headers_out.cache_control;
    ngx_table_elt_t **slot;

    if (ngx_strcmp(h->key.data, "Cache-Control") != 0) {
        return NGX_OK;
    }
    if (controls->elts == NULL
        && ngx_array_init(controls, r->pool, 1, sizeof(ngx_table_elt_t *))
               != NGX_OK)
    {
        return NGX_ERROR;
    }
    slot = ngx_array_push(controls);
    if (slot == NULL) {
        return NGX_ERROR;
    }
    *slot = h;
    return NGX_OK;
}


ngx_int_t
vg_http_add(ngx_http_request_t *r, const char *name, vg_str_t value)
{
    ngx_table_elt_t *h = ngx_list_push(&r->headers_out.headers);
    ngx_str_t        s = vg_ngx(value);

    if (h == NULL || value.data == NULL) {
        return NGX_ERROR;
    }
    h->hash = 1;
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value.len = s.len;
    h->value.data = ngx_pstrdup(r->pool, &s);
    return h->value.data ? vg_http_controls(r, h) : NGX_ERROR;
}


/* what may stand in logs, headers and statements unquoted */
static ngx_uint_t
vg_http_is_token(ngx_str_t *s, size_t max)
{
    size_t i;
    u_char c;

    if (s == NULL || s->len == 0 || s->len > max) {
        return 0;
    }
    for (i = 0; i < s->len; i++) {
        c = s->data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.'))
        {
            return 0;
        }
    }
    return 1;
}


static void
vg_http_free(void *data)
{
    (void) data; /* marks the context: found again after a redirect */
}


/* an internal redirect (error_page) forgets contexts; the cleanup does not */
static vg_http_t *
vg_http_again(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t *cln;

    for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {
        if (cln->handler == vg_http_free) {
            ngx_http_set_ctx(r, cln->data, ngx_http_voltgate_module);
            return cln->data;
        }
    }
    return NULL;
}


vg_http_t *
vg_http_get(ngx_http_request_t *r)
{
    char                uuid[37];
    ngx_str_t          *given;
    vg_http_t          *http;
    ngx_pool_cleanup_t *cln;

    http = ngx_http_get_module_ctx(r, ngx_http_voltgate_module);
    if (http == NULL) {
        http = vg_http_again(r);
    }
    if (http != NULL) {
        return http;
    }
    cln = ngx_pool_cleanup_add(r->pool, sizeof(vg_http_t));
    if (cln == NULL) {
        return NULL;
    }
    http = cln->data;
    ngx_memzero(http, sizeof(vg_http_t));
    cln->handler = vg_http_free;
    http->request = r;
    given = vg_http_header(r, "X-Correlation-ID");
    if (vg_http_is_token(given, 64)) {
        http->correlation = *given;
    } else {
        vg_uuid7(uuid, vg_time_now());
        http->correlation = (ngx_str_t){ 36, (u_char *) uuid };
        http->correlation.data = ngx_pstrdup(r->pool, &http->correlation);
    }
    vg_trace_make(http->traceparent, vg_http_header(r, "traceparent"));
    http->trace = (ngx_str_t){ 32, (u_char *) http->traceparent + 3 };
    ngx_http_set_ctx(r, http, ngx_http_voltgate_module);
    return http;
}


ngx_int_t
vg_http_send(ngx_http_request_t *r, ngx_int_t status, const char *type,
             vg_str_t body)
{
    ngx_int_t   rc;
    ngx_buf_t  *b;
    vg_http_t  *http = vg_http_get(r);
    ngx_uint_t  bare;
    ngx_chain_t out = { NULL, NULL };

    /* or nginx judged If-Match by itself, when the change is done */
    r->disable_not_modified = 1;
    bare = status == NGX_HTTP_NO_CONTENT || status == NGX_HTTP_NOT_MODIFIED;
    r->headers_out.status = status;
    r->headers_out.content_length_n = bare ? -1 : (off_t) body.len;
    if (http != NULL) {
        (void) vg_http_add(r, "X-Correlation-ID", vg_of(http->correlation));
        (void) vg_http_add(r, "traceparent", vg_str(http->traceparent));
    }
    if (!bare) {
        r->headers_out.content_type =
            (ngx_str_t){ ngx_strlen(type), (u_char *) type };
        /* gzip_types are compared with what stands before parameters */
        r->headers_out.content_type_len = strcspn(type, ";");
    } else {
        r->header_only = 1;
    }
    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }
    b = ngx_create_temp_buf(r->pool, body.len + 1);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    b->last = ngx_cpymem(b->pos, body.data, body.len);
    b->last_buf = r == r->main;
    b->last_in_chain = 1;
    b->memory = body.len > 0; /* an empty one is only a mark */
    b->temporary = 0;
    b->sync = body.len == 0;
    out.buf = b;
    return ngx_http_output_filter(r, &out);
}


void
vg_http_methods(char *text, ngx_uint_t allow)
{
    char       *p = text, *last = text + VG_HTTP_METHODS;
    vg_method_t m;

    *p = '\0';
    for (m = VG_GET; m <= VG_DELETE; m++) {
        if (allow & (1u << m)) {
            p += snprintf(p, last - p, "%s%s", p > text ? ", " : "",
                          vg_method_name(m));
        }
    }
}


static void
vg_http_problem_headers(ngx_http_request_t *r, const vg_error_t *error,
                        ngx_uint_t retry)
{
    char       text[160];
    vg_http_t *http = vg_http_get(r);

    if (error->status == NGX_HTTP_UNAUTHORIZED && http != NULL && http->basic) {
        (void) vg_http_add(r, "WWW-Authenticate",
                           VG_STR("Basic realm=\"voltgate\""));
    } else if (error->status == NGX_HTTP_UNAUTHORIZED && http != NULL) {
        (void) snprintf(text, sizeof(text),
                        http->challenge ? "Bearer realm=\"voltgate\", "
                                          "error=\"invalid_token\", "
                                          "error_description=\"%s\""
                                        : "Bearer realm=\"voltgate\"",
                        http->challenge ? http->challenge : "");
        (void) vg_http_add(r, "WWW-Authenticate", vg_str(text));
    }
    if (error->status == NGX_HTTP_NOT_ALLOWED && http != NULL) {
        vg_http_methods(text, http->allow);
        (void) vg_http_add(r, "Allow", vg_str(text));
    }
    if (error->status == NGX_HTTP_UNSUPPORTED_MEDIA_TYPE
        && r->method == NGX_HTTP_PATCH)
    {
        (void) vg_http_add(
            r, "Accept-Patch",
            VG_STR("application/merge-patch+json, application/json"));
    }
    if (error->status >= 502 && retry == 0) {
        retry = 5;
    }
    if (retry) {
        (void) snprintf(text, sizeof(text), "%d", (int) retry);
        (void) vg_http_add(r, "Retry-After", vg_str(text));
    }
}


ngx_int_t
vg_http_refuse(ngx_http_request_t *r, const vg_error_t *error,
               const char *message, ngx_uint_t retry)
{
    vg_str_t   body, detail = { NULL, 0 }, none = { NULL, 0 };
    vg_pool_t  pool = vg_arena_of(r->pool);
    vg_http_t *http = vg_http_get(r);

    if (http == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (message != NULL) {
        detail = vg_printf(&pool, "{\"message\":\"%s\"}", message);
    }
    body = vg_problem_render(&pool, error, detail, none, 0,
                             vg_time_text(&pool, vg_time_now()),
                             vg_of(http->correlation));
    vg_http_problem_headers(r, error, retry);
    return vg_http_send(r, error->status, "application/problem+json", body);
}


ngx_int_t
vg_http_problem(ngx_http_request_t *r, const vg_error_t *error)
{
    return vg_http_refuse(r, error, NULL, 0);
}


static ngx_int_t
vg_http_error(vg_http_t *http, vg_call_t *call)
{
    vg_str_t            body;
    ngx_uint_t          replayed = call->key.replayed;
    ngx_http_request_t *r = http->request;

    http->basic |= (call->endpoint->row->flags & VG_OAUTH) != 0;
    vg_http_problem_headers(r, call->error, call->retry_after);
    if (call->endpoint->row->flags & VG_OAUTH) {
        return vg_http_send(r, call->error->status, "application/json",
                            vg_oauth_error(call));
    }
    body = vg_problem_render(
        &call->arena, call->error, call->detail, vg_out_str(&call->problems),
        call->nproblems,
        replayed ? call->key.at : vg_time_text(&call->arena, call->now),
        replayed ? call->key.correlation : call->correlation);
    return vg_http_send(r, call->error->status, "application/problem+json",
                        body);
}


static void
vg_http_file(ngx_http_request_t *r, vg_call_t *call)
{
    if (call->file.data != NULL) {
        (void) vg_http_add(r, "Content-Disposition",
                           vg_printf(&call->arena, "inline; filename=\"%.*s\"",
                                     (int) call->file.len, call->file.data));
    }
}


ngx_int_t
vg_http_answer(vg_http_t *http, vg_call_t *call)
{
    vg_str_t            body;
    ngx_int_t           status = vg_call_status(call);
    const char         *type = call->type ? call->type : "application/json";
    ngx_http_request_t *r = http->request;

    if (call->key.replayed) {
        (void) vg_http_add(r, "Idempotent-Replayed", VG_STR("true"));
    }
    if (call->endpoint->row->flags & VG_OAUTH) { /* RFC 6749, 5.1 */
        (void) vg_http_add(r, "Cache-Control", VG_STR("no-store"));
    }
    if (call->error == NULL) {
        status = vg_condition_answer(r, call, status);
    }
    if (status == NGX_HTTP_PRECONDITION_FAILED && call->error == NULL) {
        call->error = vg_kit_error("precondition_failed", 19);
    }
    body = call->text.data ? call->text : VG_STR("");
    if (call->error == NULL && vg_format_wanted(r, call)) {
        body = vg_format_csv(r, call);
        type = "text/csv; charset=utf-8; header=present";
        call->error =
            body.data ? NULL : vg_kit_error("internal", sizeof("internal") - 1);
    }
    if (call->error == NULL) {
        vg_http_file(r, call);
        return vg_http_send(r, status, type, body);
    }
    return vg_http_error(http, call);
}


/* what nginx refused by itself, on its way through error_page */
ngx_int_t
vg_http_problem_handler(ngx_http_request_t *r)
{
    ngx_int_t status = r->err_status ? (ngx_int_t) r->err_status
                                     : (ngx_int_t) r->headers_out.status;

    const vg_error_t *error = vg_kit_error_status(status ? status : 400);

    (void) ngx_http_discard_request_body(r);
    r->err_status = 0;
    vg_http_cut(r, error);
    return vg_http_problem(r, error);
}
