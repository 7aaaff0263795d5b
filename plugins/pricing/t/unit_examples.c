/*
 * unit_examples.c: the worked examples of OCPI 2.2.1, to the digits that are
 * printed there: numbers with two or three decimals are compared after
 * rounding half up to as many.
 */

#include "rated.h"

/* ---------------------------------------------------------------- tariffs */

#define WEEK                                                                   \
    "\"day_of_week\":[\"MONDAY\",\"TUESDAY\",\"WEDNESDAY\","                   \
    "\"THURSDAY\",\"FRIDAY\"]"

#define RESERVED(components) ER(components, "\"reservation\":\"RESERVATION\"")
#define EXPIRES(components)                                                    \
    ER(components, "\"reservation\":\"RESERVATION_EXPIRES\"")

static const char energy[] = T("", E(KWH_025));
static const char energy_start[] = T("", E(START "," KWH_025));
static const char energy_min[] =
    T("\"min_price\":{\"excl_vat\":0.50,\"incl_vat\":0.55},", E(KWH_025));
static const char energy_parking[] =
    T("", E(START "," KWH_025 "," C("PARKING_TIME", "2", VAT("20"), "900")));
static const char energy_max[] =
    T("\"max_price\":{\"excl_vat\":10,\"incl_vat\":11},"
      "\"end_date_time\":\"2019-06-30T23:59:59Z\",",
      E(START "," KWH_025));
static const char hours[] = T("", E(C("TIME", "2.00", VAT("10"), "60")));
static const char hours_parking[] =
    T("", E(C("TIME", "3", VAT("10"), "60") "," C("PARKING_TIME", "5",
                                                  VAT("20"), "300")));
static const char complex[] = T(
    "\"type\":\"REGULAR\",",
    E(C("FLAT", "2.50", VAT("15"), "1")) "," ER(C("TIME", "1.00", VAT("20"), "900"), "\"max_current\":32.00") "," ER(
        C("TIME", "2.00", VAT("20"), "600"),
        "\"min_current\":32.00," WEEK) "," ER(C("TIME", "1.25", VAT("20"),
                                                "600"),
                                              "\"min_current\":32.00,\"day_of_"
                                              "week\":[\"SATURDAY\","
                                              "\"SUNDAY\"]") "," ER(C("PARKING_"
                                                                      "TIME",
                                                                      "5.00",
                                                                      VAT("10"),
                                                                      "300"),
                                                                    "\"start_"
                                                                    "time\":"
                                                                    "\"09:00\","
                                                                    "\"end_"
                                                                    "time\":"
                                                                    "\"18:"
                                                                    "00\""
                                                                    "," WEEK) "," ER(C("PARKING_TIME",
                                                                                       "6.00",
                                                                                       VAT("10"),
                                                                                       "300"),
                                                                                     "\"start_time\":\"10:00\",\"end_time\":\"17:00\","
                                                                                     "\"day_of_week\":[\"SATURDAY\"]"));
static const char free_of_charge[] = T("", E(C("FLAT", "0.00", NOVAT, "0")));
static const char reservation[] =
    T("", RESERVED(C("TIME", "5", VAT("20"), "60")) "," E(START "," KWH_025));
static const char reservation_fee[] =
    T("", RESERVED(C("FLAT", "2", VAT("20"), "1") "," C(
              "TIME", "5", VAT("20"), "300")) "," E(START "," KWH_025));
static const char expire_fee[] =
    T("", EXPIRES(C("FLAT", "4", VAT("20"), "1")) "," RESERVED(
              C("TIME", "2", VAT("20"), "600")) "," E(START "," KWH_025));
static const char expire_time[] =
    T("", EXPIRES(C("TIME", "6", VAT("20"), "600")) "," RESERVED(
              C("TIME", "3", VAT("20"), "600")) "," E(START "," KWH_025));
