/*
 * sse.c: frames as Server-Sent Events, of HTML's living standard.
 *
 * One frame is under way at most, in memory of its own that is given back
 * when it has left: a stream that lasts for days takes nothing from the
 * request's pool.
 */

#include "inside.h"

#define VG_SSE_STUCK 30000 /* ms that a write may wait                     */
#define VG_SSE_AGAIN 2000  /* ms: over so long they come again             */


static ngx_uint_t
vg_sse_room(vg_stream_t *s)
{
    return s->out == NULL;
}


/* What was given to the filters has left, is on its way, or cannot leave. */
static void
vg_sse_went(vg_stream_t *s, ngx_int_t rc)
{
    ngx_event_t *wev = s->request->connection->write;

    if (rc == NGX_ERROR) {
        vg_stream_lose(s);
        return;
    }
    if (s->request->buffered || s->request->connection->buffered) {
        if (!wev->timer_set) {
            ngx_add_timer(wev, VG_SSE_STUCK);
        }
        if (ngx_handle_write_event(wev, 0) != NGX_OK) {
            vg_stream_lose(s);
        }
        return;
    }
    if (wev->timer_set) {
        ngx_del_timer(wev);
    }
    if (s->out != NULL) {
        ngx_free(s->out);
        s->out = NULL;
    }
}


static void
vg_sse_writable(ngx_http_request_t *r)
{
    vg_stream_t *s =
        ngx_http_get_module_ctx(r, ngx_http_voltgate_stream_module);

    if (r->connection->write->timedout) {
        r->connection->error = 1;
        vg_stream_lose(s);
        return;
    }
    if (s->out == NULL) {
        return;
    }
    vg_sse_went(s, ngx_http_output_filter(r, NULL));
    if (s->out == NULL) {
        vg_stream_drained(s);
    }
}


/* text is ours from here on */
static void
vg_sse_put(vg_stream_t *s, u_char *text, size_t len)
{
    if (text == NULL) {
        vg_stream_lose(s);
        return;
    }
    s->out = text;
    ngx_memzero(&s->buf, sizeof(s->buf));
    s->buf.start = s->buf.pos = text;
    s->buf.end = s->buf.last = text + len;
    s->buf.memory = 1;
    s->buf.flush = 1;
    s->chain.buf = &s->buf;
    s->chain.next = NULL;
    vg_sse_went(s, ngx_http_output_filter(s->request, &s->chain));
}


static void
vg_sse_say(vg_stream_t *s, const char *text)
{
    size_t  len = ngx_strlen(text);
    u_char *copy = ngx_alloc(len, ngx_cycle->log);

    if (copy != NULL) {
        ngx_memcpy(copy, text, len);
    }
    vg_sse_put(s, copy, len);
}


/* A line's end would end the field: in JSON it can only be white space. An id
 * that would is none. */
static u_char *
vg_sse_write(u_char *p, const vg_stream_frame_t *frame)
{
    size_t   i;
    vg_str_t id = frame->id, body = frame->body;

    if (id.data != NULL && memchr(id.data, '\n', id.len) == NULL
        && memchr(id.data, '\r', id.len) == NULL)
    {
        p = ngx_cpymem(p, "id:", 3);
        p = ngx_cpymem(p, id.data, id.len);
        *p++ = '\n';
    }
    p = ngx_cpymem(p, "data:", 5);
    for (i = 0; i < body.len; i++) {
        *p++ =
            body.data[i] == '\n' || body.data[i] == '\r' ? ' ' : body.data[i];
    }
    return ngx_cpymem(p, "\n\n", 2);
}


static void
vg_sse_frames(vg_stream_t *s, const vg_stream_frame_t *frames, ngx_uint_t n)
{
    size_t     size = 0;
    u_char    *p, *text;
    ngx_uint_t i;

    for (i = 0; i < n; i++) {
        size += frames[i].body.len + frames[i].id.len + 16;
    }
    p = text = ngx_alloc(size, ngx_cycle->log);
    for (i = 0; text != NULL && i < n; i++) {
        p = vg_sse_write(p, &frames[i]);
    }
    vg_sse_put(s, text, p - text);
}


static void
vg_sse_beat(vg_stream_t *s)
{
    vg_sse_say(s, ":\n\n");
}


static ngx_int_t
vg_sse_open(vg_stream_t *s)
{
    ngx_int_t           rc;
    ngx_http_request_t *r = s->request;

    r->headers_out.status = NGX_HTTP_OK;
    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    if (vg_http_add(r, "Cache-Control", VG_STR("no-store")) != NGX_OK
        || vg_http_add(r, "X-Correlation-ID", s->correlation) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    ngx_http_set_ctx(r, s, ngx_http_voltgate_stream_module);
    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }
    r->read_event_handler = ngx_http_test_reading; /* the client leaves */
    r->write_event_handler = vg_sse_writable;
    if (s->id[0] != '\0') {
        vg_sse_beat(s); /* it has the last frame: the head must not wait */
    }
    return NGX_OK;
}


/* EventSource comes again by itself: told 204 what is over, 401 who may not. */
static ngx_int_t
vg_sse_close(vg_stream_t *s, vg_stream_why_t why)
{
    char again[32];

    if (why == VG_STREAM_LOST) {
        s->request->connection->error = 1;
        return NGX_ERROR;
    }
    if (why == VG_STREAM_RESTART && vg_sse_room(s)) {
        (void) snprintf(again, sizeof(again), "retry:%d\n\n",
                        (int) (1 + ngx_random() % VG_SSE_AGAIN));
        vg_sse_say(s, again);
    }
    return ngx_http_send_special(s->request, NGX_HTTP_LAST);
}


const vg_stream_way_t vg_sse = {
    vg_sse_open, vg_sse_room, vg_sse_frames, vg_sse_beat, vg_sse_close,
};
