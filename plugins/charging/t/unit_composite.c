/*
 * unit_composite.c: what charging profiles allow together, hour by hour.
 */

#include <stdio.h>
#include <string.h>

#include "composite.h"

typedef struct {
    const char *name;
    const char *row;      /* as SQL gives it                              */
    const char *expected; /* startPeriod limit[/phases], by blanks; - none */
} case_t;

/* clang-format off */

#define ROW(more, profiles)                                                  \
    "{\"connector\":1,\"from\":1000000,\"to\":1003600,\"volts\":230,"        \
    "\"unit\":\"A\"," more "\"profiles\":[" profiles "]}"
#define RUNNING "\"transaction\":7,\"since\":999400,"
#define P(purpose, connector, level, kind, more, steps)                      \
    "{\"purpose\":\"" purpose "\",\"connector\":" #connector                 \
    ",\"stackLevel\":" #level ",\"kind\":\"" kind "\",\"unit\":\"A\"," more  \
    "\"steps\":[" steps "]}"
#define MAX "ChargePointMaxProfile"
#define DEF "TxDefaultProfile"
#define TX "TxProfile"
#define S(start, limit) "{\"start\":" #start ",\"limit\":" #limit "}"
#define SP(start, limit, phases)                                             \
    "{\"start\":" #start ",\"limit\":" #limit ",\"phases\":" #phases "}"
#define AT(start) "\"start\":" #start ","

/* Berlin's clock went back at 2026-10-25T01:00Z, forward at 2027-03-28 */
#define BERLIN                                                               \
    "\"clock\":[{\"at\":0,\"offset\":7200},"                                 \
    "{\"at\":1792890000,\"offset\":3600},"                                   \
    "{\"at\":1806195600,\"offset\":7200}],"
#define DAYS(from, to, clock, profiles)                                      \
    "{\"connector\":1,\"from\":" #from ",\"to\":" #to ",\"volts\":230,"      \
    "\"unit\":\"A\"," clock "\"profiles\":[" profiles "]}"

