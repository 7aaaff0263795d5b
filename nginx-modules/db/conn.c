/*
 * conn.c: the life of one connection to PostgreSQL on nginx's event loop.
 *
 * libpq's socket is registered level-triggered, since PQconsumeInput() may
 * leave bytes in the kernel. The descriptor is libpq's: it is taken out of
 * the event loop before PQfinish() closes it.
 */

#include "conn.h"

#include <openssl/err.h>

static void vg_conn_readable(ngx_event_t *ev);
static void vg_conn_writable(ngx_event_t *ev);
static void vg_conn_timer(ngx_event_t *ev);


vg_conn_t *
vg_conn_create(vg_lane_state_t *lane)
{
    vg_conn_t *conn = ngx_calloc(sizeof(vg_conn_t), ngx_cycle->log);

    if (conn == NULL) {
        return NULL;
    }
    conn->lane = lane;
    conn->timer.handler = vg_conn_timer;
    conn->timer.data = conn;
    conn->timer.log = ngx_cycle->log;
    ngx_queue_init(&conn->units);
    return conn;
}


/* What it prepared stays with PostgreSQL until the connection ends; so one
 * that has too much of it is made anew after its batch. */
void
vg_conn_forget(vg_conn_t *conn, ngx_uint_t number)
{
    u_char bit = (u_char) (1u << (number % 8));

    if (conn->prepared[number / 8] & bit) {
        conn->prepared[number / 8] &= (u_char) ~bit;
        conn->stale |= ++conn->left > VG_CONN_LEFT;
    }
}


ngx_uint_t
vg_conn_idle(vg_conn_t *conn)
{
    return conn->state == VG_CONN_IDLE;
}


ngx_uint_t
vg_conn_up(vg_conn_t *conn)
{
    return conn->state >= VG_CONN_IDLE;
}


/* 50 ms doubling to 5 s, with jitter, so that workers do not come at once */
static ngx_msec_t
vg_conn_backoff(vg_conn_t *conn)
{
    ngx_msec_t ms = 50u << ngx_min(conn->attempts, 7);

    ms = ngx_min(ms, 5000);
    return ms / 2 + ngx_random() % (ms / 2 + 1);
}


void
vg_conn_move(vg_conn_t *conn, vg_conn_state_t state)
{
    conn->state = state;
    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }
    conn->timer.cancelable = state == VG_CONN_DOWN;

    switch (state) {

    case VG_CONN_DOWN:
        ngx_add_timer(&conn->timer, vg_conn_backoff(conn));
        return;

    case VG_CONN_CONNECTING:
        ngx_add_timer(&conn->timer, VG_CONN_CONNECT_MS);
        return;

    case VG_CONN_BUSY:
        ngx_add_timer(&conn->timer, VG_CONN_ANSWER_MS);
        return;

    case VG_CONN_IDLE:
        return;
    }
}


/* libpq may go on to the next address with a new socket of the same number */
static ino_t
vg_conn_inode(int fd)
{
    struct stat st;

    return fd != -1 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}


static ngx_uint_t
vg_conn_is_same(vg_conn_t *conn)
{
    return conn->pg != NULL && conn->c != NULL
           && PQsocket(conn->pg) == conn->c->fd
           && vg_conn_inode(conn->c->fd) == conn->inode;
}


/* Out of the event loop, without closing the descriptor: libpq does that, at
 * a failure before we hear of it, and then the kernel has taken it out. */
static void
vg_conn_detach(vg_conn_t *conn)
{
    ngx_uint_t        flags = 0;
    ngx_connection_t *c = conn->c;

    if (c == NULL) {
        return;
    }
    if (!vg_conn_is_same(conn)) {
        flags = NGX_CLOSE_EVENT;
    }
    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, flags);
    }
    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, flags);
    }
    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }
    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }
    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;
    conn->c = NULL;
}


