/*
 * socket.c: the life of a socket: messages, pings, closing, shutdown.
 *
 * A socket ends in vg_socket_turn() alone: from an event of its connection,
 * its timer, or a posted event, and never inside of a callback of wslay.
 */

#include <malloc.h>

#include "wire.h"

#define VG_SOCKET_GOODBYE 2000  /* ms for the other's close frame        */
#define VG_SOCKET_DRAIN   10000 /* ms, without worker_shutdown_timeout   */
#define VG_SOCKET_WAVE    5     /* ms between two that leave, if they may */
#define VG_SOCKET_BUSY    50    /* ms until a busy owner is asked again  */
#define VG_SOCKET_STORM   64    /* that came or went: worth a trim       */
#define VG_SOCKET_TRIM    2000  /* ms between a storm and its trim       */

static ngx_uint_t  vg_sockets;      /* of this worker                     */
static ngx_uint_t  vg_socket_moves; /* since the last trim                */
static ngx_event_t vg_socket_trim;

/* It has no directives: a request's context here is its socket. */
static ngx_http_module_t vg_websocket_ctx = {
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
};

/* clang-format off */
ngx_module_t  ngx_http_voltgate_websocket_module = {
    NGX_MODULE_V1,
    &vg_websocket_ctx,
    NULL,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


static void
vg_socket_trimmed(ngx_event_t *ev)
{
    (void) ev;
    vg_socket_moves = 0;
    (void) malloc_trim(0);
}


/* A handshake takes and frees some 60 KiB between what stays: many of them
 * leave holes that malloc would keep for good. */
static void
vg_socket_moved(void)
{
    if (++vg_socket_moves < VG_SOCKET_STORM || vg_socket_trim.timer_set) {
        return;
    }
    vg_socket_trim.handler = vg_socket_trimmed;
    vg_socket_trim.data = &vg_nobody;
    vg_socket_trim.log = ngx_cycle->log;
    vg_socket_trim.cancelable = 1;
    ngx_add_timer(&vg_socket_trim, VG_SOCKET_TRIM);
}


void
vg_socket_later(vg_socket_t *s)
{
    ngx_post_event(&s->turn, &ngx_posted_events);
}


/* Nobody is there to take leave of: nginx does not linger. */
static void
vg_socket_lost(vg_socket_t *s)
{
    s->request->connection->error = 1;
    s->dead = 1;
}


static void
vg_socket_listen(vg_socket_t *s)
{
    ngx_connection_t *c = s->request->connection;

    s->stalled = 0;
    s->budget = VG_SOCKET_BUDGET;
    if (wslay_event_recv(s->ws) != 0) { /* it queued a close, if it could */
        s->dead = 1;
    }
    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        vg_socket_lost(s);
    }
    if (s->budget == 0) { /* others first */
        s->resting = 1;
        ngx_post_event(&s->rested, &ngx_posted_next_events);
    }
}


ngx_uint_t
vg_socket_empty(vg_socket_t *s)
{
    return s->kept == NULL
           && (s->ws == NULL || wslay_event_get_queued_msg_count(s->ws) == 0);
}


/* ----------------------------------------------------------------- ending */

static void
vg_socket_release(void *data)
{
    vg_socket_t *s = data;

    if (s->released) {
        return;
    }
    s->released = 1;
    vg_sockets--;
    vg_socket_moved();
    s->hooks->closed(s->owner);
    if (s->timer.timer_set) {
        ngx_del_timer(&s->timer);
    }
    if (s->turn.posted) {
        ngx_delete_posted_event(&s->turn);
    }
    if (s->rested.posted) {
        ngx_delete_posted_event(&s->rested);
    }
    if (s->kept != NULL) {
        ngx_free(s->kept);
    }
    if (s->ws != NULL) {
        wslay_event_context_free(s->ws);
        s->ws = NULL;
    }
}


static void
vg_socket_end(vg_socket_t *s)
{
    ngx_http_request_t *r = s->request;
    ngx_connection_t   *c = r->connection;

    vg_socket_release(s);
    c->idle = 0;
    r->keepalive = 0;
    ngx_http_finalize_request(r, NGX_OK);
    ngx_http_run_posted_requests(c);
}


static ngx_uint_t
vg_socket_reads_on(vg_socket_t *s)
{
    return s->stalled && !s->resting && !s->dead && wslay_event_want_read(s->ws)
           && (s->closing || !s->hooks->full(s->owner));
}


