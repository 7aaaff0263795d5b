/*
 * unit_zone.c: time zones against transitions that are known, names and
 * files that are hostile, civil dates, and decimals.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "moment.h"
#include "zone.h"

#define MIDDAY "2024-06-15T12:00:00Z"

static int        tests, failures;
static vg_pool_t *pool;


static bool
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
    return good;
}


static int64_t
at(const char *text)
{
    int64_t moment = -1;

    if (!moment_parse(vg_str(text), &moment)) {
        printf("# not a time: %s\n", text);
    }

    return moment / SECOND;
}


/* ------------------------------------------------------------ transitions */

/* The offset in minutes in the second before a change, and from it on. */
static const struct {
    const char *zone;
    const char *change; /* in UTC */
    int         before, after;
} changes[] = {
    { "Europe/Berlin", "1980-04-06T01:00:00Z", 60, 120 },
    { "Europe/Berlin", "2024-03-31T01:00:00Z", 60, 120 },
    { "Europe/Berlin", "2024-10-27T01:00:00Z", 120, 60 },
    { "Europe/Berlin", "2037-10-25T01:00:00Z", 120, 60 },
    { "Europe/Berlin", "2100-03-28T01:00:00Z", 60, 120 },
    { "Europe/Berlin", "2100-10-31T01:00:00Z", 120, 60 },
    { "Europe/London", "2024-03-31T01:00:00Z", 0, 60 },
    { "Europe/Dublin", "2024-10-27T01:00:00Z", 60, 0 },
    { "Europe/Dublin", "2050-03-27T01:00:00Z", 0, 60 },
    { "Europe/Istanbul", "2016-03-27T01:00:00Z", 120, 180 },
    { "America/New_York", "2024-03-10T07:00:00Z", -300, -240 },
    { "America/New_York", "2024-11-03T06:00:00Z", -240, -300 },
    { "America/New_York", "2061-03-13T07:00:00Z", -300, -240 },
    { "America/Los_Angeles", "2007-03-11T10:00:00Z", -480, -420 },
    { "America/Santiago", "2024-09-08T04:00:00Z", -240, -180 },
    { "America/Sao_Paulo", "2019-02-17T02:00:00Z", -120, -180 },
    { "Australia/Lord_Howe", "2024-04-06T15:00:00Z", 660, 630 },
    { "Australia/Lord_Howe", "2045-09-30T15:30:00Z", 630, 660 },
    { "Australia/Sydney", "2024-10-05T16:00:00Z", 600, 660 },
    { "Pacific/Auckland", "2024-04-06T14:00:00Z", 780, 720 },
    { "Pacific/Apia", "2011-12-30T10:00:00Z", -600, 840 },
    { "Asia/Kathmandu", "1985-12-31T18:30:00Z", 330, 345 },
    { "Asia/Pyongyang", "2018-05-04T15:00:00Z", 510, 540 },
    { "Africa/Casablanca", "2024-03-10T02:00:00Z", 60, 0 },
    { "Africa/Casablanca", "2024-04-14T02:00:00Z", 0, 60 },
    { "Africa/Cairo", "2024-04-25T22:00:00Z", 120, 180 },
    { "America/Nuuk", "2024-03-31T01:00:00Z", -120, -60 },
    { "Asia/Jerusalem", "2070-03-28T00:00:00Z", 120, 180 },
};


static void
test_changes(void)
{
    const zone_t *zone;
    int64_t       change, before, after, next, then;
    vg_str_t      name;
    size_t        i;

    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        zone = zone_load(pool, vg_str(changes[i].zone));
        change = at(changes[i].change);
        name = vg_printf(pool, "%s at %s", changes[i].zone, changes[i].change);
        if (zone == NULL) {
            ok(false, name.data);
            continue;
        }
        before = zone_offset(zone, change - 1, &next);
        after = zone_offset(zone, change, &then);
        if (!ok(before == changes[i].before * 60L
                    && after == changes[i].after * 60L && next == change
                    && then > change,
                name.data))
        {
            printf("# %lld to %lld, next %lld of %lld\n",
                   (long long) before / 60, (long long) after / 60,
                   (long long) next, (long long) change);
        }
    }
}


