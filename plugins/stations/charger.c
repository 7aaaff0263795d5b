/*
 * charger.c: what charge points say over OCPP 1.6 about themselves, and what
 * the kit's OCPP server asks and tells about their sockets.
 *
 * Sessions, tags and meters are not here: they are charging's.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "stations.h"

/* clang-format off */

#define IDENTITY                                                               \
    { VG_BODY, "chargePoint", VG_TEXT, VG_REQUIRED, 1, 48,                     \
      .about = "OCPP identity" }

const vg_field_t credentials_fields[] = { IDENTITY, VG_FIELDS_END };

const vg_field_t link_open_fields[] = {
    IDENTITY,
    { VG_BODY, "node", VG_TEXT, VG_REQUIRED, 1, 100,
      .about = "node that holds the socket" },
    { VG_BODY, "nodeStarted", VG_TIME, .about = "by its clock" },
    { VG_BODY, "protocol", VG_TEXT, VG_REQUIRED, 1, 20,
      .about = "subprotocol" },
    { VG_BODY, "address", VG_TEXT, VG_NULLABLE, 0, 100,
      .about = "address of the peer" },
    VG_FIELDS_END
};

const vg_field_t link_close_fields[] = {
    IDENTITY,
    { VG_BODY, "epoch", VG_INT, VG_REQUIRED,
      .about = "of the connection that ended" },
    VG_FIELDS_END
};

const vg_field_t link_sweep_fields[] = {
    { VG_BODY, "node", VG_TEXT, VG_REQUIRED, 1, 100, .about = "its name" },
    { VG_BODY, "startedAt", VG_TIME, VG_REQUIRED, .about = "by its clock" },
    VG_FIELDS_END
};

const vg_field_t boot_fields[] = {
    { VG_BODY, "chargePointVendor", VG_TEXT, VG_REQUIRED, 0, 20,
      .about = "vendor" },
    { VG_BODY, "chargePointModel", VG_TEXT, VG_REQUIRED, 0, 20,
      .about = "model" },
    { VG_BODY, "chargePointSerialNumber", VG_TEXT, 0, 0, 25,
      .about = "serial number" },
    { VG_BODY, "chargeBoxSerialNumber", VG_TEXT, 0, 0, 25,
      .about = "serial number, older name" },
    { VG_BODY, "firmwareVersion", VG_TEXT, 0, 0, 50, .about = "firmware" },
    { VG_BODY, "iccid", VG_TEXT, 0, 0, 20, .about = "of the SIM card" },
    { VG_BODY, "imsi", VG_TEXT, 0, 0, 20, .about = "of the SIM card" },
    { VG_BODY, "meterType", VG_TEXT, 0, 0, 25, .about = "main meter" },
    { VG_BODY, "meterSerialNumber", VG_TEXT, 0, 0, 25, .about = "main meter" },
    { VG_SETTING, "heartbeatInterval", VG_INT, .about = "seconds" },
    VG_FIELDS_END
};

const vg_field_t status_fields[] = {
    { VG_BODY, "connectorId", VG_INT, VG_REQUIRED, 0, NUMBER_MAX,
      .about = "0: the charge point as a whole" },
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED, 1, 20,
      .about = "ChargePointStatus" },
    { VG_BODY, "errorCode", VG_TEXT, VG_REQUIRED, 1, 50,
      .about = "ChargePointErrorCode; vendors have their own" },
    { VG_BODY, "info", VG_TEXT, 0, 0, 50, .about = "more about it" },
    { VG_BODY, "timestamp", VG_TIME, VG_LENIENT,
      .about = "since when, by the charger's clock" },
    { VG_BODY, "vendorId", VG_TEXT, 0, 0, 255, .about = "whose code it is" },
    { VG_BODY, "vendorErrorCode", VG_TEXT, 0, 0, 50,
      .about = "vendor's own code" },
    { VG_BOUND, "known", VG_TEXT, .about = "status as OCPP spells it" },
    VG_FIELDS_END
};

/* clang-format on */

/* No statement: a fleet of idle chargers must not be a load on the database.
 * Whole seconds, since some firmware cannot read fractions. */
vg_rc_t
heartbeat_check(vg_call_t *call)
{
    char      text[sizeof("9999-12-31T23:59:59Z")];
    time_t    now = (time_t) (vg_now(call) / 1000000);
    struct tm tm;
    vg_str_t  body;

    if (gmtime_r(&now, &tm) == NULL
        || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    {
        return vg_refuse(call, "internal");
    }

    body = vg_printf(vg_pool(call), "{\"currentTime\":\"%s\"}", text);

    return body.data == NULL ? vg_refuse(call, "internal")
                             : vg_reply(call, body);
}

/* Firmware in the field writes SuspendedEvse; what is no status in any case
 * is refused, since nothing could be done with it. */
vg_rc_t
status_check(vg_call_t *call)
{
    int word = status_word(vg_get(call, "status")->text, true);

    return word < 0 ? vg_refuse_field(call, "status", "is no ChargePointStatus")
                    : vg_bind(call, "known", status_text(word));
}
