/*
 * endpoint.h: a plugin's rows, from its tables to what is called.
 */

#ifndef VG_ENDPOINT_H
#define VG_ENDPOINT_H

#include "host.h"

/* endpoint.c: a row of the plugin's, made ready; NGX_ERROR: it is wrong (the
 * plugin is out and says why), or no memory */
ngx_int_t vg_endpoint_add(vg_plugin_slot_t *plugin, const vg_route_t *row);

/* twice.c: nothing of it is there twice, nor what another plugin has already;
 * NGX_ERROR: it is out, and says what */
ngx_int_t vg_twice_check(const vg_host_t *host, vg_plugin_slot_t *plugin);

/* kept.c: a row of keeps as a route; NULL: it is none, or no memory */
const vg_route_t *vg_kept_row(vg_plugin_slot_t *plugin, const vg_keep_t *keep);

#endif /* VG_ENDPOINT_H */