static void
test_still(void)
{
    const zone_t *utc = zone_load(pool, VG_STR("UTC"));
    const zone_t *kolkata = zone_load(pool, VG_STR("Asia/Kolkata"));
    int64_t       next = 0;

    ok(utc != NULL && zone_offset(utc, at(MIDDAY), &next) == 0
           && next == INT64_MAX,
       "UTC never changes");
    ok(kolkata != NULL && zone_offset(kolkata, at(MIDDAY), &next) == 330 * 60L
           && next == INT64_MAX,
       "nor does Kolkata any more");
}


/* From change to change, next never goes back and never misses one: walked
 * from 2000 to 2100, an offset seen at any hour is that of its stretch. */
static void
test_walk(const char *name)
{
    const zone_t *zone = zone_load(pool, vg_str(name));
    int64_t       now = at("2000-01-01T00:00:00Z");
    int64_t       end = at("2100-01-01T00:00:00Z");
    int64_t       next, other, offset, hour;
    bool          good = zone != NULL;

    while (good && now < end) {
        offset = zone_offset(zone, now, &next);
        good = next > now;
        for (hour = now; good && hour < next && hour < end; hour += 3600) {
            good = zone_offset(zone, hour, &other) == offset && other == next;
        }
        now = next;
    }
    ok(good, vg_printf(pool, "a century of %s, hour by hour", name).data);
}


/* ---------------------------------------------------------------- hostile */

static void
test_names(void)
{
    static const char *const names[] = {
        "",
        "/",
        "/etc/passwd",
        "..",
        "../zoneinfo/UTC",
        "Europe/../UTC",
        "Europe//Berlin",
        "Europe/Berlin/",
        "Europe",
        "zone.tab",
        "tzdata.zi",
        "right/UTC",
        "leap-seconds.list",
        "UTC\n",
        "Europe/Berl\xc3\xadn",
        "Europe\\Berlin",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "Moon/Tranquility",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok(zone_load(pool, vg_str(names[i])) == NULL,
           vg_printf(pool, "no zone: name %zu", i).data);
    }
    ok(zone_load(pool, (vg_str_t){ "UTC\0x", 5 }) == NULL,
       "a name with a NUL is none");
}


/* A sound file cut at each byte, and with each byte changed, is read without
 * harm (the sanitizers watch), and never endlessly. */
static void
test_broken_files(void)
{
    char          bytes[4096], copy[4096];
    FILE         *file = fopen(ZONE_FOLDER "Europe/Berlin", "rb");
    size_t        len = file != NULL ? fread(bytes, 1, sizeof(bytes), file) : 0;
    const zone_t *zone;
    vg_pool_t    *arena;
    int64_t       next;
    size_t        i, refused = 0;

    if (file != NULL) {
        fclose(file);
    }
    for (i = 0; i < len; i++) {
        arena = vg_arena_create();
        refused += zone_read(arena, (vg_str_t){ bytes, i }) == NULL;
        memcpy(copy, bytes, len);
        copy[i] = (char) (copy[i] ^ 0x81);
        zone = zone_read(arena, (vg_str_t){ copy, len });
        if (zone != NULL) {
            (void) zone_offset(zone, at(MIDDAY), &next);
            (void) zone_offset(zone, at("2090-07-01T00:00:00Z"), &next);
        }
        vg_arena_destroy(arena);
    }
    ok(len > 100 && refused == len, "a file that was cut is refused");
}


/* ------------------------------------------------------ dates and decimals */