static const char step_1[] = T("", E(C("ENERGY", "0.25", NOVAT, "1")));
static const char step_25[] = T("", E(C("ENERGY", "0.25", NOVAT, "25")));
static const char step_500[] = T("", E(C("ENERGY", "0.25", NOVAT, "500")));
static const char max_duration[] =
    T("\"type\":\"REGULAR\",",
      ER(C("ENERGY", "0.00", VAT("20"), "1"), "\"max_duration\":1800") "," ER(
          C("ENERGY", "0.25", VAT("20"), "1"),
          "\"max_duration\":3600") "," E(C("ENERGY", "0.40", VAT("20"), "1")));
static const char max_power[] = T(
    "", ER(C("ENERGY", "0.20", VAT("20"), "1"), "\"max_power\":16.00") "," ER(
            C("ENERGY", "0.35", VAT("20"), "1"),
            "\"max_power\":32.00") "," E(C("ENERGY", "0.50", VAT("20"), "1")));
static const char steps[] = T(
    "",
    ER(C("TIME", "1.20", NOVAT, "1800") "," C("PARKING_TIME", "1.00", NOVAT,
                                              "900"),
       "\"start_time\":\"00:00\",\"end_time\":"
       "\"17:00\"") "," ER(C("TIME", "2.40", NOVAT, "900") "," C("PARKIN"
                                                                 "G_"
                                                                 "TIME",
                                                                 "1.00", NOVAT,
                                                                 "900"),
                           "\"start_time\":\"17:"
                           "00\",\"end_time\":"
                           "\"20:00\"") "," ER(C("TIME", "2.40", NOVAT, "900"),
                                               "\"start_time\":\"20:00\",\"end_"
                                               "time\":\"00:00\""));
static const char kwh_steps[] =
    T("", ER(C("ENERGY", "1", NOVAT, "10000"), "\"max_kwh\":3") "," ER(
              C("ENERGY", "2", NOVAT, "10000"),
              "\"max_kwh\":6") "," E(C("ENERGY", "5", NOVAT, "10000")));


/* ------------------------------------------------------------- the tables */

/* One period: minutes of charging, parking or waiting for the session; more
 * is what stands beside it among the dimensions. */
typedef struct {
    char        kind; /* 'c', 'p', 'r'; 0 ends the list */
    int         minutes;
    const char *kwh;
    const char *more;
} part_t;

typedef struct {
    const char *name;
    const char *tariff;
    const char *start; /* local time, without seconds */
    part_t      parts[4];
    bool        expired;
    const char *excl, *incl; /* as OCPI prints them; NULL: it does not */
} example_t;

#define AMPERE(a) ",{\"type\":\"CURRENT\",\"volume\":" a "}"
#define KW(kw)    ",{\"type\":\"POWER\",\"volume\":" kw "}"
#define MONDAY    "2019-06-03T10:00"

