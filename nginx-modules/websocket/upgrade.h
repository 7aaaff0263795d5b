/*
 * upgrade.h: what a WebSocket request says, and 101: RFC 6455 4.2.
 */

#ifndef VG_UPGRADE_H
#define VG_UPGRADE_H

#include "host.h"

typedef struct {
    ngx_str_t  *key;
    const char *protocol; /* NULL: none in common                         */
    unsigned    window;   /* of permessage-deflate; 0: without            */
} vg_upgrade_t;

/* Does this request want to become a WebSocket at all? */
ngx_uint_t vg_upgrade_wanted(ngx_http_request_t *r);

/* 0, or the status to refuse with: 405, 426 or 400. protocols ends with NULL
 * and stands in our order. */
ngx_int_t vg_upgrade_read(ngx_http_request_t *r, const char *const *protocols,
                          vg_upgrade_t *upgrade);

/* Takes permessage-deflate too, if it is offered. upgrade has been read; its
 * window goes into the socket's conf. */
void vg_upgrade_press(ngx_http_request_t *r, vg_upgrade_t *upgrade);

/* Headers of a 426, and of no other answer. */
void vg_upgrade_required(ngx_http_request_t *r);

/* Sends 101. */
ngx_int_t vg_upgrade_accept(ngx_http_request_t *r, const vg_upgrade_t *upgrade);

#endif /* VG_UPGRADE_H */
