/*
 * value.h: is one JSON value what one field says? Pure C.
 */

#ifndef VG_VALUE_H
#define VG_VALUE_H

#include "vg.h"

/* NULL: it fits. Else a static text that ends the sentence "<field> ...", and
 * *fault is one of VG_FAULT_* (1 missing, 2 type, 3 value). Members and items
 * are not looked into, except that no string anywhere may hold a NUL and no
 * number may be beyond what jsonb takes. */
const char *vg_value_check(const vg_field_t *field, const vg_json_t *node,
                           unsigned *fault);

/* a value as JSON text fit for jsonb, whatever spelling came in */
vg_str_t vg_value_json(vg_pool_t *pool, const vg_json_t *node);

/* JSON text that jsonb takes: json itself, or, where PostgreSQL would refuse
 * it (a NUL, a number without end), all of it as one JSON string. */
vg_str_t vg_value_stored(vg_pool_t *pool, vg_str_t json);

#endif /* VG_VALUE_H */
