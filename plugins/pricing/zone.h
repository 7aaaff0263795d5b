/*
 * zone.h: IANA time zones from TZif files (RFC 9636), without touching the
 * process's own zone. Owns no rule of tariffs.
 */

#ifndef PRICING_ZONE_H
#define PRICING_ZONE_H

#include "vg_json.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

typedef struct zone_s zone_t;

/* The zone of a name like "Europe/Berlin"; NULL: no such zone, a name that
 * is none, a broken file, or no memory. */
zone_t *zone_load(vg_pool_t *pool, vg_str_t name);

/* The same from a file's bytes, which are copied from: for tests. */
zone_t *zone_read(vg_pool_t *pool, vg_str_t bytes);

/* Seconds to add to UTC at this instant (seconds since 1970). *next is the
 * first instant after it at which that may change, INT64_MAX for never. */
int64_t zone_offset(const zone_t *zone, int64_t at, int64_t *next);

#endif
