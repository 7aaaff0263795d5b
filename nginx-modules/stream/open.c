/*
 * open.c: from a request whose first frame is there to a stream.
 */

#include "identity.h"
#include "inside.h"
#include "stream.h"
#include "upgrade.h"

static const char *const vg_stream_protocols[] = { NULL };


vg_str_t
vg_stream_copy(vg_pool_t *pool, vg_str_t from)
{
    return from.data ? vg_printf(pool, "%.*s", (int) from.len, from.data)
                     : from;
}


void
vg_stream_copies(vg_pool_t *pool, vg_caller_t *to, const vg_caller_t *from)
{
    to->id = vg_stream_copy(pool, from->id);
    to->role = vg_stream_copy(pool, from->role);
    to->company = vg_stream_copy(pool, from->company);
    to->scopes = vg_stream_copy(pool, from->scopes);
}


/* text/event-stream in Accept, whatever weight it is given */
static ngx_uint_t
vg_stream_is_sse(ngx_http_request_t *r)
{
    ngx_str_t *accept = vg_http_header(r, "Accept");

    return accept != NULL
           && ngx_strlcasestrn(accept->data, accept->data + accept->len,
                               (u_char *) "text/event-stream", 17 - 1)
                  != NULL;
}


ngx_uint_t
vg_stream_wanted(ngx_http_request_t *r)
{
    return vg_upgrade_wanted(r) || vg_stream_is_sse(r);
}


vg_rc_t
vg_stream_check(vg_http_t *http)
{
    vg_call_t          *call = http->call;
    vg_upgrade_t        upgrade;
    ngx_http_request_t *r = http->request;
    ngx_str_t          *last = vg_http_header(r, "Last-Event-ID");

    if (last != NULL) {
        call->in.since = vg_stream_copy(&call->arena, vg_of(*last));
    }
    if (!vg_stream_wanted(r)) {
        return VG_OK;
    }
    call->streams = 1;
    /* calls are lenient with clocks for a moment; it would end at once */
    if (call->expires != 0 && call->expires <= call->now) {
        http->challenge = "the token has expired";
        return vg_refuse(call, "unauthorized");
    }
    if (!vg_upgrade_wanted(r)) {
        return vg_stream_admit(call);
    }
    if (vg_cors_foreign(r)) {
        return vg_refuse(call, "origin_refused");
    }
    switch (vg_upgrade_read(r, vg_stream_protocols, &upgrade)) {

    case 0:
        return vg_stream_admit(call);

    case NGX_HTTP_BAD_REQUEST:
        return vg_refuse_with(call, "malformed",
                              VG_STR("{\"message\":\"Sec-WebSocket-Key must "
                                     "be 16 bytes in base64\"}"));

    default:
        vg_upgrade_required(r);
        return vg_refuse(call, "upgrade_required");
    }
}


/* An aggregate's id is told in lower case. Without a value in the path the
 * topic is the route's own path. */
static vg_str_t
vg_stream_topic(vg_pool_t *pool, vg_call_t *call)
{
    size_t   i;
    char    *p;
    vg_str_t from =
        call->path[0].len ? call->path[0] : vg_str(call->endpoint->row->path);

    if (from.len > VG_TOPIC_MAX) {
        return (vg_str_t){ NULL, 0 };
    }
    p = vg_alloc(pool, from.len + 1);
    for (i = 0; p != NULL && i < from.len; i++) {
        p[i] = (char) ngx_tolower(from.data[i]);
    }
    return (vg_str_t){ p, from.len };
}


/* Memory that lacks shows as data NULL here or there; it is found out by the
 * path, which is copied last. */
static vg_stream_t *
vg_stream_create(vg_http_t *http, vg_call_t *call)
{
    ngx_str_t          *last, *key;
    vg_pool_t           pool = vg_arena_of(http->request->pool);
    ngx_uint_t          i;
    vg_stream_t        *s = vg_calloc(&pool, sizeof(vg_stream_t));
    ngx_http_cleanup_t *cln = ngx_http_cleanup_add(http->request, 0);

    if (s == NULL || cln == NULL) {
        return NULL;
    }
    cln->handler = vg_stream_cleanup;
    cln->data = s;
    s->request = http->request;
    s->way = vg_upgrade_wanted(http->request) ? &vg_ws : &vg_sse;
    vg_stream_copies(&pool, &s->caller, &call->caller);
    s->correlation = vg_of(http->correlation);
    s->traceparent = vg_str(http->traceparent);
    s->query = vg_stream_copy(&pool, call->query);
    for (i = 0; i < VG_PATH_VALUES; i++) {
        s->values[i] = vg_stream_copy(&pool, call->path[i]);
    }
    s->expires = call->expires;
    s->drops = vg_tokens_drops();
    if (call->proof != NULL) {
        s->proof = vg_alloc(&pool, sizeof(vg_proof_t));
        if (s->proof == NULL) {
            return NULL;
        }
        *s->proof = *call->proof;
    }
    key = vg_http_header(http->request, "X-API-Key");
    if (key != NULL) {
        s->key = vg_stream_copy(&pool, vg_key_prefix(vg_of(*key)));
    }
    s->topic = vg_stream_topic(&pool, call);
    s->path =
        (char *) vg_stream_copy(&pool, vg_str(call->endpoint->row->path)).data;
    last = vg_http_header(http->request, "Last-Event-ID");
    if (last != NULL && last->len <= VG_STREAM_ID) {
        (void) snprintf(s->id, sizeof(s->id), "%.*s", (int) last->len,
                        last->data);
    }
    return s->path && s->topic.data ? s : NULL;
}


ngx_int_t
vg_stream_open(vg_http_t *http, vg_call_t *call)
{
    ngx_int_t    rc;
    vg_stream_t *s;

    if (vg_stream_admit(call) != VG_OK) {
        return NGX_OK;
    }
    s = vg_stream_create(http, call);
    if (s == NULL) {
        (void) vg_refuse(call, "internal");
        return NGX_OK;
    }
    if (call->over && s->way == &vg_sse && call->frame.data != NULL
        && vg_str_eq(call->frame, s->id))
    {
        /* it has seen the end, and need not come again */
        return vg_http_send(http->request, NGX_HTTP_NO_CONTENT, "", VG_STR(""));
    }
    rc = s->way->open(s);
    if (rc != NGX_OK) {
        return rc;
    }
    vg_stream_list(s);
    if (call->frames != NULL && s->way->room(s)) {
        s->way->beat(s); /* there may be none for long: the head goes now */
    }
    if (vg_stream_show(s, call) && call->over) {
        vg_stream_leave(s);
        return s->way->close(s, VG_STREAM_OVER);
    }
    return NGX_DONE;
}
