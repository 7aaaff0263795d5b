/*
 * lane.c: what PostgreSQL gives to a bare libpq loop: one statement with one
 * parameter, 64 clients that ask again as soon as they are answered, over
 * connections that take all who wait under one Sync, as the read lane does.
 *
 *   lane CONNINFO ROLE STATEMENT-FILE VALUES-FILE CONNECTIONS SECONDS
 *
 * Prints the rate a second.
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#define CLIENTS         64
#define CONNECTIONS_MAX 16
#define VALUES_MAX      4096
#define WAIT_MS         10000
#define SECOND          1000000000L

typedef struct {
    PGconn *pg;
    int     asked; /* answers that are due, 0: it is idle                 */
} lane_t;

static const char *const role_statement =
    "select pg_catalog.set_config('role', $1, true)";


static int
fail(const char *what, const char *why)
{
    fprintf(stderr, "lane: %s: %s\n", what, why);
    exit(1);
}


static long
now(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * SECOND + ts.tv_nsec;
}


/* a whole file of less than 256 KiB; it is never freed */
static char *
read_file(const char *path)
{
    static const size_t size = 1 << 18;
    char               *text = calloc(1, size);
    FILE               *file = fopen(path, "re");

    if (text == NULL || file == NULL
        || fread(text, 1, size - 1, file) == size - 1) {
        (void) fail(path, "cannot be read, or is too large");
    }
    (void) fclose(file);
    return text;
}


static void
lane_open(lane_t *lane, const char *conninfo, const char *role,
          const char *statement)
{
    PGresult *result;

    lane->pg = PQconnectdb(conninfo);
    if (PQstatus(lane->pg) != CONNECTION_OK) {
        (void) fail("connect", PQerrorMessage(lane->pg));
    }
    result = PQexecParams(lane->pg,
                          "select pg_catalog.set_config('role', $1, false)", 1,
                          NULL, &role, NULL, NULL, 0);
    PQclear(result);
    result = PQprepare(lane->pg, "s", statement, 1, NULL);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        (void) fail("prepare", PQerrorMessage(lane->pg));
    }
    PQclear(result);
    result = PQprepare(lane->pg, "role", role_statement, 1, NULL);
    PQclear(result);
    PQclear(PQexec(lane->pg, "reset role"));
    if (PQsetnonblocking(lane->pg, 1) != 0
        || PQenterPipelineMode(lane->pg) != 1) {
        (void) fail("pipeline", PQerrorMessage(lane->pg));
    }
}


static void
lane_ask(lane_t *lane, const char *role, char *const *values, int count,
         int clients)
{
    const char *value;

    (void) PQsendQueryPrepared(lane->pg, "role", 1, &role, NULL, NULL, 0);
    for (int i = 0; i < clients; i++) {
        value = values[random() % count];
        if (PQsendQueryPrepared(lane->pg, "s", 1, &value, NULL, NULL, 0) != 1) {
            (void) fail("send", PQerrorMessage(lane->pg));
        }
    }
    if (PQpipelineSync(lane->pg) != 1 || PQflush(lane->pg) < 0) {
        (void) fail("sync", PQerrorMessage(lane->pg));
    }
    lane->asked = clients;
}


/* how many were answered: all of a Sync, or none yet */
static int
lane_hear(lane_t *lane)
{
    PGresult *result;
    int       answered;

    if (PQconsumeInput(lane->pg) != 1) {
        (void) fail("read", PQerrorMessage(lane->pg));
    }
    while (!PQisBusy(lane->pg)) {
        result = PQgetResult(lane->pg);
        if (result == NULL) {
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            answered = lane->asked;
            lane->asked = 0;
            return answered;
        }
        if (PQntuples(result) != 1) {
            (void) fail("no row", PQresultErrorMessage(result));
        }
        PQclear(result);
    }
    return 0;
}


static long
run(lane_t *lanes, int count, const char *role, char *const *values,
    int values_count, long end)
{
    struct pollfd fds[CONNECTIONS_MAX];
    long          answered = 0;
    int           waiting = CLIENTS, heard;

    while (now() < end) {
        for (int i = 0; i < count && waiting > 0; i++) {
            if (lanes[i].asked == 0) {
                lane_ask(&lanes[i], role, values, values_count, waiting);
                waiting = 0;
            }
        }
        for (int i = 0; i < count; i++) {
            fds[i] = (struct pollfd){ PQsocket(lanes[i].pg), POLLIN, 0 };
            if (PQflush(lanes[i].pg) == 1) {
                fds[i].events |= POLLOUT;
            }
        }
        if (poll(fds, (nfds_t) count, WAIT_MS) <= 0) {
            (void) fail("poll", "nothing for ten seconds");
        }
        for (int i = 0; i < count; i++) {
            if (fds[i].revents != 0 && lanes[i].asked > 0) {
                heard = lane_hear(&lanes[i]);
                answered += heard;
                waiting += heard;
            }
        }
    }
    return answered;
}


int
main(int argc, char **argv)
{
    static lane_t lanes[CONNECTIONS_MAX];
    static char  *values[VALUES_MAX];
    char         *statement, *rest, *line;
    int           count, values_count = 0;
    long          seconds, began, answered;

    if (argc != 7) {
        return fail("usage", "CONNINFO ROLE STATEMENT VALUES CONNECTIONS"
                             " SECONDS");
    }
    statement = read_file(argv[3]);
    line = strtok_r(read_file(argv[4]), "\n", &rest);
    while (line != NULL && values_count < VALUES_MAX) {
        values[values_count++] = line;
        line = strtok_r(NULL, "\n", &rest);
    }
    count = (int) strtol(argv[5], NULL, 10);
    seconds = strtol(argv[6], NULL, 10);
    if (values_count == 0 || count < 1 || count > CONNECTIONS_MAX || seconds < 1
        || seconds > 3600)
    {
        return fail("usage", "no values, or numbers out of range");
    }
    for (int i = 0; i < count; i++) {
        lane_open(&lanes[i], argv[1], argv[2], statement);
    }
    (void) run(lanes, count, argv[2], values, values_count,
               now() + SECOND / 4); /* until all is warm */
    for (int i = 0; i < count; i++) {
        while (lanes[i].asked > 0) {
            (void) lane_hear(&lanes[i]);
        }
    }
    began = now();
    answered = run(lanes, count, argv[2], values, values_count,
                   began + seconds * SECOND);
    printf("%ld\n", answered * 1000 / ((now() - began) / 1000000));
    for (int i = 0; i < count; i++) {
        PQfinish(lanes[i].pg);
    }
    return 0;
}
