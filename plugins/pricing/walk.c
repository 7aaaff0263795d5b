/*
 * walk.c: a session cut into lines of one price each; see cost.h.
 *
 * Each period is walked in pieces in which no restriction can change: to the
 * next bound of time, date, duration or energy, or change of the clocks.
 * Volumes of pieces are differences of what had flown by their ends, so that
 * they add up to the period's volume whatever the cuts.
 */

#include <string.h>

#include "cost.h"
#include "moment.h"

typedef struct {
    vg_pool_t       *pool;
    const tariff_t  *tariff;
    const session_t *session;
    cost_t          *cost;
    const char      *fault;
    size_t           work;
    bool             flat[3];          /* a phase's FLAT was billed   */
    size_t           open[DIMENSIONS]; /* line that grows, or NO_LINE */
    int64_t          origin;           /* durations count from here   */
    int64_t          energy;           /* before this period          */
} walk_t;

#define NO_LINE SIZE_MAX


state_t
state_at(const zone_t *zone, int64_t at, int64_t *next)
{
    int64_t offset = zone_offset(zone, floor_div(at, SECOND), next);
    int64_t local = at + offset * SECOND;
    state_t state = { .day = floor_div(local, DAY) };

    state.of_day = local - state.day * DAY;
    *next = *next > INT64_MAX / SECOND ? INT64_MAX : *next * SECOND;

    return state;
}


/* ------------------------------------------------------------------ lines */

/* A line goes on while the same element prices the same period. */
static void
line_grow(walk_t *walk, const line_t *piece)
{
    size_t  at = walk->open[piece->dimension];
    line_t *line = at == NO_LINE ? NULL : &walk->cost->lines[at];

    if (line != NULL && line->element == piece->element
        && line->phase == piece->phase && line->end == piece->start
        && (line->period == piece->period || walk->session->merge))
    {
        line->used += piece->used;
        line->end = piece->end;
        return;
    }

    line = line_add(walk->pool, walk->cost);
    if (line == NULL) {
        walk->fault = "is too large";
        return;
    }
    *line = *piece;
    walk->open[piece->dimension] = walk->cost->count - 1;
}


/* ----------------------------------------------------------------- pieces */

/* RESERVATION_EXPIRES replaces the TIME of RESERVATION, where it has one. */
static int
active(const walk_t *walk, phase_t phase, dimension_t dimension,
       const state_t *state, phase_t *found)
{
    int element;

    if (phase == RESERVATION_EXPIRES) {
        element = tariff_active(walk->tariff, phase, dimension, state);
        if (element >= 0) {
            *found = phase;
            return element;
        }
        phase = RESERVATION;
    }
    *found = phase;

    return tariff_active(walk->tariff, phase, dimension, state);
}


/* FLAT is once a phase, when the first one holds. That of an expired
 * reservation is added to the reservation's own. */
static void
flat(walk_t *walk, const line_t *piece, const state_t *state)
{
    line_t line = *piece;
    int    phase, element;

    line.dimension = FLAT;
    line.used = 1;
    line.end = line.start;
    for (phase = piece->phase; phase >= SESSION; phase--) {
        element = tariff_active(walk->tariff, (phase_t) phase, FLAT, state);
        if (element >= 0 && !walk->flat[phase]) {
            walk->flat[phase] = true;
            line.element = (size_t) element;
            line.phase = (phase_t) phase;
            walk->open[FLAT] = NO_LINE;
            line_grow(walk, &line);
        }
        if (phase != RESERVATION_EXPIRES) {
            break;
        }
    }
}


static void
volume(walk_t *walk, const line_t *piece, dimension_t dimension, int64_t used,
       const state_t *state)
{
    line_t line = *piece;
    int    element;

    if (used == 0) {
        return;
    }

    element = active(walk, piece->phase, dimension, state, &line.phase);
    if (element >= 0) {
        line.dimension = dimension;
        line.element = (size_t) element;
        line.used = used;
        line_grow(walk, &line);
    }
}


/* ---------------------------------------------------------------- borders */

static void
sooner(int64_t *next, int64_t candidate, int64_t now)
{
    if (candidate > now && candidate < *next) {
        *next = candidate;
    }
}


/* The next instant after now at which an element may begin or cease to
 * hold by clock, date or duration. */
