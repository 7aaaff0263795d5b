/*
 * reservations.h: the fields, hooks and steps that the manifest's routes
 * name. One resource a file; the routes stand together in plugin.c.
 */

#ifndef RESERVATIONS_H
#define RESERVATIONS_H

#include "vg.h"

/* copy.c: what neighbours tell */
extern const vg_field_t station_told_fields[];
extern const vg_field_t station_gone_fields[];
extern const vg_field_t tariff_told_fields[];
extern const vg_field_t status_told_fields[];
extern const vg_field_t tag_told_fields[];
extern const vg_field_t tag_gone_fields[];
extern const vg_field_t session_started_fields[];
extern const vg_field_t session_over_fields[];

/* vehicle.c: the awaited step asks whether there is one; what was told */
extern const vg_step_t  vehicle_steps[];
extern const vg_field_t vehicle_told_fields[];
extern const vg_field_t vehicle_gone_fields[];
extern const vg_field_t customer_told_fields[];

/* reservation.c */
extern const vg_field_t reservation_fields[];
extern const vg_field_t reservation_path_fields[];
extern const vg_field_t reservation_list_fields[];
extern const vg_field_t reservation_move_fields[];
extern const vg_field_t tick_fields[];
vg_rc_t                 reservation_check(vg_call_t *call);

/* fee.c: what ends without being used may cost something */
extern const vg_field_t reservation_cancel_fields[];
extern const vg_field_t lapse_fields[];
vg_rc_t                 fee_ask(vg_call_t *call);

/* hold.c: what it may cost is held */
extern const vg_field_t hold_due_fields[];
extern const vg_field_t hold_fields[];
extern const vg_field_t hold_told_fields[];
extern const vg_step_t  hold_steps[];

/* charger.c: the charge point holds it too, where it can */
extern const vg_field_t ordered_fields[];
extern const vg_step_t  due_steps[];
extern const vg_step_t  withdrawn_steps[];

/* erasure.c */
extern const vg_field_t erasure_told_fields[];
extern const vg_field_t customer_export_fields[];

#endif
