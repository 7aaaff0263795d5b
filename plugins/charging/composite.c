/*
 * composite.c: charging profiles laid over each other; see composite.h.
 *
 * At each moment and for each purpose the profile of the highest stack level
 * holds that is valid then and has a schedule for it. A TxProfile overrules
 * the TxDefaultProfile, of which the connector's own goes before connector
 * 0's; ChargePointMaxProfile bounds what comes out of them.
 */

#include "composite.h"

#define DEFAULT_PHASES 3 /* OCPP 1.6: "if a number of phases is needed"  */


static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}


static void
earlier(int64_t *next, int64_t at)
{
    if (at < *next) {
        *next = at;
    }
}


static int64_t
clock_offset(const composite_t *c, int64_t at)
{
    size_t i = c->clocks - 1;

    while (i > 0 && c->clock[i].at > at) {
        i--;
    }
    return c->clock[i].offset;
}


/* The instant at which the zone's clock shows local: the first of two, and
 * for one that it never shows as if it had not been put forward yet. */
static int64_t
clock_instant(const composite_t *c, int64_t local)
{
    int64_t at;

    for (size_t i = 0; i + 1 < c->clocks; i++) {
        at = local - c->clock[i].offset;
        if (at < c->clock[i + 1].at
            || local - c->clock[i + 1].offset < c->clock[i + 1].at)
        {
            return at;
        }
    }
    return local - c->clock[c->clocks - 1].offset;
}


/* the last restart at or before at, and the one after it */
static int64_t
recurring_begin(const composite_t *c, const composite_profile_t *p, int64_t at,
                int64_t *next)
{
    int64_t local = p->start + p->offset;
    int64_t n = floor_div(at + clock_offset(c, at) - local, p->every) + 1;

    while (clock_instant(c, local + n * p->every) > at) {
        n--;
    }
    *next = clock_instant(c, local + (n + 1) * p->every);
    return clock_instant(c, local + n * p->every);
}


/* When the schedule that holds at this moment began; next is made earlier if
 * another begins before it. */
static int64_t
schedule_begin(const composite_t *c, const composite_profile_t *p, int64_t at,
               int64_t *next)
{
    int64_t begin, again;

    if (p->kind == COMPOSITE_RECURRING && p->start != COMPOSITE_NONE) {
        if (at < p->start) {
            return p->start;
        }
        begin = recurring_begin(c, p, at, &again);
        earlier(next, again);
        return begin < p->start ? p->start : begin;
    }
    if (p->kind == COMPOSITE_ABSOLUTE && p->start != COMPOSITE_NONE) {
        return p->start;
    }
    /* relative to the start of charging: where none is known, now */
    return c->since != COMPOSITE_NONE ? c->since : c->from;
}


/* The step of the profile that holds at a moment, or NULL. next is made as
 * early as the next moment at which that may change. */
static const composite_step_t *
profile_step(const composite_t *c, const composite_profile_t *p, int64_t at,
             int64_t *next)
{
    size_t  i;
    int64_t begin;

    if (p->valid_from != COMPOSITE_NONE && at < p->valid_from) {
        earlier(next, p->valid_from);
        return NULL;
    }
    if (p->valid_to != COMPOSITE_NONE) {
        if (at >= p->valid_to) {
            return NULL;
        }
        earlier(next, p->valid_to);
    }
    begin = schedule_begin(c, p, at, next);
    if (at < begin) {
        earlier(next, begin);
        return NULL;
    }
    if (p->duration != COMPOSITE_NONE) {
        if (at - begin >= p->duration) {
            return NULL;
        }
        earlier(next, begin + p->duration);
    }
    for (i = 0; i < p->count && p->steps[i].start <= at - begin; i++) {
    }
    if (i < p->count) {
        earlier(next, begin + p->steps[i].start);
    }
    return i > 0 ? &p->steps[i - 1] : NULL;
}


