/*
 * migrate.c: applies the numbered SQL files, once, in order, as the owner.
 *
 * Each file is one transaction with its row in vg.migration. One migration
 * runs at a time (an advisory lock). Whoever waits for a lock queues all
 * others behind itself, so each try waits a second at most and then lets go.
 * A file that was changed after it was applied keeps its plugin out; the
 * others go on, and the exit status is 1.
 */

#define _GNU_SOURCE

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "cli.h"

#define LOCK_TRIES 30
/* "voltgate" in ASCII, as a bigint */
#define LOCK_KEY "8534159165785793637"

typedef enum { DONE, AGAIN, FAILED } outcome_t;

typedef struct {
    PGconn     *db;
    const char *root;
    bool        baseline;
    bool        expand; /* nothing that a running version would miss */
} migration_t;

typedef struct {
    const char *plugin; /* "" is the kit */
    const char *path;
    const char *file; /* the last part of path */
    char       *text;
    char        checksum[65];
} sql_file_t;

static int migrate_begin(migration_t *m);
static int migrate_all(migration_t *m, char **plugins, int count);
static int migrate_enabled(migration_t *m);
static int migrate_plugin(migration_t *m, const char *plugin);
static int migrate_folder(migration_t *m, const char *plugin);
static int migrate_file(migration_t *m, const char *plugin, const char *path);
static int file_known(migration_t *m, const sql_file_t *sql, bool *known);
static outcome_t file_apply(migration_t *m, const void *data);
static outcome_t ground_plugin(migration_t *m, const void *data);
static outcome_t take_lock(migration_t *m, const void *data);
static outcome_t make_months(migration_t *m, const void *data);
static int       persist(migration_t *m,
                         outcome_t (*step)(migration_t *m, const void *data),
                         const void *data, const char *what);
static outcome_t run(migration_t *m, const char *text, int count,
                     const char *const *values);
static bool      ground_exists(migration_t *m);


int
cli_migrate(int argc, char **argv)
{
    static const struct option options[] = {
        { "baseline", no_argument, NULL, 'b' },
        { "root", required_argument, NULL, 'r' },
        { NULL, 0, NULL, 0 },
    };
    migration_t m = { .root = "." };
    int         option, rc;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'b':
            m.baseline = true;
            break;
        case 'r':
            m.root = optarg;
            break;
        default:
            return 2;
        }
    }
    rc = migrate_begin(&m);
    if (rc == 0) {
        rc = migrate_all(&m, argv + optind, argc - optind);
    }
    PQfinish(m.db);
    return rc;
}


int
cli_migrate_plugin(const char *plugin, const char *root, int expand)
{
    migration_t m = { .root = root, .expand = expand != 0 };
    int         rc = migrate_begin(&m);

    if (rc == 0) {
        rc = migrate_plugin(&m, plugin);
    }
    PQfinish(m.db);
    return rc;
}


/* one connection, which holds the lock of migrations until it ends */
static int
migrate_begin(migration_t *m)
{
    const char *url = getenv("DATABASE_OWNER_URL");

    if (url == NULL || *url == '\0') {
        return cli_fail("DATABASE_OWNER_URL is not set");
    }

    /* so that a root with *, ? or [ in it is no pattern */
    if (chdir(m->root) != 0) {
        return cli_fail("%s: %s", m->root, strerror(errno));
    }

    m->db = cli_connect(url);
    if (PQstatus(m->db) != CONNECTION_OK) {
        return cli_fail("%s", PQerrorMessage(m->db));
    }
    if (run(m, "set search_path = ''", 0, NULL) != DONE
        || run(m, "set lock_timeout = '1s'", 0, NULL) != DONE
        || run(m, "set client_min_messages = 'warning'", 0, NULL) != DONE
        || persist(m, take_lock, NULL, "the lock of migrations") != 0)
    {
        return 1;
    }
    return 0;
}


