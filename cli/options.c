/*
 * options.c: the options of `voltgate simulate`: one row of the table each.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "simulate.h"

typedef enum {
    OPTION_TEXT,
    OPTION_FLAG,
    OPTION_NUMBER,
    OPTION_SPAN, /* seconds, or with one of smhd behind                   */
    OPTION_LIST, /* measurands                                            */
} option_type_t;

/* clang-format off */

#define TEXT(name, member) \
    { name, OPTION_TEXT, false, offsetof(choice_t, member), 0, 0 }
#define FLAG(name, member) \
    { name, OPTION_FLAG, true, offsetof(habits_t, member), 0, 0 }
#define NUMBER(name, type, member, max, preset) \
    { name, type, true, offsetof(habits_t, member), max, preset }

static const struct {
    const char   *name;
    option_type_t type;
    bool          habit; /* a member of habits_t, else of choice_t        */
    size_t        offset;
    int64_t       max, preset;
} table[] = {
    TEXT("url", url),
    TEXT("ca", ca),
    TEXT("charge-point", charge_points),
    TEXT("prefix", prefix),
    TEXT("password-file", password_file),
    TEXT("key-file", key_file),
    TEXT("api", api),
    TEXT("script", script_file),
    { "id-tag", OPTION_TEXT, true, offsetof(habits_t, id_tag), 0, 0 },
    { "registered", OPTION_FLAG, false, offsetof(choice_t, registered), 0, 0 },
    { "count", OPTION_NUMBER, false, offsetof(choice_t, count), 50000, 0 },
    { "seed", OPTION_NUMBER, false, offsetof(choice_t, seed), INT64_MAX, -1 },
    FLAG("once", once),
    FLAG("remote", remote),
    NUMBER("meter-values", OPTION_NUMBER, meter_values, INT32_MAX, 10),
    NUMBER("interval", OPTION_SPAN, interval, 86400, 10),
    NUMBER("power-w", OPTION_NUMBER, power_w, 10000000, 11000),
    NUMBER("spread", OPTION_NUMBER, spread, 100, 0),
    NUMBER("faults", OPTION_NUMBER, faults, 100, 0),
    NUMBER("pause", OPTION_SPAN, pause, INT64_C(7) * 86400, 0),
    /* a charger's clock is believed for 366 days */
    NUMBER("history", OPTION_SPAN, history, INT64_C(365) * 86400, 0),
    NUMBER("speed", OPTION_NUMBER, speed, 1000000, 0),
    NUMBER("delay-ms", OPTION_NUMBER, delay_ms, 20000, 0),
    NUMBER("ramp-ms", OPTION_NUMBER, ramp_ms, 3600000, -1),
    { "measurands", OPTION_LIST, true, offsetof(habits_t, measures), 0,
      MEASURE_POWER },
};

/* clang-format on */

#define OPTIONS (sizeof(table) / sizeof(table[0]))

static const struct {
    const char *name;
    unsigned    bit;
} measurands[] = {
    { "energy", 0 },
    { "power", MEASURE_POWER },
    { "voltage", MEASURE_VOLTAGE },
    { "current", MEASURE_CURRENT },
    { "temperature", MEASURE_TEMPERATURE },
    { "soc", MEASURE_SOC },
};

#define MEASURANDS (sizeof(measurands) / sizeof(measurands[0]))


