/*
 * ws.c: frames as text messages of a WebSocket. What the client says is read
 * and forgotten; pings, silence and shutdown are the socket's own.
 */

#include "inside.h"
#include "upgrade.h"

#define VG_WS_MESSAGE 4096 /* bytes that a client may send at once         */

static const char *const vg_ws_protocols[] = { NULL };

static const struct {
    ngx_uint_t  code;
    const char *reason;
} vg_ws_reasons[] = {
    [VG_STREAM_OVER] = { VG_CLOSE_NORMAL, "it is over" },
    [VG_STREAM_EXPIRED] = { VG_CLOSE_POLICY, "the token has expired" },
    [VG_STREAM_HIDDEN] = { VG_CLOSE_POLICY, "there is nothing to see" },
    [VG_STREAM_RESTART] = { VG_CLOSE_RESTART, "the server restarts" },
    [VG_STREAM_LOST] = { VG_CLOSE_RESTART, "out of memory" },
};


static void
vg_ws_text(void *owner, vg_str_t text)
{
    (void) owner;
    (void) text;
}


static void
vg_ws_closed(void *owner)
{
    vg_stream_t *s = owner;

    s->socket = NULL;
    vg_stream_leave(s);
}


static ngx_uint_t
vg_ws_no(void *owner)
{
    (void) owner;
    return 0;
}


static void
vg_ws_drained(void *owner)
{
    vg_stream_drained(owner);
}


static const vg_socket_owner_t vg_ws_hooks = {
    vg_ws_text, vg_ws_closed, vg_ws_no, vg_ws_no, vg_ws_drained,
};


static ngx_int_t
vg_ws_open(vg_stream_t *s)
{
    vg_upgrade_t     upgrade;
    vg_socket_conf_t conf = { vg_stream_conf()->heartbeat, VG_WS_MESSAGE, 0 };
    ngx_http_request_t *r = s->request;

    if (vg_upgrade_read(r, vg_ws_protocols, &upgrade) != 0
        || vg_http_add(r, "X-Correlation-ID", s->correlation) != NGX_OK
        || vg_upgrade_accept(r, &upgrade) != NGX_OK)
    {
        return NGX_ERROR;
    }
    s->socket = vg_socket_open(r, &conf, &vg_ws_hooks, s);
    return s->socket ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
vg_ws_room(vg_stream_t *s)
{
    return s->socket != NULL && vg_socket_empty(s->socket);
}


static void
vg_ws_frames(vg_stream_t *s, const vg_stream_frame_t *frames, ngx_uint_t n)
{
    ngx_uint_t i;

    for (i = 0; i < n; i++) {
        vg_socket_send(s->socket, frames[i].body);
    }
}


static void
vg_ws_beat(vg_stream_t *s)
{
    (void) s; /* the socket pings */
}


static ngx_int_t
vg_ws_close(vg_stream_t *s, vg_stream_why_t why)
{
    vg_socket_finish(s->socket, vg_ws_reasons[why].code,
                     vg_ws_reasons[why].reason);
    return NGX_DONE;
}


const vg_stream_way_t vg_ws = {
    vg_ws_open, vg_ws_room, vg_ws_frames, vg_ws_beat, vg_ws_close,
};