static void
test_moments(void)
{
    static const struct {
        const char *text, *printed; /* NULL: refused */
    } moments[] = {
        { "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z" },
        { "2024-02-29T23:59:59.5+01:00", "2024-02-29T22:59:59.500000Z" },
        { "2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00Z" },
        { "2015-06-29T20:39:09", "2015-06-29T20:39:09Z" },
        { "9999-12-31T23:59:59.999999z", "9999-12-31T23:59:59.999999Z" },
        { "2100-02-29T00:00:00Z", NULL },
        { "2024-02-30T00:00:00Z", NULL },
        { "2024-13-01T00:00:00Z", NULL },
        { "2024-01-01T24:00:00Z", NULL },
        { "2024-01-01T00:60:00Z", NULL },
        { "2024-01-01T00:00:60Z", NULL },
        { "1969-12-31T23:59:59Z", NULL },
        { "1970-01-01T00:00:00+00:01", NULL },
        { "2024-01-01", NULL },
        { "2024-01-01T00:00:00.Z", NULL },
        { "2024-01-01T00:00:00Zz", NULL },
        { "2024-01-01T00:00:00+1:00", NULL },
        { "", NULL },
        { "24-01-01T00:00:00Z", NULL },
    };
    int64_t moment;
    size_t  i;
    bool    good;

    for (i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        good = moment_parse(vg_str(moments[i].text), &moment);
        ok(good == (moments[i].printed != NULL)
               && (!good
                   || vg_str_eq(moment_print(pool, moment),
                                moments[i].printed)),
           vg_printf(pool, "time '%s'", moments[i].text).data);
    }
}


static void
test_days(void)
{
    int64_t day, year = 1970, month = 1, date = 1;
    int     lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool    leap, good = true;

    for (day = 0; day < 150000 && good; day++) {
        leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        good = days_from_date(year, (int) month, (int) date) == day
               && year_of_day(day) == year && weekday(day) == (day + 3) % 7;
        if (date++ == lengths[month - 1] + (month == 2 && leap)) {
            date = 1;
            year += month == 12;
            month = month % 12 + 1;
        }
    }
    ok(good, "four centuries of days, counted one by one");
}


static void
test_decimals(void)
{
    static const struct {
        const char *text;
        int         places;
        int64_t     value; /* -1: refused */
    } decimals[] = {
        { "0", 4, 0 },        { "-0.0", 4, 0 },        { "0.25", 4, 2500 },
        { "1e-1", 4, 1000 },  { "2.5E+1", 4, 250000 }, { "0.25000", 4, 2500 },
        { "0.00005", 4, -1 }, { "-1", 4, -1 },         { "1e99", 4, -1 },
        { "1e-99", 4, -1 },   { "100.0001", 4, -1 },   { "100", 4, 1000000 },
        { "12e-1", 0, -1 },   { "10e-1", 0, 1 },
    };
    int64_t value;
    size_t  i;

    for (i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
        if (!decimal_parse(vg_str(decimals[i].text), decimals[i].places,
                           1000000, &value))
        {
            value = -1;
        }
        ok(value == decimals[i].value,
           vg_printf(pool, "decimal %s", decimals[i].text).data);
    }
    ok(vg_str_eq(decimal_print(pool, -1500, 3), "-1.5")
           && vg_str_eq(decimal_print(pool, 5, 3), "0.005")
           && vg_str_eq(decimal_print(pool, 0, 3), "0")
           && vg_str_eq(decimal_print(pool, 1200, 0), "1200"),
       "decimals are printed without needless zeros");
}


static void
test_rounding(void)
{
    money_t half = 0, third = 0;

    ok(money_flat(50, &half) /* 0.00005 */ && money_round(half, 4) == 1
           && money_round(half - 1, 4) == 0 && money_round(-half, 4) == -1,
       "half up, away from zero");
    ok(money_time(1000000, HOUR / 3, &third)
           && money_round(third, 12) == 333333333333
           && third * 3
                  == money_round(third * 3, 0) * (money_t) 9 * 100000000000
                         * 100000000000,
       "a third of an hour three times is the hour");
    ok(!money_energy(INT64_MAX, INT64_MAX, &half), "overflow is seen");
    ok(share(10, 1, 3) == 3 && share(10, 2, 3) == 7 && share(10, 3, 3) == 10
           && share(10, 0, 0) == 10,
       "shares add up");
}


int
main(void)
{
    pool = vg_arena_create();
    test_changes();
    test_still();
    test_walk("Europe/Berlin");
    test_walk("Australia/Lord_Howe");
    test_walk("Africa/Casablanca");
    test_names();
    test_broken_files();
    test_moments();
    test_days();
    test_decimals();
    test_rounding();
    vg_arena_destroy(pool);
    printf("1..%d\n", tests);
    return failures != 0;
}
