/*
 * unit_cost.c: what OCPI's examples leave open: cuts inside a period, clocks
 * that change, VAT that is not known, exact sums, hostile inputs.
 */

#include "rated.h"

static const char energy[] = T("", E(KWH_025));
static const char energy_start[] = T("", E(START "," KWH_025));
static const char hours[] = T("", E(C("TIME", "2.00", VAT("10"), "60")));


static void
test_splits(void)
{
    static const char night[] = T(
        "",
        ER(C("ENERGY", "0.10", NOVAT, "1"),
           "\"start_time\":\"22:00\",\"end_time\":\"06:00\"") "," E(C("ENERGY",
                                                                      "0.40",
                                                                      NOVAT,
                                                                      "1")));
    static const char third[] =
        T("", ER(C("ENERGY", "0.30", NOVAT, "1"),
                 "\"max_kwh\":10") "," E(C("ENERGY", "0.60", NOVAT, "1")));
    static const char sunday[] =
        T("",
          ER(C("TIME", "1", NOVAT, "1"),
             "\"day_of_week\":[\"SUNDAY\"]") "," E(C("TIME", "2", NOVAT, "1")));
    static const char dated[] =
        T("", ER(C("TIME", "1", NOVAT, "1"),
                 "\"start_date\":\"2024-02-29\",\"end_date\":\"2024-03-01\""));
    const vg_json_t *a;

    a = one(night, "2024-01-10T20:00:00Z", "2024-01-11T06:00:00Z",
            "Europe/Berlin", ENERGY_OF("10"));
    ok(line_is(a, 0, "2024-01-10T20:00:00Z", "1", "0.4")
           && line_is(a, 1, "2024-01-10T21:00:00Z", "8", "0.8")
           && line_is(a, 2, "2024-01-11T05:00:00Z", "1", "0.4"),
       "a night tariff wraps midnight, in local time");

    a = one(night, "2024-01-10T23:00:00Z", "2024-01-11T06:00:00Z",
            "Europe/Berlin", ENERGY_OF("7"));
    ok(line_is(a, 0, "2024-01-10T23:00:00Z", "6", "0.6")
           && line_is(a, 1, "2024-01-11T05:00:00Z", "1", "0.4"),
       "also for a session that begins behind midnight");

    a = one(third, "2024-01-10T10:00:00Z", "2024-01-10T10:07:00Z", "UTC",
            ENERGY_OF("30"));
    ok(line_is(a, 0, "2024-01-10T10:00:00Z", "10", "3")
           && line_is(a, 1, "2024-01-10T10:02:20Z", "20", "12"),
       "a price that changes with the energy changes at the exact Wh");

    a = one(sunday, "2024-01-06T12:00:00Z", "2024-01-08T12:00:00Z", "UTC",
            HOURS_OF("48"));
    ok(line_is(a, 0, "2024-01-06T12:00:00Z", "12", "24")
           && line_is(a, 1, "2024-01-07T00:00:00Z", "24", "24")
           && line_is(a, 2, "2024-01-08T00:00:00Z", "12", "24"),
       "days of week change at local midnight");

    a = one(dated, "2024-02-28T12:00:00Z", "2024-03-01T12:00:00Z",
            "America/New_York", HOURS_OF("48"));
    ok(line_is(a, 0, "2024-02-29T05:00:00Z", "24", "24")
           && line_at(a, 1) == NULL,
       "dates are local; the end is exclusive; outside it is free");
}


