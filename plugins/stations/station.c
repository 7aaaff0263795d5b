/*
 * station.c: what a station looks like when it comes in.
 *
 * Owns the fields of /stations and the checks that a field's row cannot say.
 * Who may stand where (charge points, connectors, zones) is the schema's.
 */

#include <string.h>

#include "stations.h"

/* OCPP 1.6, 7.7 ChargePointStatus, as far as a whole station has it */
#define STATION_STATUSES "Available|Charging|Reserved|Unavailable|Faulted"

/* clang-format off */

/* needed: VG_REQUIRED where the whole station is written, 0 in a PATCH */
#define LOCATION(needed)                                                       \
    { VG_BODY, "lat", VG_DECIMAL, needed, -90, 90,                             \
      .about = "degrees north, WGS 84" },                                      \
    { VG_BODY, "lon", VG_DECIMAL, needed, -180, 180,                           \
      .about = "degrees east, WGS 84" },                                       \
    VG_FIELDS_END

#define ADDRESS(needed)                                                        \
    { VG_BODY, "street", VG_TEXT, VG_NULLABLE, 0, 200,                         \
      .about = "street and number" },                                          \
    { VG_BODY, "city", VG_TEXT, VG_NULLABLE, 0, 100, .about = "city" },        \
    { VG_BODY, "postalCode", VG_TEXT, VG_NULLABLE, 0, 20,                      \
      .about = "postal code" },                                                \
    { VG_BODY, "country", VG_TEXT, needed, 2, 3,                               \
      .about = "ISO 3166-1, alpha-2 or alpha-3" },                             \
    VG_FIELDS_END

static const vg_field_t location_fields[] = { LOCATION(VG_REQUIRED) };
static const vg_field_t location_change_fields[] = { LOCATION(0) };
static const vg_field_t address_fields[] = { ADDRESS(VG_REQUIRED) };
static const vg_field_t address_change_fields[] = { ADDRESS(0) };

static const vg_field_t connector_fields[] = {
    { VG_BODY, "chargePointId", VG_TEXT, VG_REQUIRED, 1, 48,
      .about = "OCPP identity" },
    { VG_BODY, "connectorNumber", VG_INT, VG_REQUIRED, 1, NUMBER_MAX,
      .about = "connectorId of OCPP" },
    { VG_BODY, "type", VG_ENUM, VG_REQUIRED, .values = CONNECTOR_TYPES,
      .about = "ConnectorType of OCPI" },
    { VG_BODY, "powerType", VG_ENUM, VG_REQUIRED, .values = POWER_TYPES,
      .about = "PowerType of OCPI" },
    { VG_BODY, "maxPowerKw", VG_DECIMAL, VG_REQUIRED, 0, POWER_MAX,
      .about = "greatest power, kW" },
    VG_FIELDS_END
};

static const vg_field_t connector_item =
    { VG_BODY, "connector", VG_OBJECT, .fields = connector_fields,
      .about = "one connector" };

static const vg_field_t amenity_item =
    { VG_BODY, "amenity", VG_TEXT, 0, 1, 50, .about = "one amenity" };

#define STATION(needed, location, address)                                             \
    { VG_BODY, "name", VG_TEXT, needed, 1, 200, .about = "name on the sign" }, \
    { VG_BODY, "location", VG_OBJECT, needed, .fields = (location),            \
      .about = "where it is" },                                                \
    { VG_BODY, "address", VG_OBJECT, needed, .fields = (address),              \
      .about = "postal address" },                                             \
    { VG_BODY, "timeZone", VG_TEXT, needed, 1, 64,                             \
      .about = "IANA name; tariffs use it" },                                  \
    { VG_BODY, "operatorId", VG_TEXT, 0, 1, 64,                                \
      .about = "company; the caller's own by default, an admin names one" },   \
    { VG_BODY, "openingHours", VG_ANY, VG_NULLABLE,                            \
      .about = "Hours of OCPI, or a text" },                                   \
    { VG_BODY, "amenities", VG_ARRAY, VG_NULLABLE, 0, 50,                      \
      .item = &amenity_item, .about = "what else is there" },                  \
    { VG_BODY, "metadata", VG_OBJECT, VG_NULLABLE,                             \
      .about = "the operator's own members" },                                 \
    { VG_BODY, "connectors", VG_ARRAY, needed, 0, CONNECTORS_MAX,              \
      .item = &connector_item, .about = "all of its connectors" }

#define STATION_ID                                                             \
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "station" }

#define REPLACE                                                                \
    { VG_BOUND, "replace", VG_BOOL, .about = "true: what is absent goes" }

const vg_field_t station_new_fields[] = {
    STATION(VG_REQUIRED, location_fields, address_fields),
    { VG_BOUND, "owner", VG_TEXT, .about = "company that will own it" },
    VG_FIELDS_END
};

const vg_field_t station_replace_fields[] = {
    STATION_ID, STATION(VG_REQUIRED, location_fields, address_fields), REPLACE,
    VG_FIELDS_END
};

const vg_field_t station_change_fields[] = {
    STATION_ID, STATION(0, location_change_fields, address_change_fields),
    REPLACE, VG_FIELDS_END
};

