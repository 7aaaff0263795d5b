/*
 * charging.h: the fields, hooks and steps that the manifest's routes name.
 * One resource a file; the routes themselves stand together in plugin.c.
 */

#ifndef CHARGING_H
#define CHARGING_H

#include "vg.h"

/* copy.c: what neighbours tell */
extern const vg_field_t station_told_fields[];
extern const vg_field_t station_gone_fields[];
extern const vg_field_t tariff_told_fields[];
extern const vg_field_t status_told_fields[];
extern const vg_field_t invoice_told_fields[];
extern const vg_field_t reservation_told_fields[];

/* id_tag.c */
extern const vg_field_t id_tag_fields[];
extern const vg_field_t id_tag_list_fields[];
extern const vg_field_t id_tag_change_fields[];
extern const vg_field_t id_tag_path_fields[];
vg_rc_t                 id_tag_check(vg_call_t *call);

/* transaction.c: what chargers say */
extern const vg_field_t authorize_fields[];
extern const vg_field_t transaction_start_fields[];
extern const vg_field_t transaction_stop_fields[];
extern const vg_field_t meter_values_fields[];
vg_rc_t                 transaction_stop_check(vg_call_t *call);
vg_rc_t                 meter_values_check(vg_call_t *call);

/* session.c */
extern const vg_field_t session_start_fields[];
extern const vg_field_t session_end_fields[];
extern const vg_field_t session_path_fields[];
extern const vg_field_t session_list_fields[];
extern const vg_field_t vehicle_fields[];
extern const vg_field_t session_reap_fields[];
extern const vg_step_t  session_end_steps[];
vg_rc_t                 session_start_check(vg_call_t *call);
vg_rc_t                 session_end_render(vg_call_t *call);

/* party.c: the awaited step asks whether there are these; what was told */
extern const vg_step_t  party_steps[];
extern const vg_step_t  party_payer_steps[];
extern const vg_field_t vehicle_told_fields[];
extern const vg_field_t vehicle_gone_fields[];
extern const vg_field_t customer_told_fields[];

/* start.c */
extern const vg_field_t start_fields[];
extern const vg_step_t  start_steps[];
extern const vg_step_t  start_stop_steps[];
extern const vg_saga_t  sagas[];
vg_rc_t                 start_check(vg_call_t *call);
vg_rc_t                 start_begun_render(vg_call_t *call);
vg_rc_t                 start_failed(vg_call_t *call, const vg_json_t *session);

/* hold.c */
extern const vg_field_t hold_fields[];
extern const vg_field_t hold_told_fields[];
extern const vg_field_t hold_due_fields[];
extern const vg_field_t goes_on_fields[];
extern const vg_field_t hold_meter_fields[];
extern const vg_step_t  hold_steps[];
extern const vg_step_t  hold_job_steps[];
vg_rc_t                 hold_check(vg_call_t *call);
vg_rc_t                 hold_job_check(vg_call_t *call);
vg_rc_t                 hold_stops_check(vg_call_t *call);
const char             *hold_amount_wrong(const char *value);
vg_rc_t                 hold_held_render(vg_call_t *call);
vg_rc_t                 hold_meter_check(vg_call_t *call);

/* alias.c */
extern const vg_field_t alias_stop_fields[];
vg_rc_t                 alias_start_render(vg_call_t *call);
vg_rc_t                 alias_stop_check(vg_call_t *call);
vg_rc_t                 alias_stop_render(vg_call_t *call);

/* costing.c */
extern const vg_field_t session_stopped_fields[];
extern const vg_field_t session_price_fields[];
vg_rc_t costs_ask(vg_call_t *call, const vg_json_t *costing, vg_str_t *costs);
vg_rc_t session_cost(vg_call_t *call);
vg_rc_t session_price(vg_call_t *call);
vg_rc_t session_render(vg_call_t *call);

/* profile.c */
extern const vg_field_t profile_set_fields[];
extern const vg_field_t profile_path_fields[];
extern const vg_field_t profile_list_fields[];
extern const vg_field_t profile_clear_fields[];
extern const vg_field_t composite_fields[];
extern const vg_field_t composite_ask_fields[];
extern const vg_field_t commanded_fields[];
extern const vg_step_t  profile_set_steps[];
extern const vg_step_t  profile_clear_steps[];
extern const vg_step_t  profile_remove_steps[];
extern const vg_step_t  composite_steps[];
vg_rc_t                 profile_set_check(vg_call_t *call);
vg_rc_t                 composite_render(vg_call_t *call);

/* local_list.c */
extern const vg_field_t local_list_fields[];
extern const vg_field_t local_list_path_fields[];
extern const vg_field_t local_list_due_fields[];
extern const vg_step_t  local_list_version_steps[];
extern const vg_step_t  local_list_send_steps[];

/* quarantine.c */
extern const vg_field_t quarantine_list_fields[];
extern const vg_field_t quarantine_resolve_fields[];

/* erasure.c */
extern const vg_field_t erasure_told_fields[];
extern const vg_field_t customer_export_fields[];

#endif
