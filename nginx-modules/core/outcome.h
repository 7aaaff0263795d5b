/*
 * outcome.h: what the database said, told to the call.
 */

#ifndef VG_OUTCOME_H
#define VG_OUTCOME_H

#include "db.h"

/* one value, copied into the call; data NULL: SQL null */
vg_str_t vg_outcome_text(vg_call_t *call, PGresult *rows, int row, int column);

void vg_outcome_change(vg_call_t *call, vg_unit_t *unit); /* status, body   */
/* rings the clerk for news, streams and sagas for what moved */
void vg_outcome_told(vg_call_t *call, PGresult *rows, int row);
void vg_outcome_frame(vg_call_t *call, PGresult *rows); /* of a stream   */
void vg_outcome_page(vg_call_t *call, PGresult *rows);  /* body, cursor ...  */
void vg_outcome_rows(vg_call_t *call, PGresult *rows);  /* all bodies        */
#define VG_OUTCOME_ROWS 1000
void vg_outcome_stored(vg_call_t *call, PGresult *rows); /* of vg.answer    */
void vg_outcome_error(vg_call_t *call, vg_unit_t *unit);

/* reads vg.answer for the call's key; made by vg_outcome_init() */
extern vg_statement_t *vg_outcome_lookup;

ngx_int_t vg_outcome_init(ngx_conf_t *cf);

/* goes on with a call whose awaited step is over: call.c */
void vg_call_awaited(vg_call_t *call);

#endif /* VG_OUTCOME_H */
