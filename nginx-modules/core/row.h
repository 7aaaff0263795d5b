/*
 * row.h: one row of a file as the JSON body that a route's fields check.
 * Pure C over vg.h's tables.
 */

#ifndef VG_ROW_H
#define VG_ROW_H

#include "csv.h"
#include "vg.h"

/* The columns of a file: an index into the route's fields, per cell. */
typedef struct {
    const vg_field_t *fields;
    size_t            count;
    size_t            column[VG_CSV_COLUMNS];
} vg_row_head_t;

/* NULL: good; else what is wrong with the name in *field. */
const char *vg_row_head(vg_pool_t *pool, vg_row_head_t *head,
                        const vg_csv_row_t *row, vg_str_t *field);

/* An empty cell is absent. data NULL: no row; *error says why. */
vg_str_t vg_row_csv(vg_pool_t *pool, const vg_row_head_t *head,
                    const vg_csv_row_t *row, const char **error);

/* The properties of a feature, those that are null left out, and its point as
 * lat and lon. data NULL: no feature; *error says why. */
vg_str_t vg_row_feature(vg_pool_t *pool, vg_str_t feature, const char **error);

#endif /* VG_ROW_H */
