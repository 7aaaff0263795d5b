/*
 * periods.c: the OCPI charging periods of a session.
 *
 * Energy is counted in 10^-9 kWh, the finest that a decimal field holds; time
 * in microseconds. Nothing here is a floating point number.
 */

#include "periods.h"

#define WH        ((int64_t) 1000000)       /* 10^-9 kWh                    */
#define MAX_WH    ((int64_t) 1000000000000) /* what a register may show     */
#define SECOND    ((int64_t) 1000000)
#define DAY       (86400 * SECOND)
#define AHEAD     (600 * SECOND)      /* as charging.billed_at        */
#define MICRO     6                   /* places of kW and A           */
#define MAX_MICRO ((int64_t) 1000000) /* kW, A: more is no reading    */
#define UNKNOWN   (-1)

/* what the tariff engine takes; beyond it a session is nonsense */
#define MAX_LENGTH (366 * DAY)
#define MAX_MOVED  ((int64_t) 1000000000) /* Wh                           */

typedef struct {
    int64_t at;
    int64_t energy; /* of the register; UNKNOWN: not read here           */
    int64_t power;  /* 10^-6 kW, as measured here; UNKNOWN: was not      */
    int64_t current;
    bool    parking; /* from here on                                     */
} cut_t;

typedef struct {
    int64_t start, end;
    int64_t first, last; /* of the register                              */
    bool    stopped;
    size_t  count;
    cut_t  *cuts; /* the first is the start, the one after all the end   */
} session_t;


/* A decimal without exponent as a multiple of 10^-places; digits behind the
 * places fall away. UNKNOWN: none, negative, or max and more. max x 10^places
 * must fit. */
static int64_t
decimal_read(vg_str_t text, int places, int64_t max)
{
    size_t  i;
    int64_t value = 0;
    int     left = UNKNOWN; /* places to come, once the point was seen */

    if (text.data == NULL || text.len == 0) {
        return UNKNOWN;
    }
    for (i = 0; i < text.len && left != 0; i++) {
        if (text.data[i] == '.' && left == UNKNOWN) {
            left = places;
            continue;
        }
        if (text.data[i] < '0' || text.data[i] > '9') {
            return UNKNOWN;
        }
        value = value * 10 + (text.data[i] - '0');
        left -= left > 0;
        if (left == UNKNOWN && value >= max) {
            return UNKNOWN;
        }
    }
    for (left = left == UNKNOWN ? places : left; left > 0; left--) {
        value *= 10;
    }
    return value;
}


static bool
integer_read(const vg_json_t *node, const char *name, int64_t *value)
{
    vg_str_t text = vg_json_text(node, name);
    bool     minus;

    if (text.data == NULL || text.len == 0) {
        return false;
    }
    minus = text.data[0] == '-';
    text.data += minus;
    text.len -= minus;
    *value = decimal_read(text, 0, INT64_MAX / 100);
    if (*value == UNKNOWN) {
        return false;
    }
    *value = minus ? -*value : *value;
    return true;
}


/* a multiple of 10^-9 without needless zeros */
static vg_str_t
nano_print(vg_pool_t *pool, int64_t value)
{
    vg_str_t text;

    text = vg_printf(pool, "%lld.%09lld", (long long) (value / 1000000000),
                     (long long) (value % 1000000000));
    while (text.data != NULL && text.data[text.len - 1] == '0') {
        text.len--;
    }
    if (text.data != NULL && text.data[text.len - 1] == '.') {
        text.len--;
    }
    return text;
}


/* RFC 3339 in UTC. The calendar is Howard Hinnant's days-from-civil turned
 * round: eras of 400 years that begin on a first of March. */
static vg_str_t
instant_print(vg_pool_t *pool, int64_t at)
{
    int64_t  days, us, era, doe, yoe, doy, month, year;
    vg_str_t text;

    us = ((at % DAY) + DAY) % DAY;
    days = (at - us) / DAY + 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    month = (5 * doy + 2) / 153;
    year = yoe + era * 400 + (month >= 10);
    text =
        vg_printf(pool, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", (int) year,
                  (int) (month < 10 ? month + 3 : month - 9),
                  (int) (doy - (153 * month + 2) / 5 + 1),
                  (int) (us / (3600 * SECOND)), (int) (us / (60 * SECOND) % 60),
                  (int) (us / SECOND % 60), (int) (us % SECOND));
    while (text.data != NULL && text.data[text.len - 1] == '0') {
        text.len--;
    }
    if (text.data != NULL && text.data[text.len - 1] == '.') {
        text.len--;
    }
    return vg_printf(pool, "%.*sZ", (int) text.len, text.data);
}


static int64_t
next_at(const vg_json_t *node)
{
    int64_t at;

    return node != NULL && integer_read(node, "at", &at) ? at : INT64_MAX;
}


