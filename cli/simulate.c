/*
 * simulate.c: `voltgate simulate`: charge points that are none, over real
 * OCPP 1.6-J. Options, the loop, and when it ends.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "cli.h"
#include "simulate.h"

#define EVENTS      256
#define COUNT_MAX   50000
#define TALKS_MAX   10   /* more charge points than that: a line a second */
#define CONNECT_GAP 2000 /* us between two that connect: no storm       */
#define TURN_MS     1000

typedef struct {
    const char *url;
    const char *ca;
    const char *charge_points; /* by commas                              */
    const char *prefix;        /* or P0001 to P<count>                   */
    const char *password_file;
    int64_t     count;
    char       *passwords; /* the file, cut into lines ID NUL PASSWORD   */
    size_t      npasswords;
} choice_t;

static volatile sig_atomic_t simulate_signalled;

static int  read_options(int argc, char **argv, choice_t *choice,
                         habits_t *habits);
static int  check_options(const choice_t *choice, const habits_t *habits);
static int  read_passwords(choice_t *choice);
static int  make_stations(simulation_t *sim, const choice_t *choice,
                          station_t **stations, size_t *count);
static void simulate_run(simulation_t *sim, station_t *stations, size_t count);


int
cli_simulate(int argc, char **argv)
{
    choice_t      choice = { .count = 0 };
    simulation_t *sim = calloc(1, sizeof(simulation_t));
    station_t    *stations = NULL;
    size_t        count = 0;
    int           rc;

    if (sim == NULL) {
        return cli_fail("no memory");
    }
    sim->to.epoll = -1;
    rc = read_options(argc, argv, &choice, &sim->habits);
    if (rc == 0) {
        rc = read_passwords(&choice)
             || cli_endpoint_open(&sim->to, choice.url, choice.ca)
             || make_stations(sim, &choice, &stations, &count);
    }
    if (rc == 0) {
        sim->habits.talks = count <= TALKS_MAX;
        simulate_run(sim, stations, count);
        figures_print(&sim->figures);
        rc = sim->figures.errors > 0;
    }
    for (size_t i = 0; i < count; i++) {
        station_free(&stations[i]);
    }
    free(stations);
    free(choice.passwords);
    cli_endpoint_close(&sim->to);
    free(sim);
    return rc;
}


/* ---------------------------------------------------------------- options */

enum {
    OPTION_URL,
    OPTION_CA,
    OPTION_CHARGE_POINT,
    OPTION_PREFIX,
    OPTION_PASSWORD_FILE,
    OPTION_ID_TAG,
    OPTION_COUNT,
    OPTION_METER_VALUES,
    OPTION_INTERVAL,
    OPTION_POWER_W,
    OPTION_ONCE,
    OPTION_REMOTE,
    OPTIONS,
};

static const struct option options[OPTIONS + 1] = {
    { "url", required_argument, NULL, OPTION_URL },
    { "ca", required_argument, NULL, OPTION_CA },
    { "charge-point", required_argument, NULL, OPTION_CHARGE_POINT },
    { "prefix", required_argument, NULL, OPTION_PREFIX },
    { "password-file", required_argument, NULL, OPTION_PASSWORD_FILE },
    { "id-tag", required_argument, NULL, OPTION_ID_TAG },
    { "count", required_argument, NULL, OPTION_COUNT },
    { "meter-values", required_argument, NULL, OPTION_METER_VALUES },
    { "interval", required_argument, NULL, OPTION_INTERVAL },
    { "power-w", required_argument, NULL, OPTION_POWER_W },
    { "once", no_argument, NULL, OPTION_ONCE },
    { "remote", no_argument, NULL, OPTION_REMOTE },
};


/* text NULL: *value stays what it is */
static int
option_number(int option, const char *text, int64_t max, int64_t *value)
{
    char *end;

    if (text == NULL) {
        return 0;
    }
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *value < 0 || *value > max)
    {
        return cli_fail("--%s is a number from 0 to %" PRId64,
                        options[option].name, max);
    }
    return 0;
}


