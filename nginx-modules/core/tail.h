/*
 * tail.h: what takes the place of `select * from answer;` in a change.
 */

#ifndef VG_TAIL_H
#define VG_TAIL_H

#include "host.h"
#include "statement.h"

/* sql: as compiled without it; noted: a row of the audit trail goes with it.
 * data NULL: no memory */
vg_str_t vg_tail(vg_pool_t *pool, const char *plugin, const vg_sql_t *sql,
                 ngx_uint_t noted);

/* what changes something for who calls by HTTP */
ngx_uint_t vg_tail_noted(const vg_route_t *row, const char *statement);

#endif /* VG_TAIL_H */
