/*
 * simulate.c: `voltgate simulate`: charge points that are none, over real
 * OCPP 1.6-J. The loop, what it tells meanwhile, and when it ends.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include <openssl/rand.h>

#include "cli.h"
#include "simulate.h"

#define EVENTS      256
#define TALKS_MAX   10 /* more charge points than that: a line a second   */
#define CONNECT_GAP 2  /* ms between two that connect, unless --ramp-ms   */
#define TURN_MAX    SECOND

static volatile sig_atomic_t simulate_stops;
static volatile sig_atomic_t simulate_cuts;

static void simulate_run(simulation_t *sim, fleet_t *fleet);


/* Each charge point is an open file. */
static void
raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &files);
    }
}


/* One that was not given is told, so that the same story can be had again. */
static int
simulate_seed(simulation_t *sim, const choice_t *choice)
{
    int64_t seed = choice->seed;

    if (!choice->seeded) {
        if (RAND_bytes((unsigned char *) &seed, sizeof(seed)) != 1) {
            return cli_fail("no random numbers");
        }
        seed &= 0xffffffff;
        if (!sim->habits.talks) {
            printf("seed %" PRId64 "\n", seed);
        }
    }
    sim->seed = (uint64_t) seed;
    return 0;
}


int
cli_simulate(int argc, char **argv)
{
    choice_t       choice = { .count = 0 };
    fleet_t        fleet = { .count = 0 };
    simulation_t  *sim = calloc(1, sizeof(simulation_t));
    script_line_t *lines = NULL;
    char          *script = NULL;
    size_t         len;
    int            rc;

    if (sim == NULL) {
        return cli_fail("no memory");
    }
    raise_files();
    sim->to.epoll = -1;
    rc = options_read(argc, argv, &choice, &sim->habits);
    if (rc == 0 && choice.script_file != NULL) {
        script = cli_read(choice.script_file, &len);
        lines = script ? script_read(choice.script_file, script) : NULL;
        sim->habits.script = lines;
        rc = lines == NULL;
    }
    rc = rc ? rc
            : cli_endpoint_open(&sim->to, choice.url, choice.ca)
                  || fleet_make(&fleet, sim, &choice)
                  || schedule_open(&sim->schedule, fleet.count);
    sim->habits.talks = fleet.count <= TALKS_MAX;
    rc = rc ? rc : simulate_seed(sim, &choice);
    if (rc == 0) {
        simulate_run(sim, &fleet);
        if (!sim->habits.talks) {
            figures_table(&sim->figures);
        }
        figures_print(&sim->figures);
        rc = sim->figures.errors > 0;
    }
    fleet_free(&fleet);
    schedule_close(&sim->schedule);
    cli_endpoint_close(&sim->to);
    free(lines);
    free(script);
    free(sim);
    return rc;
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
    if (number == SIGUSR1) {
        simulate_cuts = 1;
    } else {
        simulate_stops++;
    }
}


static void
simulate_signals(void)
{
    struct sigaction action = { .sa_handler = simulate_signal };

    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    (void) sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &action, NULL);
}


/* Those that are due, each once at most, so that sockets are heard too. */
static void
simulate_due(simulation_t *sim)
{
    station_t **heap = sim->schedule.heap;

    (void) simulation_clock(sim);
    for (size_t i = 0; i < sim->schedule.count && heap[0]->due <= sim->now; i++)
    {
        station_due(heap[0]);
    }
}


static void
simulate_progress(simulation_t *sim, int64_t *told)
{
    figures_t *figures = &sim->figures;
    int64_t    us = sim->now - *told, p50, p99;

    if (sim->habits.talks || us < SECOND) {
        return;
    }
    p50 = figures_percentile(&figures->window, 50);
    p99 = figures_percentile(&figures->window, 99);
    printf("%" PRId64 " s: %zu of %zu connected, %zu charging, %" PRIu64
           " sessions, %" PRIu64 " messages a second, p50 %" PRId64
           ".%03" PRId64 " ms, p99 %" PRId64 ".%03" PRId64 " ms, %" PRIu64
           " faults, %" PRIu64 " errors\n",
           (sim->now - sim->began) / SECOND, sim->connected, sim->running,
           sim->charging, figures->sessions,
           figures->window.count * 1000000 / (uint64_t) us, p50 / 1000,
           p50 % 1000, p99 / 1000, p99 % 1000, figures->faults,
           figures->errors);
    (void) fflush(stdout);
    figures->window = (latency_t){ .count = 0 };
    *told = sim->now;
}


/* What the signals asked for. */
static void
simulate_obey(simulation_t *sim, fleet_t *fleet)
{
    if (simulate_stops && !sim->stopping) {
        sim->stopping = true;
        for (size_t i = 0; i < fleet->count; i++) {
            station_stop(&fleet->stations[i], "Local");
        }
    }
    if (simulate_cuts && !sim->stopping) {
        simulate_cuts = 0;
        sim->that_moment = sim->now;
        printf("the power of %zu charge points fails\n", sim->running);
        for (size_t i = 0; i < fleet->count; i++) {
            if (!fleet->stations[i].gone) {
                station_cut(&fleet->stations[i], true);
            }
        }
    }
}


/* until all are gone, or a second signal says at once */
static void
simulate_run(simulation_t *sim, fleet_t *fleet)
{
    struct epoll_event events[EVENTS];
    int64_t            told, left, ramp = sim->habits.ramp_ms;
    int                n;

    simulate_signals();
    told = sim->began = sim->that_moment = simulation_clock(sim);
    if (ramp < 0) {
        ramp = (int64_t) fleet->count * CONNECT_GAP;
    }
    for (size_t i = 0; i < fleet->count; i++) {
        station_begin(&fleet->stations[i],
                      sim->began
                          + (int64_t) i * ramp * 1000 / (int64_t) fleet->count);
    }
    while (sim->running > 0 && simulate_stops < 2) {
        left = sim->schedule.heap[0]->due - simulation_clock(sim);
        left = left < 0 ? 0 : left < TURN_MAX ? left : TURN_MAX;
        n = epoll_wait(sim->to.epoll, events, EVENTS,
                       (int) ((left + 999) / 1000));
        (void) simulation_clock(sim);
        for (int i = 0; i < n; i++) {
            cli_socket_event(events[i].data.ptr, events[i].events);
        }
        simulate_obey(sim, fleet);
        simulate_due(sim);
        simulate_progress(sim, &told);
    }
}
