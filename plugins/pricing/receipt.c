/*
 * receipt.c: costs as JSON; see receipt.h.
 */

#include "cost.h"
#include "moment.h"
#include "receipt.h"

static const char *const total_names[TOTALS] = {
    [TOTAL] = "total_cost",
    [TOTAL_FIXED] = "total_fixed_cost",
    [TOTAL_ENERGY] = "total_energy_cost",
    [TOTAL_TIME] = "total_time_cost",
    [TOTAL_PARKING] = "total_parking_cost",
    [TOTAL_RESERVATION] = "total_reservation_cost",
};

/* What was printed of the lines so far: each line is printed as the
 * difference of rounded sums, so that printed lines add up to the printed
 * sum although a third of a cent has no end. */
typedef struct {
    money_t excl, incl;                 /* exact */
    money_t printed_excl, printed_incl; /* 10^-EXACT_PLACES */
} run_t;


static void
out_decimal(vg_out_t *out, const char *key, money_t value, int places)
{
    vg_out_member_raw(out, key, decimal_print(out->pool, value, places));
}


/* hours of 9 decimals, half up */
static void
out_hours(vg_out_t *out, const char *key, int64_t microseconds)
{
    money_t half = (money_t) HOUR / 2;
    money_t hours =
        ((money_t) microseconds * 1000000000 + half) / (money_t) HOUR;

    out_decimal(out, key, hours, 9);
}


static void
out_sum(vg_out_t *out, const char *key, const sum_t *sum, int places)
{
    vg_out_key(out, key);
    vg_out_open(out, '{');
    out_decimal(out, "excl_vat", money_round(sum->excl, places), places);
    if (!sum->no_incl) {
        out_decimal(out, "incl_vat", money_round(sum->incl, places), places);
    }
    vg_out_close(out, '}');
}


/* ------------------------------------------------------------------ lines */

static void
out_component(vg_out_t *out, const component_t *component)
{
    out_decimal(out, "price", component->price, PRICE_PLACES);
    if (component->has_vat) {
        out_decimal(out, "vat", component->vat, VAT_PLACES);
    }
    vg_out_key(out, "step_size");
    vg_out_int(out, component->step);
}


static void
out_volume(vg_out_t *out, const line_t *line)
{
    switch (line->dimension) {
    case ENERGY:
        out_decimal(out, "used", line->used, ENERGY_PLACES);
        out_decimal(out, "volume", line->billed, ENERGY_PLACES);
        vg_out_member(out, "unit", VG_STR("kWh"));
        return;
    case FLAT:
        vg_out_member_raw(out, "volume", VG_STR("1"));
        vg_out_member(out, "unit", VG_STR("session"));
        return;
    default:
        out_hours(out, "used", line->used);
        out_hours(out, "volume", line->billed);
        vg_out_member(out, "unit", VG_STR("h"));
        out_decimal(out, "seconds", line->billed, 6);
    }
}


static void
out_amounts(vg_out_t *out, const line_t *line, run_t *run)
{
    money_t excl, incl;

    (void) money_add(&run->excl, line->excl);
    (void) money_add(&run->incl, line->incl);
    excl = money_round(run->excl, EXACT_PLACES);
    incl = money_round(run->incl, EXACT_PLACES);
    out_decimal(out, "excl_vat", excl - run->printed_excl, EXACT_PLACES);
    if (line->has_incl) {
        out_decimal(out, "incl_vat", incl - run->printed_incl, EXACT_PLACES);
    }
    run->printed_excl = excl;
    run->printed_incl = incl;
}


static void
out_line(vg_out_t *out, const tariff_t *tariff, const line_t *line, run_t *run)
{
    const component_t *component;

    vg_out_open(out, '{');
    if (line->kind == LINE_PRICE) {
        component = &tariff->elements[line->element].component[line->dimension];
        vg_out_member(out, "type", vg_str(dimension_names[line->dimension]));
        if (line->phase != SESSION) {
            vg_out_member(out, "reservation", vg_str(phase_names[line->phase]));
        }
        vg_out_key(out, "period");
        vg_out_int(out, (int64_t) line->period);
        vg_out_key(out, "element");
        vg_out_int(out, (int64_t) line->element);
        vg_out_member(out, "start_date_time",
                      moment_print(out->pool, line->start));
        vg_out_member(out, "end_date_time", moment_print(out->pool, line->end));
        out_component(out, component);
        out_volume(out, line);
    } else {
        vg_out_member(out, "type",
                      line->kind == LINE_MIN ? VG_STR("MIN_PRICE")
                                             : VG_STR("MAX_PRICE"));
    }
    out_amounts(out, line, run);
    vg_out_close(out, '}');
}


static vg_str_t
print(vg_pool_t *pool, const tariff_t *tariff, const cost_t *cost)
{
    vg_out_t out;
    run_t    run = { 0, 0, 0, 0 };
    size_t   i;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "currency", tariff->currency);
    for (i = 0; i < TOTALS; i++) {
        out_sum(&out, total_names[i], &cost->totals[i], TOTAL_PLACES);
    }
    out_decimal(&out, "total_energy", cost->energy, ENERGY_PLACES);
    out_hours(&out, "total_time", cost->time);
    out_hours(&out, "total_parking_time", cost->parking);
    out_sum(&out, "unrounded", &cost->totals[TOTAL], EXACT_PLACES);
    vg_out_key(&out, "lines");
    vg_out_open(&out, '[');
    for (i = 0; i < cost->count; i++) {
        out_line(&out, tariff, &cost->lines[i], &run);
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');

    return vg_out_str(&out);
}


vg_str_t
receipt(vg_pool_t *pool, const vg_json_t *input, const vg_json_t *json,
        faults_t *faults)
{
    tariff_t  *tariff = tariff_parse(pool, json, "tariff", faults);
    session_t *session = session_parse(pool, input, faults);
    cost_t    *cost;

    if (faults->count > 0) {
        return (vg_str_t){ NULL, 0 };
    }
    cost = cost_of(pool, tariff, session, faults);

    return cost == NULL ? (vg_str_t){ NULL, 0 } : print(pool, tariff, cost);
}


vg_str_t
prices_at(vg_pool_t *pool, const vg_json_t *json, vg_str_t name, int64_t now)
{
    faults_t  faults = { .pool = pool };
    tariff_t *tariff = tariff_parse(pool, json, "tariff", &faults);
    zone_t   *zone = zone_load(pool, name);
    state_t   state;
    vg_out_t  out;
    int64_t   next;
    int       i, element;

    if (faults.count > 0 || zone == NULL) {
        return (vg_str_t){ NULL, 0 };
    }

    state = state_at(zone, now, &next);
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    for (i = 0; i < DIMENSIONS; i++) {
        element = tariff_active(tariff, SESSION, (dimension_t) i, &state);
        if (element < 0) {
            continue;
        }
        vg_out_key(&out, dimension_names[i]);
        vg_out_open(&out, '{');
        vg_out_key(&out, "element");
        vg_out_int(&out, element);
        out_component(&out, &tariff->elements[element].component[i]);
        vg_out_close(&out, '}');
    }
    vg_out_close(&out, '}');

    return vg_out_str(&out);
}