/* What is due: read on, write, end. Nothing of s may be used after it. */
static void
vg_socket_turn(vg_socket_t *s)
{
    ngx_int_t rc;

    if (vg_message_wake(s) != NGX_OK) {
        vg_socket_end(s);
        return;
    }
    if (vg_socket_reads_on(s)) {
        vg_socket_listen(s);
    }
    rc = vg_wire_flush(s);
    if (rc == NGX_ERROR) {
        vg_socket_lost(s);
    }
    if (s->dead
        || (rc == NGX_OK && wslay_event_get_close_sent(s->ws)
            && !wslay_event_want_write(s->ws)
            && (wslay_event_get_close_received(s->ws)
                || !wslay_event_get_read_enabled(s->ws))))
    {
        vg_socket_end(s);
        return;
    }
    if (rc == NGX_OK && vg_socket_reads_on(s)) {
        vg_socket_later(s); /* the queue out was full, and is no more */
    }
    if (rc == NGX_OK && s->last_code) {
        vg_socket_close(s, s->last_code, s->last_reason);
    }
    if (rc == NGX_OK && s->hooks->drained != NULL && !s->closing) {
        s->hooks->drained(s->owner);
    }
    if (!s->turn.posted) {
        vg_message_rest(s);
    }
}


void
vg_socket_close(vg_socket_t *s, ngx_uint_t code, const char *reason)
{
    if (s->closing || s->released) {
        return;
    }
    s->closing = 1;
    if (vg_message_wake(s) != NGX_OK
        || wslay_event_queue_close(s->ws, code, (const uint8_t *) reason,
                                   ngx_strlen(reason))
               != 0)
    {
        s->dead = 1;
    }
    ngx_add_timer(&s->timer, VG_SOCKET_GOODBYE);
    vg_socket_later(s);
}


void
vg_socket_finish(vg_socket_t *s, ngx_uint_t code, const char *reason)
{
    s->last_code = code;
    s->last_reason = reason;
    if (!s->released) {
        vg_socket_later(s);
    }
}


void
vg_socket_abort(vg_socket_t *s, ngx_uint_t code, const char *reason)
{
    vg_socket_close(s, code, reason);
    if (vg_message_wake(s) == NGX_OK) {
        (void) vg_wire_flush(s);
    }
    vg_socket_lost(s);
    vg_socket_end(s);
}


ngx_uint_t
vg_socket_closing(const vg_socket_t *s)
{
    return s->closing || s->dead || s->released;
}


void
vg_socket_resume(vg_socket_t *s)
{
    if (s->stalled && !s->released) {
        vg_socket_later(s);
    }
}


/* ----------------------------------------------------------------- events */

/* The worker leaves. Its sockets close one by one, at most over most of the
 * time that it has, so that they do not come back all at once. */
static void
vg_socket_drain(vg_socket_t *s)
{
    ngx_msec_t       window;
    ngx_core_conf_t *ccf =
        (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx, ngx_core_module);

    if (s->draining || s->closing) {
        return;
    }
    s->draining = 1;
    window = ccf->shutdown_timeout ? ccf->shutdown_timeout / 10 * 8
                                   : VG_SOCKET_DRAIN;
    window = ngx_min(window, vg_sockets * VG_SOCKET_WAVE);
    ngx_add_timer(&s->timer, 1 + (ngx_msec_t) ngx_random() % (window + 1));
}


static void
vg_socket_on_read(ngx_event_t *rev)
{
    ngx_connection_t   *c = rev->data;
    ngx_http_request_t *r = c->data;
    vg_socket_t        *s =
        ngx_http_get_module_ctx(r, ngx_http_voltgate_websocket_module);

    if (c->close && c->error) { /* worker_shutdown_timeout is over */
        s->dead = 1;
    } else if (c->close) {
        c->close = 0;
        vg_socket_drain(s);
    }
    s->stalled = 1;
    vg_socket_turn(s);
}


static void
vg_socket_on_write(ngx_event_t *wev)
{
    ngx_connection_t   *c = wev->data;
    ngx_http_request_t *r = c->data;
    vg_socket_t        *s =
        ngx_http_get_module_ctx(r, ngx_http_voltgate_websocket_module);

    if (wev->timedout) {
        vg_socket_lost(s);
    }
    vg_socket_turn(s);
}


static void
vg_socket_on_turn(ngx_event_t *ev)
{
    vg_socket_turn(ev->data);
}


static void
vg_socket_on_rested(ngx_event_t *ev)
{
    vg_socket_t *s = ev->data;

    s->resting = 0;
    vg_socket_turn(s);
}