/* A running session lasts until now, or until its last reading where the
 * charger's clock is ahead of ours by what is believed. */
static int64_t
running_until(const vg_json_t *costing, int64_t now)
{
    int64_t          at, end = now;
    const vg_json_t *samples = vg_json_get(costing, "samples"), *sample;

    for (sample = samples ? samples->first : NULL; sample != NULL;
         sample = sample->next)
    {
        at = next_at(sample);
        end = at > end && at <= now + AHEAD ? at : end;
    }
    return end;
}


static bool
session_read(session_t *s, const vg_json_t *costing, int64_t now)
{
    int64_t first, last;

    if (!integer_read(costing, "start", &s->start)) {
        return false;
    }
    if (!integer_read(costing, "end", &s->end)) {
        s->end = running_until(costing, now);
    }
    if (s->end < s->start) {
        s->end = s->start;
    }
    if (!integer_read(costing, "meterStartWh", &first) || first > MAX_WH
        || first < -MAX_WH)
    {
        return false;
    }
    s->stopped = vg_json_text(costing, "meterStopWh").data != NULL;
    if (s->stopped && !integer_read(costing, "meterStopWh", &last)) {
        return false;
    }
    if (!s->stopped || last < first) { /* backwards: nothing was delivered */
        last = first;
    }
    if (last - first > MAX_MOVED || s->end - s->start > MAX_LENGTH) {
        return false;
    }
    s->first = first * WH;
    s->last = last * WH;
    return true;
}


/* A reading that the register cannot have shown between its neighbours is
 * none; until the session has stopped the last reading is its end. */
static int64_t
reading(session_t *s, vg_str_t text, int64_t *highest)
{
    int64_t energy = decimal_read(text, MICRO, MAX_WH);

    if (energy == UNKNOWN || energy < *highest
        || (s->stopped ? energy > s->last : energy - s->first > MAX_MOVED * WH))
    {
        return UNKNOWN;
    }
    *highest = energy;
    if (!s->stopped) {
        s->last = energy;
    }
    return energy;
}


/* Opens a cut at this moment, or gives the one that is near enough: its own,
 * or, when there are too many, the last one within one slot. */
static cut_t *
cut_at(session_t *s, int64_t at, int64_t slot)
{
    cut_t *cut = &s->cuts[s->count - 1];

    if (at - cut->at > slot) {
        cut[1] = (cut_t){ at, UNKNOWN, UNKNOWN, UNKNOWN, cut->parking };
        s->count++;
        cut++;
    }
    return cut;
}


static void
sample_add(session_t *s, const vg_json_t *sample, int64_t slot,
           int64_t *highest)
{
    cut_t  *cut;
    int64_t at = next_at(sample), energy;

    if (at < s->start || at > s->end) {
        return;
    }
    energy = reading(s, vg_json_text(sample, "energyWh"), highest);
    if (at == s->end && s->end > s->start) {
        return;
    }
    cut = cut_at(s, at, slot);
    if (cut->at != at) {
        return; /* thinned out */
    }
    if (cut != s->cuts && energy != UNKNOWN) {
        cut->energy = energy;
    }
    cut->power =
        decimal_read(vg_json_text(sample, "powerKw"), MICRO, MAX_MICRO);
    cut->current =
        decimal_read(vg_json_text(sample, "currentA"), MICRO, MAX_MICRO);
}


static void
status_add(session_t *s, const vg_json_t *status, int64_t slot)
{
    bool    parking;
    cut_t  *last = &s->cuts[s->count - 1];
    int64_t at = next_at(status);

    parking = vg_str_eq(vg_json_text(status, "status"), "SuspendedEV");
    if (at < s->start || at >= s->end || parking == last->parking) {
        return;
    }
    cut_at(s, at, slot)->parking = parking;
}


/* Both lists are sorted; at the same moment the reading goes first. Where a car
 * began to park has a price: it is only moved by a flood of such changes. */
static bool
cuts_read(session_t *s, vg_pool_t *pool, const vg_json_t *costing)
{
    size_t           total, states;
    int64_t          slot, state_slot, highest = s->first;
    const vg_json_t *samples = vg_json_get(costing, "samples");
    const vg_json_t *statuses = vg_json_get(costing, "statuses");
    const vg_json_t *sample = samples ? samples->first : NULL;
    const vg_json_t *status = statuses ? statuses->first : NULL;

    states = statuses ? statuses->count : 0;
    total = (samples ? samples->count : 0) + states;
    slot = total > PERIODS_MAX ? (s->end - s->start) / PERIODS_MAX : 0;
    state_slot = states > PERIODS_MAX ? slot : 0;
    s->cuts = vg_calloc(pool, (total + 2) * sizeof(cut_t));
    if (s->cuts == NULL) {
        return false;
    }
    s->cuts[0] = (cut_t){ s->start, s->first, UNKNOWN, UNKNOWN, false };
    s->count = 1;
    while (sample != NULL || status != NULL) {
        if (status == NULL
            || (sample != NULL && next_at(sample) <= next_at(status))) {
            sample_add(s, sample, slot, &highest);
            sample = sample->next;
        } else {
            status_add(s, status, state_slot);
            status = status->next;
        }
    }
    s->cuts[s->count] = (cut_t){ s->end, s->last, UNKNOWN, UNKNOWN, false };
    return true;
}