static const case_t cases[] = {
    { "no profile, no limit", ROW("", ""), "0 -" },
    { "a default", ROW("", P(DEF, 0, 0, "Absolute", AT(1000000), S(0, 16))),
      "0 16.0" },
    { "before it begins there is none",
      ROW("", P(DEF, 0, 0, "Absolute", AT(1000060), S(0, 16))),
      "0 - 60 16.0" },
    { "tenths are exact, whole numbers are",
      ROW("", P(DEF, 0, 0, "Absolute", AT(1000000), S(0, 6.1) "," S(60, 6))),
      "0 6.1 60 6.0" },
    { "when its duration ends the lower level goes on",
      ROW("", P(DEF, 0, 0, "Absolute", AT(900000), S(0, 10)) ","
              P(DEF, 0, 1, "Absolute", AT(1000000) "\"duration\":600,",
                S(0, 32))),
      "0 32.0 600 10.0" },
    { "validity is from and up to",
      ROW("", P(DEF, 0, 0, "Absolute", AT(900000), S(0, 10)) ","
              P(DEF, 0, 5, "Absolute", AT(900000)
                "\"validFrom\":1000100,\"validTo\":1000200,", S(0, 6))),
      "0 10.0 100 6.0 200 10.0" },
    { "the connector's own default before connector 0's, of any level",
      ROW("", P(DEF, 0, 9, "Absolute", AT(900000), S(0, 32)) ","
              P(DEF, 1, 0, "Absolute", AT(1000010), S(0, 8))),
      "0 32.0 10 8.0" },
    { "another connector's is not meant",
      ROW("", P(DEF, 2, 9, "Absolute", AT(900000), S(0, 32))), "0 -" },
    { "the charge point's bound lies over all",
      ROW("", P(DEF, 0, 0, "Absolute", AT(900000), S(0, 16)) ","
              P(MAX, 0, 0, "Absolute", AT(1000000),
                S(0, 20) "," S(60, 10) "," S(120, 12))),
      "0 16.0 60 10.0 120 12.0" },
    { "alone it is the limit",
      ROW("", P(MAX, 0, 0, "Absolute", AT(900000), S(0, 63))), "0 63.0" },
    { "a transaction's own profile overrules the default, also upward",
      ROW(RUNNING, P(DEF, 0, 9, "Absolute", AT(900000), S(0, 10)) ","
                   P(TX, 1, 0, "Absolute", AT(1000000) "\"transaction\":7,"
                     "\"duration\":60,", S(0, 32))),
      "0 32.0 60 10.0" },
    { "another transaction's does not",
      ROW(RUNNING, P(TX, 1, 0, "Absolute", AT(900000) "\"transaction\":8,",
                     S(0, 32))), "0 -" },
    { "none does without a transaction",
      ROW("", P(TX, 1, 0, "Absolute", AT(900000), S(0, 32))), "0 -" },
    { "relative is to the start of charging",
      ROW(RUNNING, P(TX, 1, 0, "Relative", "",
                     S(0, 6) "," S(900, 16) "," S(1200, 32))),
      "0 6.0 300 16.0 600 32.0" },
    { "without one, to now",
      ROW("", P(DEF, 0, 0, "Relative", "", S(0, 6) "," S(900, 16))),
      "0 6.0 900 16.0" },
    { "absolute without a start is relative",
      ROW(RUNNING, P(DEF, 0, 0, "Absolute", "", S(0, 6) "," S(900, 16))),
      "0 6.0 300 16.0" },
    { "a first period that begins later leaves a gap for others",
      ROW("", P(DEF, 0, 1, "Absolute", AT(1000000), S(60, 6)) ","
              P(DEF, 0, 0, "Absolute", AT(900000), S(0, 9))),
      "0 9.0 60 6.0" },
    { "phases are told, and a change of them is a period",
      ROW("", P(DEF, 0, 0, "Absolute", AT(1000000),
                SP(0, 16, 3) "," SP(60, 16, 1))),
      "0 16.0/3 60 16.0/1" },
    { "periods that say the same are one",
      ROW("", P(DEF, 0, 0, "Absolute", AT(1000000), S(0, 16) "," S(60, 16))),
      "0 16.0" },
    { "watts are amperes by 230 V and 3 phases, downward",
      ROW("", "{\"purpose\":\"TxDefaultProfile\",\"connector\":0,"
              "\"stackLevel\":0,\"kind\":\"Absolute\",\"unit\":\"W\","
              "\"start\":1000000,\"steps\":[" S(0, 11000) ","
              SP(60, 3680, 1) "]}"),
      "0 15.9 60 16.0/1" },
    { "connector 0 is the charge point: only its bound counts",
      "{\"connector\":0,\"from\":1000000,\"to\":1000100,\"profiles\":["
      P(DEF, 0, 0, "Absolute", AT(900000), S(0, 6)) ","
      P(MAX, 0, 0, "Absolute", AT(900000), S(0, 63)) "]}",
      "0 63.0" },

    { "each day again",
      DAYS(172800, 345600, "",
           P(DEF, 0, 0, "Recurring", AT(3600), S(0, 6) "," S(7200, 16))),
      "0 16.0 3600 6.0 10800 16.0 90000 6.0 97200 16.0" },
    { "not before it begins",
      DAYS(0, 90000, "",
           P(DEF, 0, 0, "Recurring", AT(86400), S(0, 6) "," S(600, 7))),
      "0 - 86400 6.0 87000 7.0" },
    { "a duration that ends before the day does leaves the rest to others",
      DAYS(172800, 259200, "",
           P(DEF, 0, 0, "Absolute", AT(0), S(0, 32)) ","
           P(DEF, 0, 1, "Recurring", AT(3600) "\"duration\":3600,", S(0, 6))),
      "0 32.0 3600 6.0 7200 32.0" },
    { "each week again",
      DAYS(1209600, 1900800, "",
           P(DEF, 0, 0, "Recurring", AT(3600) "\"recurrency\":\"Weekly\","
             "\"duration\":60,", S(0, 6))),
      "0 - 3600 6.0 3660 - 608400 6.0 608460 -" },
    /* 08:00 in Berlin is 06:00Z, and 07:00Z when the clock has gone back */
    { "at the same time of the day, whatever the clock does",
      DAYS(1792800000, 1792972800, BERLIN,
           P(DEF, 0, 0, "Recurring", AT(1791180000) "\"offset\":7200,"
             "\"duration\":3600,", S(0, 6))),
      "0 - 21600 6.0 25200 - 111600 6.0 115200 -" },
    { "in UTC a day has 24 hours",
      DAYS(1792800000, 1792972800, "",
           P(DEF, 0, 0, "Recurring", AT(1791180000) "\"duration\":3600,",
             S(0, 6))),
      "0 - 21600 6.0 25200 - 108000 6.0 111600 -" },
    /* 02:30 twice on 2026-10-25: 00:30Z is the first */
    { "of an hour that comes twice the first counts",
      DAYS(1792800000, 1792972800, BERLIN,
           P(DEF, 0, 0, "Recurring", AT(1791160200) "\"offset\":7200,"
             "\"duration\":600,", S(0, 6))),
      "0 - 1800 6.0 2400 - 88200 6.0 88800 -" },
    /* 02:30 is not there on 2027-03-28: 03:30 summer time, 01:30Z, is */
    { "an hour that is left out comes when it would have",
      DAYS(1806105600, 1806278400, BERLIN,
           P(DEF, 0, 0, "Recurring", AT(1791160200) "\"offset\":7200,"
             "\"duration\":600,", S(0, 6))),
      "0 - 5400 6.0 6000 - 91800 6.0 92400 -" },
};

