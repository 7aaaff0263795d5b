/*
 * profile.c: smart charging of OCPP 1.6, as far as a simulated charge point
 * has it: the first period of the last profile limits what is drawn.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <string.h>

#include "simulate.h"

#define VOLTS      230
#define PHASES     3
#define DIGITS_MAX 12 /* of a limit before its point                      */


/* A decimal number, cut to an integer; false: it is none, or negative. */
static bool
number_of(vg_str_t text, int64_t *value)
{
    size_t digits = 0;

    *value = 0;
    while (digits < text.len && text.data[digits] >= '0'
           && text.data[digits] <= '9')
    {
        *value = *value * 10 + (text.data[digits++] - '0');
        if (digits > DIGITS_MAX) {
            return false;
        }
    }
    return digits > 0 && (digits == text.len || text.data[digits] == '.');
}


vg_str_t
remote_profile(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    const vg_json_t *schedule, *periods, *first;
    vg_str_t         unit;
    int64_t          limit, phases = PHASES;

    (void) pool;
    schedule = vg_json_get(vg_json_get(payload, "csChargingProfiles"),
                           "chargingSchedule");
    periods = vg_json_get(schedule, "chargingSchedulePeriod");
    first = periods ? periods->first : NULL;
    unit = vg_json_text(schedule, "chargingRateUnit");
    if (!number_of(vg_json_text(first, "limit"), &limit)) {
        return REMOTE_STATUS("Rejected");
    }
    if (vg_str_eq(unit, "A")) {
        if (!says_int(first, "numberPhases", &phases) || phases < 1
            || phases > PHASES) {
            phases = PHASES;
        }
        limit *= VOLTS * phases;
    } else if (!vg_str_eq(unit, "W")) {
        return REMOTE_STATUS("Rejected");
    }
    st->limit_w = limit;
    station_tell(st, "draws at most %" PRId64 " W", limit);
    return REMOTE_STATUS("Accepted");
}


vg_str_t
remote_unprofile(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    bool had = st->limit_w >= 0;

    (void) pool;
    (void) payload;
    st->limit_w = -1;
    return had ? REMOTE_STATUS("Accepted") : REMOTE_STATUS("Unknown");
}


/* What holds now holds for as long as was asked. */
vg_str_t
remote_schedule(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    int64_t  duration = 0, connector = 0;
    int64_t  limit = st->limit_w >= 0 ? st->limit_w : st->power_max;
    vg_out_t out;

    if (!says_int(payload, "duration", &duration) || duration < 0
        || !says_int(payload, "connectorId", &connector) || connector < 0
        || connector > st->connectors)
    {
        return REMOTE_STATUS("Rejected");
    }
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "status", VG_STR("Accepted"));
    vg_out_key(&out, "connectorId");
    vg_out_int(&out, connector);
    vg_out_member(&out, "scheduleStart", meter_timestamp(st, pool));
    vg_out_member_raw(
        &out, "chargingSchedule",
        vg_printf(pool,
                  "{\"duration\":%" PRId64 ",\"chargingRateUnit\":\"W\","
                  "\"chargingSchedulePeriod\":[{\"startPeriod\":0,"
                  "\"limit\":%" PRId64 "}]}",
                  duration, limit));
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}
