/*
 * unit_periods.c: where a session is cut, and what each piece holds.
 */

#define _GNU_SOURCE /* memmem */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "periods.h"

#define MINUTE INT64_C(60000000)
#define NOW    (1795226400 * INT64_C(1000000) + 60 * MINUTE)

typedef struct {
    const char *name;
    const char *costing;  /* start is 2026-11-21T02:00:00Z                 */
    const char *expected; /* the periods                                  */
} case_t;

/* 2026-11-21T02:00:00Z and minutes behind it, as the view prints them */
#define M0  "1795226400000000"
#define M10 "1795227000000000"
#define M20 "1795227600000000"
#define M30 "1795228200000000"
#define M60 "1795230000000000"

/* clang-format off */
#define COSTING(end, stop, samples, statuses)                                \
    "{\"start\":" M0 ",\"end\":" end ",\"meterStartWh\":1000,"               \
    "\"meterStopWh\":" stop ",\"timeZone\":\"Europe/Berlin\","               \
    "\"tariff\":{\"currency\":\"EUR\"},\"samples\":[" samples "],"           \
    "\"statuses\":[" statuses "]}"
#define WH(at, wh)                                                           \
    "{\"at\":" at ",\"energyWh\":\"" wh "\",\"powerKw\":null,"               \
    "\"currentA\":null}"
#define KW(at, wh, kw, a)                                                    \
    "{\"at\":" at ",\"energyWh\":\"" wh "\",\"powerKw\":\"" kw "\","         \
    "\"currentA\":\"" a "\"}"
#define IS(at, status) "{\"at\":" at ",\"status\":\"" status "\"}"

#define P(at, dimensions)                                                    \
    "{\"start_date_time\":\"2026-11-21T" at "Z\",\"dimensions\":["           \
    dimensions "]}"
#define ENERGY(v) "{\"type\":\"ENERGY\",\"volume\":" v "}"
#define TIME(v)   "{\"type\":\"TIME\",\"volume\":" v "}"
#define PARKED(v) "{\"type\":\"PARKING_TIME\",\"volume\":" v "}"
#define POWER(v)  "{\"type\":\"POWER\",\"volume\":" v "}"
#define CURRENT(v) "{\"type\":\"CURRENT\",\"volume\":" v "}"

static const case_t  cases[] = {
    { "nothing was sampled: one period",
      COSTING(M60, "11000", "", ""),
      "[" P("02:00:00", ENERGY("10") "," TIME("1")) "]" },
    { "each meter value is a cut",
      COSTING(M30, "4000", WH(M10, "1500.5") "," WH(M20, "3000"), ""),
      "[" P("02:00:00", ENERGY("0.5005") "," TIME("0.166666667")) ","
      P("02:10:00", ENERGY("1.4995") "," TIME("0.166666667")) ","
      P("02:20:00", ENERGY("1") "," TIME("0.166666667")) "]" },
    { "SuspendedEV is parking, and energy flows before it",
      COSTING(M30, "3000", "", IS(M10, "SuspendedEV")),
      "[" P("02:00:00", ENERGY("2") "," TIME("0.166666667")) ","
      P("02:10:00", PARKED("0.333333333")) "]" },
    { "SuspendedEVSE is charging time",
      COSTING(M30, "3000", "", IS(M10, "SuspendedEVSE")),
      "[" P("02:00:00", ENERGY("2") "," TIME("0.5")) "]" },
    { "charging again after parking: energy by charging time",
      COSTING(M60, "5000", "", IS(M10, "SuspendedEV") ","
              IS(M30, "Charging")),
      "[" P("02:00:00", ENERGY("1") "," TIME("0.166666667")) ","
      P("02:10:00", PARKED("0.333333333")) ","
      P("02:30:00", ENERGY("3") "," TIME("0.5")) "]" },
    { "a register that moved while the car was parked",
      COSTING(M30, "3000", "", IS(M0, "SuspendedEV")),
      "[" P("02:00:00", ENERGY("2") "," PARKED("0.5")) "]" },
    { "a third of a Wh is not lost",
      COSTING(M30, "1001", "", IS(M10, "SuspendedEV") ","
              IS(M20, "Charging")),
      "[" P("02:00:00", ENERGY("0.0005") "," TIME("0.166666667")) ","
      P("02:10:00", PARKED("0.166666667")) ","
      P("02:20:00", ENERGY("0.0005") "," TIME("0.166666667")) "]" },
    { "power and current hold from where they were measured",
      COSTING(M30, "4000", KW(M10, "2000", "7.2", "31.5"), ""),
      "[" P("02:00:00", ENERGY("1") "," TIME("0.166666667") ","
            POWER("7.2") "," CURRENT("31.5")) ","
      P("02:10:00", ENERGY("2") "," TIME("0.333333333") ","
        POWER("7.2") "," CURRENT("31.5")) "]" },
    { "a reading that runs backwards or beyond the end is none",
      COSTING(M60, "3000", WH(M10, "2000") "," WH(M20, "1900") ","
              WH(M30, "3001"), ""),
      "[" P("02:00:00", ENERGY("1") "," TIME("0.166666667")) ","
      P("02:10:00", ENERGY("0.2") "," TIME("0.166666667")) ","
      P("02:20:00", ENERGY("0.2") "," TIME("0.166666667")) ","
      P("02:30:00", ENERGY("0.6") "," TIME("0.5")) "]" },
    { "a meter that ran backwards delivered nothing",
      COSTING(M30, "500", "", ""),
      "[" P("02:00:00", TIME("0.5")) "]" },
    { "samples outside of the session cut nothing",
      COSTING(M30, "2000", WH("1795226399000000", "900") ","
              WH(M30, "2000") "," WH(M60, "9000"), ""),
      "[" P("02:00:00", ENERGY("1") "," TIME("0.5")) "]" },
    { "an end before the start is the start",
      COSTING("1795226000000000", "2000", "", ""),
      "[" P("02:00:00", ENERGY("1") "," TIME("0")) "]" },
    { "a running session lasts until now, its energy until the last reading",
      COSTING("null", "null", WH(M30, "3500"), ""),
      "[" P("02:00:00", ENERGY("2.5") "," TIME("0.5")) ","
      P("02:30:00", TIME("0.5")) "]" },
    { "a charger's clock is a little ahead: until its last reading",
      COSTING("null", "null", WH("1795230001000000", "2000") ","
              WH("1795230700000000", "9000"), ""),
      "[" P("02:00:00", ENERGY("1") "," TIME("1.000277778")) "]" },
    { "a fraction of a second is kept",
      COSTING("1795226400500000", "2000", "", ""),
      "[" P("02:00:00", ENERGY("1") "," TIME("0.000138889")) "]" },
};
/* clang-format on */

