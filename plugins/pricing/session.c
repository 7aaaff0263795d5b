/*
 * session.c: OCPI charging periods as structs; see session.h.
 */

#include "moment.h"
#include "session.h"

#define KWH_MAX    ((int64_t) 1000000 * 1000000000) /* 10^6 kWh           */
#define HOURS_MAX  ((int64_t) 10000 * 1000000000)   /* 10^-9 h            */
#define POWER_MAX  ((int64_t) 1000000 * 1000000)
#define LENGTH_MAX (366 * DAY)

/* OCPI's CdrDimensionType. What prices nothing is checked and passed over. */
typedef enum {
    D_CURRENT,
    D_MAX_CURRENT,
    D_MIN_CURRENT,
    D_POWER,
    D_MAX_POWER,
    D_MIN_POWER,
    D_ENERGY,
    D_TIME,
    D_PARKING_TIME,
    D_RESERVATION_TIME,
    D_ENERGY_IMPORT,
    D_ENERGY_EXPORT,
    D_STATE_OF_CHARGE,
    D_COUNT,
} volume_t;

static const struct {
    const char *name;
    int         places;
    int64_t     max;
} volumes[D_COUNT] = {
    { "CURRENT", POWER_PLACES, POWER_MAX },
    { "MAX_CURRENT", POWER_PLACES, POWER_MAX },
    { "MIN_CURRENT", POWER_PLACES, POWER_MAX },
    { "POWER", POWER_PLACES, POWER_MAX },
    { "MAX_POWER", POWER_PLACES, POWER_MAX },
    { "MIN_POWER", POWER_PLACES, POWER_MAX },
    { "ENERGY", ENERGY_PLACES, KWH_MAX },
    { "TIME", 9, HOURS_MAX },
    { "PARKING_TIME", 9, HOURS_MAX },
    { "RESERVATION_TIME", 9, HOURS_MAX },
    { "ENERGY_IMPORT", ENERGY_PLACES, KWH_MAX },
    { "ENERGY_EXPORT", ENERGY_PLACES, KWH_MAX },
    { "STATE_OF_CHARGE", POWER_PLACES, POWER_MAX },
};

typedef struct {
    bool     has[D_COUNT];
    int64_t  value[D_COUNT];
    vg_str_t text[D_COUNT];
} dimensions_t;


static const vg_json_t *
member(const vg_json_t *node, const char *name)
{
    const vg_json_t *value = vg_json_get(node, name);

    return value == NULL || value->type == VG_JSON_NULL ? NULL : value;
}


static bool
moment(const vg_json_t *node, const char *name, const char *path, int64_t *at,
       faults_t *faults)
{
    const vg_json_t *value = member(node, name);

    *at = 0;
    if (value == NULL) {
        fault_add(faults, path_member(faults, path, name), "is required");
        return false;
    }
    if (value->type != VG_JSON_STRING || !moment_parse(value->text, at)) {
        fault_add(faults, path_member(faults, path, name),
                  "must be a time of RFC 3339");
        return false;
    }

    return true;
}


static bool
flag(const vg_json_t *node, const char *name, faults_t *faults)
{
    const vg_json_t *value = member(node, name);

    if (value != NULL && value->type != VG_JSON_TRUE
        && value->type != VG_JSON_FALSE)
    {
        fault_add(faults, name, "must be true or false");
    }

    return value != NULL && value->type == VG_JSON_TRUE;
}


/* ------------------------------------------------------------- dimensions */

