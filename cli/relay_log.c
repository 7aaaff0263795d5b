/*
 * relay_log.c: the log of events, as the login vg_relay reads it, and our
 * place in it.
 *
 * One relay of a name works at a time: it holds an advisory lock of its
 * session. The lock spares doubles; what makes it safe is the compare-and-set
 * of the place. A session that says nothing for RELAY_SILENCE is ended by the
 * server, so one that is frozen or cut off lets go.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay.h"

/* relay_loop.c looks each RELAY_POLL, also while the broker keeps it waiting */
static const char settings[] =
    "set search_path = '';"
    "set client_min_messages = 'error';"
    "set synchronous_commit = on;"
    "set plan_cache_mode = force_generic_plan;"
    "set statement_timeout = '10s';"
    "set lock_timeout = '2s';"
    "set idle_session_timeout = '15s';"
    "set idle_in_transaction_session_timeout = '15s'";

/* Prepared once: to plan the read over all months of the log takes longer than
 * to run it. */
typedef enum {
    LOG_LOCK,
    LOG_OPEN,
    LOG_PLACE,
    LOG_READ,
    LOG_MOVE,
    LOG_SAYS
} ask_t;

#define LOG_STRING(n) #n
#define LOG_LIMIT(n)  LOG_STRING(n)

/* clang-format off */
static const struct {
    const char *name;
    int         count;
    const char *text;
} asks[] = {
    [LOG_LOCK] = { "lock", 1,
        "select pg_catalog.pg_try_advisory_lock("
        "pg_catalog.hashtextextended('vg.' || $1::text, 0))" },
    [LOG_OPEN] = { "open", 3,
        "select vg.relay_open($1::text, $2::text, $3::boolean)" },
    [LOG_PLACE] = { "place", 2,
        "select pos, paused from vg.relay_place($1::text, $2::text)" },
    [LOG_READ] = { "read", 4,
        "select c.pos, c.paused, e.pos, e.event_id, e.type, e.aggregate_id,"
        " e.correlation_id, e.ms, e.body, e.logged_at"
        " from vg.relay_place($1::text, $2::text) as c"
        " left join lateral (select e.pos, e.event_id, e.type, e.aggregate_id,"
        " e.correlation_id, vg.event_json(e) as body, e.logged_at,"
        " pg_catalog.floor(extract(epoch from e.at) * 1000)::bigint as ms"
        " from vg.event as e"
        " where e.pos > $3::bigint and e.logged_at >= $4::timestamptz"
        " order by e.pos limit " LOG_LIMIT(RELAY_BATCH) ") as e"
        " on not c.paused order by e.pos" },
    [LOG_MOVE] = { "move", 4,
        "select vg.relay_move($1::text, $2::text, $3::bigint, $4::bigint)" },
    [LOG_SAYS] = { "says", 6,
        "select vg.relay_says($1::text, $2::bigint, $3::bigint, $4::bigint,"
        " $5::bigint, $6::text)" },
};
/* clang-format on */

/* The server may be gone without a word; libpq waits for an answer as long as
 * the kernel does. */
static const struct {
    const char *name, *value;
} keepalive[] = {
    { "user", "vg_relay" },          { "application_name", "voltgate relay" },
    { "connect_timeout", "10" },     { "keepalives_idle", "5" },
    { "keepalives_interval", "2" },  { "keepalives_count", "3" },
    { "tcp_user_timeout", "10000" },
};

#define KEEPALIVE (sizeof(keepalive) / sizeof(keepalive[0]))


static relay_rc_t
log_fault(relay_t *r)
{
    const char *text = PQerrorMessage(r->db);

    return relay_fault(r, "the log: %.*s", (int) strcspn(text, "\n"), text);
}


