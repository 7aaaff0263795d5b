/*
 * payments.h: what billing shows and does of payments: intents, and the job
 * that pushes them.
 */

#ifndef BILLING_PAYMENTS_H
#define BILLING_PAYMENTS_H

#include "vg.h"

/* intent.c */
extern const vg_field_t intent_push_fields[];
extern const vg_field_t charge_fields[];
extern const vg_field_t payment_cancel_fields[];
extern const vg_field_t capture_fields[];
extern const vg_field_t refund_fields[];
extern const vg_field_t payment_list_fields[];
extern const vg_field_t payment_id_fields[];
extern const vg_step_t  intent_push_steps[];

vg_rc_t charge_check(vg_call_t *call);
vg_rc_t payment_amount_check(vg_call_t *call);

#endif /* BILLING_PAYMENTS_H */
