/*
 * copy.c: what neighbours tell by events. What may be missing there is not
 * required here: a copy with holes is better than an event that never passes.
 */

#include "reservations.h"

/* clang-format off */
#define TOLD(name, type, about)                                                \
    { VG_BODY, name, type, VG_NULLABLE, 0, 0, NULL, NULL, NULL, about }
#define MUST(name, type, about)                                                \
    { VG_BODY, name, type, VG_REQUIRED, 0, 0, NULL, NULL, NULL, about }

static const vg_field_t connector_told_fields[] = {
    MUST("connectorId", VG_UUID, "the connector"),
    MUST("chargePointId", VG_TEXT, "OCPP identity"),
    MUST("connectorNumber", VG_INT, "OCPP's connectorId"),
    TOLD("type", VG_TEXT, "OCPI ConnectorType"),
    TOLD("maxPowerKw", VG_DECIMAL, "kW"),
    VG_FIELDS_END
};

static const vg_field_t connector_told = {
    VG_BODY, NULL, VG_OBJECT, .fields = connector_told_fields,
    .about = "a connector"
};

const vg_field_t station_told_fields[] = {
    MUST("stationId", VG_UUID, "the station"),
    TOLD("operatorId", VG_TEXT, "company"),
    TOLD("timeZone", VG_TEXT, "IANA name"),
    TOLD("country", VG_TEXT, "ISO 3166-1"),
    { VG_BODY, "connectors", VG_ARRAY, VG_REQUIRED, .item = &connector_told,
      .about = "all of its connectors" },
    VG_FIELDS_END
};

const vg_field_t station_gone_fields[] = {
    MUST("stationId", VG_UUID, "the station"),
    VG_FIELDS_END
};

const vg_field_t tariff_told_fields[] = {
    MUST("tariffVersionId", VG_UUID, "the version"),
    TOLD("stationId", VG_UUID, "where it holds"),
    TOLD("connectorId", VG_UUID, "where it holds"),
    TOLD("operatorId", VG_TEXT, "where it holds"),
    MUST("tariff", VG_ANY, "OCPI Tariff object"),
    TOLD("ownerId", VG_TEXT, "company that set it; none: an admin"),
    TOLD("validFrom", VG_TIME, "from when on"),
    VG_FIELDS_END
};

const vg_field_t status_told_fields[] = {
    MUST("chargePointId", VG_TEXT, "OCPP identity"),
    MUST("connectorNumber", VG_INT, "OCPP's connectorId; 0 the whole point"),
    MUST("status", VG_TEXT, "OCPP's ChargePointStatus"),
    VG_FIELDS_END
};

const vg_field_t tag_told_fields[] = {
    MUST("idTag", VG_TEXT, "the tag"),
    TOLD("customerId", VG_TEXT, "who pays"),
    TOLD("vehicleId", VG_UUID, "what is charged"),
    TOLD("companyId", VG_TEXT, "who keeps it"),
    MUST("status", VG_TEXT, "Accepted or Blocked"),
    TOLD("expiresAt", VG_TIME, "from then on no more"),
    VG_FIELDS_END
};

const vg_field_t tag_gone_fields[] = {
    MUST("idTag", VG_TEXT, "the tag"),
    VG_FIELDS_END
};

const vg_field_t session_started_fields[] = {
    MUST("sessionId", VG_UUID, "the session"),
    TOLD("reservationId", VG_UUID, "that it names"),
    TOLD("connectorId", VG_UUID, "where, if it is known"),
    TOLD("idTag", VG_TEXT, "whose"),
    TOLD("startTime", VG_TIME, "by the clock that bills"),
    VG_FIELDS_END
};

const vg_field_t session_over_fields[] = {
    MUST("sessionId", VG_UUID, "the session"),
    VG_FIELDS_END
};
/* clang-format on */