static void
dimension_parse(const vg_json_t *node, dimensions_t *dimensions,
                const char *path, faults_t *faults)
{
    vg_str_t         type = vg_json_text(node, "type");
    const vg_json_t *volume = member(node, "volume");
    int              i = 0;

    while (i < D_COUNT && !vg_str_eq(type, volumes[i].name)) {
        i++;
    }
    if (i == D_COUNT) {
        fault_add(faults, path_member(faults, path, "type"),
                  "must be a CdrDimensionType");
        return;
    }
    if (dimensions->has[i]) {
        fault_add(faults, path_member(faults, path, "type"),
                  "comes twice in one period");
        return;
    }
    if (volume == NULL || volume->type != VG_JSON_NUMBER
        || !decimal_parse(volume->text, volumes[i].places, volumes[i].max,
                          &dimensions->value[i]))
    {
        fault_add(faults, path_member(faults, path, "volume"),
                  "must be a number, not negative, with at most 9 decimals "
                  "(6 for current and power)");
        return;
    }
    dimensions->has[i] = true;
    dimensions->text[i] = volume->text;
}


static void
dimensions_parse(const vg_json_t *node, dimensions_t *dimensions,
                 const char *path, faults_t *faults)
{
    const vg_json_t *list = member(node, "dimensions");
    const vg_json_t *item;
    size_t           i = 0;

    path = path_member(faults, path, "dimensions");
    if (list == NULL || list->type != VG_JSON_ARRAY) {
        fault_add(faults, path, "must be a list");
        return;
    }

    for (item = list->first; item != NULL && i <= D_COUNT; item = item->next) {
        dimension_parse(item, dimensions, path_item(faults, path, i++), faults);
    }
}


/* Hours of so many decimals cannot say every duration: 40 minutes are
 * 0.6667. Where the volume says the period's length as well as its decimals
 * can, or misses it by a second at most, the period's length is meant. Else
 * the volume counts, to the microsecond. */
static bool
duration(const dimensions_t *dimensions, volume_t which, int64_t length,
         int64_t *duration_us)
{
    int     places;
    money_t told = (money_t) dimensions->value[which] * 3600; /* 10^-9 s */
    money_t apart = told - (money_t) length * 1000;
    money_t slack = (money_t) SECOND * 1000;
    money_t digit = (money_t) 3600 * 1000000000 / 2;
    int     i;

    *duration_us = 0;
    if (told == 0) {
        return true;
    }

    places = decimal_places(dimensions->text[which]);
    for (i = 0; i < places; i++) {
        digit /= 10;
    }
    if (places >= 2 && digit > slack) {
        slack = digit;
    }
    if (apart <= slack && apart >= -slack) {
        *duration_us = length;
        return true;
    }
    *duration_us = (int64_t) ((told + 500) / 1000);

    return apart < 0;
}


static bool
first_of(const dimensions_t *dimensions, volume_t first, int64_t *value)
{
    int i;

    for (i = first; i < (int) first + 3; i++) {
        if (dimensions->has[i]) {
            *value = dimensions->value[i];
            return true;
        }
    }

    return false;
}


/* ---------------------------------------------------------------- periods */

/* The mean power where none is told; none flows while a car is parked. */
static void
power_guess(period_t *period)
{
    int64_t length = period->end - period->start;
    bool    idle = period->energy == 0 && period->time == 0;

    if (!period->has_current && idle) {
        period->has_current = true;
        period->current = 0;
    }
    if (!period->has_power && (idle || length > 0)) {
        period->has_power = true;
        period->power =
            idle ? 0 : (int64_t) ((money_t) period->energy * 3600000 / length);
    }
}


static void
period_finish(period_t *period, const dimensions_t *dimensions,
              const char *path, faults_t *faults)
{
    int64_t length = period->end - period->start;

    if (length < 0) {
        fault_add(faults, path_member(faults, path, "start_date_time"),
                  "must not be after the next period's or the end");
        return;
    }

    period->energy = dimensions->value[D_ENERGY];
    if (!duration(dimensions, D_TIME, length, &period->time)
        || !duration(dimensions, D_PARKING_TIME, length, &period->parking)
        || !duration(dimensions, D_RESERVATION_TIME, length, &period->waiting))
    {
        fault_add(faults, path_member(faults, path, "dimensions"),
                  "are longer than the period");
    }
    period->reserved = dimensions->has[D_RESERVATION_TIME];
    period->has_current = first_of(dimensions, D_CURRENT, &period->current);
    period->has_power = first_of(dimensions, D_POWER, &period->power);
    power_guess(period);
}


