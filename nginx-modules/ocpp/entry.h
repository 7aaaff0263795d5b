/*
 * entry.h: what a charge point's request says, before anybody is asked.
 */

#ifndef VG_ENTRY_H
#define VG_ENTRY_H

#include "upgrade.h"

typedef struct {
    vg_str_t     identity; /* decoded; in the request's pool              */
    vg_upgrade_t upgrade;
} vg_entry_t;

/* 0, or the status to refuse with */
ngx_int_t vg_entry_read(ngx_http_request_t *r, vg_entry_t *entry);

/* Sends a problem document; gives what nginx's handlers return. retry: s, 0:
 * none, or as a 503 has it. */
ngx_int_t vg_entry_refuse(ngx_http_request_t *r, ngx_int_t status,
                          ngx_uint_t retry);

#endif /* VG_ENTRY_H */
