/*
 * message.c: messages of a socket, in and out, and wslay's state, which is
 * there while there is something in it.
 */

#include "deflate.h"
#include "wire.h"

#define VG_MESSAGE_FRAGMENTS 256   /* of one message; each costs memory     */
#define VG_MESSAGE_PRESSED   16384 /* bytes; what stays longer goes as it is */
#define VG_MESSAGE_SHORT     64    /* bytes; below, pressing gains nothing  */


static void
vg_message_frame(wslay_event_context_ptr                           ws,
                 const struct wslay_event_on_frame_recv_start_arg *arg,
                 void                                             *data)
{
    vg_socket_t *s = data;

    (void) ws;

    s->frame = 2 + 4 + arg->payload_length
               + (arg->payload_length > 65535 ? 8
                  : arg->payload_length > 125 ? 2
                                              : 0);
    if (wslay_is_ctrl_frame(arg->opcode)) {
        return;
    }
    s->partial = !arg->fin;
    s->fragments =
        arg->opcode == WSLAY_CONTINUATION_FRAME ? s->fragments + 1 : 0;
    if (s->fragments > VG_MESSAGE_FRAGMENTS) {
        s->dead = 1;
    }
}


static void
vg_message_framed(wslay_event_context_ptr ws, void *data)
{
    vg_socket_t *s = data;

    (void) ws;
    s->begun -= s->frame;
}


/* Its length says nothing of what it unfolds to: that is bounded while it
 * does. wslay leaves UTF-8 to us where it could not see it. */
static void
vg_message_unpress(vg_socket_t *s, vg_str_t pressed)
{
    static char  plain[VG_SOCKET_MESSAGE];
    vg_str_t     text = { plain, 0 };
    vg_inflate_t rc =
        vg_inflate(pressed, plain, s->conf.max_message, &text.len);

    if (rc == VG_INFLATE_TOO_LONG) {
        vg_socket_close(s, VG_CLOSE_TOO_BIG, "the message is too long");
    } else if (rc == VG_INFLATE_NO_MEMORY) {
        s->dead = 1;
    } else if (rc == VG_INFLATE_BROKEN || !vg_str_utf8(text)) {
        vg_socket_close(s, VG_CLOSE_DATA, "the message is broken");
    } else {
        s->hooks->text(s->owner, text);
    }
}


static void
vg_message_received(wslay_event_context_ptr                   ws,
                    const struct wslay_event_on_msg_recv_arg *arg, void *data)
{
    vg_str_t     text = { (const char *) arg->msg, arg->msg_length };
    vg_socket_t *s = data;

    (void) ws;

    if (s->closing) {
        return;
    }
    switch (arg->opcode) {

    case WSLAY_TEXT_FRAME:
        if (wslay_get_rsv1(arg->rsv)) {
            vg_message_unpress(s, text);
        } else {
            s->hooks->text(s->owner, text);
        }
        break;

    case WSLAY_BINARY_FRAME:
        vg_socket_close(s, VG_CLOSE_BINARY, "text frames only");
        break;

    default: /* wslay answers pings and closes */
        break;
    }
}


/* ------------------------------------------------------------------- rest */

static const struct wslay_event_callbacks vg_message_callbacks = {
    .recv_callback = vg_wire_recv,
    .send_callback = vg_wire_send,
    .on_frame_recv_start_callback = vg_message_frame,
    .on_frame_recv_end_callback = vg_message_framed,
    .on_msg_recv_callback = vg_message_received,
};


/* wslay's state is two buffers of 4 KiB: nearly all that an idle charger
 * costs. It exists while there is something in it. */
ngx_int_t
vg_message_wake(vg_socket_t *s)
{
    if (s->ws != NULL) {
        return NGX_OK;
    }
    if (wslay_event_context_server_init(&s->ws, &vg_message_callbacks, s) != 0)
    {
        s->ws = NULL;
        s->dead = 1;
        return NGX_ERROR;
    }
    wslay_event_config_set_max_recv_msg_length(s->ws, s->conf.max_message);
    if (s->conf.window) {
        wslay_event_config_set_allowed_rsv_bits(s->ws, WSLAY_RSV1_BIT);
    }
    return NGX_OK;
}


void
vg_message_rest(vg_socket_t *s)
{
    if (s->begun == 0 && !s->partial && !s->closing && !s->stalled
        && !wslay_event_want_write(s->ws) && wslay_event_want_read(s->ws)
        && !wslay_event_get_close_received(s->ws)
        && !wslay_event_get_close_sent(s->ws))
    {
        wslay_event_context_free(s->ws);
        s->ws = NULL;
    }
}


void
vg_socket_send(vg_socket_t *s, vg_str_t text)
{
    static char            pressed[VG_MESSAGE_PRESSED];
    size_t                 len = 0;
    struct wslay_event_msg msg = { WSLAY_TEXT_FRAME,
                                   (const uint8_t *) text.data, text.len };

    if (s->closing || s->released) {
        return;
    }
    if (s->conf.window && text.data != NULL && text.len >= VG_MESSAGE_SHORT) {
        len = vg_deflate(s->conf.window, text, pressed, sizeof(pressed));
    }
    if (len > 0) {
        msg.msg = (const uint8_t *) pressed;
        msg.msg_length = len;
    }
    if (text.data == NULL || vg_message_wake(s) != NGX_OK
        || wslay_event_queue_msg_ex(s->ws, &msg,
                                    len ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE)
               != 0)
    {
        s->dead = 1;
    }
    vg_socket_later(s);
}