/* clang-format on */

static int number;


static void
check(int good, const char *name, const char *got, const char *expected)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
    if (!good) {
        printf("# got      %s\n# expected %s\n", got, expected);
    }
}


static void
shown(const composite_t *c, char *text, size_t size)
{
    static composite_period_t periods[COMPOSITE_PERIODS];
    int64_t                   end;
    size_t                    len = 0, n = composite_make(c, periods, &end);

    text[0] = '\0';
    for (size_t i = 0; i < n && len < size; i++) {
        const composite_period_t *p = &periods[i];

        len += snprintf(text + len, size - len, "%s%lld ", i ? " " : "",
                        (long long) p->start);
        if (p->limit == COMPOSITE_NONE) {
            len += snprintf(text + len, size - len, "-");
            continue;
        }
        len += snprintf(text + len, size - len, "%lld.%lld",
                        (long long) p->limit / 10, (long long) p->limit % 10);
        if (p->phases) {
            len += snprintf(text + len, size - len, "/%d", p->phases);
        }
    }
}


static void
check_case(const case_t *it)
{
    char         text[1000] = "unreadable";
    vg_pool_t   *pool = vg_arena_create();
    composite_t *c;

    c = schedule_read(pool, vg_json_parse(pool, vg_str(it->row), NULL));
    if (c != NULL) {
        shown(c, text, sizeof(text));
    }
    check(strcmp(text, it->expected) == 0, it->name, text, it->expected);
    vg_arena_destroy(pool);
}


static void
check_json(const char *name, const char *row, const char *expected)
{
    vg_pool_t   *pool = vg_arena_create();
    composite_t *c;
    vg_str_t     text = VG_STR("refused");

    c = schedule_read(pool, vg_json_parse(pool, vg_str(row), NULL));
    if (c != NULL) {
        text = schedule_write(pool, c);
    }
    text = vg_printf(pool, "%.*s", (int) text.len, text.data);
    check(strcmp(text.data, expected) == 0, name, text.data, expected);
    vg_arena_destroy(pool);
}


