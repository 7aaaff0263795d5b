/*
 * cost.c: what the lines of a session cost, and their sums; see cost.h.
 */

#include <string.h>

#include "cost.h"

line_t *
line_add(vg_pool_t *pool, cost_t *cost)
{
    line_t *lines;
    size_t  size;

    if (cost->count == cost->size) {
        size = cost->size == 0 ? 16 : cost->size * 2;
        lines = vg_alloc(pool, size * sizeof(*lines));
        if (lines == NULL) {
            return NULL;
        }
        if (cost->count > 0) {
            memcpy(lines, cost->lines, cost->count * sizeof(*lines));
        }
        cost->lines = lines;
        cost->size = size;
    }

    lines = &cost->lines[cost->count++];
    *lines = (line_t){ .kind = LINE_PRICE };
    return lines;
}


/* --------------------------------------------------------------- the step */

static const component_t *
component_of(const tariff_t *tariff, const line_t *line)
{
    return &tariff->elements[line->element].component[line->dimension];
}


/* Rounds up, once, what was billed in the dimension of the last line that has
 * a price, among lines of these dimensions, and adds the difference to it.
 * Free lines neither count nor decide. */
static void
step_up(cost_t *cost, const tariff_t *tariff, bool reserved, dimension_t one,
        dimension_t other)
{
    line_t *line, *last = NULL;
    int64_t sum = 0, step;
    size_t  i;

    for (i = cost->count; i-- > 0;) {
        line = &cost->lines[i];
        if ((line->phase != SESSION) != reserved
            || component_of(tariff, line)->price == 0
            || (last == NULL
                    ? line->dimension != one && line->dimension != other
                    : line->dimension != last->dimension))
        {
            continue;
        }
        last = last != NULL ? last : line;
        sum += line->used;
    }

    if (last != NULL) {
        /* Wh and seconds are both a million of their unit */
        step = component_of(tariff, last)->step * SECOND;
        last->billed += (step - sum % step) % step;
    }
}


/* ----------------------------------------------------------------- totals */

static total_t
total_of(const line_t *line)
{
    static const total_t totals[DIMENSIONS] = {
        [ENERGY] = TOTAL_ENERGY,
        [FLAT] = TOTAL_FIXED,
        [PARKING_TIME] = TOTAL_PARKING,
        [TIME] = TOTAL_TIME,
    };

    return line->phase != SESSION ? TOTAL_RESERVATION : totals[line->dimension];
}


static bool
sum_add(sum_t *sum, const line_t *line)
{
    sum->no_incl |= !line->has_incl && line->excl != 0;

    return money_add(&sum->excl, line->excl)
           && money_add(&sum->incl, line->incl);
}


static bool
line_price(cost_t *cost, const tariff_t *tariff, line_t *line)
{
    const component_t *component = component_of(tariff, line);
    bool               held;

    switch (line->dimension) {
    case ENERGY:
        held = money_energy(component->price, line->billed, &line->excl);
        break;
    case FLAT:
        held = money_flat(component->price, &line->excl);
        break;
    default:
        held = money_time(component->price, line->billed, &line->excl);
    }
    line->has_incl = component->has_vat;
    if (line->has_incl) {
        held = held && money_with_vat(line->excl, component->vat, &line->incl);
    }

    return held && sum_add(&cost->totals[TOTAL], line)
           && sum_add(&cost->totals[total_of(line)], line);
}


/* Clamps the total without and with VAT, each by itself. Where a limit that
 * applies does not say its amount with VAT, nobody knows it. */
static bool
limit_apply(vg_pool_t *pool, cost_t *cost, const session_t *session,
            const limit_t *limit, line_kind_t kind)
{
    sum_t  *total = &cost->totals[TOTAL];
    money_t excl = 0, incl = 0;
    bool    low = kind == LINE_MIN;
    bool    excl_hit, incl_hit;
    line_t *line;

    if (!limit->present) {
        return true;
    }

    /* prices are below 10^15 units: neither can overflow */
    (void) money_flat(limit->excl, &excl);
    (void) money_flat(limit->incl, &incl);
    excl_hit = low ? total->excl < excl : total->excl > excl;
    incl_hit = limit->has_incl && !total->no_incl
               && (low ? total->incl < incl : total->incl > incl);
    if (!excl_hit && !incl_hit) {
        return true;
    }

    line = line_add(pool, cost);
    if (line == NULL) {
        return false;
    }
    line->kind = kind;
    line->excl = excl_hit ? excl - total->excl : 0;
    line->incl = incl_hit ? incl - total->incl : 0;
    line->has_incl = limit->has_incl && !total->no_incl;
    line->start = session->start;
    line->end = session->end;
    if (!line->has_incl) {
        line->incl = 0;
    }

    return sum_add(total, line);
}


/* NULL, or what is wrong. min_price is that of a charging session; a
 * reservation that was not used is none. */
static const char *
price(vg_pool_t *pool, cost_t *cost, const tariff_t *tariff,
      const session_t *session)
{
    size_t i;

    for (i = 0; i < cost->count; i++) {
        cost->lines[i].billed = cost->lines[i].used;
    }
    step_up(cost, tariff, false, ENERGY, ENERGY);
    step_up(cost, tariff, false, TIME, PARKING_TIME);
    step_up(cost, tariff, true, TIME, TIME);

    for (i = 0; i < cost->count; i++) {
        if (!line_price(cost, tariff, &cost->lines[i])) {
            return "cost too much to be counted";
        }
    }
    if ((!session->expired
         && !limit_apply(pool, cost, session, &tariff->min, LINE_MIN))
        || !limit_apply(pool, cost, session, &tariff->max, LINE_MAX))
    {
        return "is too large";
    }

    return NULL;
}


cost_t *
cost_of(vg_pool_t *pool, const tariff_t *tariff, const session_t *session,
        faults_t *faults)
{
    cost_t     *cost = vg_calloc(pool, sizeof(*cost));
    const char *fault =
        cost == NULL ? "is too large" : walk(pool, tariff, session, cost);

    if (fault == NULL) {
        fault = price(pool, cost, tariff, session);
    }
    if (fault != NULL) {
        fault_add(faults, "charging_periods", fault);
        return NULL;
    }

    return cost;
}
