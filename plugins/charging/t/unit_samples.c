/*
 * unit_samples.c: meter values as chargers send them, and the rows of them.
 */

#include <stdio.h>
#include <string.h>

#include "samples.h"

static int        tests, failures;
static vg_pool_t *pool;

/* a record within an array, its quotes as PostgreSQL wants them there */
#define Q(text) "\\\"" text "\\\""
#define AT      Q("2026-11-21T02:00:00Z")

/* clang-format off */
#define ONE(value)                                                           \
    "[{\"timestamp\":\"2026-11-21T02:00:00Z\",\"sampledValue\":[" value "]}]"
#define ROW(at, measurand, phase, context, location, unit, raw, amounts)     \
    "\"(" at "," Q(measurand) "," Q(phase) "," Q(context) "," Q(location)    \
    "," Q(unit) "," Q(raw) "," amounts ")\""
#define ENERGY(unit, raw, wh)                                                \
    "{" ROW(AT, "Energy.Active.Import.Register", "", "Sample.Periodic",      \
            "Outlet", unit, raw, wh ",,") "}"
#define POWER(unit, raw, kw)                                                 \
    "{" ROW(AT, "Power.Active.Import", "", "Sample.Periodic", "Outlet",      \
            unit, raw, "," kw ",") "}"
#define CURRENT(unit, raw, a)                                                \
    "{" ROW(AT, "Current.Import", "", "Sample.Periodic", "Outlet", unit,     \
            raw, ",," a) "}"
#define IN(measurand, unit, value)                                           \
    ONE("{\"measurand\":\"" measurand "\",\"unit\":\"" unit "\","            \
        "\"value\":\"" value "\"}")
#define ER "Energy.Active.Import.Register"
#define PA "Power.Active.Import"
#define CI "Current.Import"