/* The conninfo is the gateway's: its login's password is not ours. */
static PGconn *
log_connect(const char *conninfo, char **error)
{
    PQconninfoOption *given = PQconninfoParse(conninfo, error);
    const char       *names[64], *values[64];
    PGconn           *db;
    size_t            n = 0;

    if (given == NULL) {
        return NULL;
    }
    for (PQconninfoOption *o = given; o->keyword != NULL && n < 48; o++) {
        if (o->val != NULL && strcmp(o->keyword, "password") != 0) {
            names[n] = o->keyword;
            values[n++] = o->val;
        }
    }
    /* of one that is named twice the last counts */
    for (size_t i = 0; i < KEEPALIVE; i++) {
        names[n] = keepalive[i].name;
        values[n++] = keepalive[i].value;
    }
    names[n] = NULL;
    values[n] = NULL;
    db = PQconnectdbParams(names, values, 0);
    PQconninfoFree(given);
    return db;
}


static PGresult *
log_run(relay_t *r, ask_t ask, const char *const *values)
{
    return PQexecPrepared(r->db, asks[ask].name, asks[ask].count, values, NULL,
                          NULL, 0);
}


/* NULL: why says what it was */
static PGresult *
log_ask(relay_t *r, ask_t ask, const char *const *values)
{
    PGresult *rows = log_run(r, ask, values);

    if (PQresultStatus(rows) != PGRES_TUPLES_OK) {
        (void) log_fault(r);
        PQclear(rows);
        return NULL;
    }
    return rows;
}


static relay_rc_t
log_prepare(relay_t *r)
{
    PGresult *rows = PQexec(r->db, settings);
    bool      good = PQresultStatus(rows) == PGRES_COMMAND_OK;

    PQclear(rows);
    for (size_t i = 0; good && i < sizeof(asks) / sizeof(asks[0]); i++) {
        rows =
            PQprepare(r->db, asks[i].name, asks[i].text, asks[i].count, NULL);
        good = PQresultStatus(rows) == PGRES_COMMAND_OK;
        PQclear(rows);
    }
    return good ? RELAY_OK : log_fault(r);
}


static relay_rc_t
log_lock(relay_t *r)
{
    const char *values[] = { r->cursor };
    PGresult   *rows = log_ask(r, LOG_LOCK, values);
    bool        mine;

    if (rows == NULL) {
        return RELAY_FAULT;
    }
    mine = PQgetvalue(rows, 0, 0)[0] == 't';
    PQclear(rows);
    return mine ? RELAY_OK : RELAY_FENCED;
}


relay_rc_t
relay_log_open(relay_t *r)
{
    char       *error = NULL;
    const char *values[] = { r->cursor, r->options.log,
                             r->options.from[0] == 'e' ? "t" : "f" };
    PGresult   *rows;
    relay_rc_t  rc;

    r->db = log_connect(r->options.database, &error);
    if (r->db == NULL) {
        rc = relay_fault(r, "the database's address: %.*s",
                         error != NULL ? (int) strcspn(error, "\n") : 0, error);
        PQfreemem(error);
        return rc;
    }
    if (PQstatus(r->db) != CONNECTION_OK) {
        return log_fault(r);
    }
    rc = log_prepare(r);
    if (rc == RELAY_OK) {
        rc = log_lock(r);
    }
    if (rc != RELAY_OK) {
        return rc;
    }
    rows = log_ask(r, LOG_OPEN, values);
    if (rows == NULL) {
        return RELAY_FAULT;
    }
    r->moved = r->read = strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    r->behind = true;
    (void) strcpy(r->since, "-infinity");
    PQclear(rows);
    return RELAY_OK;
}


/* of the first two columns: have we been moved, are we to rest? */
static relay_rc_t
log_place(relay_t *r, const PGresult *rows)
{
    if (PQgetisnull(rows, 0, 0)
        || strtoll(PQgetvalue(rows, 0, 0), NULL, 10) != r->moved)
    {
        return RELAY_FENCED;
    }
    r->paused = PQgetvalue(rows, 0, 1)[0] == 't';
    return RELAY_OK;
}