/* Both passes of the hour that comes twice, none of the one that is missing. */
static void
test_clock_changes(void)
{
    static const char two_to_three[] =
        T("", ER(C("TIME", "1", NOVAT, "1"),
                 "\"start_time\":\"02:00\",\"end_time\":\"03:00\""));
    static const char one_to_two[] =
        T("", ER(C("TIME", "1", NOVAT, "1"),
                 "\"start_time\":\"01:00\",\"end_time\":\"02:00\""));
    const vg_json_t *a;

    a = one(two_to_three, "2024-10-26T22:00:00Z", "2024-10-27T06:00:00Z",
            "Europe/Berlin", HOURS_OF("8"));
    ok(line_is(a, 0, "2024-10-27T00:00:00Z", "2", "2"),
       "02:00 to 03:00 lasts two hours when the clocks go back");

    a = one(two_to_three, "2024-03-30T23:00:00Z", "2024-03-31T06:00:00Z",
            "Europe/Berlin", HOURS_OF("7"));
    ok(line_at(a, 0) == NULL, "and is skipped when they go forward");

    a = one(one_to_two, "2024-04-06T12:00:00Z", "2024-04-07T12:00:00Z",
            "Australia/Lord_Howe", HOURS_OF("24"));
    ok(line_is(a, 0, "2024-04-06T14:00:00Z", "1.5", "1.5"),
       "a zone that moves by half an hour");
}


/* A price of 0 is free: what came before it keeps its step. */
static void
test_free_steps(void)
{
    static const char parking_free[] =
        T("", E(C("TIME", "6", NOVAT, "600") "," C("PARKING_TIME", "0", NOVAT,
                                                   "900")));
    const vg_json_t *a;

    a = one(parking_free, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            HOURS_OF("0.25") ",{\"type\":\"PARKING_TIME\",\"volume\":0.5}");
    ok(line_is(a, 0, "2024-01-10T10:00:00Z", "0.333333333", "2")
           && line_is(a, 1, "2024-01-10T10:00:00Z", "0.5", "0"),
       "free parking leaves the step to the time before it");
}


static void
test_vat(void)
{
    static const char mixed[] =
        T("",
          E(C("FLAT", "1", VAT("20"), "1") "," C("ENERGY", "0.1", NOVAT, "1")));
    static const char zero[] = T("", E(C("ENERGY", "0.1", VAT("0"), "1")));
    static const char lone_min[] =
        T("\"min_price\":{\"excl_vat\":9},", E(KWH_025));
    const vg_json_t *a;

    a = one(mixed, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            ENERGY_OF("10"));
    ok(total(a, "total_cost", "incl_vat").data == NULL
           && total(a, "total_energy_cost", "incl_vat").data == NULL
           && vg_str_eq(total(a, "total_fixed_cost", "incl_vat"), "1.2"),
       "where a part has no VAT, its totals have no incl_vat");
    ok(vg_json_get(line_at(a, 1), "vat") == NULL
           && vg_json_get(line_at(a, 1), "incl_vat") == NULL,
       "nor has its line");

    a = one(zero, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            ENERGY_OF("10"));
    ok(vg_str_eq(total(a, "total_cost", "incl_vat"), "1")
           && vg_str_eq(vg_json_text(line_at(a, 0), "vat"), "0"),
       "a VAT of 0 % is one");

    a = one(lone_min, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            ENERGY_OF("10"));
    ok(vg_str_eq(total(a, "total_cost", "excl_vat"), "9")
           && total(a, "total_cost", "incl_vat").data == NULL
           && vg_str_eq(vg_json_text(line_at(a, 1), "type"), "MIN_PRICE")
           && vg_str_eq(vg_json_text(line_at(a, 1), "excl_vat"), "6.5"),
       "a minimum without incl_vat that applies leaves it unknown");
}


static void
test_exactness(void)
{
    static const char second[] = T("", E(C("TIME", "0.3601", NOVAT, "1")));
    static const char cent[] = T("", E(C("ENERGY", "0.00005", NOVAT, "1")));
    static const char dear[] =
        T("", E(C("ENERGY", "999999999", VAT("100"), "1")));
    const vg_json_t *a;

    a = one(second, "2024-01-10T10:00:00Z", "2024-01-10T10:00:01Z", "UTC",
            HOURS_OF("0.000277778"));
    ok(vg_str_eq(total(a, "unrounded", "excl_vat"), "0.000100027778")
           && vg_str_eq(total(a, "total_cost", "excl_vat"), "0.0001"),
       "one second at 0.3601 an hour");

    a = one(cent, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            ENERGY_OF("1"));
    ok(vg_str_eq(total(a, "total_cost", "excl_vat"), "0.0001"),
       "half of the last digit is rounded up");

    a = one(cent, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            ENERGY_OF("0.999"));
    ok(vg_str_eq(total(a, "total_cost", "excl_vat"), "0"),
       "and less than half is not");

    a = one(dear, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            ENERGY_OF("900000"));
    ok(vg_str_eq(total(a, "total_cost", "excl_vat"), "899999999100000")
           && vg_str_eq(total(a, "total_cost", "incl_vat"), "1799999998200000"),
       "a sum of 1.8 10^15 is exact");
}


