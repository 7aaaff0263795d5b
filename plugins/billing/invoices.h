/*
 * invoices.h: what the manifest takes of issue.c, settle.c, invoice_desk.c and
 * credit_note.c.
 */

#ifndef BILLING_INVOICES_H
#define BILLING_INVOICES_H

#include "invoice.h"
#include "vg.h"

/* issue.c */
extern const vg_field_t session_told_fields[];
extern const vg_field_t fee_told_fields[];
extern const vg_field_t invoice_id_fields[];
extern const vg_field_t invoice_list_fields[];

vg_rc_t invoice_check(vg_call_t *call);
vg_rc_t session_told_check(vg_call_t *call);

/* Binds what invoice_make() has made of costs as `invoice`, NULL where there
 * is nothing to pay; the loaded row has taxRate and minorUnits. Refuses costs
 * that are none. */
vg_rc_t invoice_bind(vg_call_t *call, const vg_json_t *costs);

/* settle.c */
extern const vg_field_t settle_fields[];

/* invoice_desk.c */
extern const vg_field_t draft_new_fields[];
extern const vg_field_t draft_line_fields[];

vg_rc_t draft_new_check(vg_call_t *call);
vg_rc_t draft_line_check(vg_call_t *call);

/* credit_note.c */
extern const vg_field_t credit_note_new_fields[];
extern const vg_field_t credit_note_list_fields[];

vg_rc_t credit_note_check(vg_call_t *call);

#endif /* BILLING_INVOICES_H */