static int64_t
border_in_time(const walk_t *walk, const state_t *state, int64_t now,
               int64_t next)
{
    int64_t          midnight = now - state->of_day;
    const element_t *element;
    int64_t          tick;
    size_t           i;
    int              k;

    for (i = 0; i < walk->tariff->count; i++) {
        element = &walk->tariff->elements[i];
        if (element->days != 0 || (element->has >> START_DATE & 3) != 0) {
            sooner(&next, midnight + DAY, now);
        }
        for (k = START_TIME; k <= END_TIME; k++) {
            if ((element->has >> k & 1) != 0) {
                tick = midnight + element->bound[k] * 60 * SECOND;
                sooner(&next, tick > now ? tick : tick + DAY, now);
            }
        }
        for (k = MIN_DURATION; k <= MAX_DURATION; k++) {
            if ((element->has >> k & 1) != 0) {
                sooner(&next, walk->origin + element->bound[k], now);
            }
        }
    }

    return next;
}


/* The least bound of energy above what has flown, INT64_MAX for none. */
static int64_t
border_in_energy(const walk_t *walk, int64_t flown)
{
    int64_t          next = INT64_MAX;
    const element_t *element;
    size_t           i;
    int              k;

    for (i = 0; i < walk->tariff->count; i++) {
        element = &walk->tariff->elements[i];
        for (k = MIN_KWH; k <= MAX_KWH; k++) {
            if ((element->has >> k & 1) != 0) {
                sooner(&next, element->bound[k], flown);
            }
        }
    }

    return next;
}


/* When so much of the period's energy has flown, rounded up: so what share()
 * gives for an instant from then on is never less than that energy. */
static int64_t
instant_of(const period_t *period, int64_t energy)
{
    money_t length = period->end - period->start;

    return period->start
           + (int64_t) ((length * energy + period->energy - 1)
                        / period->energy);
}


/* ------------------------------------------------------------------- walk */

static void
piece_price(walk_t *walk, const period_t *period, const line_t *piece,
            int64_t energy, const state_t *state)
{
    int64_t length = period->end - period->start;
    int64_t from = piece->start - period->start;
    int64_t to = piece->end - period->start;

    flat(walk, piece, state);
    if (piece->phase != SESSION) {
        volume(walk, piece, TIME,
               share(period->waiting, to, length)
                   - (from == 0 ? 0 : share(period->waiting, from, length)),
               state);
        return;
    }

    volume(walk, piece, ENERGY, energy, state);
    volume(walk, piece, TIME,
           share(period->time, to, length)
               - (from == 0 ? 0 : share(period->time, from, length)),
           state);
    volume(walk, piece, PARKING_TIME,
           share(period->parking, to, length)
               - (from == 0 ? 0 : share(period->parking, from, length)),
           state);
}


static void
period_walk(walk_t *walk, size_t index)
{
    const period_t *period = &walk->session->periods[index];
    int64_t         length = period->end - period->start;
    int64_t         now = period->start;
    int64_t         flown = 0; /* of the period's energy */
    int64_t         next, bound, energy;
    state_t         state;
    line_t          piece = { .period = index };

    piece.phase = !period->reserved        ? SESSION
                  : walk->session->expired ? RESERVATION_EXPIRES
                                           : RESERVATION;
    do {
        walk->work += walk->tariff->count;
        if (walk->work > WORK_MAX) {
            walk->fault = "have too many changes of price";
            return;
        }

        state = state_at(walk->session->zone, now, &next);
        state.energy = walk->energy + flown;
        state.duration = now - walk->origin;
        state.has_current = period->has_current;
        state.current = period->current;
        state.has_power = period->has_power;
        state.power = period->power;

        next = border_in_time(walk, &state, now, next);
        next = next < period->end ? next : period->end;
        energy = next == period->end
                     ? period->energy
                     : share(period->energy, next - period->start, length);
        bound = border_in_energy(walk, state.energy);
        if (bound != INT64_MAX) {
            bound -= walk->energy;
        }
        if (bound < period->energy && instant_of(period, bound) <= next) {
            next = instant_of(period, bound);
            energy = bound;
        }
        piece.start = now;
        piece.end = next;
        piece_price(walk, period, &piece, energy - flown, &state);
        now = next;
        flown = energy;
    } while ((now < period->end || flown < period->energy)
             && walk->fault == NULL);

    walk->energy += period->energy;
}


const char *
walk(vg_pool_t *pool, const tariff_t *tariff, const session_t *session,
     cost_t *cost)
{
    walk_t state = {
        .pool = pool, .tariff = tariff, .session = session, .cost = cost
    };
    const period_t *period;
    bool            charging = false;
    size_t          i;

    memset(state.open, 0xff, sizeof(state.open));
    for (i = 0; i < session->count && state.fault == NULL; i++) {
        period = &session->periods[i];
        if (i == 0) {
            state.origin = period->reserved ? period->start : session->start;
        } else if (!charging && !period->reserved) {
            state.origin = period->start; /* the reservation is over */
        }
        charging = !period->reserved;
        cost->energy += period->energy;
        cost->time += period->time + period->parking;
        cost->parking += period->parking;
        period_walk(&state, i);
    }

    return state.fault;
}
