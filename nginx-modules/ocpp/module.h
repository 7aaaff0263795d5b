/*
 * module.h: the room's settings.
 */

#ifndef VG_OCPP_MODULE_H
#define VG_OCPP_MODULE_H

#include "guard.h"
#include "ocpp.h"
#include "recorder.h"
#include "socket.h"

typedef struct {
    vg_socket_conf_t   socket;
    ngx_msec_t         call_timeout; /* ms that a charger has for an answer */
    ngx_flag_t         deflate; /* permessage-deflate, where it is offered  */
    vg_recorder_conf_t recorder;
    vg_guard_conf_t    guard;
    ngx_int_t          rate;  /* handshakes that begin, in a second and node  */
    ngx_int_t          queue; /* handshakes that wait, of one worker          */
    ngx_int_t          boots; /* under way at once, of one worker             */
    ngx_msec_t         boot_wait;
    ngx_str_t          organization; /* O of certificates; len 0: any      */
} vg_ocpp_conf_t;

extern ngx_module_t ngx_http_voltgate_ocpp_module;

/* of the running cycle */
const vg_ocpp_conf_t *vg_ocpp_conf(void);

/* credentials.c: 0, or the status to refuse with. call has the answer of
 * charge_point.credentials. */
ngx_int_t vg_credentials_check(vg_call_t *call, ngx_http_request_t *r,
                               vg_str_t identity, ngx_uint_t *booted);

/* handshake.c */
ngx_int_t vg_handshake(ngx_http_request_t *r);
void      vg_handshake_start(void);

#endif /* VG_OCPP_MODULE_H */
