/*
 * moment.h: instants and civil dates. Instants are microseconds since
 * 1970-01-01T00:00:00Z, dates are days since 1970-01-01, all Gregorian.
 */

#ifndef PRICING_MOMENT_H
#define PRICING_MOMENT_H

#include "vg_json.h"

/* RFC 3339, years 1970 to 9999. Without an offset it is UTC, as OCPI has it. */
bool moment_parse(vg_str_t text, int64_t *moment);

/* RFC 3339 in UTC with Z; data NULL: no memory */
vg_str_t moment_print(vg_pool_t *pool, int64_t moment);

/* "YYYY-MM-DD" */
bool date_parse(vg_str_t text, int64_t *day);

/* "HH:MM" in minutes of the day */
bool clock_parse(vg_str_t text, int64_t *minutes);

int64_t days_from_date(int64_t year, int month, int day);

/* the year of a day */
int64_t year_of_day(int64_t day);

/* 0 Monday to 6 Sunday */
int weekday(int64_t day);

int64_t floor_div(int64_t a, int64_t b);

#endif
