/*
 * tariff.c: an OCPI 2.2.1 Tariff as structs; see tariff.h.
 */

#include <string.h>

#include "moment.h"
#include "tariff.h"

#define PRICE_MAX ((int64_t) 1000000000 * 1000000) /* 10^9             */
#define VAT_MAX   ((int64_t) 100 * 10000)          /* 100 %            */
#define KWH_MAX   ((int64_t) 1000000 * 1000000000) /* 10^6 kWh         */
#define POWER_MAX ((int64_t) 1000000 * 1000000)    /* 10^6 kW or A     */
#define STEP_MAX  ((int64_t) 1000000000)
#define YEAR      (366 * DAY)

const char *const dimension_names[] = { "ENERGY", "FLAT", "PARKING_TIME",
                                        "TIME" };
const char *const phase_names[] = { NULL, "RESERVATION",
                                    "RESERVATION_EXPIRES" };

static const char *const day_names[] = { "MONDAY",   "TUESDAY", "WEDNESDAY",
                                         "THURSDAY", "FRIDAY",  "SATURDAY",
                                         "SUNDAY" };

static const char *const type_names[] = { "AD_HOC_PAYMENT", "PROFILE_CHEAP",
                                          "PROFILE_FAST", "PROFILE_GREEN",
                                          "REGULAR" };

typedef enum { CLOCK, DATE, NUMBER, SECONDS } kind_t;

static const struct {
    const char *name;
    kind_t      kind;
    int         places;
    int64_t     max;
    const char *message;
} bounds[BOUNDS] = {
    { "start_time", CLOCK, 0, 0, "must be HH:MM" },
    { "end_time", CLOCK, 0, 0, "must be HH:MM" },
    { "start_date", DATE, 0, 0, "must be YYYY-MM-DD" },
    { "end_date", DATE, 0, 0, "must be YYYY-MM-DD" },
    { "min_kwh", NUMBER, ENERGY_PLACES, KWH_MAX, "must be 0 to 1000000" },
    { "max_kwh", NUMBER, ENERGY_PLACES, KWH_MAX, "must be 0 to 1000000" },
    { "min_current", NUMBER, POWER_PLACES, POWER_MAX, "must be 0 to 1000000" },
    { "max_current", NUMBER, POWER_PLACES, POWER_MAX, "must be 0 to 1000000" },
    { "min_power", NUMBER, POWER_PLACES, POWER_MAX, "must be 0 to 1000000" },
    { "max_power", NUMBER, POWER_PLACES, POWER_MAX, "must be 0 to 1000000" },
    { "min_duration", SECONDS, 0, YEAR / SECOND,
      "must be whole seconds, at most 366 days" },
    { "max_duration", SECONDS, 0, YEAR / SECOND,
      "must be whole seconds, at most 366 days" },
};


static const vg_json_t *
member(const vg_json_t *node, const char *name)
{
    const vg_json_t *value = vg_json_get(node, name);

    return value == NULL || value->type == VG_JSON_NULL ? NULL : value;
}


static int
find(const vg_json_t *value, const char *const *names, size_t count)
{
    size_t i;

    for (i = 0; i < count && value->type == VG_JSON_STRING; i++) {
        if (names[i] != NULL && vg_str_eq(value->text, names[i])) {
            return (int) i;
        }
    }

    return -1;
}


static bool
decimal(const vg_json_t *value, int places, int64_t max, int64_t *number)
{
    return value->type == VG_JSON_NUMBER
           && decimal_parse(value->text, places, max, number);
}


/* ------------------------------------------------------------- components */

static void
component_parse(const vg_json_t *node, element_t *element, const char *path,
                faults_t *faults)
{
    const vg_json_t *type = member(node, "type");
    const vg_json_t *price = member(node, "price");
    const vg_json_t *vat = member(node, "vat");
    const vg_json_t *step = member(node, "step_size");
    component_t      component = { .present = true, .step = 1 };
    int              dimension = -1;

    if (node->type != VG_JSON_OBJECT) {
        fault_add(faults, path, "must be an object");
        return;
    }

    if (type != NULL) {
        dimension = find(type, dimension_names, DIMENSIONS);
    }
    if (dimension < 0) {
        fault_add(faults, path_member(faults, path, "type"),
                  "must be ENERGY, FLAT, PARKING_TIME or TIME");
    } else if (element->component[dimension].present) {
        fault_add(faults, path_member(faults, path, "type"),
                  "comes twice in one element");
    }
    if (price == NULL
        || !decimal(price, PRICE_PLACES, PRICE_MAX, &component.price)) {
        fault_add(faults, path_member(faults, path, "price"),
                  "must be a number, 0 to 1000000000, at most 6 decimals");
    }
    component.has_vat = vat != NULL;
    if (vat != NULL && !decimal(vat, VAT_PLACES, VAT_MAX, &component.vat)) {
        fault_add(faults, path_member(faults, path, "vat"),
                  "must be a percentage, 0 to 100, at most 4 decimals");
    }
    if (step != NULL && !decimal(step, 0, STEP_MAX, &component.step)) {
        fault_add(faults, path_member(faults, path, "step_size"),
                  "must be a whole number, 0 to 1000000000");
    }
    if (component.step == 0) {
        component.step = 1;
    }
    if (dimension >= 0) {
        element->component[dimension] = component;
    }
}


