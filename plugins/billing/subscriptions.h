/*
 * subscriptions.h: the fields and hooks of plans and subscriptions that the
 * manifest's routes name.
 */

#ifndef BILLING_SUBSCRIPTIONS_H
#define BILLING_SUBSCRIPTIONS_H

#include "vg.h"

/* plan.c */
extern const vg_field_t plan_new_fields[];
extern const vg_field_t plan_list_fields[];
extern const vg_field_t plan_id_fields[];
extern const vg_field_t plan_change_fields[];
vg_rc_t                 plan_check(vg_call_t *call);

/* subscription.c */
extern const vg_field_t subscription_new_fields[];
extern const vg_field_t subscription_list_fields[];
extern const vg_field_t subscription_id_fields[];
extern const vg_field_t subscription_change_fields[];
extern const vg_field_t subscription_end_fields[];
vg_rc_t                 subscription_new_check(vg_call_t *call);
vg_rc_t                 subscription_change_check(vg_call_t *call);

/* subscribe.c: the saga */
extern const vg_field_t     subscribe_fields[];
extern const vg_saga_step_t subscribe_steps[];
vg_rc_t                     subscribe_invoice_check(vg_call_t *call);
vg_rc_t                     subscribe_paid_render(vg_call_t *call);

/* renewal.c: what the clock does */
extern const vg_field_t renewal_fields[];
extern const vg_field_t renewal_alone_fields[];
extern const vg_field_t renewal_told_fields[];
extern const vg_field_t renewal_overdue_fields[];
extern const vg_step_t  renewal_steps[];
extern const vg_step_t  renewal_alone_steps[];
vg_rc_t                 renewal_check(vg_call_t *call);
vg_rc_t                 renewal_alone_check(vg_call_t *call);
vg_rc_t                 renewal_told_check(vg_call_t *call);

/* From {costs, minorUnits, taxRate} to the invoice; data NULL: nothing to pay.
 * Refuses what is no price. */
vg_rc_t subscription_invoice(vg_call_t *call, const vg_json_t *price,
                             vg_str_t *invoice) VG_MUST_CHECK;

#endif
