/*
 * import.c: stations as rows of a file, in and out.
 *
 * Owns the columns, the spelling of connectors in one cell, and the time zone
 * of a row that names none. What a station is, is station.c's and the schema's.
 */

#include <string.h>

#include "stations.h"

#define EXPORT_MAX 20000 /* stations at once: sql/queries/station_export.sql */
#define PARTS      5     /* of a connector */

/* clang-format off */

const vg_field_t station_import_fields[] = {
    { VG_BODY, "name", VG_TEXT, VG_REQUIRED, 1, 200,
      .about = "name on the sign" },
    { VG_BODY, "lat", VG_DECIMAL, VG_REQUIRED, -90, 90,
      .about = "degrees north, WGS 84" },
    { VG_BODY, "lon", VG_DECIMAL, VG_REQUIRED, -180, 180,
      .about = "degrees east, WGS 84" },
    { VG_BODY, "street", VG_TEXT, 0, 0, 200,
      .about = "street and number" },
    { VG_BODY, "city", VG_TEXT, 0, 0, 100,
      .about = "city" },
    { VG_BODY, "postalCode", VG_TEXT, 0, 0, 20,
      .about = "postal code" },
    { VG_BODY, "country", VG_TEXT, VG_REQUIRED, 2, 3,
      .about = "ISO 3166-1" },
    { VG_BODY, "timeZone", VG_TEXT, 0, 1, 64,
      .about = "IANA name; by the country when absent" },
    { VG_BODY, "operatorId", VG_TEXT, 0, 1, 64,
      .about = "company; the caller's own by default" },
    { VG_BODY, "connectors", VG_TEXT, 0, 0, 65536,
      .about = "CP1:1:IEC_62196_T2:AC_3_PHASE:22;..." },
    { VG_BOUND, "owner", VG_TEXT,
      .about = "company that will own it" },
    { VG_BOUND, "zone", VG_TEXT,
      .about = "time zone" },
    { VG_BOUND, "list", VG_ANY,
      .about = "connectors as JSON" },
    VG_FIELDS_END
};

const vg_field_t station_export_fields[] = {
    { VG_QUERY, "city", VG_TEXT, 0, 1, 100,
      .about = "in this city, in any case" },
    VG_FIELDS_END
};

/* countries that have one zone, so that a row need not name it */
static const char *const zones[][3] = {
    { "AT", "AUT", "Europe/Vienna" },    { "BE", "BEL", "Europe/Brussels" },
    { "BG", "BGR", "Europe/Sofia" },     { "CH", "CHE", "Europe/Zurich" },
    { "CZ", "CZE", "Europe/Prague" },    { "DE", "DEU", "Europe/Berlin" },
    { "DK", "DNK", "Europe/Copenhagen" }, { "EE", "EST", "Europe/Tallinn" },
    { "FI", "FIN", "Europe/Helsinki" },  { "FR", "FRA", "Europe/Paris" },
    { "GB", "GBR", "Europe/London" },    { "GR", "GRC", "Europe/Athens" },
    { "HR", "HRV", "Europe/Zagreb" },    { "HU", "HUN", "Europe/Budapest" },
    { "IE", "IRL", "Europe/Dublin" },    { "IN", "IND", "Asia/Kolkata" },
    { "IT", "ITA", "Europe/Rome" },      { "JP", "JPN", "Asia/Tokyo" },
    { "LI", "LIE", "Europe/Vaduz" },     { "LT", "LTU", "Europe/Vilnius" },
    { "LU", "LUX", "Europe/Luxembourg" }, { "LV", "LVA", "Europe/Riga" },
    { "NL", "NLD", "Europe/Amsterdam" }, { "NO", "NOR", "Europe/Oslo" },
    { "PL", "POL", "Europe/Warsaw" },    { "RO", "ROU", "Europe/Bucharest" },
    { "SE", "SWE", "Europe/Stockholm" }, { "SG", "SGP", "Asia/Singapore" },
    { "SI", "SVN", "Europe/Ljubljana" }, { "SK", "SVK", "Europe/Bratislava" },
};

/* clang-format on */

static vg_rc_t
zone_bind(vg_call_t *call)
{
    const vg_json_t *zone = vg_get(call, "timeZone");
    vg_str_t         country = vg_get(call, "country")->text;

    if (zone != NULL) {
        return vg_bind(call, "zone", zone->text);
    }
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        if (vg_str_eq(country, zones[i][0]) || vg_str_eq(country, zones[i][1]))
        {
            return vg_bind(call, "zone", vg_str(zones[i][2]));
        }
    }

    return vg_refuse_field(call, "timeZone", "is required in this country");
}

/* one of "A|B|C" */
static bool
listed(vg_str_t word, const char *values)
{
    size_t n;

    for (; word.len != 0 && *values != '\0'; values += n + (values[n] == '|')) {
        n = strcspn(values, "|");
        if (n == word.len && memcmp(values, word.data, n) == 0) {
            return true;
        }
    }

    return false;
}

/* more than 0, most at the most; behind a point so many places */
static bool
positive(vg_str_t text, int64_t most, size_t places)
{
    size_t  i, whole = text.len;
    int64_t value = 0;
    bool    part = false; /* something behind the point */

    for (i = 0; i < text.len && value <= most; i++) {
        if (text.data[i] == '.' && whole == text.len && places > 0) {
            whole = i;
        } else if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        } else if (whole == text.len) {
            value = value * 10 + (text.data[i] - '0');
        } else {
            part |= text.data[i] != '0';
        }
    }

    return whole > 0 && (whole == 1 || text.data[0] != '0')
           && (whole == text.len
               || (text.len - whole > 1 && text.len - whole - 1 <= places))
           && (value < most ? value > 0 || part : value == most && !part);
}

