/*
 * wire.c: bytes between wslay and an nginx connection, plain or TLS. What is
 * sent in one turn leaves in one write; what is read is bounded by a share a
 * turn, by the frames that wait to be sent, and by the owner.
 */

#include "wire.h"

/* frames of one turn; used inside of vg_wire_flush() alone */
static u_char vg_wire_out[16384];
static size_t vg_wire_out_len;


/* bytes that came behind the handshake lie in the request's buffer */
static ssize_t
vg_wire_take(vg_socket_t *s, u_char *buf, size_t len)
{
    size_t            n;
    ngx_buf_t        *b = s->request->header_in;
    ngx_connection_t *c = s->request->connection;

    if (b->pos < b->last) {
        n = ngx_min(len, (size_t) (b->last - b->pos));
        ngx_memcpy(buf, b->pos, n);
        b->pos += n;
        return n;
    }
    return c->recv(c, buf, len);
}


ssize_t
vg_wire_recv(wslay_event_context_ptr ws, uint8_t *buf, size_t len, int flags,
             void *data)
{
    ssize_t      n;
    vg_socket_t *s = data;

    (void) flags;

    if (s->dead) {
        wslay_event_set_error(ws, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    /* what is queued behind a close is never sent: nobody waits for it */
    if (s->budget == 0
        || (!s->closing
            && (wslay_event_get_queued_msg_count(ws) > VG_SOCKET_QUEUE
                || s->hooks->full(s->owner))))
    {
        s->stalled = 1;
        wslay_event_set_error(ws, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    n = vg_wire_take(s, buf, ngx_min(len, s->budget));
    if (n > 0) {
        s->heard = ngx_current_msec;
        s->pinged = 0;
        s->budget -= n;
        s->begun += n;
        return n;
    }
    wslay_event_set_error(ws, n == NGX_AGAIN ? WSLAY_ERR_WOULDBLOCK
                                             : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}


ssize_t
vg_wire_send(wslay_event_context_ptr ws, const uint8_t *data, size_t len,
             int flags, void *owner)
{
    size_t room = sizeof(vg_wire_out) - vg_wire_out_len;

    (void) flags;
    (void) owner;

    if (room == 0) {
        wslay_event_set_error(ws, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    len = ngx_min(len, room);
    ngx_memcpy(vg_wire_out + vg_wire_out_len, data, len);
    vg_wire_out_len += len;
    return len;
}


/* NGX_OK: all of it is gone; NGX_AGAIN: the write event goes on. OpenSSL
 * wants the same bytes at the same address again: kept does not move. */
static ngx_int_t
vg_wire_push(vg_socket_t *s)
{
    ssize_t           n;
    ngx_connection_t *c = s->request->connection;

    while (s->kept_pos < s->kept_len) {
        n = c->send(c, s->kept + s->kept_pos, s->kept_len - s->kept_pos);
        if (n == NGX_AGAIN) {
            if (!c->write->timer_set) {
                ngx_add_timer(c->write, VG_SOCKET_STUCK);
            }
            return ngx_handle_write_event(c->write, 0) == NGX_OK ? NGX_AGAIN
                                                                 : NGX_ERROR;
        }
        if (n <= 0) {
            return NGX_ERROR;
        }
        s->kept_pos += n;
    }
    if (s->kept != NULL) {
        ngx_free(s->kept);
        s->kept = NULL;
        s->kept_pos = s->kept_len = 0;
    }
    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }
    return NGX_OK;
}


/* The turn's frames leave in one write. */
static ngx_int_t
vg_wire_leave(vg_socket_t *s)
{
    ssize_t           n = 0;
    ngx_connection_t *c = s->request->connection;

    if (!c->ssl) {
        n = c->send(c, vg_wire_out, vg_wire_out_len);
        if (n == (ssize_t) vg_wire_out_len) {
            return NGX_OK;
        }
        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }
        n = ngx_max(n, 0);
    }
    s->kept_len = vg_wire_out_len - n;
    s->kept_pos = 0;
    s->kept = ngx_alloc(s->kept_len, c->log);
    if (s->kept == NULL) {
        s->kept_len = 0;
        return NGX_ERROR;
    }
    ngx_memcpy(s->kept, vg_wire_out + n, s->kept_len);
    return vg_wire_push(s);
}


ngx_int_t
vg_wire_flush(vg_socket_t *s)
{
    ngx_int_t rc = vg_wire_push(s);

    while (rc == NGX_OK && wslay_event_want_write(s->ws)) {
        vg_wire_out_len = 0;
        if (wslay_event_send(s->ws) != 0) {
            return NGX_ERROR;
        }
        if (vg_wire_out_len == 0) {
            break;
        }
        rc = vg_wire_leave(s);
    }
    return rc;
}
