/*
 * send.c: what goes out on one connection: session setup, preparation, a
 * batch of units, the barrier.
 *
 * On the read and append lanes a batch is one transaction under one Sync. On
 * the others each unit has its own; a batch of changes on the write lane ends
 * in a barrier, whose commit flushes the log for all commits before it.
 */

#include "conn.h"

static const char *const vg_setup[][2] = {
    { "vg_role", "select set_config('role', $1, true)" },
    { "vg_begin", "select set_config('role', $1, true),"
                  " set_config('synchronous_commit', $2, true)" },
    { NULL, NULL }
};

/* never prepared: it has to work where all that was prepared is forgotten */
static const char vg_barrier[] =
    "select set_config('synchronous_commit', 'on', true),"
    " pg_logical_emit_message(true, 'vg', '')";


static ngx_int_t
vg_conn_op(vg_conn_t *conn, vg_op_kind_t kind, vg_unit_t *unit,
           const vg_statement_t *statement)
{
    size_t   size;
    vg_op_t *ops;

    if (conn->nops == conn->size) {
        size = conn->size ? conn->size * 2 : 128;
        ops = ngx_alloc(size * sizeof(vg_op_t), ngx_cycle->log);
        if (ops == NULL) {
            return NGX_ERROR;
        }
        if (conn->nops) {
            ngx_memcpy(ops, conn->ops, conn->nops * sizeof(vg_op_t));
        }
        ngx_free(conn->ops);
        conn->ops = ops;
        conn->size = size;
    }
    conn->ops[conn->nops++] = (vg_op_t){ kind, unit, statement };
    return NGX_OK;
}


static ngx_int_t
vg_send_sync(vg_conn_t *conn, vg_op_kind_t kind, vg_unit_t *unit)
{
    if (!PQpipelineSync(conn->pg)) {
        return NGX_ERROR;
    }
    return vg_conn_op(conn, kind, unit, NULL);
}


static ngx_int_t
vg_send_named(vg_conn_t *conn, vg_op_kind_t kind, vg_unit_t *unit,
              const char *name, int count, const char *const *values)
{
    if (!PQsendQueryPrepared(conn->pg, name, count, values, NULL, NULL, 0)) {
        return NGX_ERROR;
    }
    return vg_conn_op(conn, kind, unit, NULL);
}


static ngx_int_t
vg_send_role(vg_conn_t *conn, vg_unit_t *unit, const char *role)
{
    return vg_send_named(conn, VG_OP_ROLE, unit, "vg_role", 1, &role);
}


/* nothing is left of the batch before, nor of the connection before */
static void
vg_send_begin(vg_conn_t *conn)
{
    conn->nops = conn->at = 0;
    conn->shared = conn->barrier = conn->broken = 0;
}