/* ----------------------------------------------------------- restrictions */

static bool
bound_parse(const vg_json_t *value, bound_t which, int64_t *bound)
{
    switch (bounds[which].kind) {
    case CLOCK:
        return value->type == VG_JSON_STRING && clock_parse(value->text, bound);
    case DATE:
        return value->type == VG_JSON_STRING && date_parse(value->text, bound);
    case SECONDS:
        if (!decimal(value, 0, bounds[which].max, bound)) {
            return false;
        }
        *bound *= SECOND;
        return true;
    case NUMBER:
        break;
    }

    return decimal(value, bounds[which].places, bounds[which].max, bound);
}


static void
days_parse(const vg_json_t *node, element_t *element, const char *path,
           faults_t *faults)
{
    const vg_json_t *item = node->first;
    int              day;

    if (node->type != VG_JSON_ARRAY) {
        fault_add(faults, path, "must be a list of days");
        return;
    }

    for (; item != NULL; item = item->next) {
        day = find(item, day_names, 7);
        if (day < 0) {
            fault_add(faults, path, "must be MONDAY to SUNDAY");
            return;
        }
        element->days |= 1U << day;
    }
}


/* Ranges that hold nothing are mistakes, not wishes. Times may wrap. */
static void
ranges_check(const element_t *element, const char *path, faults_t *faults)
{
    int     low;
    int64_t from, to;

    for (low = 0; low < BOUNDS; low += 2) {
        from = element->bound[low];
        to = element->bound[low + 1];
        if ((element->has >> low & 3) != 3) {
            continue;
        }
        if (low == START_TIME ? from == to && to != 0 : from >= to) {
            fault_add(faults, path_member(faults, path, bounds[low + 1].name),
                      low == START_TIME ? "must differ from start_time"
                                        : "must be above its lower bound");
        }
    }
}


static void
restrictions_parse(const vg_json_t *node, element_t *element, const char *path,
                   faults_t *faults)
{
    const vg_json_t *value;
    int              i;

    if (node->type != VG_JSON_OBJECT) {
        fault_add(faults, path, "must be an object");
        return;
    }

    for (i = 0; i < BOUNDS; i++) {
        value = member(node, bounds[i].name);
        if (value == NULL) {
            continue;
        }
        element->has |= 1U << i;
        if (!bound_parse(value, (bound_t) i, &element->bound[i])) {
            element->has &= ~(1U << i);
            fault_add(faults, path_member(faults, path, bounds[i].name),
                      bounds[i].message);
        }
    }
    ranges_check(element, path, faults);

    value = member(node, "day_of_week");
    if (value != NULL) {
        days_parse(value, element, path_member(faults, path, "day_of_week"),
                   faults);
    }
    value = member(node, "reservation");
    if (value != NULL) {
        i = find(value, phase_names, 3);
        if (i < 0) {
            fault_add(faults, path_member(faults, path, "reservation"),
                      "must be RESERVATION or RESERVATION_EXPIRES");
        }
        element->phase = i < 0 ? SESSION : (phase_t) i;
    }
}


/* --------------------------------------------------------------- elements */

static void
element_parse(const vg_json_t *node, element_t *element, const char *path,
              faults_t *faults)
{
    const vg_json_t *list = member(node, "price_components");
    const vg_json_t *restrictions = member(node, "restrictions");
    const vg_json_t *item;
    const char      *where = path_member(faults, path, "price_components");
    size_t           i = 0;

    if (list == NULL || list->type != VG_JSON_ARRAY || list->count == 0) {
        fault_add(faults, where, "must be a list with an item at least");
    } else {
        for (item = list->first; item != NULL; item = item->next) {
            component_parse(item, element, path_item(faults, where, i++),
                            faults);
            if (faults->count > FAULTS_MAX) {
                return;
            }
        }
    }

    if (restrictions != NULL) {
        restrictions_parse(restrictions, element,
                           path_member(faults, path, "restrictions"), faults);
    }
}


static void
elements_parse(vg_pool_t *pool, const vg_json_t *list, tariff_t *tariff,
               const char *path, faults_t *faults)
{
    const vg_json_t *item;
    size_t           i = 0;

    if (list == NULL || list->type != VG_JSON_ARRAY || list->count == 0
        || list->count > ELEMENTS_MAX)
    {
        fault_add(faults, path, "must be a list of 1 to 100 elements");
        return;
    }

    tariff->count = list->count;
    tariff->elements = vg_calloc(pool, list->count * sizeof(element_t));
    if (tariff->elements == NULL) {
        fault_add(faults, path, "is too large");
        return;
    }
    for (item = list->first; item != NULL; item = item->next, i++) {
        element_parse(item, &tariff->elements[i], path_item(faults, path, i),
                      faults);
    }
}


