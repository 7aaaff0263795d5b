/*
 * language.h: plugins that are not C. A room in a shared object of its own
 * offers a language: a version's folder becomes a manifest like any other, and
 * all behind that is the same for both. Also what of the host such a room may
 * call; the rest of the kit cannot be seen from outside of it.
 */

#ifndef VG_LANGUAGE_H
#define VG_LANGUAGE_H

#include "host.h"

typedef struct vg_language_s {
    const char *name;
    /* Makes plugin->manifest of plugin->folder, in plugin->pool; NGX_ERROR:
     * vg_plugin_out() said why. Once a generation: in the master while the
     * configuration is read, in a worker for a version that comes later. */
    ngx_int_t (*open)(vg_plugin_slot_t *plugin);
    void (*close)(vg_plugin_slot_t *plugin);

    /* The nth of what the row's handler asks beside its row's statements; NULL:
     * no more, or the row does not say. */
    vg_endpoint_t *(*asks)(const vg_endpoint_t *e, ngx_uint_t nth);

    /* members for GET /plugins, lines for /metrics */
    void (*show)(vg_out_t *out, vg_plugin_slot_t *plugin);
    void (*metrics)(vg_out_t *out, vg_plugin_slot_t **plugins, ngx_uint_t n);
} vg_language_t;

/* What a plugin's code did in this node, and whether it may still: shared by
 * all workers. Zero is a row that is free, or knows nothing. */
typedef struct {
    ngx_atomic_t name; /* vg_hash() of it; 0: free                          */
    uint64_t     breaker;
    ngx_atomic_t calls, faults, limits, machines;
} vg_language_row_t;

#define VG_LANGUAGE_ROWS 64

#pragma GCC visibility push(default)

/* NULL: no row is left, or there is no shared memory yet */
vg_language_row_t *vg_language_row(const ngx_str_t *plugin);

/* Before the configuration is read. The host is complete when open() is. */
const vg_host_t *vg_language_add(ngx_conf_t *cf, const vg_language_t *language);

/* A statement that a handler asks beside its row's own, as a row that no other
 * plugin sees; of a read all rows are answered, as an array. NULL: see why. */
vg_endpoint_t *vg_language_statement(vg_plugin_slot_t *plugin,
                                     const vg_route_t *row);

/* As vg_inquire(), of one of these: of one that reads (endpoint->all) by values,
 * an object that lives as long as the call; else as JSON. */
vg_rc_t vg_language_look(vg_call_t *call, vg_endpoint_t *e,
                         const vg_json_t *args);
vg_rc_t vg_language_ask(vg_call_t *call, vg_endpoint_t *e, vg_str_t args);

/* setting.c: a setting's row; NULL: there is none of that name */
const vg_setting_t *vg_setting_find(const vg_plugin_slot_t *plugin,
                                    const char             *name);

/* the id of what the call makes, the same each time */
vg_str_t vg_call_new_id(vg_call_t *call);

/* who waits for the world has as long as that may take */
void vg_steps_patience(vg_call_t *call);

void           vg_plugin_out(vg_plugin_slot_t *plugin, const char *fmt, ...);
vg_endpoint_t *vg_registry_find(vg_method_t method, const char *path,
                                size_t len);
vg_rc_t        vg_hook_run(vg_call_t *call, vg_hook_pt hook);

#pragma GCC visibility pop

#endif /* VG_LANGUAGE_H */
