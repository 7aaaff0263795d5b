/*
 * papers.h: what invoices say beside their amounts: who it is between, rates
 * of tax, the paper. The fields and hooks that plugin.c puts into its routes.
 */

#ifndef BILLING_PAPERS_H
#define BILLING_PAPERS_H

#include "vg.h"

/* tax.c */
extern const vg_field_t tax_rate_new_fields[];
extern const vg_field_t tax_rate_list_fields[];

vg_rc_t tax_rate_check(vg_call_t *call);

/* party.c */
extern const vg_field_t issuer_id_fields[];
extern const vg_field_t issuer_fields[];
extern const vg_field_t party_copy_fields[];
extern const vg_step_t  party_copy_steps[];

vg_rc_t issuer_check(vg_call_t *call);

/* pdf.c */
extern const vg_step_t pdf_steps[];

vg_rc_t pdf_check(vg_call_t *call);
vg_rc_t pdf_render(vg_call_t *call);

#endif
