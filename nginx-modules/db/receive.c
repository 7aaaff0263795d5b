/*
 * receive.c: results, in the order in which send.c asked for them.
 *
 * A unit is told only when it can no longer be undone: its Sync, or its
 * batch's, and for changes of a batch the barrier's.
 */

#include "conn.h"

#define VG_AGAIN  "VG001" /* vg.again(): the statement answered `again` */
#define VG_AGAINS 3       /* once is enough, unless others are as quick  */


static void
vg_receive_copy(char *to, size_t size, PGresult *res, int field)
{
    const char *value = PQresultErrorField(res, field);

    (void) snprintf(to, size, "%s", value ? value : "");
}


static void
vg_receive_unprepared(vg_conn_t *conn, const vg_statement_t *st)
{
    if (st != NULL) {
        conn->prepared[st->index / 8] &= (u_char) ~(1u << (st->index % 8));
    }
}


/* 42P05: its number was forgotten, its name was not. The name holds a hash of
 * the text, so what is there is what was wanted. */
static ngx_uint_t
vg_receive_known(PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return state != NULL && ngx_strcmp(state, "42P05") == 0;
}


/* the first error of a transaction is the one that tells */
static void
vg_receive_failed(vg_unit_t *unit, PGresult *res)
{
    unit->failed = 1;
    vg_receive_copy(unit->sqlstate, sizeof(unit->sqlstate), res,
                    PG_DIAG_SQLSTATE);
    vg_receive_copy(unit->constraint, sizeof(unit->constraint), res,
                    PG_DIAG_CONSTRAINT_NAME);
    vg_receive_copy(unit->message, sizeof(unit->message), res,
                    PG_DIAG_MESSAGE_PRIMARY);
}


static void
vg_receive_error(vg_conn_t *conn, vg_op_t *op, PGresult *res)
{
    vg_unit_t *unit = op->unit;

    if (op->kind == VG_OP_PREPARE) {
        if (vg_receive_known(res)) {
            return;
        }
        vg_receive_unprepared(conn, op->statement);
    }
    if (op->kind == VG_OP_BARRIER || op->kind == VG_OP_SETUP
        || op->kind == VG_OP_SYNC_LAST)
    {
        conn->broken = 1;
    }
    if (unit == NULL || unit->failed || (unit->head && unit->head->failed)) {
        return;
    }
    if (unit->calls > 1 && op->kind == VG_OP_STATEMENT) {
        vg_pack_abort(unit);
        return;
    }
    vg_receive_failed(unit, res);
    if (unit->head != NULL) {
        vg_receive_failed(unit->head, res);
    }
}


static void
vg_receive_result(vg_conn_t *conn, vg_op_t *op, PGresult *res)
{
    switch (PQresultStatus(res)) {

    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        if (op->kind == VG_OP_STATEMENT) {
            vg_pack_rows(op->unit, res);
            return;
        }
        break;

    case PGRES_PIPELINE_ABORTED:
        if (op->unit != NULL) {
            vg_pack_abort(op->unit->head ? op->unit->head : op->unit);
        } else if (op->kind == VG_OP_BARRIER) {
            conn->broken = 1;
        }
        if (op->kind == VG_OP_PREPARE) {
            vg_receive_unprepared(conn, op->statement);
        }
        break;

    default:
        vg_receive_error(conn, op, res);
    }
    PQclear(res);
}


/* true when the unit goes round once more instead of ending */
static ngx_uint_t
vg_receive_again(vg_conn_t *conn, vg_unit_t *unit)
{
    if (ngx_strcmp(unit->sqlstate, "0A000") == 0
        || ngx_strcmp(unit->sqlstate, "26000") == 0)
    {
        conn->stale = 1;
        if (unit->stale < VG_LANE_CONNS) {
            unit->stale++;
            vg_unit_again(unit);
            return 1;
        }
        return 0;
    }
    if (ngx_strcmp(unit->sqlstate, VG_AGAIN) == 0 && unit->again < VG_AGAINS) {
        unit->again++;
        unit->lane = VG_LANE_PATIENT;
        vg_unit_again(unit);
        return 1;
    }
    if (unit->lane == VG_LANE_WRITE && !unit->retried
        && (ngx_strcmp(unit->sqlstate, "55P03") == 0
            || ngx_strcmp(unit->sqlstate, "40P01") == 0))
    {
        unit->retried = 1;
        unit->lane = VG_LANE_PATIENT;
        vg_unit_again(unit);
        return 1;
    }
    return 0;
}


static void
vg_receive_unit(vg_conn_t *conn, vg_unit_t *unit)
{
    ngx_uint_t undone = conn->shared && conn->broken;

    if (unit->failed) {
        if (!vg_receive_again(conn, unit)) {
            vg_unit_end(unit, VG_UNIT_REFUSED);
        }
        return;
    }
    if (unit->aborted || (undone && unit->statement->change)) {
        vg_unit_again(unit);
        return;
    }
    vg_unit_end(unit, conn->barrier && conn->broken && vg_unit_firm(unit)
                          ? VG_UNIT_LOST
                          : VG_UNIT_OK);
}


static void
vg_receive_last(vg_conn_t *conn)
{
    ngx_queue_t *q, over;
    vg_unit_t   *unit;

    ngx_queue_init(&over);
    if (!ngx_queue_empty(&conn->units)) {
        ngx_queue_add(&over, &conn->units);
        ngx_queue_init(&conn->units);
    }
    for (q = ngx_queue_head(&over); q != ngx_queue_sentinel(&over);
         q = ngx_queue_next(q))
    {
        unit = ngx_queue_data(q, vg_unit_t, queue);
        conn->broken |= conn->shared && (unit->failed || unit->aborted);
    }
    vg_conn_move(conn, VG_CONN_IDLE);
    while (!ngx_queue_empty(&over)) {
        q = ngx_queue_head(&over);
        ngx_queue_remove(q);
        vg_receive_unit(conn, ngx_queue_data(q, vg_unit_t, queue));
    }
    vg_db_flush();
}


static ngx_int_t
vg_receive_sync(vg_conn_t *conn, vg_op_t *op)
{
    conn->at++;
    if (op->kind == VG_OP_SYNC) {
        return NGX_OK;
    }
    if (op->kind != VG_OP_SYNC_LAST) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "voltgate: results out of order");
        return NGX_ERROR;
    }
    vg_receive_last(conn);
    if (conn->stale || (conn->broken && !conn->shared)) {
        return NGX_ERROR;
    }
    return NGX_OK;
}


ngx_int_t
vg_conn_receive(vg_conn_t *conn)
{
    vg_op_t  *op;
    PGresult *res;

    while (conn->at < conn->nops && !PQisBusy(conn->pg)) {
        op = &conn->ops[conn->at];
        res = PQgetResult(conn->pg);
        if (PQstatus(conn->pg) == CONNECTION_BAD) {
            PQclear(res);
            return NGX_ERROR;
        }
        if (res == NULL) {
            conn->at += op->kind < VG_OP_SYNC; /* a commit that fails is an
                                                  error before its sync */
            continue;
        }
        if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
            PQclear(res);
            if (vg_receive_sync(conn, op) != NGX_OK) {
                return NGX_ERROR;
            }
            continue;
        }
        vg_receive_result(conn, op, res);
    }
    return PQstatus(conn->pg) == CONNECTION_BAD ? NGX_ERROR : NGX_OK;
}
