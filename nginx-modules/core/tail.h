/*
 * tail.h: what takes the place of `select * from answer;` in a change.
 */

#ifndef VG_TAIL_H
#define VG_TAIL_H

#include "host.h"
#include "statement.h"

/* Of the statement `name` in this row, which sql is without it. data NULL: no
 * memory */
vg_str_t vg_tail(vg_pool_t *pool, const char *plugin, const vg_route_t *row,
                 const char *name, const vg_sql_t *sql);

#endif /* VG_TAIL_H */