ngx_int_t
vg_conn_setup(vg_conn_t *conn)
{
    ngx_uint_t i;

    vg_send_begin(conn);
    vg_conn_move(conn, VG_CONN_BUSY);
    for (i = 0; vg_setup[i][0] != NULL; i++) {
        if (!PQsendPrepare(conn->pg, vg_setup[i][0], vg_setup[i][1], 0, NULL)
            || vg_conn_op(conn, VG_OP_SETUP, NULL, NULL) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
    if (vg_send_sync(conn, VG_OP_SYNC_LAST, NULL) != NGX_OK) {
        return NGX_ERROR;
    }
    return vg_conn_flush(conn);
}


/* under the role that will run it, in a transaction of its own */
static ngx_int_t
vg_send_prepare(vg_conn_t *conn, vg_unit_t *unit, const vg_statement_t *st)
{
    u_char *byte, bit;

    if (st == NULL) {
        return NGX_OK;
    }
    byte = &conn->prepared[st->index / 8];
    bit = (u_char) (1u << (st->index % 8));
    if (*byte & bit) {
        return NGX_OK;
    }
    if (vg_send_role(conn, unit, st->role) != NGX_OK
        || !PQsendPrepare(conn->pg, st->name, st->text, (int) st->count,
                          (const Oid *) st->types)
        || vg_conn_op(conn, VG_OP_PREPARE, unit, st) != NGX_OK)
    {
        return NGX_ERROR;
    }
    *byte |= bit; /* receive.c takes it back when it fails */
    return vg_send_sync(conn, VG_OP_SYNC, NULL);
}


static ngx_int_t
vg_send_statements(vg_conn_t *conn, vg_unit_t *unit)
{
    if (unit->lock != NULL
        && vg_send_named(conn, VG_OP_LOCK, unit, unit->lock->name,
                         (int) unit->lock->count, unit->lock_values)
               != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_send_named(conn, VG_OP_STATEMENT, unit, unit->statement->name,
                         (int) unit->statement->count, unit->values);
}


/* the unit that goes first in this one's transaction */
static const vg_unit_t *
vg_send_first(const vg_unit_t *unit)
{
    return unit->chain ? unit->chain : unit;
}


/* what is chained, then its own; the role is that of the first */
static ngx_int_t
vg_send_body(vg_conn_t *conn, vg_unit_t *unit)
{
    vg_unit_t  *link;
    const char *role = vg_send_first(unit)->statement->role;

    for (link = unit->chain;; link = link->link) {
        link = link ? link : unit;
        if (ngx_strcmp(role, link->statement->role) != 0) {
            role = link->statement->role;
            if (vg_send_role(conn, link, role) != NGX_OK) {
                return NGX_ERROR;
            }
        }
        if (vg_send_statements(conn, link) != NGX_OK) {
            return NGX_ERROR;
        }
        if (link == unit) {
            return NGX_OK;
        }
    }
}


static ngx_int_t
vg_send_prepare_unit(vg_conn_t *conn, vg_unit_t *unit)
{
    if (vg_send_prepare(conn, unit, unit->lock) != NGX_OK) {
        return NGX_ERROR;
    }
    return vg_send_prepare(conn, unit, unit->statement);
}


static ngx_int_t
vg_send_prepares(vg_conn_t *conn)
{
    vg_unit_t   *unit, *link;
    ngx_queue_t *q;

    for (q = ngx_queue_head(&conn->units);
         q != ngx_queue_sentinel(&conn->units); q = ngx_queue_next(q))
    {
        unit = ngx_queue_data(q, vg_unit_t, queue);
        for (link = unit->chain; link != NULL; link = link->link) {
            if (vg_send_prepare_unit(conn, link) != NGX_OK) {
                return NGX_ERROR;
            }
        }
        if (vg_send_prepare_unit(conn, unit) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


/* *q is the first of those that go as one, and the last of them then */
static ngx_int_t
vg_send_packed(vg_conn_t *conn, ngx_queue_t **q)
{
    ngx_int_t    rc = NGX_ERROR;
    vg_unit_t   *first = ngx_queue_data(*q, vg_unit_t, queue);
    ngx_pool_t  *pool = ngx_create_pool(16384, ngx_cycle->log);
    const char **values;

    if (pool == NULL) {
        return NGX_ERROR;
    }
    *q = vg_pack_link(conn, *q);
    values = vg_pack_values(pool, first);
    if (values != NULL) {
        rc = vg_send_named(conn, VG_OP_STATEMENT, first, first->statement->name,
                           (int) first->statement->count, values);
    }
    ngx_destroy_pool(pool); /* libpq has its copy */
    return rc;
}


/* one transaction: the role is switched only where the plugin changes */
static ngx_int_t
vg_send_shared(vg_conn_t *conn)
{
    vg_unit_t   *unit = NULL;
    const char  *role = "";
    ngx_queue_t *q;

    conn->shared = 1;
    ngx_queue_sort(&conn->units, vg_pack_order);
    for (q = ngx_queue_head(&conn->units);
         q != ngx_queue_sentinel(&conn->units); q = ngx_queue_next(q))
    {
        unit = ngx_queue_data(q, vg_unit_t, queue);
        if (ngx_strcmp(role, unit->statement->role) != 0) {
            role = unit->statement->role;
            if (vg_send_role(conn, unit, role) != NGX_OK) {
                return NGX_ERROR;
            }
        }
        if ((unit->statement->each ? vg_send_packed(conn, &q)
                                   : vg_send_statements(conn, unit))
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
    /* what fails at the commit is told to who is alone, and else run again */
    q = ngx_queue_head(&conn->units);
    return vg_send_sync(conn, VG_OP_SYNC_LAST,
                        q == ngx_queue_last(&conn->units) ? unit : NULL);
}


static ngx_int_t
vg_send_barrier(vg_conn_t *conn)
{
    conn->barrier = 1;
    if (!PQsendQueryParams(conn->pg, vg_barrier, 0, NULL, NULL, NULL, NULL, 0)
        || vg_conn_op(conn, VG_OP_BARRIER, NULL, NULL) != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_send_sync(conn, VG_OP_SYNC_LAST, NULL);
}


static ngx_int_t
vg_send_each(vg_conn_t *conn, ngx_uint_t durable)
{
    vg_unit_t   *unit;
    const char  *begin[2];
    ngx_queue_t *q;

    for (q = ngx_queue_head(&conn->units);
         q != ngx_queue_sentinel(&conn->units); q = ngx_queue_next(q))
    {
        unit = ngx_queue_data(q, vg_unit_t, queue);
        if (unit->probe) {
            continue;
        }
        begin[0] = vg_send_first(unit)->statement->role;
        begin[1] = durable == 1 && !unit->relaxed ? "on" : "off";
        if (vg_send_named(conn, VG_OP_ROLE, unit, "vg_begin", 2, begin)
                != NGX_OK
            || vg_send_body(conn, unit) != NGX_OK
            || vg_send_sync(conn, VG_OP_SYNC, unit) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
    if (durable > 1) {
        return vg_send_barrier(conn);
    }
    return vg_send_sync(conn, VG_OP_SYNC_LAST, NULL);
}


ngx_uint_t
vg_unit_firm(const vg_unit_t *unit)
{
    const vg_unit_t *link;

    for (link = unit->chain; link != NULL; link = link->link) {
        if (link->statement->firm) {
            return 1;
        }
    }
    return unit->statement->firm;
}


/* commits that must flush: a lone change does so by its own, one that only
 * read what another may not have flushed yet needs the barrier */
static ngx_uint_t
vg_send_owes(const vg_unit_t *unit)
{
    if (unit->relaxed || !vg_unit_firm(unit)) {
        return 0;
    }
    return unit->statement->change || unit->chain ? 1 : 2;
}


/* moves units from the lane to the connection; counts flushes owed */
static ngx_uint_t
vg_conn_fill(vg_conn_t *conn)
{
    vg_unit_t       *unit;
    ngx_uint_t       n = 0, durable = 0;
    ngx_queue_t     *q;
    vg_lane_state_t *lane = conn->lane;

    while (n < lane->batch && !ngx_queue_empty(&lane->waiting)) {
        q = ngx_queue_head(&lane->waiting);
        unit = ngx_queue_data(q, vg_unit_t, queue);
        if (unit->alone && n > 0) {
            break;
        }
        ngx_queue_remove(q);
        lane->length--;
        unit->queued = 0;
        unit->failed = 0;
        unit->aborted = 0;
        unit->calls = 1;
        durable += vg_send_owes(unit);
        ngx_queue_insert_tail(&conn->units, &unit->queue);
        n++;
        if (unit->alone) {
            break;
        }
    }
    lane->last = n;
    return durable;
}


void
vg_conn_take(vg_conn_t *conn)
{
    ngx_int_t  rc;
    ngx_uint_t durable;
    vg_lane_t  lane = conn->lane->lane;

    vg_send_begin(conn);
    durable = vg_conn_fill(conn);
    if (ngx_queue_empty(&conn->units)) {
        return;
    }
    vg_conn_move(conn, VG_CONN_BUSY);
    rc = vg_send_prepares(conn);
    if (rc == NGX_OK) {
        rc = lane == VG_LANE_READ || lane == VG_LANE_APPEND
                 ? vg_send_shared(conn)
                 : vg_send_each(conn, durable);
    }
    if (rc != NGX_OK || vg_conn_flush(conn) != NGX_OK) {
        vg_conn_lost(conn);
    }
}