static int
read_number(size_t option, const char *text, int64_t *value)
{
    static const struct {
        char    unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    int64_t max = table[option].max, unit = 1;
    char   *end;

    errno = 0;
    *value = strtoll(text, &end, 10);
    for (size_t i = 0; table[option].type == OPTION_SPAN && i < 4; i++) {
        if (end != text && *end == units[i].unit) {
            unit = units[i].seconds;
            end++;
            break;
        }
    }
    if (errno != 0 || end == text || *end != '\0' || *value < 0
        || *value > max / unit)
    {
        return cli_fail("--%s is %s from 0 to %" PRId64, table[option].name,
                        table[option].type == OPTION_SPAN
                            ? "seconds (or with s, m, h, d behind)"
                            : "a number",
                        max);
    }
    *value *= unit;
    return 0;
}


static int
read_measurands(const char *text, unsigned *measures)
{
    size_t len, i;

    *measures = 0;
    for (; *text != '\0'; text += len + (text[len] == ',')) {
        len = strcspn(text, ",");
        for (i = 0; i < MEASURANDS; i++) {
            if (strlen(measurands[i].name) == len
                && strncmp(measurands[i].name, text, len) == 0)
            {
                break;
            }
        }
        if (i == MEASURANDS) {
            return cli_fail("--measurands are some of energy, power, voltage,"
                            " current, temperature, soc, by commas");
        }
        *measures |= measurands[i].bit;
    }
    return 0;
}


/* text NULL: it was not given */
static int
option_set(size_t option, void *base, const char *text)
{
    void *place = (char *) base + table[option].offset;

    switch (table[option].type) {
    case OPTION_TEXT:
        *(const char **) place = text;
        return 0;
    case OPTION_FLAG:
        *(bool *) place = text != NULL;
        return 0;
    case OPTION_LIST:
        *(unsigned *) place = (unsigned) table[option].preset;
        return text != NULL ? read_measurands(text, place) : 0;
    default:
        *(int64_t *) place = table[option].preset;
        return text != NULL ? read_number(option, text, place) : 0;
    }
}


static int
check_who(const choice_t *choice, const habits_t *habits)
{
    int named = (choice->charge_points != NULL) + (choice->prefix != NULL)
                + choice->registered;

    if (choice->url == NULL || choice->password_file == NULL || named != 1
        || (choice->prefix == NULL) != (choice->count == 0))
    {
        return cli_fail("simulate needs --url, --password-file, and one of"
                        " --charge-point, --registered, or --prefix with"
                        " --count");
    }
    if (choice->registered != (choice->key_file != NULL)) {
        return cli_fail("--registered and --key-file go together");
    }
    if (habits->remote == (habits->id_tag != NULL)
        || (habits->id_tag != NULL && strlen(habits->id_tag) > 20))
    {
        return cli_fail("simulate needs --remote, or an --id-tag of at most"
                        " 20 characters");
    }
    return 0;
}


/* A past that is played at once needs time between its readings. */
static int
check_time(const choice_t *choice, const habits_t *habits)
{
    if (habits->speed > 0 && habits->history == 0) {
        return cli_fail("--speed is of a --history: no clock goes ahead");
    }
    if (habits->history > 0
        && (habits->interval == 0 || habits->meter_values == 0
            || habits->remote))
    {
        return cli_fail("--history needs --interval, --meter-values, and"
                        " sessions that are not --remote");
    }
    if (choice->script_file != NULL && habits->remote) {
        return cli_fail("--script and --remote exclude each other");
    }
    return 0;
}


int
options_read(int argc, char **argv, choice_t *choice, habits_t *habits)
{
    struct option options[OPTIONS + 1];
    const char   *given[OPTIONS] = { NULL };
    int           option, rc = 0;

    for (size_t i = 0; i < OPTIONS; i++) {
        options[i] =
            (struct option){ table[i].name,
                             table[i].type == OPTION_FLAG ? no_argument
                                                          : required_argument,
                             NULL, (int) i };
    }
    options[OPTIONS] = (struct option){ .name = NULL };
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option < 0 || (size_t) option >= OPTIONS) {
            return 2;
        }
        given[option] = optarg != NULL ? optarg : "";
    }
    if (optind != argc) {
        return cli_fail("simulate: what is %s?", argv[optind]);
    }
    for (size_t i = 0; i < OPTIONS && rc == 0; i++) {
        rc = option_set(i, table[i].habit ? (void *) habits : (void *) choice,
                        given[i]);
    }
    rc = rc || check_who(choice, habits) || check_time(choice, habits);
    choice->seeded = choice->seed >= 0;
    if (habits->id_tag == NULL) {
        habits->id_tag = "";
    }
    return rc;
}
