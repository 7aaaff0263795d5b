/*
 * use.c: what charging and reservations tell of our connectors, as far as a
 * station shows it: ids and times. Who charges is not ours to know.
 */

#include "stations.h"

/* clang-format off */

const vg_field_t session_begun_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, .about = "the session" },
    { VG_BODY, "connectorId", VG_UUID, VG_NULLABLE, .about = "where" },
    { VG_BODY, "startTime", VG_TIME, VG_NULLABLE, .about = "since when" },
    VG_FIELDS_END
};

const vg_field_t session_over_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, .about = "the session" },
    VG_FIELDS_END
};

const vg_field_t reservation_told_fields[] = {
    { VG_BODY, "reservationId", VG_UUID, VG_REQUIRED,
      .about = "the reservation" },
    { VG_BODY, "connectorId", VG_UUID, VG_NULLABLE, .about = "of what" },
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED, 1, 20, .about = "its status" },
    { VG_BODY, "startTime", VG_TIME, VG_REQUIRED, .about = "from" },
    { VG_BODY, "endTime", VG_TIME, VG_REQUIRED, .about = "until" },
    VG_FIELDS_END
};

/* clang-format on */