static int
migrate_all(migration_t *m, char **plugins, int count)
{
    int rc = migrate_folder(m, "");

    if (!ground_exists(m)) {
        return cli_fail("the kit's own schema is not there");
    }
    if (count == 0) {
        rc |= migrate_enabled(m);
    }
    for (int i = 0; i < count; i++) {
        rc |= migrate_plugin(m, plugins[i]);
    }
    return rc | persist(m, make_months, NULL, "partitions of vg.event");
}


/* the plugins that conf/plugins.d switches on */
static int
migrate_enabled(migration_t *m)
{
    glob_t found;
    int    rc = 0;

    if (glob("conf/plugins.d/*.conf", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            char *name = strrchr(found.gl_pathv[i], '/') + 1;

            name[strlen(name) - strlen(".conf")] = '\0';
            rc |= migrate_plugin(m, name);
        }
        globfree(&found);
    }
    return rc;
}


static int
migrate_plugin(migration_t *m, const char *plugin)
{
    char path[128];

    for (const char *c = plugin; *c != '\0'; c++) {
        if (!islower((unsigned char) *c) && *c != '_') {
            return cli_fail("not a plugin's name: %s", plugin);
        }
    }
    (void) snprintf(path, sizeof(path), "plugins/%.100s", plugin);
    if (access(path, F_OK) != 0) {
        return cli_fail("there is no plugin %s: no %s in %s", plugin, path,
                        m->root);
    }
    if (persist(m, ground_plugin, plugin, plugin) != 0) {
        return 1;
    }
    return migrate_folder(m, plugin);
}


/* In order of name; the first failure ends the folder. */
static int
migrate_folder(migration_t *m, const char *plugin)
{
    char  *pattern;
    glob_t found;
    int    rc = 0;

    if (asprintf(&pattern, "%s%s%ssql/[0-9][0-9][0-9]_*.sql",
                 *plugin != '\0' ? "plugins/" : "", plugin,
                 *plugin != '\0' ? "/" : "")
        < 0)
    {
        return cli_fail("no memory");
    }
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && rc == 0; i++) {
            rc = migrate_file(m, plugin, found.gl_pathv[i]);
        }
        globfree(&found);
    } else if (*plugin == '\0') {
        rc = cli_fail("no file %s: is --root right?", pattern);
    }
    free(pattern);
    return rc;
}


static int
migrate_file(migration_t *m, const char *plugin, const char *path)
{
    sql_file_t sql = { .plugin = plugin, .path = path };
    size_t     len;
    bool       known = false;
    int        rc;

    sql.file = strrchr(path, '/') + 1;
    sql.text = cli_read(path, &len);
    if (sql.text == NULL) {
        return 1;
    }
    rc = cli_sha256(sql.text, len, sql.checksum);
    if (rc == 0) {
        rc = file_known(m, &sql, &known);
    }
    if (rc == 0 && !known && m->expand && cli_contracts(sql.text) != NULL) {
        rc = cli_fail("%s: %s would take something away from the version that"
                      " runs: stop it first and use `voltgate migrate`",
                      path, cli_contracts(sql.text));
    }
    if (rc == 0 && !known) {
        rc = persist(m, file_apply, &sql, path);
        if (rc == 0) {
            printf("%s %s %s\n", *plugin != '\0' ? plugin : "kit", sql.file,
                   m->baseline && *plugin != '\0' ? "noted" : "applied");
        }
    }
    free(sql.text);
    return rc;
}


/* 0: *known says whether it was applied, with this text; 1: with another */
static int
file_known(migration_t *m, const sql_file_t *sql, bool *known)
{
    const char *values[] = { sql->plugin, sql->file };
    PGresult   *rows;
    int         rc = 0;

    if (!ground_exists(m)) {
        return 0;
    }
    rows = PQexecParams(m->db,
                        "select checksum from vg.migration"
                        " where plugin = $1 and file = $2",
                        2, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK) {
        rc = cli_fail("%s: %s", sql->path, PQerrorMessage(m->db));
    } else if (PQntuples(rows) == 1) {
        *known = true;
        if (strcmp(PQgetvalue(rows, 0, 0), sql->checksum) != 0) {
            rc =
                cli_fail("%s: %s was changed after it was applied",
                         *sql->plugin != '\0' ? sql->plugin : "kit", sql->file);
        }
    }
    PQclear(rows);
    return rc;
}