static bool
profile_meant(const composite_t *c, const composite_profile_t *p,
              composite_purpose_t purpose, int64_t connector)
{
    if (p->purpose != purpose || p->connector != connector) {
        return false;
    }
    return purpose != COMPOSITE_TX
           || (c->transaction != COMPOSITE_NONE
               && (p->transaction == COMPOSITE_NONE
                   || p->transaction == c->transaction));
}


/* The step of the highest level; unit is its profile's. Those below count for
 * next too: one of them may hold when it ends. */
static const composite_step_t *
purpose_step(const composite_t *c, composite_purpose_t purpose,
             int64_t connector, int64_t at, int64_t *next, char *unit)
{
    int64_t                 level = COMPOSITE_NONE;
    const composite_step_t *step, *best = NULL;

    for (size_t i = 0; i < c->count; i++) {
        if (!profile_meant(c, &c->profiles[i], purpose, connector)) {
            continue;
        }
        step = profile_step(c, &c->profiles[i], at, next);
        if (step != NULL && c->profiles[i].stack_level > level) {
            level = c->profiles[i].stack_level;
            best = step;
            *unit = c->profiles[i].unit;
        }
    }
    return best;
}


/* In the unit of the answer; downward, so that nothing is allowed that was
 * not. */
static int64_t
unit_limit(const composite_t *c, const composite_step_t *step, char unit)
{
    int64_t volts =
        c->volts * (step->phases > 0 ? step->phases : DEFAULT_PHASES);

    if (unit == c->unit) {
        return step->limit;
    }
    return unit == 'A' ? step->limit * volts : step->limit / volts;
}


static composite_period_t
moment_limit(const composite_t *c, int64_t at, int64_t *next)
{
    char               unit[2] = { c->unit, c->unit }; /* step's, bound's */
    int64_t            limit;
    composite_period_t out = { at - c->from, COMPOSITE_NONE, 0 };
    const composite_step_t *step = NULL, *bound;

    bound = purpose_step(c, COMPOSITE_MAX, 0, at, next, &unit[1]);
    if (c->connector > 0) {
        step = purpose_step(c, COMPOSITE_TX, c->connector, at, next, &unit[0]);
        if (step == NULL) {
            step = purpose_step(c, COMPOSITE_DEFAULT, c->connector, at, next,
                                &unit[0]);
        }
        if (step == NULL) {
            step = purpose_step(c, COMPOSITE_DEFAULT, 0, at, next, &unit[0]);
        }
    }
    if (step != NULL) {
        out.limit = unit_limit(c, step, unit[0]);
        out.phases = step->phases;
    }
    if (bound != NULL) {
        limit = unit_limit(c, bound, unit[1]);
        if (out.limit == COMPOSITE_NONE || limit < out.limit) {
            out.limit = limit;
            out.phases = step && step->phases ? step->phases : bound->phases;
        }
    }
    return out;
}


/* At how many moments all profiles may be looked at. */
static size_t
looks_most(const composite_t *c)
{
    size_t steps = c->count + 1;

    for (size_t i = 0; i < c->count; i++) {
        steps += c->profiles[i].count;
    }
    return 1 + COMPOSITE_WORK / steps;
}


size_t
composite_make(const composite_t *c, composite_period_t *periods, int64_t *end)
{
    size_t             n = 0, looks = looks_most(c);
    int64_t            at, next;
    composite_period_t now;

    for (at = c->from; at < c->to; at = next) {
        if (looks-- == 0) {
            *end = at;
            return n;
        }
        next = c->to;
        now = moment_limit(c, at, &next);
        if (n > 0 && periods[n - 1].limit == now.limit
            && periods[n - 1].phases == now.phases)
        {
            continue;
        }
        if (n == COMPOSITE_PERIODS) {
            *end = at;
            return n;
        }
        periods[n++] = now;
    }
    *end = c->to;
    return n;
}
