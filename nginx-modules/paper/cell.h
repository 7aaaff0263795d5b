/*
 * cell.h: a text wrapped into lines of a width. Pure C.
 */

#ifndef VG_CELL_H
#define VG_CELL_H

#include "canvas.h"

#define VG_CELL_LINES 40

typedef struct {
    vg_letters_t lines[VG_CELL_LINES];
    size_t       count;
} vg_cell_t;

/* What does not fit into its lines is left out, with an ellipsis for it.
 * False: no memory. */
bool vg_cell_wrap(vg_pool_t *pool, const vg_canvas_t *canvas, vg_cell_t *cell,
                  vg_str_t text, float width, const vg_pen_t *pen);

#endif /* VG_CELL_H */