relay_rc_t
relay_log_place(relay_t *r)
{
    const char *values[] = { r->cursor, r->options.log };
    PGresult   *rows = log_ask(r, LOG_PLACE, values);
    relay_rc_t  rc;

    if (rows == NULL) {
        return RELAY_FAULT;
    }
    rc = log_place(r, rows);
    PQclear(rows);
    return rc;
}


relay_rc_t
relay_log_read(relay_t *r)
{
    char        after[24];
    const char *values[] = { r->cursor, r->options.log, after, r->since };
    int         n;

    (void) snprintf(after, sizeof(after), "%" PRId64, r->read);
    PQclear(r->rows);
    r->next = 0;
    r->rows = log_ask(r, LOG_READ, values);
    if (r->rows == NULL) {
        return RELAY_FAULT;
    }
    if (log_place(r, r->rows) != RELAY_OK) {
        return RELAY_FENCED;
    }
    n = PQgetisnull(r->rows, 0, 2) ? 0 : PQntuples(r->rows);
    if (n == 0) {
        r->next = PQntuples(r->rows); /* the one row is of the cursor alone */
    } else {
        r->read = strtoll(PQgetvalue(r->rows, n - 1, 2), NULL, 10);
        /* in the order of positions: months before it need not be looked at */
        (void) snprintf(r->since, sizeof(r->since), "%s",
                        PQgetvalue(r->rows, n - 1, 9));
    }
    r->behind = n == RELAY_BATCH;
    return RELAY_OK;
}


bool
relay_log_next(relay_t *r, relay_event_t *event)
{
    PGresult *rows = r->rows;
    int       i = r->next;

    if (rows == NULL || i >= PQntuples(rows)) {
        return false;
    }
    event->pos = strtoll(PQgetvalue(rows, i, 2), NULL, 10);
    event->id = PQgetvalue(rows, i, 3);
    event->type = PQgetvalue(rows, i, 4);
    event->aggregate = PQgetvalue(rows, i, 5);
    event->correlation = PQgetvalue(rows, i, 6);
    event->at_ms = strtoll(PQgetvalue(rows, i, 7), NULL, 10);
    event->body = PQgetvalue(rows, i, 8);
    event->body_len = (size_t) PQgetlength(rows, i, 8);
    return true;
}


relay_rc_t
relay_log_move(relay_t *r, int64_t to)
{
    char        was[24], will[24];
    const char *values[] = { r->cursor, r->options.log, was, will };
    const char *state;
    bool        fenced;
    PGresult   *rows;

    (void) snprintf(was, sizeof(was), "%" PRId64, r->moved);
    (void) snprintf(will, sizeof(will), "%" PRId64, to);
    rows = log_run(r, LOG_MOVE, values);
    if (PQresultStatus(rows) == PGRES_TUPLES_OK) {
        PQclear(rows);
        r->moved = to;
        return RELAY_OK;
    }
    state = PQresultErrorField(rows, PG_DIAG_SQLSTATE);
    fenced = state != NULL && strcmp(state, "40001") == 0;
    PQclear(rows);
    return fenced ? RELAY_FENCED : log_fault(r);
}


void
relay_log_says(relay_t *r, bool error)
{
    char        texts[4][24];
    uint64_t    more[] = { r->counts.published - r->said.published,
                           r->counts.confirmed - r->said.confirmed,
                           r->counts.returned - r->said.returned,
                           r->counts.refused - r->said.refused };
    const char *values[] = { r->cursor, texts[0], texts[1],
                             texts[2],  texts[3], error ? r->why : NULL };
    PGresult   *rows;

    for (size_t i = 0; i < 4; i++) {
        (void) snprintf(texts[i], sizeof(texts[i]), "%" PRIu64, more[i]);
    }
    rows = log_run(r, LOG_SAYS, values);
    if (PQresultStatus(rows) == PGRES_TUPLES_OK) {
        r->said = r->counts;
    }
    PQclear(rows);
}


void
relay_log_close(relay_t *r)
{
    PQclear(r->rows);
    r->rows = NULL;
    PQfinish(r->db);
    r->db = NULL;
}
