/*
 * credit.h: what the manifest has of credit and of use: fields and hooks.
 */

#ifndef BILLING_CREDIT_H
#define BILLING_CREDIT_H

#include "vg.h"

extern const vg_field_t credit_fields[];
extern const vg_field_t credit_list_fields[];
extern const vg_field_t credit_top_up_fields[];
extern const vg_field_t credit_refund_fields[];
extern const vg_field_t credit_expire_fields[];
extern const vg_field_t usage_fields[];
extern const vg_field_t payer_fields[];
extern const vg_field_t payer_change_fields[];

vg_rc_t credit_currency_check(vg_call_t *call);
vg_rc_t credit_expire_check(vg_call_t *call);

/* of a setting: vg_setting_t */
const char *credit_lifetime_wrong(const char *value);

#endif
