/*
 * cost.h: what a session costs by a tariff: lines and totals, exact. Knows
 * neither JSON nor HTTP.
 */

#ifndef PRICING_COST_H
#define PRICING_COST_H

#include "session.h"
#include "tariff.h"

/* pieces x elements that one pricing may look at; about 50 ms */
#define WORK_MAX 2000000

typedef enum { LINE_PRICE, LINE_MIN, LINE_MAX } line_kind_t;

typedef struct {
    line_kind_t kind;
    size_t      period;  /* of the input */
    size_t      element; /* of the tariff */
    phase_t     phase;
    dimension_t dimension;
    int64_t     start, end; /* instants */
    int64_t     used;       /* 10^-9 kWh, microseconds, or 1 for FLAT */
    int64_t     billed;     /* used, and what step_size adds */
    bool        has_incl;
    money_t     excl, incl;
} line_t;

typedef enum {
    TOTAL,
    TOTAL_FIXED,
    TOTAL_ENERGY,
    TOTAL_TIME,
    TOTAL_PARKING,
    TOTAL_RESERVATION,
    TOTALS,
} total_t;

typedef struct {
    money_t excl, incl;
    bool    no_incl; /* something in it has a price and no VAT */
} sum_t;

typedef struct {
    size_t  count, size;
    line_t *lines;
    sum_t   totals[TOTALS];
    int64_t energy, time, parking; /* of the session, unpriced too */
} cost_t;

/* NULL, and a fault: too much work, too large a sum, or no memory. */
cost_t *cost_of(vg_pool_t *pool, const tariff_t *tariff,
                const session_t *session, faults_t *faults);

/* A new line of the cost; NULL: no memory. */
line_t *line_add(vg_pool_t *pool, cost_t *cost);

/* Fills in lines (not yet their step and price) and volumes. NULL, or what is
 * wrong. */
const char *walk(vg_pool_t *pool, const tariff_t *tariff,
                 const session_t *session, cost_t *cost);

/* The state of a session that begins at this instant. *next is the first
 * instant at which the local clock may jump. */
state_t state_at(const zone_t *zone, int64_t at, int64_t *next);

#endif
