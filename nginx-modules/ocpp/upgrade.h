/*
 * upgrade.h: what a WebSocket request says, before anybody is asked.
 */

#ifndef VG_UPGRADE_H
#define VG_UPGRADE_H

#include "host.h"

typedef struct {
    vg_str_t    identity; /* decoded; in the request's pool               */
    ngx_str_t  *key;
    const char *protocol; /* NULL: none in common                         */
} vg_upgrade_t;

/* 0, or the status to refuse with */
ngx_int_t vg_upgrade_read(ngx_http_request_t *r, vg_upgrade_t *upgrade);

/* Sends a problem document; gives what nginx's handlers return. */
ngx_int_t vg_upgrade_refuse(ngx_http_request_t *r, ngx_int_t status);

/* Sends 101. */
ngx_int_t vg_upgrade_accept(ngx_http_request_t *r, const vg_upgrade_t *upgrade);

#endif /* VG_UPGRADE_H */