static const struct {
    const char *name;
    const char *meter;
    const char *rows;
} cases[] = {
    { "nothing", "[]", "{}" },
    { "a moment without samples", "[{\"timestamp\":\"2026-11-21T02:00:00Z\"}]",
      "{}" },
    { "no list of samples", "[{\"sampledValue\":null}]", "{}" },
    { "all defaults", ONE("{\"value\":\"12\"}"), ENERGY("Wh", "12", Q("12e0")) },
    { "defaults where it says null",
      ONE("{\"value\":\"12\",\"unit\":null,\"phase\":null}"),
      ENERGY("Wh", "12", Q("12e0")) },
    { "a number", ONE("{\"value\":12.50}"), ENERGY("Wh", "12.50", Q("12.50e0")) },
    { "no value", ONE("{\"value\":null}"), ENERGY("Wh", "", "") },
    { "a value of another kind", ONE("{\"value\":[1]}"), ENERGY("Wh", "[1]", "") },
    { "a word of JSON", ONE("{\"value\":true}"), ENERGY("Wh", "true", "") },
    { "kWh", IN(ER, "kWh", "12.345"), ENERGY("kWh", "12.345", Q("12.345e3")) },
    { "units in any case", IN(ER, "KWH", "1"), ENERGY("KWH", "1", Q("1e3")) },
    { "an exponent moves", IN(ER, "kWh", "1.5e-2"),
      ENERGY("kWh", "1.5e-2", Q("1.5e1")) },
    { "a large E", IN(ER, "Wh", "1E+05"), ENERGY("Wh", "1E+05", Q("1e5")) },
    { "twelve digits", IN(ER, "Wh", "00999999999999.9"),
      ENERGY("Wh", "00999999999999.9", Q("00999999999999.9e0")) },
    { "thirteen are more than any register has", IN(ER, "Wh", "1000000000000"),
      ENERGY("Wh", "1000000000000", "") },
    { "in any unit", IN(ER, "kWh", "1000000000"),
      ENERGY("kWh", "1000000000", "") },
    { "however they are written", IN(ER, "Wh", "9e30"),
      ENERGY("Wh", "9e30", "") },
    { "behind the point, too", IN(ER, "Wh", "0.05e14"),
      ENERGY("Wh", "0.05e14", "") },
    { "zeros are none of them", IN(ER, "Wh", "0.005e14"),
      ENERGY("Wh", "0.005e14", Q("0.005e14")) },
    { "nothing at any power", IN(ER, "Wh", "0.0e99"),
      ENERGY("Wh", "0.0e99", Q("0.0e99")) },
    { "power too", IN(PA, "kW", "1e12"), POWER("kW", "1e12", "") },
    { "an exponent of three digits", IN(ER, "Wh", "1e100"),
      ENERGY("Wh", "1e100", "") },
    { "an exponent of none", IN(ER, "Wh", "1e"), ENERGY("Wh", "1e", "") },
    { "an exponent's sign alone", IN(ER, "Wh", "1e-"), ENERGY("Wh", "1e-", "") },
    { "spaces around it", IN(ER, "Wh", "  7 "), ENERGY("Wh", "  7 ", Q("7e0")) },
    { "spaces within it", IN(ER, "Wh", "7 7"), ENERGY("Wh", "7 7", "") },
    { "a plus", IN(ER, "Wh", "+7"), ENERGY("Wh", "+7", Q("+7e0")) },
    { "below zero", IN(ER, "Wh", "-0.1"), ENERGY("Wh", "-0.1", "") },
    { "a negative zero", IN(ER, "Wh", "-0.0"), ENERGY("Wh", "-0.0", Q("-0.0e0")) },
    { "a sign alone", IN(ER, "Wh", "-"), ENERGY("Wh", "-", "") },
    { "blanks alone", IN(ER, "Wh", "  "), ENERGY("Wh", "  ", "") },
    { "15 digits", IN(ER, "Wh", "000456789012345.123456789012345"),
      ENERGY("Wh", "000456789012345.123456789012345",
             Q("000456789012345.123456789012345e0")) },
    { "16 digits", IN(ER, "Wh", "1234567890123456"),
      ENERGY("Wh", "1234567890123456", "") },
    { "16 digits behind the point", IN(ER, "Wh", "1.1234567890123456"),
      ENERGY("Wh", "1.1234567890123456", "") },
    { "no digit behind the point", IN(ER, "Wh", "1."), ENERGY("Wh", "1.", "") },
    { "none before it", IN(ER, "Wh", ".5"), ENERGY("Wh", ".5", "") },
    { "not a number", IN(ER, "Wh", "NaN"), ENERGY("Wh", "NaN", "") },
    { "without end", IN(ER, "Wh", "Infinity"), ENERGY("Wh", "Infinity", "") },
    { "energy in watts", IN(ER, "W", "1"), ENERGY("W", "1", "") },
    { "W", IN(PA, "W", "7400"), POWER("W", "7400", Q("7400e-3")) },
    { "kW", IN(PA, "kW", "7.4"), POWER("kW", "7.4", Q("7.4e0")) },
    { "power without a unit is in W",
      ONE("{\"measurand\":\"" PA "\",\"value\":\"7400\"}"),
      POWER("", "7400", Q("7400e-3")) },
    { "A", IN(CI, "A", "16.0"), CURRENT("A", "16.0", Q("16.0e0")) },
    { "current without a unit is in A",
      ONE("{\"measurand\":\"" CI "\",\"value\":\"16\"}"),
      CURRENT("", "16", Q("16e0")) },
    { "energy of a phase is none of the whole",
      ONE("{\"phase\":\"L1\",\"value\":\"5\"}"),
      "{" ROW(AT, ER, "L1", "Sample.Periodic", "Outlet", "Wh", "5", ",,") "}" },
    { "power of a phase is power",
      ONE("{\"phase\":\"L1\",\"measurand\":\"" PA "\",\"value\":\"5\"}"),
      "{" ROW(AT, PA, "L1", "Sample.Periodic", "Outlet", "", "5",
              "," Q("5e-3") ",") "}" },
    { "another place", ONE("{\"location\":\"Inlet\",\"value\":\"5\"}"),
      "{" ROW(AT, ER, "", "Sample.Periodic", "Inlet", "Wh", "5", ",,") "}" },
    { "signed data", ONE("{\"format\":\"SignedData\",\"value\":\"50\"}"),
      ENERGY("Wh", "50", "") },
    { "another energy", IN("Energy.Reactive.Import.Register", "varh", "5"),
      "{" ROW(AT, "Energy.Reactive.Import.Register", "", "Sample.Periodic",
              "Outlet", "varh", "5", ",,") "}" },
    { "energy of another kind has Wh",
      ONE("{\"measurand\":\"Energy.X\",\"value\":\"5\"}"),
      "{" ROW(AT, "Energy.X", "", "Sample.Periodic", "Outlet", "Wh", "5",
              ",,") "}" },
    { "quotes and backslashes", ONE("{\"value\":\"a\\\"b\\\\c\"}"),
      ENERGY("Wh", "a\\\\\\\"b\\\\\\\\c", "") },
    { "braces, commas, parentheses", ONE("{\"value\":\"{a},(b)\"}"),
      ENERGY("Wh", "{a},(b)", "") },
    { "no time", "[{\"sampledValue\":[{\"value\":\"1\"}]}]",
      "{" ROW("", ER, "", "Sample.Periodic", "Outlet", "Wh", "1",
              Q("1e0") ",,") "}" },
    { "a time that never was",
      "[{\"timestamp\":\"2026-02-30T00:00:00Z\",\"sampledValue\":"
      "[{\"value\":\"1\"}]}]",
      "{" ROW("", ER, "", "Sample.Periodic", "Outlet", "Wh", "1",
              Q("1e0") ",,") "}" },
    { "a time without offset is UTC",
      "[{\"timestamp\":\"2026-11-21T02:00:00\",\"sampledValue\":"
      "[{\"value\":\"1\"}]}]", ENERGY("Wh", "1", Q("1e0")) },
    { "two samples at two moments",
      "[{\"timestamp\":\"2026-11-21T02:00:00Z\",\"sampledValue\":"
      "[{\"value\":\"1\"}]},{\"sampledValue\":[{\"value\":\"2\"}]}]",
      "{" ROW(AT, ER, "", "Sample.Periodic", "Outlet", "Wh", "1",
              Q("1e0") ",,") ","
      ROW("", ER, "", "Sample.Periodic", "Outlet", "Wh", "2",
          Q("2e0") ",,") "}" },
};
/* clang-format on */


int
main(void)
{
    bool             same;
    size_t           i;
    vg_str_t         got;
    const vg_json_t *meter;

    pool = vg_arena_create();
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        meter = vg_json_parse(pool, vg_str(cases[i].meter), NULL);
        got = samples_text(pool, meter);
        same = meter != NULL && vg_str_eq(got, cases[i].rows);
        tests++;
        failures += !same;
        printf("%sok %d - %s\n", same ? "" : "not ", tests, cases[i].name);
        if (!same) {
            printf("# %.*s\n# not %s\n", (int) got.len, got.data,
                   cases[i].rows);
        }
    }
    same = vg_str_eq(samples_text(pool, NULL), "{}");
    failures += !same;
    printf("%sok %d - no meterValue at all\n", same ? "" : "not ", ++tests);
    printf("1..%d\n", tests);
    vg_arena_destroy(pool);
    return failures != 0;
}