static const example_t examples[] = {
    { "energy",
      energy,
      MONDAY,
      { { 'c', 60, "20", "" } },
      false,
      "5.00",
      "5.50" },
    { "energy and a start fee",
      energy_start,
      MONDAY,
      { { 'c', 60, "20", "" } },
      false,
      "5.50",
      "6.10" },
    { "a minimum that is passed",
      energy_min,
      MONDAY,
      { { 'c', 60, "20", "" } },
      false,
      "5.00",
      "5.50" },
    { "a minimum that applies",
      energy_min,
      MONDAY,
      { { 'c', 10, "1.5", "" } },
      false,
      "0.50",
      "0.55" },
    { "energy, parking and a start fee",
      energy_parking,
      MONDAY,
      { { 'c', 60, "20", "" }, { 'p', 40, "0", "" } },
      false,
      "7.00",
      "7.90" },
    { "a maximum that applies",
      energy_max,
      MONDAY,
      { { 'c', 60, "50", "" } },
      false,
      "10.00",
      "11.00" },
    { "a maximum that is not reached",
      energy_max,
      MONDAY,
      { { 'c', 60, "30", "" } },
      false,
      "8.00",
      "8.85" },
    { "time", hours, MONDAY, { { 'c', 150, "0", "" } }, false, "5.00", "5.50" },
    { "time does not bill parking",
      hours,
      MONDAY,
      { { 'c', 150, "0", "" }, { 'p', 90, "0", "" } },
      false,
      "5.00",
      "5.50" },
    { "time and parking",
      hours_parking,
      MONDAY,
      { { 'c', 150, "0", "" }, { 'p', 42, "0", "" } },
      false,
      "11.25",
      "12.75" },
    { "complex, on a Monday",
      complex,
      "2019-06-03T09:30",
      { { 'c', 165, "0", AMPERE("16") }, { 'p', 42, "0", "" } },
      false,
      "9.00",
      "10.30" },
    { "complex, on a Saturday",
      complex,
      "2019-06-08T13:30",
      { { 'c', 114, "0", AMPERE("43") }, { 'p', 71, "0", "" } },
      false,
      "12.375",
      "13.975" },
    { "free of charge",
      free_of_charge,
      MONDAY,
      { { 'c', 60, "20", "" }, { 'p', 60, "0", "" } },
      false,
      "0.00",
      NULL },
    { "a reservation that is used",
      reservation,
      MONDAY,
      { { 'r', 15, "0", "" }, { 'c', 60, "20", "" } },
      false,
      "6.75",
      "7.60" },
    { "a reservation with a fee",
      reservation_fee,
      MONDAY,
      { { 'r', 13, "0", "" }, { 'c', 60, "20", "" } },
      false,
      "8.75",
      "10.00" },
    { "a fee for expiry, used in time",
      expire_fee,
      MONDAY,
      { { 'r', 22, "0", "" }, { 'c', 60, "20", "" } },
      false,
      "6.50",
      "7.30" },
    { "a fee for expiry, expired",
      expire_fee,
      MONDAY,
      { { 'r', 60, "0", "" } },
      true,
      "6.00",
      "7.20" },
    { "a price for expiry, used in time",
      expire_time,
      MONDAY,
      { { 'r', 22, "0", "" }, { 'c', 60, "20", "" } },
      false,
      "7.00",
      "7.90" },
    { "a price for expiry, expired",
      expire_time,
      MONDAY,
      { { 'r', 90, "0", "" } },
      true,
      "9.00",
      "10.80" },
    { "115.2 Wh by 1 Wh",
      step_1,
      MONDAY,
      { { 'c', 5, "0.1152", "" } },
      false,
      "0.029",
      NULL },
    { "115.2 Wh by 25 Wh",
      step_25,
      MONDAY,
      { { 'c', 5, "0.1152", "" } },
      false,
      "0.031",
      NULL },
    { "115.2 Wh by 500 Wh",
      step_500,
      MONDAY,
      { { 'c', 5, "0.1152", "" } },
      false,
      "0.125",
      NULL },
    { "free for half an hour",
      max_duration,
      MONDAY,
      { { 'c', 30, "5", "" }, { 'c', 10, "1.2", "" } },
      false,
      "0.30",
      NULL },
    { "prices by power",
      max_power,
      MONDAY,
      { { 'c', 10, "1", KW("6") },
        { 'c', 50, "40", KW("48") },
        { 'c', 8, "0.5", KW("4") } },
      false,
      "20.30",
      NULL },
    { "step: parking rounds, time before it does not",
      steps,
      "2019-06-03T16:55",
      { { 'c', 10, "0", "" }, { 'p', 2, "0", "" } },
      false,
      "0.55",
      NULL },
    { "step: the last element's, once",
      steps,
      "2019-06-03T16:35",
      { { 'c', 35, "0", "" } },
      false,
      "1.30",
      NULL },
    { "step: of the last part that has a price",
      steps,
      "2019-06-03T19:40",
      { { 'c', 12, "0", "" }, { 'p', 20, "0", "" } },
      false,
      "0.73",
      NULL },
    { "step: 9 kWh over three prices become 10",
      kwh_steps,
      MONDAY,
      { { 'c', 90, "9", "" } },
      false,
      "29.00",
      NULL },
};


/* -------------------------------------------------------------- the inputs */