static void
test_periods(void)
{
    static const char two[] =
        "\"tariff\":%s,\"start_date_time\":\"2024-01-10T10:00:00Z\","
        "\"end_date_time\":\"2024-01-10T10:20:00Z\",\"charging_periods\":["
        "{\"start_date_time\":\"2024-01-10T10:00:00Z\",\"dimensions\":"
        "[" ENERGY_OF("1") "]},{\"start_date_time\":\"2024-01-10T10:10:00Z\","
                           "\"dimensions\":[" ENERGY_OF("2") "]}]}";
    vg_str_t         text = vg_printf(pool, two, energy);
    const vg_json_t *a;

    a = rate(vg_printf(pool, "{%s", text.data));

    ok(vg_str_eq(vg_json_text(line_at(a, 0), "period"), "0")
           && vg_str_eq(vg_json_text(line_at(a, 1), "period"), "1")
           && vg_str_eq(vg_json_text(line_at(a, 1), "element"), "0"),
       "each period has a line that names its element");

    a = rate(vg_printf(pool, "{\"merge_lines\":true,%s", text.data));
    ok(vg_str_eq(vg_json_text(line_at(a, 0), "volume"), "3")
           && line_at(a, 1) == NULL,
       "merge_lines makes one of lines that follow at the same price");

    a = one(energy_start, "2024-01-10T10:00:00Z", "2024-01-10T10:00:00Z", "UTC",
            ENERGY_OF("0"));
    ok(vg_str_eq(total(a, "total_cost", "excl_vat"), "0.5"),
       "a session of no length pays its start fee");

    a = one(hours, "2024-01-10T10:00:00Z", "2024-01-10T11:00:00Z", "UTC",
            HOURS_OF("0.25"));
    ok(vg_str_eq(total(a, "total_cost", "excl_vat"), "0.5"),
       "a quarter of charging in an hour is billed as a quarter");
}


/* ---------------------------------------------------------------- refused */

#define QUOTE(start, end, zone, periods)                                       \
    "{\"tariff\":" T("", E(KWH_025)) ",\"start_date_time\":\"" start "\","     \
                                     "\"end_date_time\":\"" end                \
                                     "\",\"time_zone\":" zone ","              \
                                     "\"charging_periods\":" periods "}"
#define TARIFF(tariff)                                                         \
    "{\"tariff\":" tariff ",\"start_date_time\":\"" TEN "\","                  \
    "\"end_date_time\":\"" ELEVEN                                              \
    "\",\"charging_periods\":[" HOUR_AT(TEN) "]}"
#define TEN    "2024-01-10T10:00:00Z"
#define ELEVEN "2024-01-10T11:00:00Z"
#define HOUR_AT(start)                                                         \
    "{\"start_date_time\":\"" start "\",\"dimensions\":[" ENERGY_OF("1") "]}"
#define COMPONENT      "tariff.elements[0].price_components[0]"
#define LIMITS(limits) TARIFF(T("", ER(KWH_025, limits)))
#define LIMIT(name)    "tariff.elements[0].restrictions." name

