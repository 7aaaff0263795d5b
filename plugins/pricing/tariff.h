/*
 * tariff.h: an OCPI 2.2.1 Tariff as structs. Owns what a tariff may say and
 * when an element matches; calculates nothing. Units are decimal.h's.
 */

#ifndef PRICING_TARIFF_H
#define PRICING_TARIFF_H

#include "decimal.h"
#include "fault.h"

#define ELEMENTS_MAX 100

typedef enum { ENERGY, FLAT, PARKING_TIME, TIME, DIMENSIONS } dimension_t;

typedef struct {
    bool    present;
    bool    has_vat;
    int64_t price; /* without VAT, per kWh, hour or session    */
    int64_t vat;
    int64_t step; /* Wh or seconds; 1 changes nothing but fractions */
} component_t;

/* Bounds of an element; a pair is a range [even, odd). */
typedef enum {
    START_TIME, /* minutes of the local day */
    END_TIME,
    START_DATE, /* local days since 1970 */
    END_DATE,
    MIN_KWH, /* session's energy so far */
    MAX_KWH,
    MIN_CURRENT, /* sum over the phases */
    MAX_CURRENT,
    MIN_POWER,
    MAX_POWER,
    MIN_DURATION, /* session's microseconds so far */
    MAX_DURATION,
    BOUNDS,
} bound_t;

typedef enum { SESSION, RESERVATION, RESERVATION_EXPIRES } phase_t;

typedef struct {
    component_t component[DIMENSIONS];
    phase_t     phase;
    unsigned    has;  /* 1 << bound_t */
    unsigned    days; /* 1 << weekday; 0: every day */
    int64_t     bound[BOUNDS];
} element_t;

typedef struct {
    bool    present, has_incl;
    int64_t excl, incl; /* in units of price */
} limit_t;

typedef struct {
    vg_str_t   currency;
    limit_t    min, max;
    size_t     count;
    element_t *elements;
} tariff_t;

/* What an element is held against, at one instant. */
typedef struct {
    int64_t day;    /* local, since 1970 */
    int64_t of_day; /* local, microseconds */
    int64_t energy, duration;
    bool    has_current, has_power;
    int64_t current, power;
} state_t;

/* Reads and checks the object; what is wrong is added to faults, each under
 * its path, which begins with path. NULL: no memory, or no object. The
 * result may be used only when no fault was added. */
tariff_t *tariff_parse(vg_pool_t *pool, const vg_json_t *node, const char *path,
                       faults_t *faults);

bool element_matches(const element_t *element, const state_t *state);

/* The first element of a phase that prices this dimension now, or -1. */
int tariff_active(const tariff_t *tariff, phase_t phase, dimension_t dimension,
                  const state_t *state);

extern const char *const dimension_names[DIMENSIONS];
extern const char *const phase_names[3];

#endif
