/*
 * start.c: the saga charging.start, from the commit that took the connector
 * to the charger's own Start.
 *
 * The wish itself is session.c's: its commit makes the session, STARTING, and
 * begins the saga under the session's id. Deadlines are the session's.
 */

#include "charging.h"

/* clang-format off */
const vg_field_t  start_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the session" },
    { VG_BODY, "error", VG_TEXT, 0, 0, 0, NULL, NULL, NULL,
      "why it is undone" },
    { VG_SETTING, "stopDeadline", VG_INT, 0, 0, 0, NULL, NULL, NULL,
      "seconds" },
    VG_FIELDS_END,
};
/* clang-format on */


/* Nothing is sent for what has begun already, or was accepted before. */
static vg_rc_t
remote_start(vg_call_t *call)
{
    vg_out_t         out;
    vg_str_t         number, status;
    const vg_json_t *accepted, *session = vg_row(call);

    number = vg_json_text(session, "connectorNumber");
    status = vg_json_text(session, "status");
    accepted = vg_json_get(session, "accepted");
    if (number.data == NULL || accepted == NULL) {
        return vg_refuse(call, "conflict");
    }
    if (!vg_str_eq(status, "STARTING") || accepted->type == VG_JSON_TRUE) {
        return VG_DECLINED;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "connectorId", number);
    vg_out_member(&out, "idTag", vg_json_text(session, "idTag"));
    vg_out_close(&out, '}');
    return vg_command(call, vg_json_text(session, "chargePointId"),
                      "RemoteStartTransaction", vg_out_str(&out));
}


/* what a session failed of, as the error of the same name */
vg_rc_t
start_failed(vg_call_t *call, const vg_json_t *session)
{
    if (vg_str_eq(vg_json_text(session, "failure"), "cancelled")) {
        return vg_refuse(call, "cancelled");
    }
    if (vg_str_eq(vg_json_text(session, "failure"), "payment_timeout")) {
        return vg_refuse(call, "payment_timeout");
    }
    return vg_refuse(call, "start_timeout");
}


vg_rc_t
start_check(vg_call_t *call)
{
    const vg_json_t *session = vg_row(call);

    if (vg_str_eq(vg_json_text(session, "status"), "FAILED")) {
        return start_failed(call, session);
    }
    return VG_OK;
}


vg_rc_t
start_begun_render(vg_call_t *call)
{
    const vg_json_t *session = vg_row(call);

    if (vg_str_eq(vg_json_text(session, "status"), "FAILED")) {
        return start_failed(call, session);
    }
    return vg_reply(call, vg_row_text(call));
}


/* Asked until it is over: nobody else would stop what an undone start began. */
static vg_rc_t
start_stop(vg_call_t *call)
{
    vg_out_t         out;
    vg_str_t         transaction;
    const vg_json_t *session = vg_row(call);

    transaction = vg_json_text(session, "transactionId");
    if (transaction.data == NULL) {
        return VG_DECLINED;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "transactionId", transaction);
    vg_out_close(&out, '}');
    return vg_command(call, vg_json_text(session, "chargePointId"),
                      "RemoteStopTransaction", vg_out_str(&out));
}


/* clang-format off */
const vg_step_t  start_steps[] = {
    { "remote_start", remote_start, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t  start_stop_steps[] = {
    { "remote_stop", start_stop, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};

/* 5.25 h are longer than any start_deadline should be: the session's own
 * deadline ends the wait */
static const vg_saga_step_t  steps[] = {
    { "session",      NULL,                    "charging.start_undo", 0 },
    { "hold",         "charging.hold",         NULL,                  60000 },
    { "held",         "charging.held",         NULL,                  900000 },
    { "remote_start", "charging.remote_start", NULL,                  60000 },
    { "begun",        "charging.begun",        NULL,                  18900000 },
    { NULL, NULL, NULL, 0 },
};

const vg_saga_t  sagas[] = {
    { "charging.start", steps,
      "A session by the API: its connector taken, money held for it, the "
      "charger asked, its Start seen" },
    { NULL, NULL, NULL },
};
/* clang-format on */
