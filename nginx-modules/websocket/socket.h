/*
 * socket.h: one upgraded WebSocket connection: text messages in and out.
 *
 * Knows frames, pings and closing; what a message means is its owner's. What
 * is sent in one turn of the loop leaves in one write at its end, so none of
 * these calls ever ends the socket under its caller: closed() comes later,
 * once, from the event loop.
 */

#ifndef VG_SOCKET_H
#define VG_SOCKET_H

#include "host.h"

typedef struct vg_socket_s vg_socket_t;

/* its context of a request is the request's socket */
extern ngx_module_t ngx_http_voltgate_websocket_module;

typedef struct {
    void (*text)(void *owner, vg_str_t message); /* bytes live until return */
    void (*closed)(void *owner);                 /* nothing more is sent    */
    ngx_uint_t (*full)(void *owner); /* reads no more until vg_socket_resume */
    ngx_uint_t (*busy)(void *owner); /* a shutdown waits for its answer     */
    void (*drained)(void *owner);    /* all that was sent has left; may be
                                        NULL; ends and sends nothing itself */
} vg_socket_owner_t;

#define VG_SOCKET_MESSAGE 65536 /* bytes of a message, at most            */

typedef struct {
    ngx_msec_t ping;        /* silence after which one is sent; unanswered
                               for as long again, the socket is dead       */
    size_t     max_message; /* bytes, unpressed                           */
    unsigned   window;      /* agreed on, in bits; 0: nothing is pressed  */
} vg_socket_conf_t;

/* RFC 6455 7.4.1 and IANA's registry */
enum {
    VG_CLOSE_NORMAL = 1000,
    VG_CLOSE_PROTOCOL = 1002,
    VG_CLOSE_BINARY = 1003,
    VG_CLOSE_DATA = 1007,
    VG_CLOSE_POLICY = 1008,
    VG_CLOSE_TOO_BIG = 1009,
    VG_CLOSE_RESTART = 1012,
};

/* After 101 was sent and r->main->count was raised. NULL: no memory; the
 * request is still the caller's. */
vg_socket_t *vg_socket_open(ngx_http_request_t *r, const vg_socket_conf_t *conf,
                            const vg_socket_owner_t *hooks, void *owner);

void vg_socket_send(vg_socket_t *s, vg_str_t text);
void vg_socket_close(vg_socket_t *s, ngx_uint_t code, const char *reason);

/* The same when all that was sent has left; a close overtakes it else. reason
 * is a literal. */
void vg_socket_finish(vg_socket_t *s, ngx_uint_t code, const char *reason);
void vg_socket_resume(vg_socket_t *s);

/* Nothing waits to be written: who sends the newest only asks before. */
ngx_uint_t vg_socket_empty(vg_socket_t *s);

/* it takes nothing to send any more */
ngx_uint_t vg_socket_closing(const vg_socket_t *s);

/* Says so and ends it now, also s: for a process that exits. */
void vg_socket_abort(vg_socket_t *s, ngx_uint_t code, const char *reason);

#endif /* VG_SOCKET_H */