static void
periods_parse(const vg_json_t *list, session_t *session, faults_t *faults)
{
    const vg_json_t *item = list->first;
    dimensions_t     dimensions;
    const char      *path;
    period_t        *period;
    size_t           i;

    for (i = 0; item != NULL; i++, item = item->next) {
        if (faults->count > FAULTS_MAX) {
            return;
        }
        path = path_item(faults, "charging_periods", i);
        period = &session->periods[i];
        (void) moment(item, "start_date_time", path, &period->start, faults);
        if (i > 0) {
            session->periods[i - 1].end = period->start;
        }
    }
    session->periods[session->count - 1].end = session->end;
    if (faults->count > 0) {
        return;
    }

    for (i = 0, item = list->first; item != NULL; i++, item = item->next) {
        if (faults->count > FAULTS_MAX) {
            return;
        }
        path = path_item(faults, "charging_periods", i);
        dimensions = (dimensions_t){ 0 };
        dimensions_parse(item, &dimensions, path, faults);
        period_finish(&session->periods[i], &dimensions, path, faults);
    }
}


/* Reservations lead; one that expired has nothing behind it. */
static void
order_check(const session_t *session, faults_t *faults)
{
    size_t i;
    bool   reserved, before = true;

    for (i = 0; i < session->count; i++) {
        reserved = session->periods[i].reserved;
        if (reserved && (!before || session->periods[i].energy > 0)) {
            fault_add(faults, path_item(faults, "charging_periods", i),
                      "a reservation comes before the session");
        }
        if (!reserved && session->expired) {
            fault_add(faults, path_item(faults, "charging_periods", i),
                      "an expired reservation has no session");
        }
        before = reserved;
    }
    if (!session->periods[0].reserved
        && session->periods[0].start < session->start) {
        fault_add(faults, "charging_periods[0].start_date_time",
                  "must not be before start_date_time");
    }
    if (session->end - session->periods[0].start > LENGTH_MAX) {
        fault_add(faults, "end_date_time", "is more than 366 days later");
    }
}


static void
zone_parse(vg_pool_t *pool, const vg_json_t *input, session_t *session,
           faults_t *faults)
{
    const vg_json_t *name = member(input, "time_zone");

    if (name == NULL) {
        session->zone = zone_load(pool, VG_STR("UTC"));
    } else if (name->type == VG_JSON_STRING) {
        session->zone = zone_load(pool, name->text);
    }
    if (session->zone == NULL) {
        fault_add(faults, "time_zone", "is not a known IANA time zone");
    }
}


session_t *
session_parse(vg_pool_t *pool, const vg_json_t *input, faults_t *faults)
{
    session_t       *session = vg_calloc(pool, sizeof(*session));
    const vg_json_t *list = member(input, "charging_periods");

    if (session == NULL) {
        fault_add(faults, "charging_periods", "is too large");
        return NULL;
    }

    zone_parse(pool, input, session, faults);
    session->expired = flag(input, "reservation_expired", faults);
    session->merge = flag(input, "merge_lines", faults);
    if (moment(input, "start_date_time", "", &session->start, faults)
        && moment(input, "end_date_time", "", &session->end, faults)
        && session->end < session->start)
    {
        fault_add(faults, "end_date_time",
                  "must not be before start_date_time");
    }
    if (list == NULL || list->type != VG_JSON_ARRAY || list->count == 0
        || list->count > PERIODS_MAX)
    {
        fault_add(faults, "charging_periods",
                  "must be a list of 1 to 20000 periods");
        return session;
    }

    session->count = list->count;
    session->periods = vg_calloc(pool, list->count * sizeof(period_t));
    if (session->periods == NULL) {
        fault_add(faults, "charging_periods", "is too large");
        return NULL;
    }
    if (faults->count == 0) {
        periods_parse(list, session, faults);
    }
    if (faults->count == 0) {
        order_check(session, faults);
    }

    return session;
}
