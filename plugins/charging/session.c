/*
 * session.c: sessions that the API starts and ends.
 *
 * Both answer 202 once the wish is committed; then the saga of start.c, or
 * the step that follows, asks the charger. What that says (its Start, its
 * Stop) moves the session on; the deadlines end what nobody ends any more.
 */

#include "charging.h"

#define SESSION_STATUS                                                         \
    "PENDING|STARTING|ACTIVE|SUSPENDED|STOPPING|COMPLETED|FAILED"


/* clang-format off */
const vg_field_t  session_start_fields[] = {
    { VG_BODY, "connectorId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "where; or:" },
    { VG_BODY, "stationId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "any of its connectors that is free" },
    { VG_BODY, "vehicleId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "what is charged" },
    { VG_BODY, "idTag", VG_TEXT, 0, 1, 20, NULL, NULL, NULL,
      "default: one of the session's own" },
    { VG_BODY, "reservationId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "that it uses; says where, too" },
    { VG_SETTING, "startDeadline", VG_INT, 0, 0, 0, NULL, NULL, NULL,
      "seconds" },
    VG_FIELDS_END,
};

const vg_field_t  session_end_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the session" },
    { VG_SETTING, "stopDeadline", VG_INT, 0, 0, 0, NULL, NULL, NULL,
      "seconds" },
    { VG_BOUND, "stop", VG_INT, 0, 0, 0, NULL, NULL, NULL,
      "the transaction that this call stops, for the step" },
    VG_FIELDS_END,
};

const vg_field_t  session_path_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the session" },
    VG_FIELDS_END,
};

const vg_field_t  session_list_fields[] = {
    { VG_QUERY, "vehicleId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "of this vehicle" },
    { VG_QUERY, "stationId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "at this station" },
    { VG_QUERY, "status", VG_ENUM, 0, 0, 0, SESSION_STATUS, NULL, NULL,
      "in this state" },
    { VG_QUERY, "from", VG_TIME, 0, 0, 0, NULL, NULL, NULL,
      "begun then or later" },
    { VG_QUERY, "to", VG_TIME, 0, 0, 0, NULL, NULL, NULL, "begun before" },
    { VG_QUERY, "unpriced", VG_BOOL, 0, 0, 0, NULL, NULL, NULL,
      "true: complete, and no tariff was known" },
    VG_FIELDS_END,
};

const vg_field_t  vehicle_fields[] = {
    { VG_PATH, "vehicleId", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the vehicle" },
    VG_FIELDS_END,
};

const vg_field_t  session_reap_fields[] = {
    { VG_SETTING, "silenceDeadline", VG_INT, 0, 0, 0, NULL, NULL, NULL,
      "seconds" },
    VG_FIELDS_END,
};
/* clang-format on */


vg_rc_t
session_start_check(vg_call_t *call)
{
    bool connector = vg_get(call, "connectorId") != NULL;
    bool station = vg_get(call, "stationId") != NULL;

    if (connector && station) {
        return vg_refuse_field(call, "connectorId",
                               "not with stationId: either of them");
    }
    if (!connector && !station && vg_get(call, "reservationId") == NULL) {
        return vg_refuse_field(call, "connectorId",
                               "this, stationId or reservationId is required");
    }
    return VG_OK;
}


vg_rc_t
session_end_render(vg_call_t *call)
{
    const vg_json_t *row = vg_row(call);
    const vg_json_t *session = vg_json_get(row, "session");

    if (session == NULL) {
        return vg_refuse(call, "internal");
    }
    if (vg_bind(call, "stop", vg_json_text(row, "stop")) != VG_OK) {
        return VG_ERROR;
    }
    return vg_reply(call, session->raw);
}


/* Nothing is sent for what has not begun, is over, or was asked before. */
static vg_rc_t
remote_stop(vg_call_t *call)
{
    vg_out_t out;
    vg_str_t transaction = vg_bound(call, "stop");

    if (transaction.data == NULL) {
        return VG_DECLINED;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "transactionId", transaction);
    vg_out_close(&out, '}');
    return vg_command(call, vg_json_text(vg_row(call), "chargePointId"),
                      "RemoteStopTransaction", vg_out_str(&out));
}


/* clang-format off */
const vg_step_t  session_end_steps[] = {
    { "remote_stop", remote_stop, "session_end_answered",
      "session_end_answered" },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
