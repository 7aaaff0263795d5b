/*
 * command.c: a CALL to a charge point, for its operator: the caller waits and
 * gets what the charger itself said.
 *
 * The payload is held against the tables of message.h before it leaves: all
 * faults in one answer, where a charger's CALLERROR names none. What vendors
 * add goes by DataTransfer.
 */

#include <string.h>
#include <strings.h>

#include "message.h"
#include "stations.h"

/* clang-format off */

#define ACTIONS                                                                \
    "CancelReservation|CertificateSigned|ChangeAvailability|"                  \
    "ChangeConfiguration|ClearCache|ClearChargingProfile|DataTransfer|"        \
    "DeleteCertificate|ExtendedTriggerMessage|GetCompositeSchedule|"           \
    "GetConfiguration|GetDiagnostics|GetInstalledCertificateIds|"              \
    "GetLocalListVersion|GetLog|InstallCertificate|RemoteStartTransaction|"    \
    "RemoteStopTransaction|ReserveNow|Reset|SendLocalList|"                    \
    "SetChargingProfile|SignedUpdateFirmware|TriggerMessage|"                  \
    "UnlockConnector|UpdateFirmware"

const vg_field_t command_fields[] = {
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 48, .about = "OCPP identity" },
    { VG_BODY, "action", VG_ENUM, VG_REQUIRED, .values = ACTIONS,
      .about = "a message of OCPP 1.6 to a charge point" },
    { VG_BODY, "payload", VG_OBJECT, .about = "as OCPP has it; default {}" },
    { VG_BOUND, "salt", VG_TEXT, VG_SECRET, .about = "of a password in it" },
    { VG_BOUND, "hash", VG_TEXT, VG_SECRET, .about = "of a password in it" },
    VG_FIELDS_END
};

/* clang-format on */


static void
command_wrong(void *call, const char *path, const char *text)
{
    vg_str_t at = vg_printf(vg_pool(call), "payload.%s", path);

    (void) vg_refuse_field(call, at.data ? at.data : "payload", text);
}


/* The value that a command gives to this setting, whose name has no case; data
 * NULL: it is about another. */
static vg_str_t
command_sets(vg_call_t *call, const char *name)
{
    const vg_json_t *payload = vg_get(call, "payload");
    vg_str_t         key = vg_json_text(payload, "key");

    return vg_str_eq(vg_get(call, "action")->text, "ChangeConfiguration")
                   && key.len == strlen(name)
                   && strncasecmp(key.data, name, key.len) == 0
               ? vg_json_text(payload, "value")
               : (vg_str_t){ NULL, 0 };
}


/* A charge point's security profile goes up by OCPP, never down: who could
 * send this in its operator's name would take its TLS away. The way down is to
 * visit it. */
static vg_rc_t
command_profile(vg_call_t *call)
{
    vg_str_t         to = command_sets(call, "SecurityProfile");
    const vg_json_t *now = vg_json_get(vg_row(call), "securityProfile");

    if (to.data == NULL) {
        return VG_OK;
    }
    if (to.len != 1 || to.data[0] < '1' || to.data[0] > '3') {
        return vg_refuse_field(call, "payload.value", "must be 1, 2 or 3");
    }
    return now != NULL && now->text.len == 1 && to.data[0] >= now->text.data[0]
               ? VG_OK
               : vg_refuse(call, "profile_lowered");
}


/* What the charger takes is what it comes with from then on. */
static vg_rc_t
command_password(vg_call_t *call)
{
    vg_str_t to = command_sets(call, "AuthorizationKey");

    if (to.data == NULL) {
        return VG_OK;
    }
    if (to.len < PASSWORD_MIN || to.len > PASSWORD_MAX) {
        return vg_refuse_field(call, "payload.value",
                               "must have 16 to 40 characters");
    }
    return password_bind(call, to);
}


vg_rc_t
command_check(vg_call_t *call)
{
    if (!message_check(vg_pool(call), vg_get(call, "action")->text,
                       vg_get(call, "payload"), command_wrong, call)
        || command_profile(call) != VG_OK)
    {
        return VG_ERROR;
    }
    return command_password(call);
}


vg_rc_t
command_send(vg_call_t *call)
{
    const char      *action;
    const vg_json_t *wanted = vg_get(call, "action");
    const vg_json_t *payload = vg_get(call, "payload");

    action = vg_printf(vg_pool(call), "%.*s", (int) wanted->text.len,
                       wanted->text.data)
                 .data;
    return vg_command(call, vg_get(call, "id")->text, action,
                      payload ? payload->raw : VG_STR("{}"));
}
