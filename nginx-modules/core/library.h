/*
 * library.h: files of an installed version.
 */

#ifndef VG_LIBRARY_H
#define VG_LIBRARY_H

#include "host.h"

/* Would it have a role or a schema that is not a plugin's? As
 * vg.plugin_ground() has it. */
ngx_uint_t vg_library_taken(const ngx_str_t *name);

/* Opens plugin->folder's shared object; handle and manifest, or why. */
ngx_int_t vg_library_open(vg_plugin_slot_t *plugin);

/* The schemas in plugin->folder/events, against what its manifest publishes:
 * one for each, and no other. Else why. */
ngx_int_t vg_library_schemas(vg_plugin_slot_t *plugin);

/* Names and SHA-256 of folder/NNN_*.sql, to be held against vg.migration when
 * the database is there. list: of vg_migration_t. */
ngx_int_t vg_migrations_read(ngx_pool_t *pool, const char *folder,
                             ngx_array_t *list);

#endif /* VG_LIBRARY_H */