const vg_field_t station_id_fields[] = { STATION_ID, VG_FIELDS_END };

const vg_field_t connector_id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "connector" }, VG_FIELDS_END
};

const vg_field_t station_list_fields[] = {
    { VG_QUERY, "operatorId", VG_TEXT, 0, 1, 64, .about = "of this company" },
    { VG_QUERY, "city", VG_TEXT, 0, 1, 100,
      .about = "in this city, in any case" },
    { VG_QUERY, "connectorType", VG_ENUM, .values = CONNECTOR_TYPES,
      .about = "with a connector of this type" },
    { VG_QUERY, "minPowerKw", VG_DECIMAL, 0, 0, POWER_MAX,
      .about = "with a connector of at least so many kW" },
    { VG_QUERY, "status", VG_ENUM, .values = STATION_STATUSES,
      .about = "in this status" },
    VG_FIELDS_END
};

const vg_field_t station_nearby_fields[] = {
    { VG_QUERY, "lat", VG_DECIMAL, VG_REQUIRED, -90, 90,
      .about = "degrees north, WGS 84" },
    { VG_QUERY, "lon", VG_DECIMAL, VG_REQUIRED, -180, 180,
      .about = "degrees east, WGS 84" },
    { VG_QUERY, "radius", VG_DECIMAL, 0, 0, 200, .about = "km; 10 if absent" },
    { VG_QUERY, "connectorType", VG_ENUM, .values = CONNECTOR_TYPES,
      .about = "with a connector of this type" },
    { VG_QUERY, "minPowerKw", VG_DECIMAL, 0, 0, POWER_MAX,
      .about = "with a connector of at least so many kW" },
    { VG_QUERY, "available", VG_BOOL,
      .about = "true: with a connector that is free now" },
    VG_FIELDS_END
};

/* clang-format on */

static vg_rc_t
country_check(vg_call_t *call)
{
    vg_str_t country = vg_json_text(vg_get(call, "address"), "country");

    for (size_t i = 0; i < country.len; i++) {
        if (country.data[i] < 'A' || country.data[i] > 'Z') {
            return vg_refuse_field(call, "address.country",
                                   "must be two or three capital letters");
        }
    }

    return VG_OK;
}

static bool
text_same(const vg_json_t *a, const vg_json_t *b, const char *name)
{
    vg_str_t x = vg_json_text(a, name), y = vg_json_text(b, name);

    return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

/* Is there the same connector further up? CONNECTORS_MAX bounds the square. */
static bool
connector_twice(const vg_json_t *list, const vg_json_t *connector)
{
    const vg_json_t *c;

    for (c = list->first; c != connector; c = c->next) {
        if (text_same(c, connector, "chargePointId")
            && text_same(c, connector, "connectorNumber"))
        {
            return true;
        }
    }

    return false;
}

static bool
decimal_is_zero(vg_str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= '1' && text.data[i] <= '9') {
            return false;
        }
    }

    return true;
}

static const char *
connector_wrong(const vg_json_t *list, const vg_json_t *connector,
                const char **field)
{
    *field = "chargePointId";
    if (!charge_point_identity(vg_json_text(connector, "chargePointId"))) {
        return IDENTITY_RULE;
    }

    *field = "maxPowerKw";
    if (decimal_is_zero(vg_json_text(connector, "maxPowerKw"))) {
        return "must be more than 0";
    }

    *field = "connectorNumber";
    return connector_twice(list, connector) ? "is listed twice" : NULL;
}

/* All that is wrong with the body; whether anything is. */
static vg_rc_t
body_check(vg_call_t *call)
{
    size_t           i = 0;
    vg_str_t         at;
    vg_rc_t          rc = country_check(call);
    const char      *field, *wrong;
    const vg_json_t *c, *list = vg_get(call, "connectors");

    for (c = list ? list->first : NULL; c != NULL; c = c->next, i++) {
        wrong = connector_wrong(list, c, &field);
        if (wrong == NULL) {
            continue;
        }

        at = vg_printf(vg_pool(call), "connectors[%zu].%s", i, field);
        if (at.data == NULL) {
            return vg_refuse(call, "internal");
        }

        rc = vg_refuse_field(call, at.data, wrong);
    }

    return rc;
}

vg_rc_t
station_create_check(vg_call_t *call)
{
    vg_rc_t rc = body_check(call);

    if (vg_get(call, "operatorId") == NULL
        && vg_str_eq(vg_caller(call)->role, "admin"))
    {
        rc = vg_refuse_field(call, "operatorId", "is required");
    }

    return rc == VG_OK ? owner_bind(call) : rc;
}

static vg_rc_t
rewrite_check(vg_call_t *call, vg_str_t replace)
{
    if (body_check(call) != VG_OK || owner_check(call) != VG_OK) {
        return VG_ERROR;
    }

    return vg_bind(call, "replace", replace);
}

vg_rc_t
station_replace_check(vg_call_t *call)
{
    return rewrite_check(call, VG_STR("true"));
}

vg_rc_t
station_change_check(vg_call_t *call)
{
    return rewrite_check(call, VG_STR("false"));
}