static ngx_int_t
vg_conn_attach(vg_conn_t *conn)
{
    int fd = PQsocket(conn->pg);

    if (vg_conn_is_same(conn)) {
        return NGX_OK;
    }
    vg_conn_detach(conn);
    conn->c = fd == -1 ? NULL : ngx_get_connection(fd, ngx_cycle->log);
    if (conn->c == NULL) {
        return NGX_ERROR;
    }
    conn->inode = vg_conn_inode(fd);
    conn->c->data = conn;
    conn->c->log_error = NGX_ERROR_INFO;
    conn->c->read->handler = vg_conn_readable;
    conn->c->write->handler = vg_conn_writable;
    conn->c->read->log = ngx_cycle->log;
    conn->c->write->log = ngx_cycle->log;
    return ngx_add_event(conn->c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}


static ngx_int_t
vg_conn_want_write(vg_conn_t *conn, ngx_uint_t want)
{
    ngx_event_t *ev = conn->c->write;

    if (want && !ev->active) {
        return ngx_add_event(ev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT);
    }
    if (!want && ev->active) {
        return ngx_del_event(ev, NGX_WRITE_EVENT, 0);
    }
    return NGX_OK;
}


static void
vg_conn_silent(void *arg, const char *message)
{
    (void) arg;
    (void) message; /* notices may quote values */
}


static PGconn *
vg_conn_begin(vg_conn_t *conn)
{
    char             *error = NULL;
    PGconn           *pg;
    const char       *keys[64], *values[64];
    ngx_uint_t        n = 0;
    vg_database_t    *db;
    PQconninfoOption *parsed, *o;

    db = vg_host->databases.elts;
    db += conn->lane->database;
    parsed = PQconninfoParse((const char *) db->conninfo.data, &error);
    if (parsed == NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: voltgate_database is not a conninfo");
        PQfreemem(error);
        return NULL;
    }
    for (o = parsed; o->keyword != NULL && n < 56; o++) {
        if (o->val != NULL) {
            keys[n] = o->keyword;
            values[n++] = o->val;
        }
    }
    keys[n] = "options";
    values[n++] = conn->lane->options;
    keys[n] = "application_name";
    values[n++] = "voltgate";
    keys[n] = "client_encoding";
    values[n++] = "UTF8";
    keys[n] = "gssencmode";
    values[n++] = "disable";
    keys[n] = NULL;
    values[n] = NULL;
    pg = PQconnectStartParams(keys, values, 0);
    PQconninfoFree(parsed);
    return pg;
}


void
vg_conn_open(vg_conn_t *conn)
{
    if (conn->state != VG_CONN_DOWN || ngx_terminate) {
        return;
    }
    vg_conn_move(conn, VG_CONN_CONNECTING);
    conn->pg = vg_conn_begin(conn);
    if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
        vg_conn_lost(conn);
        return;
    }
    (void) PQsetNoticeProcessor(conn->pg, vg_conn_silent, NULL);
    if (vg_conn_attach(conn) != NGX_OK || vg_conn_want_write(conn, 1) != NGX_OK)
    {
        vg_conn_lost(conn);
    }
}


static void
vg_conn_ready(vg_conn_t *conn)
{
    conn->attempts = 0;
    conn->stale = 0;
    vg_lanes_back(conn->lane->database);
    conn->left = 0;
    ngx_memzero(conn->prepared, sizeof(conn->prepared));
    if (PQsetnonblocking(conn->pg, 1) != 0 || !PQenterPipelineMode(conn->pg)
        || vg_conn_setup(conn) != NGX_OK)
    {
        vg_conn_lost(conn);
    }
}


static void
vg_conn_poll(vg_conn_t *conn)
{
    PostgresPollingStatusType status = PQconnectPoll(conn->pg);

    if (status == PGRES_POLLING_FAILED || vg_conn_attach(conn) != NGX_OK) {
        vg_conn_lost(conn);
        return;
    }
    if (vg_conn_want_write(conn, status == PGRES_POLLING_WRITING) != NGX_OK) {
        vg_conn_lost(conn);
        return;
    }
    if (status == PGRES_POLLING_OK) {
        vg_conn_ready(conn);
    }
}


/* Sends what libpq holds; reading goes on meanwhile, or two full pipes would
 * wait for each other. */
ngx_int_t
vg_conn_flush(vg_conn_t *conn)
{
    int rc = PQflush(conn->pg);

    if (rc < 0) {
        return NGX_ERROR;
    }
    return vg_conn_want_write(conn, rc == 1);
}