static outcome_t
file_apply(migration_t *m, const void *data)
{
    const sql_file_t *sql = data;
    const char       *values[] = { sql->plugin, sql->file, sql->checksum };
    bool              note = m->baseline && *sql->plugin != '\0';
    outcome_t         outcome = run(m, "begin", 0, NULL);

    if (outcome == DONE && !note) {
        outcome = run(m, sql->text, 0, NULL);
    }
    if (outcome == DONE && PQtransactionStatus(m->db) != PQTRANS_INTRANS) {
        cli_fail("%s: ends the transaction that it is part of", sql->path);
        outcome = FAILED;
    }
    if (outcome == DONE) {
        outcome = run(m,
                      "insert into vg.migration (plugin, file, checksum)"
                      " values ($1, $2, $3)",
                      3, values);
    }
    if (outcome == DONE) {
        outcome = run(m, "commit", 0, NULL);
    }
    if (PQtransactionStatus(m->db) != PQTRANS_IDLE) {
        PQclear(PQexec(m->db, "rollback"));
    }
    return outcome;
}


static outcome_t
ground_plugin(migration_t *m, const void *data)
{
    const char *values[] = { data };

    return run(m, "select vg.plugin_ground($1)", 1, values);
}


static outcome_t
take_lock(migration_t *m, const void *data)
{
    (void) data;
    return run(m, "select pg_advisory_lock(" LOCK_KEY ")", 0, NULL);
}


/* from a month ago, for late movers, and three years on */
static outcome_t
make_months(migration_t *m, const void *data)
{
    (void) data;
    return run(m,
               "select vg.event_months(current_date - 31, 36),"
               " vg.audit_months(current_date - 31, 36)",
               0, NULL);
}


/* Tries a step until it does not meet somebody else's lock. */
static int
persist(migration_t *m, outcome_t (*step)(migration_t *m, const void *data),
        const void *data, const char *what)
{
    const struct timespec pause = { .tv_nsec = 200L * 1000 * 1000 };

    for (int i = 0; i < LOCK_TRIES; i++) {
        switch (step(m, data)) {
        case DONE:
            return 0;
        case FAILED:
            return cli_fail("%s: failed", what);
        case AGAIN:
            (void) nanosleep(&pause, NULL);
            break;
        }
    }
    return cli_fail("%s: locked by others, gave up", what);
}


/* With count 0 the text may hold many statements. */
static outcome_t
run(migration_t *m, const char *text, int count, const char *const *values)
{
    PGresult *rows = count > 0 ? PQexecParams(m->db, text, count, NULL, values,
                                              NULL, NULL, 0)
                               : PQexec(m->db, text);
    ExecStatusType status = PQresultStatus(rows);
    const char    *state = PQresultErrorField(rows, PG_DIAG_SQLSTATE);
    outcome_t      outcome = DONE;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK
        && status != PGRES_EMPTY_QUERY)
    {
        /* lock_not_available, deadlock_detected */
        if (state != NULL
            && (strcmp(state, "55P03") == 0 || strcmp(state, "40P01") == 0))
        {
            outcome = AGAIN;
        } else {
            cli_fail("%s", PQerrorMessage(m->db));
            outcome = FAILED;
        }
    }
    PQclear(rows);
    return outcome;
}


static bool
ground_exists(migration_t *m)
{
    PGresult *rows = PQexec(m->db, "select to_regclass('vg.migration')"
                                   " is not null");
    bool      yes = PQresultStatus(rows) == PGRES_TUPLES_OK
               && strcmp(PQgetvalue(rows, 0, 0), "t") == 0;

    PQclear(rows);
    return yes;
}
