/*
 * session.h: what is to be priced: OCPI charging periods as structs. Owns
 * what such an input may say; knows no tariff.
 */

#ifndef PRICING_SESSION_H
#define PRICING_SESSION_H

#include "decimal.h"
#include "fault.h"
#include "zone.h"

#define PERIODS_MAX 20000

typedef struct {
    int64_t start, end;             /* instants */
    bool    reserved;               /* before the session */
    int64_t energy;                 /* 10^-9 kWh, spread evenly */
    int64_t time, parking, waiting; /* microseconds of TIME, PARKING_TIME and
                                     RESERVATION_TIME, spread evenly */
    bool    has_current, has_power;
    int64_t current, power;
} period_t;

typedef struct {
    zone_t   *zone;
    int64_t   start, end;
    bool      expired; /* a reservation that was never used */
    bool      merge;   /* lines of equal price become one   */
    size_t    count;
    period_t *periods;
} session_t;

/* As tariff_parse(). The members are the input's own: start_date_time,
 * end_date_time, time_zone, charging_periods, reservation_expired,
 * merge_lines. */
session_t *session_parse(vg_pool_t *pool, const vg_json_t *input,
                         faults_t *faults);

#endif