/* ---------------------------------------------------------------- tariffs */

static void
limit_parse(const vg_json_t *node, limit_t *limit, const char *path,
            faults_t *faults)
{
    const vg_json_t *excl = member(node, "excl_vat");
    const vg_json_t *incl = member(node, "incl_vat");

    if (node == NULL) {
        return;
    }

    limit->present = true;
    limit->has_incl = incl != NULL;
    if (excl == NULL || !decimal(excl, PRICE_PLACES, PRICE_MAX, &limit->excl)) {
        fault_add(faults, path_member(faults, path, "excl_vat"),
                  "must be a number, 0 to 1000000000, at most 6 decimals");
    }
    if (incl != NULL && !decimal(incl, PRICE_PLACES, PRICE_MAX, &limit->incl)) {
        fault_add(faults, path_member(faults, path, "incl_vat"),
                  "must be a number, 0 to 1000000000, at most 6 decimals");
    }
}


static void
text_check(const vg_json_t *node, const char *name, size_t min, size_t max,
           const char *path, const char *message, faults_t *faults)
{
    const vg_json_t *value = member(node, name);

    if (value != NULL
        && (value->type != VG_JSON_STRING || value->text.len < min
            || value->text.len > max
            || memchr(value->text.data, '\0', value->text.len) != NULL))
    {
        fault_add(faults, path_member(faults, path, name), message);
    }
}


static void
times_check(const vg_json_t *node, const char *path, faults_t *faults)
{
    static const char *const names[] = { "start_date_time", "end_date_time",
                                         "last_updated" };
    const vg_json_t         *value;
    int64_t                  times[3] = { 0, INT64_MAX, 0 };
    int                      i;

    for (i = 0; i < 3; i++) {
        value = member(node, names[i]);
        if (value != NULL
            && (value->type != VG_JSON_STRING
                || !moment_parse(value->text, &times[i])))
        {
            fault_add(faults, path_member(faults, path, names[i]),
                      "must be a time of RFC 3339");
        }
    }
    if (times[0] >= times[1]) {
        fault_add(faults, path_member(faults, path, "end_date_time"),
                  "must be after start_date_time");
    }
}


static void
currency_parse(const vg_json_t *node, tariff_t *tariff, const char *path,
               faults_t *faults)
{
    const vg_json_t *value = member(node, "currency");
    size_t           i, letters = 0;

    for (i = 0; value != NULL && i < value->text.len; i++) {
        letters += value->text.data[i] >= 'A' && value->text.data[i] <= 'Z';
    }
    if (value == NULL || value->type != VG_JSON_STRING || letters != 3
        || value->text.len != 3)
    {
        fault_add(faults, path_member(faults, path, "currency"),
                  "must be three capital letters of ISO 4217");
        return;
    }
    tariff->currency = value->text;
}


tariff_t *
tariff_parse(vg_pool_t *pool, const vg_json_t *node, const char *path,
             faults_t *faults)
{
    tariff_t        *tariff = vg_calloc(pool, sizeof(*tariff));
    const vg_json_t *type;

    if (tariff == NULL || node == NULL || node->type != VG_JSON_OBJECT) {
        fault_add(faults, path, "must be an OCPI Tariff object");
        return NULL;
    }

    currency_parse(node, tariff, path, faults);
    text_check(node, "id", 1, 36, path, "must be 1 to 36 characters", faults);
    text_check(node, "country_code", 2, 2, path, "must be two letters", faults);
    text_check(node, "party_id", 1, 3, path, "must be 1 to 3 characters",
               faults);
    times_check(node, path, faults);
    type = member(node, "type");
    if (type != NULL && find(type, type_names, 5) < 0) {
        fault_add(faults, path_member(faults, path, "type"),
                  "must be a TariffType");
    }
    limit_parse(member(node, "min_price"), &tariff->min,
                path_member(faults, path, "min_price"), faults);
    limit_parse(member(node, "max_price"), &tariff->max,
                path_member(faults, path, "max_price"), faults);
    if (tariff->min.present && tariff->max.present
        && (tariff->min.excl > tariff->max.excl
            || (tariff->min.has_incl && tariff->max.has_incl
                && tariff->min.incl > tariff->max.incl)))
    {
        fault_add(faults, path_member(faults, path, "max_price"),
                  "must not be below min_price");
    }
    elements_parse(pool, member(node, "elements"), tariff,
                   path_member(faults, path, "elements"), faults);

    return tariff;
}
