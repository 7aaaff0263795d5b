/*
 * board.c: tariffs as they are set and shown: a new version for a station, a
 * connector or an operator; what a station's connectors cost now.
 */

#include "decimal.h"
#include "moment.h"
#include "vg.h"
#include "pricing.h"
#include "receipt.h"
#include "tariff.h"

#define BODY(name, type, flags, about)                                         \
    {                                                                          \
        VG_BODY, name, type, flags, 0, 0, NULL, NULL, NULL, about              \
    }

const vg_field_t tariff_set_fields[] = {
    BODY("stationId", VG_UUID, 0, "where it holds: exactly one of the three"),
    BODY("connectorId", VG_UUID, 0, "before the station's tariff"),
    BODY("operatorId", VG_UUID, 0, "behind connectors' and stations' tariffs"),
    BODY("tariff", VG_ANY, VG_REQUIRED, "OCPI 2.2.1 Tariff object"),
    BODY("validFrom", VG_TIME, VG_NULLABLE, "default, and at the least, now"),
    { VG_BOUND, "currency", VG_TEXT, 0, 0, 0, NULL, NULL, NULL, NULL },
    { VG_BOUND, "startsAt", VG_TIME, 0, 0, 0, NULL, NULL, NULL, NULL },
    { VG_BOUND, "endsAt", VG_TIME, 0, 0, 0, NULL, NULL, NULL, NULL },
    VG_FIELDS_END,
};