#define AS(rest) "{\"start\":" M0 ",\"end\":" M30 ",\"tariff\":{}," rest "}"

static const struct {
    const char  *name;
    const char  *costing;
    periods_rc_t expected;
} refused[] = {
    { "no tariff", "{\"start\":1,\"tariff\":null}", PERIODS_NO_TARIFF },
    { "no start", "{\"start\":null,\"tariff\":{},\"meterStartWh\":1}",
      PERIODS_NONSENSE },
    { "no meter", AS("\"meterStartWh\":null"), PERIODS_NONSENSE },
    { "more than a GWh", AS("\"meterStartWh\":0,\"meterStopWh\":1000000001"),
      PERIODS_NONSENSE },
    { "a register of 19 digits",
      AS("\"meterStartWh\":0,\"meterStopWh\":9223372036854775807"),
      PERIODS_NONSENSE },
    { "more than a year",
      "{\"start\":0,\"end\":" M0 ",\"tariff\":{},\"meterStartWh\":0}",
      PERIODS_NONSENSE },
};

static int number, failed;


static void
ok(bool passed, const char *name, vg_str_t got)
{
    number++;
    printf("%sok %d - %s\n", passed ? "" : "not ", number, name);
    if (!passed) {
        failed++;
        printf("# got: %.*s\n", (int) got.len, got.data ? got.data : "");
    }
}


static void
case_run(const case_t *c)
{
    vg_str_t         got = { NULL, 0 };
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *costing, *periods = NULL;

    costing = vg_json_parse(pool, vg_str(c->costing), NULL);
    if (periods_arguments(pool, costing, NOW, &got) == PERIODS_OK) {
        periods =
            vg_json_get(vg_json_parse(pool, got, NULL), "charging_periods");
    }
    ok(periods != NULL && vg_str_eq(periods->raw, c->expected), c->name, got);
    vg_arena_destroy(pool);
}


/* a decimal in 10^-9 */
static long
nano(vg_str_t text)
{
    size_t i;
    long   value = 0;
    int    left = -1;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '.') {
            left = 9;
            continue;
        }
        value = value * 10 + (text.data[i] - '0');
        left -= left > 0;
    }
    for (left = left < 0 ? 9 : left; left > 0; left--) {
        value *= 10;
    }
    return value;
}


