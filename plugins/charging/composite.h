/*
 * composite.h: what several charging profiles of OCPP 1.6 allow together.
 *
 * Pure. Instants are seconds since 1970, limits tenths of an ampere or a watt
 * (OCPP has one digit behind the point): no binary floating point.
 */

#ifndef CHARGING_COMPOSITE_H
#define CHARGING_COMPOSITE_H

#include "vg_json.h"

typedef enum {
    COMPOSITE_MAX,     /* ChargePointMaxProfile */
    COMPOSITE_DEFAULT, /* TxDefaultProfile      */
    COMPOSITE_TX,      /* TxProfile             */
} composite_purpose_t;

typedef enum {
    COMPOSITE_ABSOLUTE,
    COMPOSITE_RECURRING,
    COMPOSITE_RELATIVE,
} composite_kind_t;

#define COMPOSITE_NONE INT64_MIN /* no such instant, duration or number     */

/* chargingSchedulePeriod: from start seconds into the schedule on */
typedef struct {
    int64_t start;
    int64_t limit;
    int     phases; /* 0: not said, which OCPP takes for 3                */
} composite_step_t;

typedef struct {
    composite_purpose_t purpose;
    composite_kind_t    kind;
    int64_t             connector;
    int64_t             stack_level;
    int64_t             transaction; /* of a TxProfile; COMPOSITE_NONE: any */
    int64_t             valid_from, valid_to; /* or COMPOSITE_NONE          */
    int64_t             start;    /* startSchedule, or COMPOSITE_NONE      */
    int64_t             offset;   /* of the zone at start, seconds east    */
    int64_t             every;    /* seconds between restarts: day or week */
    int64_t             duration; /* or COMPOSITE_NONE                     */
    char                unit;     /* 'A' or 'W'                            */
    composite_step_t   *steps;    /* by start                              */
    size_t              count;
} composite_profile_t;

/* A zone's offset from an instant on; the first holds before it too. One
 * entry of offset 0 is UTC. */
typedef struct {
    int64_t at;
    int64_t offset;
} composite_clock_t;

typedef struct {
    composite_profile_t *profiles;
    size_t               count;
    composite_clock_t   *clock; /* by at; at least one                    */
    size_t               clocks;
    int64_t              connector;
    int64_t              transaction; /* or COMPOSITE_NONE                 */
    int64_t              since;       /* when it began, or COMPOSITE_NONE  */
    int64_t              from, to;
    int64_t              volts; /* between phase and neutral               */
    char                 unit;  /* of the answer                           */
} composite_t;

/* from start seconds after composite_t.from on; limit COMPOSITE_NONE: none */
typedef composite_step_t composite_period_t;

#define COMPOSITE_PERIODS 1000

/* steps of profiles that are looked at, some 30 ms: many profiles that change
 * often may hide below one that never does */
#define COMPOSITE_WORK 100000000

/* Writes at most COMPOSITE_PERIODS periods, returns how many; *end is the
 * instant up to which they hold: to, or earlier when there were more, or
 * COMPOSITE_WORK was done. */
size_t composite_make(const composite_t *composite, composite_period_t *periods,
                      int64_t *end);

/* schedule.c: what SQL found, as composite_t; NULL: not what it should be, or
 * no memory. And the answer. */
composite_t *schedule_read(vg_pool_t *pool, const vg_json_t *row);
vg_str_t     schedule_write(vg_pool_t *pool, const composite_t *composite);

#endif
