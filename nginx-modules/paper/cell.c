/*
 * cell.c: see cell.h.
 */

#include "cell.h"

/* of full lines, each with its end; the one more says that there is more */
#define CELL_LETTERS (VG_CELL_LINES * (VG_LETTERS_LINE + 1) + 1)

typedef struct {
    const vg_canvas_t *canvas;
    const vg_pen_t    *pen;
} measure_t;


static float
measure_letter(void *data, uint32_t code)
{
    const measure_t *measure = data;

    return vg_canvas_letter(measure->canvas, measure->pen, code);
}


bool
vg_cell_wrap(vg_pool_t *pool, const vg_canvas_t *canvas, vg_cell_t *cell,
             vg_str_t text, float width, const vg_pen_t *pen)
{
    bool            cut;
    size_t          from, end, next;
    uint32_t        more = 0x2026; /* … */
    measure_t       measure = { canvas, pen };
    const uint32_t *codes;
    vg_letters_t    letters;

    cell->count = 0;
    if (!vg_letters_read(pool, text, CELL_LETTERS, &letters)) {
        return false;
    }
    for (from = 0; from < letters.count && cell->count < VG_CELL_LINES;
         from = next) {
        end = vg_letters_break(&letters, from, width, measure_letter, &measure,
                               &next);
        cut = cell->count == VG_CELL_LINES - 1 && next < letters.count;
        codes = cut ? &more : letters.codes + from;
        if (!vg_letters_order(pool, codes, cut ? 1 : end - from,
                              &cell->lines[cell->count]))
        {
            return false;
        }
        cell->count++;
    }
    return true;
}
