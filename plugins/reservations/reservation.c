/*
 * reservation.c: reservations as clients make, see, move and cancel them.
 *
 * Whether an interval is free, too long or over is the statement's to say: it
 * knows the hour and holds the connector's lock.
 */

#include "reservations.h"

#define RESERVATION_STATUS                                                     \
    "PENDING|CONFIRMED|ACTIVE|COMPLETED|CANCELLED|EXPIRED|WAITLISTED"

/* clang-format off */
#define NUMBER(name) { VG_SETTING, name, VG_INT, .about = "see the settings" }

const vg_field_t reservation_fields[] = {
    { VG_BODY, "connectorId", VG_UUID, .about = "where; or:" },
    { VG_BODY, "stationId", VG_UUID,
      .about = "any of its connectors that is free" },
    { VG_BODY, "connectorType", VG_TEXT, .min = 1, .max = 40,
      .about = "with stationId: of this OCPI ConnectorType" },
    { VG_BODY, "vehicleId", VG_UUID, .about = "what will be charged" },
    { VG_BODY, "idTag", VG_TEXT, .min = 1, .max = 20,
      .about = "default: the vehicle's, the driver's, else one of its own" },
    { VG_BODY, "startTime", VG_TIME, VG_REQUIRED, .about = "from then on" },
    { VG_BODY, "endTime", VG_TIME, VG_REQUIRED, .about = "until then" },
    { VG_BODY, "waitlist", VG_BOOL,
      .about = "true: queue where nothing is free (202)" },
    NUMBER("grace"),
    NUMBER("ahead"),
    NUMBER("freeCancellation"),
    NUMBER("longest"),
    NUMBER("furthest"),
    NUMBER("perCustomer"),
    NUMBER("perCompany"),
    NUMBER("waiting"),
    VG_FIELDS_END
};

const vg_field_t reservation_path_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "the reservation" },
    VG_FIELDS_END
};

const vg_field_t reservation_list_fields[] = {
    { VG_QUERY, "connectorId", VG_UUID, .about = "of this connector" },
    { VG_QUERY, "stationId", VG_UUID, .about = "at this station" },
    { VG_QUERY, "vehicleId", VG_UUID, .about = "for this vehicle" },
    { VG_QUERY, "status", VG_ENUM, .values = RESERVATION_STATUS,
      .about = "in this state" },
    { VG_QUERY, "from", VG_TIME, .about = "that end later" },
    { VG_QUERY, "to", VG_TIME, .about = "that start before" },
    VG_FIELDS_END
};

const vg_field_t reservation_move_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "the reservation" },
    { VG_BODY, "startTime", VG_TIME, .about = "from then on" },
    { VG_BODY, "endTime", VG_TIME, .about = "until then" },
    NUMBER("longest"),
    NUMBER("furthest"),
    VG_FIELDS_END
};

const vg_field_t tick_fields[] = {
    NUMBER("warning"),
    VG_FIELDS_END
};
/* clang-format on */


vg_rc_t
reservation_check(vg_call_t *call)
{
    bool connector = vg_get(call, "connectorId") != NULL;
    bool station = vg_get(call, "stationId") != NULL;

    return connector == station ? vg_refuse_field(
               call, "connectorId", "either this or stationId is required")
                                : VG_OK;
}