static const struct {
    const char *input;
    const char *path; /* of the first fault */
} refusals[] = {
    { "{}", "tariff" },
    { TARIFF("[]"), "tariff" },
    { TARIFF("{\"currency\":\"EUR\"}"), "tariff.elements" },
    { TARIFF("{\"currency\":\"EUR\",\"elements\":[]}"), "tariff.elements" },
    { TARIFF("{\"currency\":\"eur\",\"elements\":[" E(KWH_025) "]}"),
      "tariff.currency" },
    { TARIFF(T("\"type\":\"CHEAP\",", E(KWH_025))), "tariff.type" },
    { TARIFF(T("\"id\":\"\",", E(KWH_025))), "tariff.id" },
    { TARIFF(T("\"last_updated\":\"now\",", E(KWH_025))),
      "tariff.last_updated" },
    { TARIFF(T("\"start_date_time\":\"" ELEVEN "\",\"end_date_time\":\"" TEN
               "\",",
               E(KWH_025))),
      "tariff.end_date_time" },
    { TARIFF(T("\"min_price\":{},", E(KWH_025))), "tariff.min_price.excl_vat" },
    { TARIFF(T("\"min_price\":{\"excl_vat\":2},\"max_price\":{\"excl_vat\":1}"
               ",",
               E(KWH_025))),
      "tariff.max_price" },
    { TARIFF(T("", "7")), "tariff.elements[0].price_components" },
    { TARIFF(T("", E("7"))), COMPONENT },
    { TARIFF(T("", E(C("COFFEE", "1", NOVAT, "1")))), COMPONENT ".type" },
    { TARIFF(T("", E(KWH_025 "," KWH_025))),
      "tariff.elements[0].price_components[1].type" },
    { TARIFF(T("", E(C("TIME", "-1", NOVAT, "1")))), COMPONENT ".price" },
    { TARIFF(T("", E(C("TIME", "\"1\"", NOVAT, "1")))), COMPONENT ".price" },
    { TARIFF(T("", E(C("TIME", "0.0000001", NOVAT, "1")))),
      COMPONENT ".price" },
    { TARIFF(T("", E(C("TIME", "1e400", NOVAT, "1")))), COMPONENT ".price" },
    { TARIFF(T("", E(C("TIME", "1e10", NOVAT, "1")))), COMPONENT ".price" },
    { TARIFF(T("", E(C("TIME", "99999999999999999999999999999999999999999999",
                       NOVAT, "1")))),
      COMPONENT ".price" },
    { TARIFF(T("", E(C("TIME", "1", VAT("101"), "1")))), COMPONENT ".vat" },
    { TARIFF(T("", E(C("TIME", "1", NOVAT, "1.5")))), COMPONENT ".step_size" },
    { TARIFF(T("", E(C("TIME", "1", NOVAT, "-1")))), COMPONENT ".step_size" },
    { LIMITS("\"start_time\":\"25:00\""), LIMIT("start_time") },
    { LIMITS("\"end_time\":\"9:00\""), LIMIT("end_time") },
    { LIMITS("\"start_time\":\"09:00\",\"end_time\":\"09:00\""),
      LIMIT("end_time") },
    { LIMITS("\"start_date\":\"2023-02-29\""), LIMIT("start_date") },
    { LIMITS("\"min_kwh\":5,\"max_kwh\":5"), LIMIT("max_kwh") },
    { LIMITS("\"min_duration\":1e9"), LIMIT("min_duration") },
    { LIMITS("\"day_of_week\":[\"FUNDAY\"]"), LIMIT("day_of_week") },
    { LIMITS("\"reservation\":\"MAYBE\""), LIMIT("reservation") },
    { QUOTE(TEN, ELEVEN, "\"Europe/Atlantis\"", "[" HOUR_AT(TEN) "]"),
      "time_zone" },
    { QUOTE(TEN, ELEVEN, "\"../../../etc/passwd\"", "[" HOUR_AT(TEN) "]"),
      "time_zone" },
    { QUOTE(TEN, ELEVEN, "7", "[" HOUR_AT(TEN) "]"), "time_zone" },
    { QUOTE("yesterday", ELEVEN, "null", "[" HOUR_AT(TEN) "]"),
      "start_date_time" },
    { QUOTE(ELEVEN, TEN, "null", "[" HOUR_AT(ELEVEN) "]"), "end_date_time" },
    { QUOTE("1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "null",
            "[" HOUR_AT("1970-01-01T00:00:00Z") "]"),
      "end_date_time" },
    { QUOTE(TEN, ELEVEN, "null", "[]"), "charging_periods" },
    { QUOTE(TEN, ELEVEN, "null", "[7]"),
      "charging_periods[0].start_date_time" },
    { QUOTE(TEN, ELEVEN, "null", "[" HOUR_AT("2024-01-10T09:00:00Z") "]"),
      "charging_periods[0].start_date_time" },
    { QUOTE(TEN, ELEVEN, "null", "[" HOUR_AT(ELEVEN) "," HOUR_AT(TEN) "]"),
      "charging_periods[0].start_date_time" },
    { QUOTE(TEN, ELEVEN, "null",
            "[{\"start_date_time\":\"" TEN
            "\",\"dimensions\":[" HOURS_OF("2") "]}]"),
      "charging_periods[0].dimensions" },
    { QUOTE(TEN, ELEVEN, "null",
            "[{\"start_date_time\":\"" TEN
            "\",\"dimensions\":[" ENERGY_OF("-1") "]}]"),
      "charging_periods[0].dimensions[0].volume" },
    { QUOTE(TEN, ELEVEN, "null",
            "[{\"start_date_time\":\"" TEN
            "\",\"dimensions\":[" ENERGY_OF("1") "," ENERGY_OF("1") "]}]"),
      "charging_periods[0].dimensions[1].type" },
};