/* a second is no period of a year: more than the answer holds is cut */
static void
check_many(void)
{
    static composite_period_t periods[COMPOSITE_PERIODS];
    composite_step_t          steps[] = { { 0, 60, 0 }, { 1, 70, 0 } };
    composite_clock_t         utc = { 0, 0 };
    composite_profile_t       p = {
              .purpose = COMPOSITE_DEFAULT,
              .kind = COMPOSITE_RECURRING,
              .transaction = COMPOSITE_NONE,
              .valid_from = COMPOSITE_NONE,
              .valid_to = COMPOSITE_NONE,
              .every = 2,
              .duration = COMPOSITE_NONE,
              .unit = 'A',
              .steps = steps,
              .count = 2,
    };
    composite_t c = { &p,   1,    &utc, 1,  1, COMPOSITE_NONE, COMPOSITE_NONE,
                      5000, 9000, 230,  'A' };
    int64_t     end;
    size_t      n = composite_make(&c, periods, &end);

    check(n == COMPOSITE_PERIODS, "there are so many periods and no more", "",
          "");
    check(end == 6000, "and it is said how far they reach", "", "");
}


/* Levels that change each second below one that never does: all of them are
 * looked at, at each change, and the answer shows nothing of it. */
static void
check_hidden(void)
{
    enum { LEVELS = 60, STEPS = 500 };
    static composite_period_t  periods[COMPOSITE_PERIODS];
    static composite_step_t    steps[STEPS];
    static composite_profile_t p[LEVELS + 1];
    composite_clock_t          utc = { 0, 0 };
    composite_t                c = {
                       p, LEVELS + 1, &utc, 1,  1, COMPOSITE_NONE, COMPOSITE_NONE,
                       0, 604800,     230,  'A'
    };
    int64_t end;
    size_t  n;

    for (int i = 0; i < STEPS; i++) {
        steps[i] = (composite_step_t){ i, 10 + i % 2, 0 };
    }
    for (int i = 0; i <= LEVELS; i++) {
        p[i] = (composite_profile_t){ .purpose = COMPOSITE_DEFAULT,
                                      .kind = COMPOSITE_RECURRING,
                                      .stack_level = i,
                                      .transaction = COMPOSITE_NONE,
                                      .valid_from = COMPOSITE_NONE,
                                      .valid_to = COMPOSITE_NONE,
                                      .connector = 1,
                                      .every = 600,
                                      .duration = COMPOSITE_NONE,
                                      .unit = 'A',
                                      .steps = steps,
                                      .count = i < LEVELS ? STEPS : 1 };
    }
    n = composite_make(&c, periods, &end);
    check(n == 1 && periods[0].limit == 10, "what cannot be seen is not shown",
          "", "");
    check(end > 0 && end < 86400, "and is not looked through to its end", "",
          "");
}


int
main(void)
{
    size_t n = sizeof(cases) / sizeof(cases[0]);

    for (size_t i = 0; i < n; i++) {
        check_case(&cases[i]);
    }
    check_json("as it is answered",
               ROW("", P(DEF, 0, 0, "Absolute", AT(1000000),
                         SP(0, 6.1, 3)) "," P(DEF, 0, 1, "Absolute",
                                              AT(1000000) "\"duration\":60,",
                                              S(0, 10))),
               "{\"duration\":3600,\"chargingRateUnit\":\"A\","
               "\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":10.0},"
               "{\"startPeriod\":60,\"limit\":6.1,\"numberPhases\":3}]}");
    check_json("without a unit, that of the profiles",
               "{\"connector\":1,\"from\":0,\"to\":10,\"profiles\":["
               "{\"purpose\":\"TxDefaultProfile\",\"unit\":\"W\",\"start\":0,"
               "\"steps\":[{\"start\":0,\"limit\":3680}]}]}",
               "{\"duration\":10,\"chargingRateUnit\":\"W\","
               "\"chargingSchedulePeriod\":[{\"startPeriod\":0,"
               "\"limit\":3680.0}]}");
    check_json("a limit that is none",
               ROW("", P(DEF, 0, 0, "Absolute", "", S(0, "x"))), "refused");
    check_json("a limit of two digits behind the point",
               ROW("", P(DEF, 0, 0, "Absolute", "", S(0, 1.25))), "refused");
    check_many();
    check_hidden();
    printf("1..%d\n", number);
    return 0;
}
