/*
 * http.c: HTTP as a transport of calls: route, identity, body, answer.
 *
 * Lifetime: the handler takes one reference on the request (count++), which
 * vg_http_finish() gives back by finalizing. A request that nginx ends before
 * (client gone) cuts itself off the call by its cleanup. While nginx is our
 * caller it touches the request after us, and runs what was posted itself:
 * running it here would free the request of a broken connection too early.
 */

#include "http.h"
#include "stream.h"

static void vg_http_body(ngx_http_request_t *r);
static void vg_http_go(vg_http_t *http, vg_rc_t rc);


static ngx_int_t
vg_http_tell(vg_http_t *http, vg_call_t *call)
{
    ngx_int_t rc;

    if (call->error == NULL && (call->endpoint->row->flags & VG_STREAM)
        && vg_stream_wanted(http->request))
    {
        rc = vg_stream_open(http, call);
        if (call->error == NULL) {
            return rc;
        }
    }
    return vg_http_answer(http, call);
}


static void
vg_http_finish(vg_call_t *call)
{
    vg_out_t           *wrong = &call->problems;
    ngx_int_t           rc;
    vg_http_t          *http = call->owner;
    ngx_uint_t          inside;
    ngx_connection_t   *c;
    ngx_http_request_t *r;

    if (http == NULL) {
        return; /* the client went */
    }
    r = http->request;
    http->call = NULL;
    if (call->nproblems) {
        wrong->comma = false;
        vg_out_close(wrong, '}');
    }
    c = r->connection;
    inside = http->inside;
    rc = vg_http_tell(http, call);
    if (rc == NGX_DONE) {
        return; /* a stream has our reference now */
    }
    ngx_http_finalize_request(r, rc);
    if (!inside) {
        ngx_http_run_posted_requests(c);
    }
}


