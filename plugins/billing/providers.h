/*
 * providers.h: what billing shows and hears of payment providers: methods that
 * stand with them, their webhooks, their exports.
 */

#ifndef BILLING_PROVIDERS_H
#define BILLING_PROVIDERS_H

#include "vg.h"

/* method.c */
extern const vg_field_t method_new_fields[];
extern const vg_field_t method_change_fields[];
extern const vg_field_t method_list_fields[];
extern const vg_field_t method_id_fields[];
extern const vg_step_t  method_steps[];

vg_rc_t method_check(vg_call_t *call);
vg_rc_t method_new_check(vg_call_t *call);

/* webhook.c */
extern const vg_field_t webhook_fields[];

vg_rc_t webhook_check(vg_call_t *call);

/* reconciliation.c */
extern const vg_field_t reconciliation_fields[];
extern const vg_field_t reconciliation_new_fields[];
extern const vg_field_t reconciliation_nightly_fields[];
extern const vg_field_t reconciliation_fetch_fields[];
extern const vg_step_t  reconciliation_steps[];

vg_rc_t reconciliation_check(vg_call_t *call);
vg_rc_t reconciliation_new_check(vg_call_t *call);

/* whether the setting `providers` names it */
bool provider_known(vg_call_t *call, vg_str_t name);

#endif /* BILLING_PROVIDERS_H */
