/*
 * local_list.c: the tags that a charge point knows when it is away.
 *
 * A timer finds the lists that may be out of step and tells of each; the
 * event's route makes the SendLocalList and sends it as its step. So a change
 * of a tag never waits for a charger.
 */

#include "charging.h"

/* clang-format off */

#define POINT                                                                \
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 48, .about = "OCPP identity" }

static const vg_field_t company = {
    VG_BODY, NULL, VG_TEXT, 0, 1, 64, .about = "its id"
};

const vg_field_t local_list_fields[] = {
    POINT,
    { VG_BODY, "companies", VG_ARRAY, 0, 0, 100, .item = &company,
      .about = "whose tags are on it; default: the operator's" },
    { VG_BODY, "maxLength", VG_INT, 0, 1, 100000,
      .about = "LocalAuthListMaxLength of the charge point; default 1000" },
    { VG_BODY, "maxSend", VG_INT, 0, 1, 300,
      .about = "SendLocalListMaxLength; default 100" },
    VG_FIELDS_END
};

const vg_field_t local_list_path_fields[] = { POINT, VG_FIELDS_END };

const vg_field_t local_list_due_fields[] = {
    { VG_BODY, "chargePointId", VG_TEXT, VG_REQUIRED, 1, 48,
      .about = "OCPP identity" },
    VG_FIELDS_END
};

/* clang-format on */


static vg_rc_t
version_ask(vg_call_t *call)
{
    return vg_command(call, vg_get(call, "id")->text, "GetLocalListVersion",
                      VG_STR("{}"));
}


static vg_rc_t
list_send(vg_call_t *call)
{
    const vg_json_t *payload = vg_json_get(vg_row(call), "payload");

    if (payload == NULL) {
        return VG_DECLINED;
    }
    return vg_command(call, vg_get(call, "chargePointId")->text,
                      "SendLocalList", payload->raw);
}


/* clang-format off */
const vg_step_t local_list_version_steps[] = {
    { "ask", version_ask, NULL, NULL }, { NULL, NULL, NULL, NULL },
};

const vg_step_t local_list_send_steps[] = {
    { "send", list_send, "local_list_answered", "local_list_answered" },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
