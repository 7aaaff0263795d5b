/*
 * csv.h: RFC 4180, out and in. Pure C over vg_json.h.
 *
 * A spreadsheet takes a cell that begins with = + - @ tab or CR for a
 * formula. Texts that do get an apostrophe before them, and so do those that
 * begin with apostrophes and then one of these: taking one away again gives
 * what was there. Numbers are numbers and stay.
 */

#ifndef VG_CSV_H
#define VG_CSV_H

#include "vg_json.h"

#define VG_CSV_COLUMNS 256 /* and cells of one row                           */

/* The objects of an array as lines, the first names the columns: all members
 * in the order they are first met, those of objects by "outer.inner", arrays
 * as JSON. More columns than VG_CSV_COLUMNS: objects are JSON, too. data NULL:
 * no memory, or still too many. */
vg_str_t vg_csv_write(vg_pool_t *pool, const vg_json_t *items);

/* Takes one row off the front of text; cells lie in pool, unquoted and
 * without the apostrophe. Blank lines are rows of one empty cell. */
typedef enum {
    VG_CSV_ROW,
    VG_CSV_MORE, /* text ends inside of the row, and last is false       */
    VG_CSV_END,  /* no row is left                                       */
    VG_CSV_WRONG /* not CSV: see error; the text is at the row's end     */
} vg_csv_rc_t;

typedef struct {
    vg_str_t    cells[VG_CSV_COLUMNS];
    size_t      count;
    const char *error; /* fit for a client                               */
} vg_csv_row_t;

vg_csv_rc_t vg_csv_read(vg_pool_t *pool, vg_str_t *text, bool last,
                        vg_csv_row_t *row);

#endif /* VG_CSV_H */