static void
test_refusals(void)
{
    faults_t         faults;
    const vg_json_t *input;
    vg_str_t         answer, name;
    size_t           i;

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        faults = (faults_t){ .pool = pool };
        input = vg_json_parse(pool, vg_str(refusals[i].input), NULL);
        answer = receipt(pool, input, vg_json_get(input, "tariff"), &faults);
        name = vg_printf(pool, "refused by name: %zu %s", i, refusals[i].path);
        if (!ok(input != NULL && answer.data == NULL && faults.count > 0
                    && strcmp(faults.first->path, refusals[i].path) == 0,
                name.data))
        {
            printf("# %s\n", faults.first != NULL ? faults.first->path
                                                  : refusals[i].input);
        }
    }
}


/* As many elements as are taken, all with bounds, over as long as is taken,
 * and then with as many periods: bounded work, and an answer that says so. */
static void
test_work(void)
{
    faults_t         faults = { .pool = pool };
    vg_out_t         out;
    const vg_json_t *input;
    vg_str_t         element =
        vg_str(ER(C("TIME", "1", NOVAT, "1"),
                  "\"start_time\":\"00:01\",\"end_time\":\"00:02\","
                  "\"day_of_week\":[\"MONDAY\"]"));
    int i;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "start_date_time", VG_STR("2024-01-01T00:00:00Z"));
    vg_out_member(&out, "end_date_time", VG_STR("2024-12-31T00:00:00Z"));
    vg_out_key(&out, "tariff");
    vg_out_open(&out, '{');
    vg_out_member(&out, "currency", VG_STR("EUR"));
    vg_out_key(&out, "elements");
    vg_out_open(&out, '[');
    for (i = 0; i < 100; i++) {
        vg_out_raw(&out, element);
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');
    vg_out_key(&out, "charging_periods");
    vg_out_open(&out, '[');
    for (i = 0; i < 20000; i++) {
        vg_out_raw(&out, VG_STR(HOUR_AT("2024-01-01T00:00:00Z")));
    }
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');
    input = vg_json_parse(pool, vg_out_str(&out), NULL);
    ok(receipt(pool, input, vg_json_get(input, "tariff"), &faults).data == NULL
           && strstr(faults.first->message, "too many changes") != NULL,
       "work is bounded");
}


int
main(void)
{
    pool = vg_arena_create();
    test_splits();
    test_clock_changes();
    test_free_steps();
    test_vat();
    test_exactness();
    test_periods();
    test_refusals();
    test_work();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}
