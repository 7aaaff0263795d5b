/*
 * stations.h: the fields and hooks that plugin.c puts into its routes.
 */

#ifndef STATIONS_H
#define STATIONS_H

#include "vg.h"

#define CONNECTORS_MAX 500
#define NUMBER_MAX     65535 /* of a connector at its charge point      */
#define POWER_MAX      10000 /* kW                                      */

/* OCPI 2.2.1, 8.4.5 ConnectorType */
#define CONNECTOR_TYPES                                                        \
    "CHADEMO|CHAOJI|DOMESTIC_A|DOMESTIC_B|DOMESTIC_C|DOMESTIC_D|DOMESTIC_E|"   \
    "DOMESTIC_F|DOMESTIC_G|DOMESTIC_H|DOMESTIC_I|DOMESTIC_J|DOMESTIC_K|"       \
    "DOMESTIC_L|DOMESTIC_M|DOMESTIC_N|DOMESTIC_O|GBT_AC|GBT_DC|"               \
    "IEC_60309_2_single_16|IEC_60309_2_three_16|IEC_60309_2_three_32|"         \
    "IEC_60309_2_three_64|IEC_62196_T1|IEC_62196_T1_COMBO|IEC_62196_T2|"       \
    "IEC_62196_T2_COMBO|IEC_62196_T3A|IEC_62196_T3C|NEMA_5_20|NEMA_6_30|"      \
    "NEMA_6_50|NEMA_10_30|NEMA_10_50|NEMA_14_30|NEMA_14_50|"                   \
    "PANTOGRAPH_BOTTOM_UP|PANTOGRAPH_TOP_DOWN|TESLA_R|TESLA_S"

/* OCPI 2.2.1, 8.4.19 PowerType */
#define POWER_TYPES "AC_1_PHASE|AC_2_PHASE|AC_2_PHASE_SPLIT|AC_3_PHASE|DC"

/* station.c */
extern const vg_field_t station_new_fields[];
extern const vg_field_t station_replace_fields[];
extern const vg_field_t station_change_fields[];
extern const vg_field_t station_id_fields[];
extern const vg_field_t connector_id_fields[];
extern const vg_field_t station_list_fields[];

extern const vg_field_t station_nearby_fields[];

vg_rc_t station_create_check(vg_call_t *call);
vg_rc_t station_replace_check(vg_call_t *call);
vg_rc_t station_change_check(vg_call_t *call);

/* import.c */
extern const vg_field_t station_import_fields[];
extern const vg_field_t station_export_fields[];

vg_rc_t station_import_check(vg_call_t *call);
vg_rc_t station_export_csv(vg_call_t *call);
vg_rc_t station_export_geojson(vg_call_t *call);
/* shape.c */
extern const vg_field_t status_told_fields[];
extern const vg_field_t station_told_fields[];

vg_rc_t station_render(vg_call_t *call);
vg_rc_t status_render(vg_call_t *call);
vg_rc_t status_told(vg_call_t *call);

/* a status of OCPP as a word; -1: it is none */
int      status_word(vg_str_t text, bool any_case);
vg_str_t status_text(int word);

/* use.c */
extern const vg_field_t session_begun_fields[];
extern const vg_field_t session_over_fields[];
extern const vg_field_t reservation_told_fields[];

/* charge_point.c */
extern const vg_field_t charge_point_new_fields[];
extern const vg_field_t charge_point_change_fields[];
extern const vg_field_t charge_point_id_fields[];
extern const vg_field_t charge_point_list_fields[];
extern const vg_field_t charge_point_messages_fields[];

vg_rc_t charge_point_create_check(vg_call_t *call);
vg_rc_t charge_point_change_check(vg_call_t *call);
vg_rc_t charge_point_render(vg_call_t *call);
vg_rc_t charge_point_messages_check(vg_call_t *call);

/* identifierString of OCPP 2.0.1 without the colon, which would end the user
 * name of Basic; a slash, which would part a path, it has not either */
#define IDENTITY_SIGNS "*-_=+|@."
#define IDENTITY_RULE  "must be an OCPP identity: letters, digits and *-_=+|@."

bool charge_point_identity(vg_str_t text);

#define PASSWORD_MIN 16 /* characters */
#define PASSWORD_MAX 40

/* binds "salt" and "hash" */
vg_rc_t password_bind(vg_call_t *call, vg_str_t password);

/* command.c */
extern const vg_field_t command_fields[];

vg_rc_t command_check(vg_call_t *call);
vg_rc_t command_send(vg_call_t *call);

/* charger.c */
extern const vg_field_t credentials_fields[];
extern const vg_field_t link_open_fields[];
extern const vg_field_t link_close_fields[];
extern const vg_field_t link_sweep_fields[];
extern const vg_field_t boot_fields[];
extern const vg_field_t status_fields[];

vg_rc_t heartbeat_check(vg_call_t *call);
vg_rc_t status_check(vg_call_t *call);

/* report.c */
extern const vg_field_t transfer_fields[];
extern const vg_field_t progress_fields[];
extern const vg_field_t security_event_fields[];
extern const vg_field_t certificate_ask_fields[];
extern const vg_field_t certificate_answer_fields[];
extern const vg_field_t said_fields[];
extern const vg_field_t sweep_fields[];

vg_rc_t transfer_check(vg_call_t *call);
vg_rc_t firmware_check(vg_call_t *call);
vg_rc_t signed_firmware_check(vg_call_t *call);
vg_rc_t diagnostics_check(vg_call_t *call);
vg_rc_t log_check(vg_call_t *call);
vg_rc_t certificate_ask_check(vg_call_t *call);
vg_rc_t certificate_answer_check(vg_call_t *call);
vg_rc_t certificate_send(vg_call_t *call);

/* owner.c: whose the new thing is; binds "owner", NULL for an admin who
 * named nobody. Refuses one who acts for a company that is not theirs. */
vg_rc_t owner_bind(vg_call_t *call);
vg_rc_t owner_check(vg_call_t *call);

#endif /* STATIONS_H */