/* 20,000 readings and as many changes of state: few cuts, nothing lost */
static void
flood_run(void)
{
    int              i;
    long             moved = 0;
    vg_out_t         out;
    vg_str_t         got = { NULL, 0 };
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *periods, *period, *first;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "start", VG_STR("0"));
    vg_out_member_raw(&out, "end", VG_STR("20000000000"));
    vg_out_member_raw(&out, "meterStartWh", VG_STR("0"));
    vg_out_member_raw(&out, "meterStopWh", VG_STR("20000"));
    vg_out_member_raw(&out, "tariff", VG_STR("{}"));
    vg_out_key(&out, "samples");
    vg_out_open(&out, '[');
    for (i = 0; i < 20000; i++) {
        vg_out_raw(&out, vg_printf(pool, WH("%ld", "%d"), i * 1000000L, i));
    }
    vg_out_close(&out, ']');
    vg_out_key(&out, "statuses");
    vg_out_open(&out, '[');
    for (i = 0; i < 20000; i++) {
        vg_out_raw(&out, vg_printf(pool, IS("%ld", "%s"), i * 1000000L + 500000,
                                   i % 2 ? "Charging" : "SuspendedEV"));
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');

    (void) periods_arguments(pool, vg_json_parse(pool, vg_out_str(&out), NULL),
                             NOW, &got);
    periods = vg_json_get(vg_json_parse(pool, got, NULL), "charging_periods");
    ok(periods != NULL && periods->count <= PERIODS_MAX + 1
           && periods->count > PERIODS_MAX / 2,
       "a flood of cuts is thinned out", VG_STR(""));

    for (period = periods ? periods->first : NULL; period != NULL;
         period = period->next)
    {
        first = vg_json_get(period, "dimensions")->first;
        if (vg_str_eq(vg_json_text(first, "type"), "ENERGY")) {
            moved += nano(vg_json_text(first, "volume"));
        }
    }
    ok(moved == 20 * 1000000000L, "and adds up to the register",
       vg_printf(pool, "%ld", moved));
    vg_arena_destroy(pool);
}


/* A reading each 10 s, far more than there are periods for, and a car that is
 * full at 4995 s of 10000: it parks from then on, not from the last cut. */
static void
full_run(void)
{
    int              i;
    long             parked = 0;
    vg_out_t         out;
    vg_str_t         got = { NULL, 0 };
    vg_pool_t       *pool = vg_arena_create();
    const vg_json_t *periods, *period, *d;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "start", VG_STR("0"));
    vg_out_member_raw(&out, "end", VG_STR("10000000000"));
    vg_out_member_raw(&out, "meterStartWh", VG_STR("0"));
    vg_out_member_raw(&out, "meterStopWh", VG_STR("1000"));
    vg_out_member_raw(&out, "tariff", VG_STR("{}"));
    vg_out_key(&out, "samples");
    vg_out_open(&out, '[');
    for (i = 0; i < 1000; i++) {
        vg_out_raw(&out, vg_printf(pool, WH("%ld", "%d"), i * 10000000L, i));
    }
    vg_out_close(&out, ']');
    vg_out_member_raw(&out, "statuses",
                      VG_STR("[" IS("4995000000", "SuspendedEV") "]"));
    vg_out_close(&out, '}');

    (void) periods_arguments(pool, vg_json_parse(pool, vg_out_str(&out), NULL),
                             NOW, &got);
    periods = vg_json_get(vg_json_parse(pool, got, NULL), "charging_periods");
    for (period = periods ? periods->first : NULL; period != NULL;
         period = period->next)
    {
        d = vg_json_get(period, "dimensions")->first;
        for (; d != NULL; d = d->next) {
            if (vg_str_eq(vg_json_text(d, "type"), "PARKING_TIME")) {
                parked += nano(vg_json_text(d, "volume"));
            }
        }
    }
    ok(labs(parked - 1390277778L) < 1000,
       "a change between charging and parking is never moved",
       vg_printf(pool, "%ld", parked));
    vg_arena_destroy(pool);
}


int
main(void)
{
    size_t     i, n = sizeof(cases) / sizeof(cases[0]);
    size_t     m = sizeof(refused) / sizeof(refused[0]);
    vg_str_t   got = { NULL, 0 };
    vg_pool_t *pool = vg_arena_create();

    printf("1..%zu\n", n + m + 5);
    for (i = 0; i < n; i++) {
        case_run(&cases[i]);
    }
    for (i = 0; i < m; i++) {
        ok(periods_arguments(
               pool, vg_json_parse(pool, vg_str(refused[i].costing), NULL), NOW,
               &got)
               == refused[i].expected,
           refused[i].name, vg_str(refused[i].costing));
    }
    (void) periods_arguments(
        pool,
        vg_json_parse(pool, VG_STR(COSTING("1798761599999999", "2000", "", "")),
                      NULL),
        NOW, &got);
    ok(memmem(got.data, got.len, "\"2026-12-31T23:59:59.999999Z\"", 29),
       "the last microsecond of a year", got);
    (void) periods_arguments(
        pool,
        vg_json_parse(
            pool,
            VG_STR("{\"start\":1709164800000000,\"end\":"
                   "1709164800000000,\"meterStartWh\":1,\"tariff\":{}}"),
            NULL),
        NOW, &got);
    ok(memmem(got.data, got.len, "\"2024-02-29T00:00:00Z\"", 22), "a leap day",
       got);
    flood_run();
    full_run();
    vg_arena_destroy(pool);
    return failed != 0;
}