/* all that came with what was read: nothing else will wake us for it */
static void
vg_conn_notified(vg_conn_t *conn)
{
    PGnotify *n;

    while (conn->lane->heard != NULL && (n = PQnotifies(conn->pg)) != NULL) {
        conn->lane->heard(n->relname, n->extra);
        PQfreemem(n);
    }
}


static void
vg_conn_readable(ngx_event_t *ev)
{
    ngx_connection_t *c = ev->data;
    vg_conn_t        *conn = c->data;

    if (c->close) {
        c->close = 0; /* worker_shutdown_timeout: our units have their own */
        return;
    }
    if (conn->state == VG_CONN_CONNECTING) {
        vg_conn_poll(conn);
        return;
    }
    if (!PQconsumeInput(conn->pg) || vg_conn_receive(conn) != NGX_OK) {
        vg_conn_lost(conn);
        return;
    }
    vg_conn_notified(conn);
    if (conn->state == VG_CONN_BUSY) {
        ngx_add_timer(&conn->timer, VG_CONN_ANSWER_MS); /* it does answer */
    }
    if (conn->c->write->active && vg_conn_flush(conn) != NGX_OK) {
        vg_conn_lost(conn);
    }
}


static void
vg_conn_writable(ngx_event_t *ev)
{
    ngx_connection_t *c = ev->data;
    vg_conn_t        *conn = c->data;

    if (conn->state == VG_CONN_CONNECTING) {
        vg_conn_poll(conn);
        return;
    }
    if (vg_conn_flush(conn) != NGX_OK) {
        vg_conn_lost(conn);
    }
}


static void
vg_conn_timer(ngx_event_t *ev)
{
    vg_conn_t *conn = ev->data;

    if (conn->state == VG_CONN_DOWN) {
        vg_conn_open(conn);
        return;
    }
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: the database does not answer");
    vg_conn_lost(conn);
}


/* What was sent may or may not have happened: reads are sent once more, and
 * again if the lane's other connection turns out to be gone as well. */
static void
vg_conn_fail_units(vg_conn_t *conn)
{
    vg_unit_t   *unit;
    ngx_queue_t *q, lost;

    if (ngx_queue_empty(&conn->units)) {
        return;
    }
    ngx_queue_init(&lost);
    ngx_queue_add(&lost, &conn->units);
    ngx_queue_init(&conn->units);
    while (!ngx_queue_empty(&lost)) {
        q = ngx_queue_last(&lost);
        unit = ngx_queue_data(q, vg_unit_t, queue);
        ngx_queue_remove(q);
        if (!unit->statement->change && !unit->chain
            && unit->lost < VG_LANE_CONNS) {
            unit->lost++;
            vg_unit_again(unit);
        } else {
            vg_unit_end(unit, VG_UNIT_LOST);
        }
    }
}


/* What libpq leaves in OpenSSL's queue of errors, which is the thread's, nginx
 * would find at the next of its own connections. */
static void
vg_conn_finish(vg_conn_t *conn)
{
    if (conn->pg != NULL) {
        PQfinish(conn->pg);
        conn->pg = NULL;
        ERR_clear_error();
    }
}


void
vg_conn_lost(vg_conn_t *conn)
{
    ngx_uint_t level, connecting = conn->state == VG_CONN_CONNECTING;

    if (connecting) {
        level = conn->attempts == 0 ? NGX_LOG_WARN : NGX_LOG_INFO;
        ngx_log_error(level, ngx_cycle->log, 0,
                      "voltgate: cannot connect to the database");
    } else if (!conn->stale) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "voltgate: connection to the database lost");
    }
    vg_conn_detach(conn);
    vg_conn_finish(conn);
    conn->nops = conn->at = 0;
    conn->attempts++;
    conn->lane->failures += connecting;
    if (conn->lane->lost != NULL) {
        conn->lane->lost();
    }
    vg_conn_move(conn, VG_CONN_DOWN);
    vg_conn_fail_units(conn);
    if (connecting) {
        vg_lane_away(conn->lane);
    } else if (conn->stale) {
        vg_conn_open(conn); /* nothing is wrong with the database */
    }
    vg_db_flush();
}


void
vg_conn_close(vg_conn_t *conn)
{
    vg_conn_detach(conn);
    vg_conn_finish(conn);
    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }
    ngx_free(conn->ops);
    ngx_free(conn);
}
