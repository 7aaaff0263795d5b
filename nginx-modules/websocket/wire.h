/*
 * wire.h: the inside of a socket, for socket.c, message.c and wire.c alone.
 */

#ifndef VG_WIRE_H
#define VG_WIRE_H

#include <wslay/wslay.h>

#include "socket.h"

#define VG_SOCKET_QUEUE  16    /* frames out, above which none is read    */
#define VG_SOCKET_BUDGET 65536 /* bytes read in one turn of the loop      */
#define VG_SOCKET_STUCK  30000 /* ms that a write may wait                */

struct vg_socket_s {
    ngx_http_request_t      *request;
    wslay_event_context_ptr  ws;    /* NULL: at rest                      */
    uint64_t                 frame; /* bytes of the one that comes in     */
    uint64_t                 begun; /* bytes of frames that are not whole */
    const vg_socket_owner_t *hooks;
    void                    *owner;
    vg_socket_conf_t         conf;
    ngx_event_t              timer; /* ping, then goodbye or drain        */
    ngx_event_t              turn;
    ngx_event_t              rested; /* in the next turn of the loop       */
    ngx_msec_t               heard;  /* when bytes came last               */
    size_t                   budget;
    ngx_uint_t               fragments;
    u_char                  *kept; /* what the connection would not take  */
    size_t                   kept_pos, kept_len;
    ngx_uint_t               last_code; /* finish with it; 0: no wish     */
    const char              *last_reason;
    unsigned                 partial:1; /* a message has more fragments   */
    unsigned                 pinged:1;
    unsigned                 stalled:1; /* there may be bytes to read     */
    unsigned                 resting:1; /* has had its share of this turn */
    unsigned                 closing:1;
    unsigned                 draining:1;
    unsigned                 dead:1;
    unsigned                 released:1;
};

/* goes on at the end of this turn of the loop */
void vg_socket_later(vg_socket_t *s);

/* message.c: wslay's state is there; NGX_ERROR: no memory, and s is dead */
ngx_int_t vg_message_wake(vg_socket_t *s);

/* ... and gone, if nothing is in it. s is awake. */
void vg_message_rest(vg_socket_t *s);

/* wslay's callbacks for bytes */
ssize_t vg_wire_recv(wslay_event_context_ptr ws, uint8_t *buf, size_t len,
                     int flags, void *data);
ssize_t vg_wire_send(wslay_event_context_ptr ws, const uint8_t *data,
                     size_t len, int flags, void *owner);

/* Writes what wslay has queued. NGX_OK: all of it is gone; NGX_AGAIN: the
 * write event goes on; NGX_ERROR. */
ngx_int_t vg_wire_flush(vg_socket_t *s);

#endif /* VG_WIRE_H */