/* Where nothing was read between two readings, energy flowed evenly while
 * the car charged; if it never did, evenly. */
static void
energy_spread(session_t *s, size_t from, size_t to)
{
    size_t  i;
    bool    all;
    int64_t charged = 0, so_far = 0, moved;

    for (i = from; i < to; i++) {
        charged += s->cuts[i].parking ? 0 : s->cuts[i + 1].at - s->cuts[i].at;
    }
    all = charged == 0;
    charged = all ? s->cuts[to].at - s->cuts[from].at : charged;
    moved = s->cuts[to].energy - s->cuts[from].energy;
    for (i = from; i + 1 < to; i++) {
        if (all || !s->cuts[i].parking) {
            so_far += s->cuts[i + 1].at - s->cuts[i].at;
        }
        s->cuts[i + 1].energy =
            s->cuts[from].energy
            + (charged ? (int64_t) ((__int128) moved * so_far / charged) : 0);
    }
}


static void
energy_fill(session_t *s)
{
    size_t i, known = 0;

    for (i = 1; i <= s->count; i++) {
        if (s->cuts[i].energy != UNKNOWN) {
            energy_spread(s, known, i);
            known = i;
        }
    }
}


static void
dimension(vg_out_t *out, const char *type, vg_str_t volume)
{
    vg_out_open(out, '{');
    vg_out_member(out, "type", vg_str(type));
    vg_out_member_raw(out, "volume", volume);
    vg_out_close(out, '}');
}


/* Half up to 10^-9 h: below 2 microseconds, so the moments stay exact. */
static vg_str_t
hours_print(vg_pool_t *pool, int64_t us)
{
    return nano_print(pool, (int64_t) (((__int128) us * 10 + 18) / 36));
}


/* What was measured at the beginning of a period holds for it; the first
 * one takes what is measured at its end. */
static void
period_render(vg_out_t *out, const session_t *s, size_t i)
{
    const cut_t *cut = &s->cuts[i], *next = cut + 1;
    const cut_t *seen =
        i > 0 || cut->power >= 0 || cut->current >= 0 ? cut : next;

    vg_out_open(out, '{');
    vg_out_member(out, "start_date_time", instant_print(out->pool, cut->at));
    vg_out_key(out, "dimensions");
    vg_out_open(out, '[');
    if (next->energy > cut->energy) {
        dimension(out, "ENERGY",
                  nano_print(out->pool, next->energy - cut->energy));
    }
    dimension(out, cut->parking ? "PARKING_TIME" : "TIME",
              hours_print(out->pool, next->at - cut->at));
    if (!cut->parking && seen->power != UNKNOWN) {
        dimension(out, "POWER", nano_print(out->pool, seen->power * 1000));
    }
    if (!cut->parking && seen->current != UNKNOWN) {
        dimension(out, "CURRENT", nano_print(out->pool, seen->current * 1000));
    }
    vg_out_close(out, ']');
    vg_out_close(out, '}');
}


periods_rc_t
periods_arguments(vg_pool_t *pool, const vg_json_t *costing, int64_t now,
                  vg_str_t *arguments)
{
    size_t           i;
    vg_out_t         out;
    session_t        s;
    const vg_json_t *tariff = vg_json_get(costing, "tariff");

    if (tariff == NULL || tariff->type != VG_JSON_OBJECT) {
        return PERIODS_NO_TARIFF;
    }
    if (!session_read(&s, costing, now)) {
        return PERIODS_NONSENSE;
    }
    if (!cuts_read(&s, pool, costing)) {
        return PERIODS_NO_MEMORY;
    }
    energy_fill(&s);

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "tariff", tariff->raw);
    vg_out_member(&out, "start_date_time", instant_print(pool, s.start));
    vg_out_member(&out, "end_date_time", instant_print(pool, s.end));
    vg_out_member(&out, "time_zone", vg_json_text(costing, "timeZone"));
    vg_out_member_raw(&out, "merge_lines", VG_STR("true"));
    vg_out_key(&out, "charging_periods");
    vg_out_open(&out, '[');
    for (i = 0; i < s.count; i++) {
        period_render(&out, &s, i);
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');
    *arguments = vg_out_str(&out);
    return arguments->data != NULL ? PERIODS_OK : PERIODS_NO_MEMORY;
}