vg_str_t
vg_header(vg_call_t *call, const char *name)
{
    ngx_str_t *value;
    vg_http_t *http = call->finish == vg_http_finish ? call->owner : NULL;

    if (http == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    value = vg_http_header(http->request, name);
    return value != NULL ? vg_of(*value) : (vg_str_t){ NULL, 0 };
}


static void
vg_http_cleanup(void *data)
{
    vg_http_t *http = data;
    vg_call_t *call = http->call;

    http->call = NULL;
    if (call != NULL) {
        call->owner = NULL;
        vg_call_abandon(call);
    }
}


void
vg_http_cut(ngx_http_request_t *r, const vg_error_t *error)
{
    vg_http_t *http = vg_http_get(r);
    vg_call_t *call = http ? http->call : NULL;

    if (call == NULL) {
        return;
    }
    http->call = NULL;
    call->owner = NULL;
    call->error = error;
    vg_call_finish(call);
    r->main->count--;
}


static vg_rc_t
vg_http_key_wrong(vg_call_t *call)
{
    return vg_refuse_field(call, "Idempotency-Key",
                           "must be 1 to 255 printable characters");
}


static vg_rc_t
vg_http_key(vg_http_t *http, vg_call_t *call)
{
    ngx_str_t *key = vg_http_header(http->request, "Idempotency-Key");
    u_char    *p;

    if (key == NULL || call->endpoint->row->method != VG_POST
        || (call->endpoint->row->flags & VG_OAUTH)) /* nothing is stored */
    {
        return VG_OK;
    }
    if (key->len == 0 || key->len > 255) {
        return vg_http_key_wrong(call);
    }
    for (p = key->data; p < key->data + key->len; p++) {
        if (*p < 0x20 || *p > 0x7e) {
            return vg_http_key_wrong(call);
        }
    }
    /* the call may outlive the request, and is looked up by it then */
    call->key.key.data = ngx_pstrdup(call->pool, key);
    call->key.key.len = call->key.key.data ? key->len : 0;
    return call->key.key.data ? VG_OK : vg_refuse(call, "internal");
}


/* RFC 9111, 5.2.1.4: who asks so gets what the database says */
static ngx_uint_t
vg_http_fresh(ngx_http_request_t *r)
{
    ngx_str_t *control = vg_http_header(r, "Cache-Control");

    return control != NULL
           && ngx_strlcasestrn(control->data, control->data + control->len,
                               (u_char *) "no-cache", 8 - 1)
                  != NULL;
}


/* Values of the path, for as long as the call. A UUID is in lower case, as
 * PostgreSQL prints it: whoever compares it as text meets one spelling. */
static void
vg_http_values(vg_call_t *call, const ngx_str_t *values)
{
    ngx_uint_t        i;
    const vg_field_t *f = call->endpoint->row->fields;

    for (i = 0; i < VG_PATH_VALUES; i++) {
        call->path[i].len = values[i].len;
        call->path[i].data =
            (char *) ngx_pstrdup(call->pool, (ngx_str_t *) &values[i]);
    }
    for (i = 0; f != NULL && f->name != NULL; f++) {
        if (f->in != VG_PATH) {
            continue;
        }
        if (f->type == VG_UUID && call->path[i].data != NULL) {
            ngx_strlow((u_char *) call->path[i].data,
                       (u_char *) call->path[i].data, call->path[i].len);
        }
        i++; /* no more than there is room for: endpoint.c */
    }
}


vg_call_t *
vg_http_call(vg_http_t *http, vg_endpoint_t *e, ngx_str_t *values)
{
    vg_call_t          *call;
    ngx_http_request_t *r = http->request;
    ngx_http_cleanup_t *cln = ngx_http_cleanup_add(r, 0);

    if (cln == NULL) {
        return NULL;
    }
    call = vg_call_create(e);
    if (call == NULL) {
        return NULL;
    }
    cln->handler = vg_http_cleanup;
    cln->data = http;
    call->finish = vg_http_finish;
    call->owner = http;
    call->fresh = e->row->cache != NULL && vg_http_fresh(r);
    call->correlation = vg_of(http->correlation);
    call->correlation.data =
        (char *) ngx_pstrdup(call->pool, &http->correlation);
    call->traceparent = vg_printf(&call->arena, "%s", http->traceparent);
    call->address =
        vg_printf(&call->arena, "%.*s", (int) r->connection->addr_text.len,
                  r->connection->addr_text.data);
    vg_http_values(call, values);
    call->query.data = (char *) ngx_pstrdup(call->pool, &r->args);
    call->query.len = r->args.len;
    http->call = call;
    http->route.len = e->label.len; /* logged after the call is gone */
    http->route.data = ngx_pstrdup(r->pool, &e->label);
    return http->route.data ? call : NULL;
}


/* VG_DONE: it goes on by itself */
vg_rc_t
vg_http_identify(vg_http_t *http)
{
    vg_rc_t rc = vg_limit_before(http);

    if (rc != VG_OK) {
        http->go(http, rc);
        return VG_DONE;
    }
    return vg_auth_identify(http);
}


ngx_int_t
vg_http_handler(ngx_http_request_t *r)
{
    vg_rc_t        rc;
    ngx_int_t      page;
    ngx_str_t      values[VG_PATH_VALUES];
    vg_http_t     *http = vg_http_get(r);
    vg_call_t     *call;
    ngx_uint_t     allow;
    vg_endpoint_t *e;

    if (http == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (vg_tls_too_old(r)) {
        (void) ngx_http_discard_request_body(r);
        return vg_http_problem(r, vg_kit_error("tls_too_old", 11));
    }
    page = vg_page_handler(r);
    if (page != NGX_DECLINED) {
        return page;
    }
    ngx_memzero(values, sizeof(values));
    e = vg_route_match(r->method, &r->uri, values, &allow);
    if (e == NULL) {
        (void) ngx_http_discard_request_body(r);
        http->allow = allow;
        page = vg_cors_preflight(r, allow);
        if (page != NGX_DECLINED) {
            return page;
        }
        return vg_http_problem(r, allow ? vg_kit_error("method_not_allowed", 18)
                                        : vg_kit_error("not_found", 9));
    }
    call = vg_http_call(http, e, values);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->main->count++;
    http->inside = 1;
    http->go = vg_http_go;
    rc = vg_http_key(http, call);
    if (rc == VG_OK) {
        rc = vg_http_identify(http);
    }
    if (rc != VG_DONE) {
        vg_http_identified(http, rc);
    }
    http->inside = 0;
    return NGX_DONE;
}


static ngx_uint_t
vg_http_has_body(ngx_http_request_t *r)
{
    return r->headers_in.content_length_n > 0 || r->headers_in.chunked;
}


static vg_rc_t
vg_http_rows(vg_http_t *http)
{
    if (!vg_http_has_body(http->request)) {
        return vg_refuse_with(http->call, "malformed",
                              VG_STR("{\"message\":\"body is required\"}"));
    }
    return VG_OK;
}


/* for the log, which is written when the call is gone */
static void
vg_http_copy(ngx_pool_t *pool, ngx_str_t *to, vg_str_t from)
{
    to->data = ngx_pnalloc(pool, from.len + 1);
    if (to->data != NULL && from.len > 0) {
        to->len = from.len;
        ngx_memcpy(to->data, from.data, from.len);
    }
}


/* who it is, or that it is nobody: may it go now? */
static void
vg_http_known(vg_http_t *http, vg_rc_t rc)
{
    vg_call_t          *call = http->call;
    ngx_http_request_t *r = http->request;

    if (call == NULL) {
        return;
    }
    vg_http_copy(r->pool, &http->user, call->caller.id);
    vg_http_copy(r->pool, &http->role, call->caller.role);
    rc = vg_limit_check(http, rc);
    if (rc != VG_DONE) {
        http->go(http, rc);
    }
}


/* it may, or the call ends with its error */
static void
vg_http_go(vg_http_t *http, vg_rc_t rc)
{
    ngx_int_t           nrc;
    vg_call_t          *call = http->call;
    ngx_http_request_t *r = http->request;

    if (call == NULL) {
        return;
    }
    if (rc == VG_OK) {
        rc = vg_auth_scope(call, call->endpoint->row->scope);
    }
    if (rc == VG_OK && (call->endpoint->row->flags & VG_STREAM)) {
        rc = vg_stream_check(http);
    }
    if (rc == VG_OK && vg_http_has_body(r)
        && !vg_body_taken(r, call->endpoint->row))
    {
        rc = vg_refuse(call, "media_type");
    }
    if (rc == VG_OK) {
        rc = vg_condition_take(http, call);
    }
    if (rc == VG_OK && (call->endpoint->row->flags & VG_ROWS)) {
        rc = vg_http_rows(http);
    }
    if (rc != VG_OK) {
        (void) ngx_http_discard_request_body(r);
        vg_call_finish(call);
        return;
    }
    if (!vg_http_has_body(r)) {
        (void) ngx_http_discard_request_body(r);
        vg_http_run(http);
        return;
    }
    r->request_body_in_single_buf = 1;
    nrc = ngx_http_read_client_request_body(r, vg_http_body);
    if (nrc >= NGX_HTTP_SPECIAL_RESPONSE && http->call != NULL) {
        r->keepalive = 0; /* what follows is the rest of the body */
        r->lingering_close = 1;
        call->error = vg_kit_error_status(nrc);
        vg_call_finish(call);
    }
}


/* what was waited for is there; nginx is our caller, or we are at its head */
static void
vg_http_resume(vg_http_t *http, vg_rc_t rc, void (*go)(vg_http_t *, vg_rc_t))
{
    ngx_connection_t   *c;
    ngx_http_request_t *r = http->request;

    if (http->inside) {
        go(http, rc);
        return;
    }
    c = r->connection;
    r->main->count++;
    http->inside = 1;
    go(http, rc);
    http->inside = 0;
    ngx_http_finalize_request(r, NGX_DONE);
    ngx_http_run_posted_requests(c);
}


void
vg_http_identified(vg_http_t *http, vg_rc_t rc)
{
    vg_http_resume(http, rc, vg_http_known);
}


void
vg_http_limited(vg_http_t *http, vg_rc_t rc)
{
    vg_http_resume(http, rc, http->go);
}


void
vg_http_run(vg_http_t *http)
{
    ngx_http_request_t *r = http->request;

    if (http->call->key.key.len) {
        vg_http_hash(http->call);
    }
    /* while the database works: a client that leaves is seen */
    r->read_event_handler = ngx_http_test_reading;
    vg_call_run(http->call, VG_CALL_DEADLINE);
}


static void
vg_http_body(ngx_http_request_t *r)
{
    vg_http_t *http = vg_http_get(r);
    vg_call_t *call = http ? http->call : NULL;

    r->main->count--; /* reading took one; the call holds its own */
    if (call == NULL) {
        return;
    }
    if (r->request_body != NULL && (call->endpoint->row->flags & VG_ROWS)) {
        vg_rows_start(http, vg_body_is(r, "application/geo+json"));
        return;
    }
    if (vg_body_read(http) != VG_OK) {
        vg_call_finish(call);
        return;
    }
    vg_http_run(http);
}


/* A key stands for one call: on another session it is another call. Parts
 * carry their lengths, so that no two lists of them look alike. */
void
vg_http_hash(vg_call_t *call)
{
    vg_str_t   all = VG_STR("");
    ngx_uint_t i;

    for (i = 0; i < VG_PATH_VALUES; i++) {
        all = vg_printf(&call->arena, "%.*s%zu:%.*s", (int) all.len, all.data,
                        call->path[i].len, (int) call->path[i].len,
                        call->path[i].data);
    }
    all = vg_printf(&call->arena, "%.*s%zu:%.*s", (int) all.len, all.data,
                    call->query.len, (int) call->query.len, call->query.data);
    all = vg_printf(&call->arena, "%.*s%.*s/%.*s", (int) all.len, all.data,
                    (int) call->caller.role.len, call->caller.role.data,
                    (int) call->caller.company.len, call->caller.company.data);
    call->key.hash = vg_ngx(vg_sha256(call, all, vg_body_plain(call)));
}