static void
vg_socket_ping(vg_socket_t *s)
{
    ngx_msec_t             quiet = ngx_current_msec - s->heard;
    struct wslay_event_msg msg = { WSLAY_PING, NULL, 0 };

    if (s->pinged) {
        ngx_log_error(NGX_LOG_INFO, s->request->connection->log, 0,
                      "voltgate: nothing heard for %M ms, not even a pong",
                      quiet);
        vg_socket_lost(s);
        return;
    }
    if (quiet < s->conf.ping) {
        ngx_add_timer(&s->timer, s->conf.ping - quiet);
        return;
    }
    s->pinged = 1;
    if (vg_message_wake(s) != NGX_OK || wslay_event_queue_msg(s->ws, &msg) != 0)
    {
        s->dead = 1;
    }
    ngx_add_timer(&s->timer, s->conf.ping);
}


static void
vg_socket_on_timer(ngx_event_t *ev)
{
    vg_socket_t *s = ev->data;

    if (s->closing) {
        vg_socket_lost(s);
    } else if (!s->draining) {
        vg_socket_ping(s);
    } else if (s->stalled || !vg_socket_empty(s) || s->hooks->busy(s->owner)) {
        /* an answer that was queued in this turn of the loop would stay behind
         * a close frame, which overtakes it */
        ngx_add_timer(&s->timer, VG_SOCKET_BUSY);
    } else {
        vg_socket_close(s, VG_CLOSE_RESTART, "the server restarts");
    }
    vg_socket_turn(s);
}


static void
vg_socket_forget(ngx_pool_t *pool, ngx_list_t *headers)
{
    if (ngx_pfree(pool, headers->part.elts) == NGX_OK) {
        headers->part = (ngx_list_part_t){ NULL, 0, NULL };
        headers->last = &headers->part;
    }
}


/* nginx's lists have room for 20 headers each: 1.9 KiB that nobody reads any
 * more. What a log may show of the request's line stays. */
static void
vg_socket_forget_headers(ngx_http_request_t *r)
{
    vg_socket_forget(r->pool, &r->headers_in.headers);
    vg_socket_forget(r->pool, &r->headers_out.headers);
    /* named headers point into the lists */
    ngx_memzero(&r->headers_in.host,
                offsetof(ngx_http_headers_in_t, user)
                    - offsetof(ngx_http_headers_in_t, host));
    r->headers_in.cookies.nelts = 0;
    ngx_memzero(&r->headers_out.server,
                offsetof(ngx_http_headers_out_t, override_charset)
                    - offsetof(ngx_http_headers_out_t, server));
    r->headers_out.cache_control.nelts = 0;
    r->headers_out.link.nelts = 0;
}


static void
vg_socket_attach(vg_socket_t *s)
{
    ngx_http_request_t *r = s->request;
    ngx_connection_t   *c = r->connection;

    ngx_http_set_ctx(r, s, ngx_http_voltgate_websocket_module);
    vg_socket_forget_headers(r);
    r->keepalive = 0;
    c->read->handler = vg_socket_on_read;
    c->write->handler = vg_socket_on_write;
    c->log->action = "talking over a WebSocket";
    c->idle = 1;               /* so that a graceful shutdown tells us */
    (void) ngx_tcp_nodelay(c); /* else each answer waits 40 ms for an ACK */
#if (NGX_HTTP_SSL)
    if (c->ssl != NULL && !c->buffered) {
        ngx_ssl_free_buffer(c); /* 16 KiB for 101; frames go without it */
    }
#endif

    s->heard = ngx_current_msec;
    s->stalled = 1; /* bytes may be here already */
    vg_socket_later(s);
    /* the first ping is spread, so that many do not fall together */
    ngx_add_timer(&s->timer,
                  s->conf.ping / 2
                      + (ngx_msec_t) ngx_random() % (s->conf.ping / 2 + 1));
    if (ngx_exiting) {
        vg_socket_drain(s);
    }
}


vg_socket_t *
vg_socket_open(ngx_http_request_t *r, const vg_socket_conf_t *conf,
               const vg_socket_owner_t *hooks, void *owner)
{
    vg_socket_t        *s = ngx_pcalloc(r->pool, sizeof(vg_socket_t));
    ngx_http_cleanup_t *cln = ngx_http_cleanup_add(r, 0);

    if (s == NULL || cln == NULL) {
        return NULL;
    }
    s->request = r;
    s->conf = *conf;
    s->hooks = hooks;
    s->owner = owner;
    s->timer.handler = vg_socket_on_timer;
    s->turn.handler = vg_socket_on_turn;
    s->rested.handler = vg_socket_on_rested;
    s->timer.data = s->turn.data = s->rested.data = s;
    s->timer.log = s->turn.log = s->rested.log = r->connection->log;
    cln->handler = vg_socket_release;
    cln->data = s;
    vg_sockets++;
    vg_socket_moved();
    vg_socket_attach(s);
    return s;
}
