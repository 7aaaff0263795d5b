/*
 * periods.h: the OCPI charging periods of a session.
 *
 * Pure: knows neither the kit nor the database. Owns where a session is cut
 * and what each piece holds; prices belong to the tariff engine.
 *
 * A session is cut at each meter value and each change between charging and
 * parking. Parking is SuspendedEV, a car that wants nothing; all else,
 * SuspendedEVSE too, is charging time. Energy is what the register moved;
 * at a cut between two readings it is spread evenly over the charging time
 * between them. Volumes add up to the register's difference, always.
 */

#ifndef CHARGING_PERIODS_H
#define CHARGING_PERIODS_H

#include "vg_json.h"

/* More readings than these are thinned out: energy's total stays, and each
 * change between charging and parking, of which there are as many at most. */
#define PERIODS_MAX 500

typedef enum {
    PERIODS_OK,
    PERIODS_NO_TARIFF,
    PERIODS_NONSENSE, /* over a GWh, over 366 days: not to be priced here */
    PERIODS_NO_MEMORY,
} periods_rc_t;

/* What `pricing.rate` is asked: {tariff, start_date_time, end_date_time,
 * time_zone, merge_lines, charging_periods}. costing: {start, end,
 * meterStartWh, meterStopWh, timeZone, tariff, samples:[{at, energyWh,
 * powerKw, currentA}], statuses:[{at, status}]}, both sorted; instants in
 * microseconds since 1970. A session without end lasts until now. */
periods_rc_t periods_arguments(vg_pool_t *pool, const vg_json_t *costing,
                               int64_t now, vg_str_t *arguments);

#endif