static int
read_options(int argc, char **argv, choice_t *choice, habits_t *habits)
{
    const char *given[OPTIONS] = { NULL };
    int         option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option < 0 || option >= OPTIONS) {
            return 2;
        }
        given[option] = optarg != NULL ? optarg : "";
    }
    if (optind != argc) {
        return cli_fail("simulate: what is %s?", argv[optind]);
    }
    choice->url = given[OPTION_URL];
    choice->ca = given[OPTION_CA];
    choice->charge_points = given[OPTION_CHARGE_POINT];
    choice->prefix = given[OPTION_PREFIX];
    choice->password_file = given[OPTION_PASSWORD_FILE];
    *habits = (habits_t){ .meter_values = 10,
                          .interval = 10,
                          .power_w = 11000,
                          .once = given[OPTION_ONCE] != NULL,
                          .remote = given[OPTION_REMOTE] != NULL };
    habits->id_tag = given[OPTION_ID_TAG] != NULL ? given[OPTION_ID_TAG] : "";
    return option_number(OPTION_COUNT, given[OPTION_COUNT], COUNT_MAX,
                         &choice->count)
           || option_number(OPTION_METER_VALUES, given[OPTION_METER_VALUES],
                            INT32_MAX, &habits->meter_values)
           || option_number(OPTION_INTERVAL, given[OPTION_INTERVAL], 86400,
                            &habits->interval)
           || option_number(OPTION_POWER_W, given[OPTION_POWER_W], 10000000,
                            &habits->power_w)
           || check_options(choice, habits);
}


static int
check_options(const choice_t *choice, const habits_t *habits)
{
    if (choice->url == NULL || choice->password_file == NULL
        || (choice->charge_points == NULL) == (choice->prefix == NULL)
        || (choice->prefix == NULL) != (choice->count == 0))
    {
        return cli_fail("simulate needs --url, --password-file, and either"
                        " --charge-point or --prefix and --count");
    }
    if (habits->remote == (*habits->id_tag != '\0')
        || strlen(habits->id_tag) > 20) {
        return cli_fail("simulate needs --remote, or an --id-tag of at most"
                        " 20 characters");
    }
    return 0;
}


/* Lines ID:PASSWORD; the ID * stands for all others. */
static int
read_passwords(choice_t *choice)
{
    size_t len, number = 0;
    char  *line, *next, *colon, *to;

    choice->passwords = cli_read(choice->password_file, &len);
    if (choice->passwords == NULL) {
        return 1;
    }
    to = choice->passwords;
    for (line = choice->passwords; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        line[strcspn(line, "\r")] = '\0';
        number++;
        if (*line == '\0' || *line == '#') {
            continue;
        }
        colon = strchr(line, ':');
        if (colon == NULL || colon == line || colon[1] == '\0') {
            return cli_fail("%s: line %zu is not ID:PASSWORD",
                            choice->password_file, number);
        }
        *colon = '\0';
        /* what is skipped leaves a hole: the pairs move up */
        len = (size_t) (colon + 1 - line) + strlen(colon + 1) + 1;
        memmove(to, line, len);
        to += len;
        choice->npasswords++;
    }
    return 0;
}


static const char *
password_of(const choice_t *choice, const char *identity)
{
    const char *at = choice->passwords, *password, *others = NULL;

    for (size_t i = 0; i < choice->npasswords; i++) {
        password = at + strlen(at) + 1;
        if (strcmp(at, identity) == 0) {
            return password;
        }
        if (strcmp(at, "*") == 0) {
            others = password;
        }
        at = password + strlen(password) + 1;
    }
    return others;
}


static int
make_station(simulation_t *sim, const choice_t *choice, station_t *st,
             char *identity, const char *number)
{
    int len = snprintf(st->own_tag, sizeof(st->own_tag), "%s%s",
                       sim->habits.id_tag, number);

    st->sim = sim;
    st->identity = identity;
    if (identity == NULL) {
        return cli_fail("no memory");
    }
    if (*identity == '\0') {
        return cli_fail("--charge-point: one of them has no name");
    }
    st->password = password_of(choice, identity);
    if (st->password == NULL) {
        return cli_fail("%s: no password for %s", choice->password_file,
                        identity);
    }
    if (len < 0 || (size_t) len >= sizeof(st->own_tag)) {
        return cli_fail("--id-tag: %s%s is longer than OCPP's 20 characters",
                        sim->habits.id_tag, number);
    }
    return 0;
}


