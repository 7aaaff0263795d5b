/*
 * restriction.c: whether an element holds at an instant; see tariff.h.
 *
 * All of an element's restrictions must hold, at each instant anew: the day
 * of week is that of the instant, also behind midnight of a night tariff.
 */

#include "moment.h"
#include "tariff.h"


static bool
inside(const element_t *element, bound_t low, bool known, int64_t value)
{
    if ((element->has >> low & 3) == 0) {
        return true;
    }

    return known && (!(element->has >> low & 1) || value >= element->bound[low])
           && (!(element->has >> low & 2) || value < element->bound[low + 1]);
}


/* An end at or before the start wraps midnight; an end of 00:00 is midnight
 * at the end of the day, which is the same. */
static bool
inside_clock(const element_t *element, int64_t of_day)
{
    int64_t minute = of_day / (60 * SECOND);
    int64_t from = element->bound[START_TIME];
    int64_t to = element->bound[END_TIME];
    bool    started = !(element->has & 1U << START_TIME) || minute >= from;
    bool    running = !(element->has & 1U << END_TIME) || minute < to;

    if ((element->has & 1U << END_TIME) && to == 0) {
        return started;
    }
    if ((element->has >> START_TIME & 3) == 3 && to < from) {
        return started || running;
    }

    return started && running;
}


bool
element_matches(const element_t *element, const state_t *state)
{
    return inside_clock(element, state->of_day)
           && (element->days == 0
               || (element->days >> weekday(state->day) & 1) != 0)
           && inside(element, START_DATE, true, state->day)
           && inside(element, MIN_KWH, true, state->energy)
           && inside(element, MIN_CURRENT, state->has_current, state->current)
           && inside(element, MIN_POWER, state->has_power, state->power)
           && inside(element, MIN_DURATION, true, state->duration);
}


int
tariff_active(const tariff_t *tariff, phase_t phase, dimension_t dimension,
              const state_t *state)
{
    size_t i;

    for (i = 0; i < tariff->count; i++) {
        if (tariff->elements[i].phase == phase
            && tariff->elements[i].component[dimension].present
            && element_matches(&tariff->elements[i], state))
        {
            return (int) i;
        }
    }

    return -1;
}