const vg_field_t station_prices_fields[] = {
    { VG_PATH, "stationId", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the station" },
    VG_FIELDS_END,
};

const vg_field_t rate_list_fields[] = {
    { VG_QUERY, "stationId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "one station alone" },
    VG_FIELDS_END,
};

static const vg_field_t connector_told_fields[] = {
    BODY("connectorId", VG_UUID, VG_REQUIRED, "the connector"),
    BODY("chargePointId", VG_TEXT, VG_REQUIRED, "OCPP identity"),
    BODY("connectorNumber", VG_INT, VG_REQUIRED, "OCPP's connectorId"),
    BODY("type", VG_TEXT, VG_NULLABLE, "OCPI ConnectorType"),
    BODY("powerType", VG_TEXT, VG_NULLABLE, "OCPI PowerType"),
    BODY("maxPowerKw", VG_DECIMAL, VG_NULLABLE, "kW"),
    VG_FIELDS_END,
};

static const vg_field_t connector_told = {
    VG_BODY, NULL,          VG_OBJECT, 0, 0, 0, NULL, connector_told_fields,
    NULL,    "a connector",
};

const vg_field_t station_told_fields[] = {
    BODY("stationId", VG_UUID, VG_REQUIRED, "the station"),
    BODY("name", VG_TEXT, VG_NULLABLE, "as people call it"),
    BODY("operatorId", VG_TEXT, VG_NULLABLE, "company"),
    BODY("timeZone", VG_TEXT, VG_NULLABLE, "IANA name"),
    BODY("country", VG_TEXT, VG_NULLABLE, "ISO 3166-1"),
    { VG_BODY, "connectors", VG_ARRAY, VG_REQUIRED, 0, 0, NULL, NULL,
      &connector_told, "all of its connectors" },
    VG_FIELDS_END,
};

const vg_field_t station_gone_fields[] = {
    BODY("stationId", VG_UUID, VG_REQUIRED, "the station"),
    VG_FIELDS_END,
};


/* -------------------------------------------------------------------- set */

/* A time of the tariff, in UTC whatever the tariff wrote; absent is NULL. */
static vg_rc_t
time_bind(vg_call_t *call, const char *name, const vg_json_t *tariff,
          const char *member)
{
    vg_str_t text = vg_json_text(tariff, member);
    int64_t  moment;

    if (text.data == NULL || !moment_parse(text, &moment)) {
        return VG_OK; /* absent: the tariff was checked */
    }

    return vg_bind(call, name, moment_print(vg_pool(call), moment));
}


vg_rc_t
tariff_set_check(vg_call_t *call)
{
    const vg_json_t *tariff = vg_get(call, "tariff");
    faults_t         faults = { .pool = vg_pool(call) };
    const fault_t   *fault;
    int              targets = (vg_get(call, "stationId") != NULL)
                  + (vg_get(call, "connectorId") != NULL)
                  + (vg_get(call, "operatorId") != NULL);

    if (targets != 1) {
        (void) vg_refuse_field(call, "stationId",
                               "give exactly one of stationId, connectorId "
                               "and operatorId");
    }
    (void) tariff_parse(vg_pool(call), tariff, "tariff", &faults);
    for (fault = faults.first; fault != NULL; fault = fault->next) {
        (void) vg_refuse_field(call, fault->path, fault->message);
    }
    if (targets != 1 || faults.count > 0) {
        return VG_ERROR;
    }

    if (vg_bind(call, "currency", vg_json_text(tariff, "currency")) != VG_OK
        || time_bind(call, "startsAt", tariff, "start_date_time") != VG_OK)
    {
        return VG_ERROR;
    }

    return time_bind(call, "endsAt", tariff, "end_date_time");
}


/* ------------------------------------------------------------------- show */

static void
out_connector(vg_call_t *call, vg_out_t *out, const vg_json_t *connector,
              vg_str_t zone)
{
    const vg_json_t *tariff = vg_json_get(connector, "tariff");
    const vg_json_t *member;
    vg_str_t         prices = { NULL, 0 };

    vg_out_open(out, '{');
    for (member = connector->first; member != NULL; member = member->next) {
        vg_out_name(out, member->key);
        vg_out_raw(out, member->raw);
    }
    if (tariff != NULL && tariff->type == VG_JSON_OBJECT) {
        prices = prices_at(out->pool, tariff, zone, vg_now(call));
    }
    vg_out_member_raw(out, "prices",
                      prices.data != NULL ? prices : VG_STR("null"));
    vg_out_close(out, '}');
}


/* The station as it came, with `prices` added to each connector. */
static void
out_station(vg_call_t *call, vg_out_t *out, const vg_json_t *station)
{
    vg_str_t         zone = vg_json_text(station, "timeZone");
    const vg_json_t *member, *connector;

    vg_out_open(out, '{');
    for (member = station->first; member != NULL; member = member->next) {
        if (!vg_str_eq(member->key, "connectors")) {
            vg_out_name(out, member->key);
            vg_out_raw(out, member->raw);
            continue;
        }
        vg_out_key(out, "connectors");
        vg_out_open(out, '[');
        for (connector = member->first; connector != NULL;
             connector = connector->next) {
            out_connector(call, out, connector, zone);
        }
        vg_out_close(out, ']');
    }
    vg_out_close(out, '}');
}


vg_rc_t
station_prices_render(vg_call_t *call)
{
    const vg_json_t *station = vg_row(call);
    vg_out_t         out;

    if (station == NULL) {
        return vg_refuse(call, "internal");
    }
    vg_out_init(&out, vg_pool(call));
    out_station(call, &out, station);

    return vg_reply(call, vg_out_str(&out));
}


vg_rc_t
rate_list_render(vg_call_t *call)
{
    const vg_json_t *page = vg_row(call);
    const vg_json_t *items = vg_json_get(page, "items");
    const vg_json_t *next = vg_json_get(page, "nextCursor");
    const vg_json_t *station;
    vg_out_t         out;

    if (items == NULL || next == NULL) {
        return vg_refuse(call, "internal");
    }

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_key(&out, "items");
    vg_out_open(&out, '[');
    for (station = items->first; station != NULL; station = station->next) {
        out_station(call, &out, station);
    }
    vg_out_close(&out, ']');
    vg_out_member_raw(&out, "nextCursor", next->raw);
    vg_out_close(&out, '}');

    return vg_reply(call, vg_out_str(&out));
}
