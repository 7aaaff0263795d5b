/*
 * copy.c: what neighbours tell by events, kept so that nothing is asked when
 * a charger speaks. What may be missing there is not required here: a copy
 * with holes is better than an event that never passes.
 */

#include "charging.h"

#define TOLD(name, type, about)                                                \
    {                                                                          \
        VG_BODY, name, type, VG_NULLABLE, 0, 0, NULL, NULL, NULL, about        \
    }
#define MUST(name, type, about)                                                \
    {                                                                          \
        VG_BODY, name, type, VG_REQUIRED, 0, 0, NULL, NULL, NULL, about        \
    }

/* clang-format off */
static const vg_field_t  connector_told_fields[] = {
    MUST("connectorId", VG_UUID, "the connector"),
    MUST("chargePointId", VG_TEXT, "OCPP identity"),
    MUST("connectorNumber", VG_INT, "OCPP's connectorId"),
    TOLD("type", VG_TEXT, "OCPI ConnectorType"),
    TOLD("powerType", VG_TEXT, "OCPI PowerType"),
    TOLD("maxPowerKw", VG_DECIMAL, "kW"),
    VG_FIELDS_END,
};
/* clang-format on */

static const vg_field_t connector_told = {
    VG_BODY, NULL,          VG_OBJECT, 0, 0, 0, NULL, connector_told_fields,
    NULL,    "a connector",
};

/* clang-format off */
const vg_field_t  station_told_fields[] = {
    MUST("stationId", VG_UUID, "the station"),
    TOLD("operatorId", VG_TEXT, "company"),
    TOLD("timeZone", VG_TEXT, "IANA name"),
    TOLD("country", VG_TEXT, "ISO 3166-1"),
    { VG_BODY, "connectors", VG_ARRAY, VG_REQUIRED, 0, 0, NULL, NULL,
      &connector_told, "all of its connectors" },
    VG_FIELDS_END,
};

const vg_field_t  station_gone_fields[] = {
    MUST("stationId", VG_UUID, "the station"),
    VG_FIELDS_END,
};

const vg_field_t  tariff_told_fields[] = {
    MUST("tariffVersionId", VG_UUID, "the version"),
    TOLD("tariffId", VG_TEXT, "the tariff's own id"),
    TOLD("stationId", VG_UUID, "where it holds"),
    TOLD("connectorId", VG_UUID, "where it holds"),
    TOLD("operatorId", VG_TEXT, "where it holds"),
    MUST("tariff", VG_ANY, "OCPI Tariff object"),
    TOLD("currency", VG_TEXT, "ISO 4217"),
    TOLD("ownerId", VG_TEXT, "company that set it; none: an admin"),
    TOLD("validFrom", VG_TIME, "from when on"),
    VG_FIELDS_END,
};

const vg_field_t  status_told_fields[] = {
    TOLD("connectorId", VG_UUID, "the connector, where it is known"),
    MUST("chargePointId", VG_TEXT, "OCPP identity"),
    MUST("connectorNumber", VG_INT, "OCPP's connectorId; 0 the whole point"),
    MUST("status", VG_TEXT, "OCPP's ChargePointStatus"),
    TOLD("errorCode", VG_TEXT, "OCPP's ChargePointErrorCode"),
    TOLD("since", VG_TIME, "the charger's clock"),
    TOLD("receivedAt", VG_TIME, "ours"),
    VG_FIELDS_END,
};

const vg_field_t  reservation_told_fields[] = {
    MUST("reservationId", VG_UUID, "the reservation"),
    MUST("ocppReservationId", VG_INT, "OCPP's number of it"),
    MUST("status", VG_TEXT, "PENDING and CONFIRMED hold"),
    TOLD("connectorId", VG_UUID, "where; none: it waits for one"),
    TOLD("operatorId", VG_TEXT, "company"),
    TOLD("customerId", VG_TEXT, "whose"),
    TOLD("vehicleId", VG_UUID, "for what"),
    TOLD("companyId", VG_TEXT, "on whose account"),
    MUST("idTag", VG_TEXT, "that may use it"),
    MUST("holdsFrom", VG_TIME, "from then on others are kept off"),
    MUST("expiresAt", VG_TIME, "until then"),
    TOLD("endTime", VG_TIME, "booked until then"),
    VG_FIELDS_END,
};

const vg_field_t  invoice_told_fields[] = {
    MUST("invoiceId", VG_UUID, "the invoice"),
    TOLD("sessionId", VG_UUID, "what it is for; none for other invoices"),
    VG_FIELDS_END,
};
/* clang-format on */