/* CP1:1:IEC_62196_T2:AC_3_PHASE:22 */
static bool
connector_out(vg_out_t *out, const char *p, const char *end)
{
    size_t   n;
    vg_str_t part[PARTS];

    for (n = 0; n < PARTS; n++) {
        part[n].data = p;
        while (p < end && *p != ':') {
            p++;
        }
        part[n].len = (size_t) (p - part[n].data);
        if (p == end) {
            break;
        }
        p++;
    }
    if (n != PARTS - 1 || !charge_point_identity(part[0])
        || !positive(part[1], NUMBER_MAX, 0)
        || !listed(part[2], CONNECTOR_TYPES) || !listed(part[3], POWER_TYPES)
        || !positive(part[4], POWER_MAX, 9))
    {
        return false;
    }

    vg_out_open(out, '{');
    vg_out_member(out, "chargePointId", part[0]);
    vg_out_member_raw(out, "connectorNumber", part[1]);
    vg_out_member(out, "type", part[2]);
    vg_out_member(out, "powerType", part[3]);
    vg_out_member_raw(out, "maxPowerKw", part[4]);
    vg_out_close(out, '}');

    return true;
}

static vg_rc_t
connectors_bind(vg_call_t *call)
{
    size_t           count = 0;
    vg_out_t         out;
    const char      *p, *semicolon, *end;
    const vg_json_t *cell = vg_get(call, "connectors");

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '[');
    p = cell != NULL ? cell->text.data : "";
    end = p + (cell != NULL ? cell->text.len : 0);
    for (; p < end; p = semicolon + 1) {
        semicolon = memchr(p, ';', (size_t) (end - p));
        semicolon = semicolon != NULL ? semicolon : end;
        if (++count > CONNECTORS_MAX || !connector_out(&out, p, semicolon)) {
            return vg_refuse_field(
                call, "connectors",
                "must be like CP1:1:IEC_62196_T2:AC_3_PHASE:22, parted by ;");
        }
    }
    vg_out_close(&out, ']');

    return vg_bind(call, "list", vg_out_str(&out));
}

vg_rc_t
station_import_check(vg_call_t *call)
{
    vg_rc_t  rc = VG_OK;
    vg_str_t country = vg_get(call, "country")->text;

    for (size_t i = 0; i < country.len && rc == VG_OK; i++) {
        if (country.data[i] < 'A' || country.data[i] > 'Z') {
            rc = vg_refuse_field(call, "country",
                                 "must be two or three capital letters");
        }
    }
    if (vg_get(call, "operatorId") == NULL
        && vg_str_eq(vg_caller(call)->role, "admin"))
    {
        rc = vg_refuse_field(call, "operatorId", "is required");
    }
    if (rc == VG_OK) {
        rc = zone_bind(call);
    }
    if (connectors_bind(call) != VG_OK) {
        rc = VG_ERROR;
    }

    return rc == VG_OK ? owner_bind(call) : rc;
}

static const vg_json_t *
export_items(vg_call_t *call)
{
    const vg_json_t *items = vg_json_get(vg_row(call), "items");

    if (items == NULL) {
        (void) vg_refuse(call, "internal");
        return NULL;
    }
    if (items->count > EXPORT_MAX) {
        (void) vg_refuse(call, "export_too_large");
        return NULL;
    }

    return items;
}

vg_rc_t
station_export_csv(vg_call_t *call)
{
    const vg_json_t *items = export_items(call);

    if (items == NULL) {
        return VG_ERROR;
    }

    return vg_reply_as(call, "text/csv; charset=utf-8; header=present",
                       vg_csv(call, items));
}

vg_rc_t
station_export_geojson(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *item, *m, *items = export_items(call);

    if (items == NULL) {
        return VG_ERROR;
    }

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "type", VG_STR("FeatureCollection"));
    vg_out_key(&out, "features");
    vg_out_open(&out, '[');
    for (item = items->first; item != NULL; item = item->next) {
        vg_out_open(&out, '{');
        vg_out_member(&out, "type", VG_STR("Feature"));
        vg_out_key(&out, "geometry");
        vg_out_open(&out, '{');
        vg_out_member(&out, "type", VG_STR("Point"));
        vg_out_key(&out, "coordinates");
        vg_out_open(&out, '[');
        vg_out_raw(&out, vg_json_get(item, "lon")->raw);
        vg_out_raw(&out, vg_json_get(item, "lat")->raw);
        vg_out_close(&out, ']');
        vg_out_close(&out, '}');
        vg_out_key(&out, "properties");
        vg_out_open(&out, '{');
        for (m = item->first; m != NULL; m = m->next) {
            if (!vg_str_eq(m->key, "lat") && !vg_str_eq(m->key, "lon")) {
                vg_out_name(&out, m->key);
                vg_out_raw(&out, m->raw);
            }
        }
        vg_out_close(&out, '}');
        vg_out_close(&out, '}');
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');

    return vg_reply_as(call, "application/geo+json", vg_out_str(&out));
}
