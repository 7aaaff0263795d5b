/*
 * module.h: the room's settings.
 */

#ifndef VG_OCPP_MODULE_H
#define VG_OCPP_MODULE_H

#include "ocpp.h"
#include "socket.h"

typedef struct {
    vg_socket_conf_t socket;
    ngx_msec_t       call_timeout; /* ms that a charger has for an answer */
    ngx_flag_t       deflate;      /* permessage-deflate, where it is offered */
} vg_ocpp_conf_t;

extern ngx_module_t ngx_http_voltgate_ocpp_module;

/* of the running cycle */
const vg_ocpp_conf_t *vg_ocpp_conf(void);

/* handshake.c */
ngx_int_t vg_handshake(ngx_http_request_t *r);

#endif /* VG_OCPP_MODULE_H */
