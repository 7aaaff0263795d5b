/*
 * library.h: files of a plugin: its shared object and its migrations.
 */

#ifndef VG_LIBRARY_H
#define VG_LIBRARY_H

#include "host.h"

/* Opens a copy under a name that holds the content's hash, since a second
 * dlopen() of one path gives back the old code. */
ngx_int_t vg_library_open(ngx_conf_t *cf, vg_host_t *host,
                          vg_plugin_slot_t *plugin);

/* Names and SHA-256 of sql/NNN_*.sql, to be held against vg.migration when
 * the database is there. plugin NULL: the kit's own. */
ngx_int_t vg_migrations_read(ngx_conf_t *cf, vg_host_t *host,
                             vg_plugin_slot_t *plugin);

#endif /* VG_LIBRARY_H */
