/*
 * parties.h: companies, customers and vehicles: the fields and hooks that
 * plugin.c puts into its routes, and what their files share.
 */

#ifndef PARTIES_H
#define PARTIES_H

#include "spelling.h"
#include "vg.h"

/* company.c */
extern const vg_field_t company_new_fields[];
extern const vg_field_t company_change_fields[];
extern const vg_field_t company_list_fields[];
extern const vg_field_t company_id_fields[];
extern const vg_field_t address_fields[];

vg_rc_t company_check(vg_call_t *call);

/* customer.c */
extern const vg_field_t customer_new_fields[];
extern const vg_field_t customer_change_fields[];
extern const vg_field_t customer_list_fields[];
extern const vg_field_t customer_id_fields[];

vg_rc_t customer_create_check(vg_call_t *call);
vg_rc_t customer_check(vg_call_t *call);

/* vehicle.c */
extern const vg_field_t vehicle_new_fields[];
extern const vg_field_t vehicle_change_fields[];
extern const vg_field_t vehicle_list_fields[];
extern const vg_field_t vehicle_id_fields[];
extern const vg_field_t party_check_fields[];
extern const vg_field_t party_show_fields[];
extern const vg_field_t contact_show_fields[];

vg_rc_t vehicle_create_check(vg_call_t *call);
vg_rc_t vehicle_check(vg_call_t *call);

/* company.c: which fields are spelled how; "a.b" is the member b of a. All
 * that is wrong is told at once. */
typedef struct {
    const char *name; /* NULL ends the table */
    spelling_pt good;
    const char *wrong; /* "must be ..." */
} spelled_t;

vg_rc_t spelled_check(vg_call_t *call, const spelled_t *rules);

#define SPELLED_LINE    "must be one line of visible text"
#define SPELLED_EMAIL   "must be a mail address"
#define SPELLED_PHONE   "must be a telephone number of 5 to 15 digits"
#define SPELLED_COUNTRY "must be two or three capital letters"

/* company.c: binds `company`: what an admin names; what others name if it is
 * their own (else forbidden); `own` where nobody is named. */
vg_rc_t company_bind(vg_call_t *call, vg_str_t own);

/* erasure.c */
extern const vg_field_t erasure_new_fields[];
extern const vg_field_t erasure_id_fields[];
extern const vg_field_t erasure_told_fields[];
extern const vg_field_t erasure_due_fields[];
extern const vg_field_t export_new_fields[];
extern const vg_field_t export_get_fields[];
extern const vg_field_t export_job_fields[];
extern const vg_field_t customer_export_fields[];
extern const vg_step_t  export_job_steps[];

vg_rc_t erasure_new_check(vg_call_t *call);
vg_rc_t export_new_check(vg_call_t *call);
vg_rc_t export_get_check(vg_call_t *call);

#endif /* PARTIES_H */