/* One tag charges at one place at a time: many have 0001 to <count> added. */
static int
make_stations(simulation_t *sim, const choice_t *choice, station_t **stations,
              size_t *count)
{
    const char *from = choice->charge_points;
    size_t      n = (size_t) choice->count, len;
    char       *identity;
    char        number[24] = "";

    for (const char *c = from; c != NULL; c = strchr(c, ',')) {
        c += n++ > 0;
    }
    *stations = calloc(n + 1, sizeof(station_t)); /* n may be 0 */
    if (*stations == NULL) {
        return cli_fail("no memory");
    }
    while (*count < n) {
        identity = NULL;
        if (n > 1 || from == NULL) {
            (void) snprintf(number, sizeof(number), "%04zu", *count + 1);
        }
        if (from != NULL) {
            len = strcspn(from, ",");
            identity = strndup(from, len);
            from += len + (from[len] == ',');
        } else if (asprintf(&identity, "%s%s", choice->prefix, number) < 0) {
            identity = NULL;
        }
        (*count)++;
        if (make_station(sim, choice, &(*stations)[*count - 1], identity,
                         number)
            != 0) {
            return 1;
        }
    }
    return 0;
}


/* --------------------------------------------------------------- the loop */

int64_t
simulation_clock(simulation_t *sim)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    sim->now = (int64_t) now.tv_sec * SECOND + now.tv_nsec / 1000;
    return sim->now;
}


static void
simulate_signal(int number)
{
    (void) number;
    simulate_signalled++;
}


static void
simulate_signals(void)
{
    struct sigaction action = { .sa_handler = simulate_signal };

    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &action, NULL);
}


/* All are looked at only when one of them is due. */
static void
simulate_due(simulation_t *sim, station_t *stations, size_t count)
{
    int64_t now = simulation_clock(sim);

    if (now < sim->next_due) {
        return;
    }
    sim->next_due = NEVER;
    for (size_t i = 0; i < count; i++) {
        if (!stations[i].gone && stations[i].due <= now) {
            station_due(&stations[i]);
        }
        if (!stations[i].gone && stations[i].due < sim->next_due) {
            sim->next_due = stations[i].due;
        }
    }
}


static void
simulate_progress(const simulation_t *sim, int64_t *told)
{
    if (!sim->habits.talks && sim->now - *told >= SECOND) {
        *told = sim->now;
        printf("%zu charge points, %" PRIu64 " messages, %" PRIu64
               " sessions, %" PRIu64 " errors\n",
               sim->running, sim->figures.messages, sim->figures.sessions,
               sim->figures.errors);
        (void) fflush(stdout);
    }
}


/* until all are gone, or a second signal says at once */
static void
simulate_run(simulation_t *sim, station_t *stations, size_t count)
{
    struct epoll_event events[EVENTS];
    int64_t            told = simulation_clock(sim), left;
    int                n;

    simulate_signals();
    sim->next_due = NEVER;
    for (size_t i = 0; i < count; i++) {
        station_begin(&stations[i], sim->now + (int64_t) i * CONNECT_GAP);
    }
    while (sim->running > 0 && simulate_signalled < 2) {
        left = (sim->next_due - simulation_clock(sim) + 999) / 1000;
        left = left < 0 ? 0 : left < TURN_MS ? left : TURN_MS;
        n = epoll_wait(sim->to.epoll, events, EVENTS, (int) left);
        (void) simulation_clock(sim);
        for (int i = 0; i < n; i++) {
            cli_socket_event(events[i].data.ptr, events[i].events);
        }
        if (simulate_signalled && !sim->stopping) {
            sim->stopping = true;
            for (size_t i = 0; i < count; i++) {
                station_stop(&stations[i], "Local");
            }
        }
        simulate_due(sim, stations, count);
        simulate_progress(sim, &told);
    }
}