static vg_str_t
clock_text(const char *start, int minutes)
{
    int hour = (int) strtol(start + 11, NULL, 10);
    int minute = (int) strtol(start + 14, NULL, 10) + minutes;

    return vg_printf(pool, "%.10sT%02d:%02d:00Z", start, hour + minute / 60,
                     minute % 60);
}


static vg_str_t
input_of(const example_t *example)
{
    static const char *const types[] = {
        ['c'] = "TIME", ['p'] = "PARKING_TIME", ['r'] = "RESERVATION_TIME"
    };
    const part_t *part = example->parts;
    vg_str_t      periods = VG_STR("");
    int           at = 0;

    for (; part->kind != 0; part++) {
        periods = vg_printf(pool,
                            "%.*s%s{\"start_date_time\":\"%s\",\"dimensions\":["
                            "{\"type\":\"ENERGY\",\"volume\":%s},"
                            "{\"type\":\"%s\",\"volume\":%d.%04d}%s]}",
                            (int) periods.len, periods.data, at > 0 ? "," : "",
                            clock_text(example->start, at).data, part->kwh,
                            types[(int) part->kind], part->minutes / 60,
                            part->minutes % 60 * 10000 / 60, part->more);
        at += part->minutes;
    }

    return vg_printf(pool,
                     "{\"tariff\":%s,\"start_date_time\":\"%s\","
                     "\"end_date_time\":\"%s\",\"time_zone\":\"UTC\","
                     "\"reservation_expired\":%s,\"charging_periods\":[%.*s]}",
                     example->tariff, clock_text(example->start, 0).data,
                     clock_text(example->start, at).data,
                     example->expired ? "true" : "false", (int) periods.len,
                     periods.data);
}


static int
places_of(const char *text)
{
    const char *point = strchr(text, '.');

    return point == NULL ? 0 : (int) strlen(point + 1);
}


/* got, of 4 decimals, equals wanted when rounded half up to its decimals */
static bool
printed_as(vg_str_t got, const char *wanted)
{
    int     places = places_of(wanted);
    int64_t value, want, unit = 1;
    int     i;

    if (got.data == NULL || !decimal_parse(got, 4, INT64_MAX / 2, &value)
        || !decimal_parse(vg_str(wanted), places, INT64_MAX / 2, &want))
    {
        return false;
    }
    for (i = places; i < 4; i++) {
        unit *= 10;
    }

    return (value * 2 + unit) / (unit * 2) == want;
}


static void
test_examples(void)
{
    const example_t *example;
    const vg_json_t *answer;
    vg_str_t         excl, incl;
    size_t           i;

    for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        example = &examples[i];
        answer = rate(input_of(example));
        excl = total(answer, "total_cost", "excl_vat");
        incl = total(answer, "total_cost", "incl_vat");
        if (!ok(printed_as(excl, example->excl)
                    && (example->incl == NULL
                        || printed_as(incl, example->incl)),
                example->name))
        {
            printf("# %.*s / %.*s, not %s / %s\n", (int) excl.len, excl.data,
                   (int) incl.len, incl.data, example->excl,
                   example->incl != NULL ? example->incl : "anything");
        }
    }
}


/* Lines add up to the unrounded total, in all examples. */
static void
test_sums(void)
{
    const vg_json_t *answer, *line;
    int64_t          excl, incl;
    bool             good = true;
    size_t           i;

    for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        answer = rate(input_of(&examples[i]));
        excl = incl = 0;
        for (line = vg_json_get(answer, "lines")->first; line != NULL;
             line = line->next)
        {
            excl += exact(vg_json_text(line, "excl_vat"));
            incl += exact(vg_json_text(line, "incl_vat"));
        }
        good = good && excl == exact(total(answer, "unrounded", "excl_vat"))
               && (total(answer, "unrounded", "incl_vat").data == NULL
                   || incl == exact(total(answer, "unrounded", "incl_vat")));
    }
    ok(good, "the lines of every example add up to its unrounded total");
}


int
main(void)
{
    pool = vg_arena_create();
    test_examples();
    test_sums();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}
