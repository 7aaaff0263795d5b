/*
 * schedule.c: a composite schedule's makings as SQL found them, and the
 * schedule as JSON. Pure; the rules are composite.c's.
 */

#include <string.h>

#include "composite.h"

#define TENTHS_DIGITS 12


/* A whole number; otherwise where there is none. Seconds may have come with a
 * fraction: it is cut. */
static int64_t
whole(const vg_json_t *node, const char *name, int64_t otherwise)
{
    vg_str_t text = vg_json_text(node, name);
    int64_t  value = 0;
    size_t   i = text.data && text.len && text.data[0] == '-';

    if (text.data == NULL || text.len > 18) {
        return otherwise;
    }
    for (; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        value = value * 10 + (text.data[i] - '0');
    }
    return text.data[0] == '-' ? -value : value;
}


/* "16", "16.0", "6.5": tenths; false when it is neither */
static bool
tenths(const vg_json_t *node, const char *name, int64_t *value)
{
    vg_str_t text = vg_json_text(node, name);
    size_t   i, point = text.len;

    *value = 0;
    if (text.data == NULL || text.len == 0 || text.len > TENTHS_DIGITS) {
        return false;
    }
    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '.' && point == text.len && i > 0) {
            point = i;
        } else if (text.data[i] >= '0' && text.data[i] <= '9') {
            *value = *value * 10 + (text.data[i] - '0');
        } else {
            return false;
        }
    }
    if (point == text.len) {
        *value *= 10;
        return true;
    }
    return point + 2 == text.len;
}


static bool
steps_read(vg_pool_t *pool, const vg_json_t *list, composite_profile_t *p)
{
    const vg_json_t  *m;
    composite_step_t *step;

    p->count = 0;
    p->steps =
        vg_calloc(pool, ((list ? list->count : 0) + 1) * sizeof(*p->steps));
    if (p->steps == NULL) {
        return false;
    }
    for (m = list ? list->first : NULL; m != NULL; m = m->next) {
        step = &p->steps[p->count++];
        step->start = whole(m, "start", 0);
        step->phases = (int) whole(m, "phases", 0);
        if (!tenths(m, "limit", &step->limit)) {
            return false;
        }
    }
    return true;
}


static bool
profile_read(vg_pool_t *pool, const vg_json_t *m, composite_profile_t *p)
{
    vg_str_t purpose = vg_json_text(m, "purpose");
    vg_str_t kind = vg_json_text(m, "kind");

    p->purpose = vg_str_eq(purpose, "ChargePointMaxProfile") ? COMPOSITE_MAX
                 : vg_str_eq(purpose, "TxProfile")           ? COMPOSITE_TX
                                                   : COMPOSITE_DEFAULT;
    p->kind = vg_str_eq(kind, "Recurring")  ? COMPOSITE_RECURRING
              : vg_str_eq(kind, "Relative") ? COMPOSITE_RELATIVE
                                            : COMPOSITE_ABSOLUTE;
    p->connector = whole(m, "connector", 0);
    p->stack_level = whole(m, "stackLevel", 0);
    p->transaction = whole(m, "transaction", COMPOSITE_NONE);
    p->valid_from = whole(m, "validFrom", COMPOSITE_NONE);
    p->valid_to = whole(m, "validTo", COMPOSITE_NONE);
    p->start = whole(m, "start", COMPOSITE_NONE);
    p->offset = whole(m, "offset", 0);
    p->every =
        vg_str_eq(vg_json_text(m, "recurrency"), "Weekly") ? 604800 : 86400;
    p->duration = whole(m, "duration", COMPOSITE_NONE);
    p->unit = vg_str_eq(vg_json_text(m, "unit"), "W") ? 'W' : 'A';
    return steps_read(pool, vg_json_get(m, "steps"), p);
}


static bool
clock_read(vg_pool_t *pool, const vg_json_t *list, composite_t *c)
{
    const vg_json_t *m;

    c->clock =
        vg_calloc(pool, ((list ? list->count : 0) + 1) * sizeof(*c->clock));
    if (c->clock == NULL) {
        return false;
    }
    for (m = list ? list->first : NULL; m != NULL; m = m->next) {
        c->clock[c->clocks].at = whole(m, "at", 0);
        c->clock[c->clocks++].offset = whole(m, "offset", 0);
    }
    c->clocks += c->clocks == 0; /* UTC */
    return true;
}


composite_t *
schedule_read(vg_pool_t *pool, const vg_json_t *row)
{
    vg_str_t         unit = vg_json_text(row, "unit");
    composite_t     *c = vg_calloc(pool, sizeof(*c));
    const vg_json_t *m, *list = vg_json_get(row, "profiles");

    if (c == NULL || row == NULL) {
        return NULL;
    }
    c->connector = whole(row, "connector", 0);
    c->transaction = whole(row, "transaction", COMPOSITE_NONE);
    c->since = whole(row, "since", COMPOSITE_NONE);
    c->from = whole(row, "from", 0);
    c->to = whole(row, "to", 0);
    c->volts = whole(row, "volts", 230);
    c->profiles =
        vg_calloc(pool, ((list ? list->count : 0) + 1) * sizeof(*c->profiles));
    if (c->profiles == NULL || c->volts < 1
        || !clock_read(pool, vg_json_get(row, "clock"), c))
    {
        return NULL;
    }
    for (m = list ? list->first : NULL; m != NULL; m = m->next) {
        if (!profile_read(pool, m, &c->profiles[c->count++])) {
            return NULL;
        }
    }
    c->unit = unit.data != NULL ? unit.data[0]
              : c->count > 0    ? c->profiles[0].unit
                                : 'A';
    return c;
}


static void
period_write(vg_out_t *out, const composite_period_t *period)
{
    vg_out_open(out, '{');
    vg_out_key(out, "startPeriod");
    vg_out_int(out, period->start);
    vg_out_key(out, "limit");
    if (period->limit == COMPOSITE_NONE) {
        vg_out_null(out);
    } else {
        vg_out_raw(out, vg_printf(out->pool, "%lld.%d",
                                  (long long) (period->limit / 10),
                                  (int) (period->limit % 10)));
    }
    if (period->phases > 0) {
        vg_out_key(out, "numberPhases");
        vg_out_int(out, period->phases);
    }
    vg_out_close(out, '}');
}


vg_str_t
schedule_write(vg_pool_t *pool, const composite_t *c)
{
    size_t              i, n;
    int64_t             end;
    vg_out_t            out;
    composite_period_t *periods;

    periods = vg_calloc(pool, COMPOSITE_PERIODS * sizeof(*periods));
    if (periods == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    n = composite_make(c, periods, &end);
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_key(&out, "duration");
    vg_out_int(&out, end - c->from);
    vg_out_member(&out, "chargingRateUnit", (vg_str_t){ &c->unit, 1 });
    vg_out_key(&out, "chargingSchedulePeriod");
    vg_out_open(&out, '[');
    for (i = 0; i < n; i++) {
        period_write(&out, &periods[i]);
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}
