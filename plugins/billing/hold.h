/*
 * hold.h: what the manifest's rows name of hold.c.
 */

#ifndef BILLING_HOLD_H
#define BILLING_HOLD_H

#include "vg.h"

extern const vg_field_t hold_open_fields[];
extern const vg_field_t hold_metered_fields[];
extern const vg_field_t hold_payable_fields[];
extern const vg_field_t hold_failed_fields[];
extern const vg_field_t hold_reservation_fields[];
extern const vg_field_t hold_stray_fields[];
extern const vg_step_t  hold_stray_steps[];
extern const vg_field_t hold_id_fields[];
extern const vg_field_t hold_list_fields[];
vg_rc_t                 hold_open_check(vg_call_t *call);
vg_rc_t                 hold_payable_check(vg_call_t *call);

#endif
