/*
 * append.c: rows that go with no change: a queue for each database, written in
 * batches on the append lane.
 *
 * Nobody waits for it. While a database is away rows wait in a bounded queue;
 * what finds no room is counted, and the log says so. A batch whose connection
 * broke is written again: such a row may be there twice.
 */

#include "audit.h"

#define VG_APPEND_QUEUE 1024  /* rows of a database, in each worker          */
#define VG_APPEND_BATCH 256   /* rows at once                                */
#define VG_APPEND_SOON  50    /* ms: others may come                         */
#define VG_APPEND_LATER 1000  /* ms: the database is away                    */
#define VG_APPEND_TOLD  10000 /* ms between two lines of the log             */

typedef struct {
    ngx_uint_t  database;
    ngx_uint_t  first, count, sent;
    char       *rows[VG_APPEND_QUEUE]; /* each a JSON object, of malloc      */
    char       *text;                  /* the batch that is out              */
    const char *values[1];
    vg_unit_t   unit;
    ngx_event_t timer;
    ngx_uint_t  alone; /* a batch was refused: so many go one by one         */
} vg_append_t;

static vg_statement_t *vg_append_insert;
static vg_append_t     vg_appends[VG_DATABASES];
static ngx_uint_t      vg_append_lost;
static ngx_msec_t      vg_append_told;


ngx_int_t
vg_audit_append_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_append_insert, "audit_append",
        "insert into vg.audit (at, caller_id, caller_role, company_id, route,"
        " object, status, error, calls, correlation_id, address, node, plugin)"
        " select r.at, r.caller_id, r.caller_role, r.company_id, r.route,"
        " r.object, r.status, r.error, r.calls, r.correlation_id, r.address,"
        " r.node, r.plugin from jsonb_to_recordset($1::jsonb) as r"
        " (at timestamptz, caller_id text, caller_role text, company_id text,"
        " route text, object text, status int, error text, calls int,"
        " correlation_id text, address text, node text, plugin text)",
        1);
    if (vg_append_insert == NULL) {
        return NGX_ERROR;
    }
    vg_append_insert->firm = 1;
    return NGX_OK;
}


static void
vg_append_drop(ngx_uint_t n, const char *why)
{
    vg_append_lost += n;
    vg_audit_count(VG_AUDIT_DROPPED, n);
    if (vg_append_told != 0
        && ngx_current_msec - vg_append_told < VG_APPEND_TOLD) {
        return;
    }
    vg_append_told = ngx_current_msec ? ngx_current_msec : 1;
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "voltgate: %ui rows of the audit trail are lost: %s",
                  vg_append_lost, why);
    vg_append_lost = 0;
}


/* the first n are over */
static void
vg_append_pop(vg_append_t *queue, ngx_uint_t n)
{
    for (; n > 0; n--) {
        ngx_free(queue->rows[queue->first]);
        queue->first = (queue->first + 1) % VG_APPEND_QUEUE;
        queue->count--;
    }
}


static void
vg_append_wake(vg_append_t *queue, ngx_msec_t when)
{
    if (!queue->timer.timer_set && queue->sent == 0 && queue->count > 0) {
        /* a worker that leaves waits for what is written soon */
        queue->timer.cancelable = when == VG_APPEND_LATER;
        ngx_add_timer(&queue->timer, when);
    }
}


static void
vg_append_done(vg_unit_t *unit)
{
    ngx_uint_t   n;
    vg_append_t *queue = unit->data;

    n = queue->sent;
    queue->sent = 0;
    ngx_free(queue->text);
    if (unit->result == VG_UNIT_OK) {
        vg_append_pop(queue, n);
        vg_audit_count(VG_AUDIT_APPENDED, n);
        queue->alone -= ngx_min(queue->alone, n);
    } else if (unit->result != VG_UNIT_REFUSED) {
        vg_append_wake(queue, VG_APPEND_LATER);
        return;
    } else if (ngx_strncmp(unit->sqlstate, "53", 2) == 0
               || ngx_strncmp(unit->sqlstate, "57", 2) == 0
               || ngx_strncmp(unit->sqlstate, "25", 2) == 0
               || ngx_strncmp(unit->sqlstate, "55", 2) == 0)
    {
        vg_append_wake(queue, VG_APPEND_LATER); /* it is about the moment */
        return;
    } else if (n > 1) {
        queue->alone = n;
    } else {
        vg_append_drop(1, unit->sqlstate);
        vg_append_pop(queue, 1);
    }
    vg_append_wake(queue, 1);
}


static char *
vg_append_text(vg_append_t *queue, ngx_uint_t n)
{
    char      *text, *p, **row;
    size_t     size = sizeof("[]");
    ngx_uint_t i;

    for (i = 0; i < n; i++) {
        size +=
            1 + ngx_strlen(queue->rows[(queue->first + i) % VG_APPEND_QUEUE]);
    }
    text = p = ngx_alloc(size, ngx_cycle->log);
    if (text == NULL) {
        return NULL;
    }
    for (i = 0; i < n; i++) {
        row = &queue->rows[(queue->first + i) % VG_APPEND_QUEUE];
        *p++ = i == 0 ? '[' : ',';
        p = (char *) ngx_cpymem(p, *row, ngx_strlen(*row));
    }
    (void) ngx_cpymem(p, "]", sizeof("]"));
    return text;
}


static void
vg_append_send(vg_append_t *queue)
{
    ngx_uint_t n = ngx_min(queue->count, VG_APPEND_BATCH);

    if (n == 0 || queue->sent > 0) {
        return;
    }
    n = queue->alone ? 1 : n;
    queue->text = vg_append_text(queue, n);
    if (queue->text == NULL) {
        vg_append_wake(queue, VG_APPEND_LATER);
        return;
    }
    queue->sent = n;
    queue->values[0] = queue->text;
    ngx_memzero(&queue->unit, sizeof(vg_unit_t));
    queue->unit.statement = vg_append_insert;
    queue->unit.values = queue->values;
    queue->unit.lane = VG_LANE_APPEND;
    queue->unit.database = queue->database;
    queue->unit.done = vg_append_done;
    queue->unit.data = queue;
    vg_unit_submit(&queue->unit);
}


static void
vg_append_due(ngx_event_t *ev)
{
    vg_append_send(ev->data);
}


static vg_str_t
vg_append_json(vg_pool_t *pool, const vg_audit_row_t *row)
{
    vg_out_t out;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "at", vg_time_text(pool, row->at));
    vg_out_member(&out, "caller_id", vg_str(row->caller_id));
    vg_out_member(&out, "caller_role", vg_str(row->caller_role));
    vg_out_member(&out, "company_id", vg_str(row->company_id));
    vg_out_member(&out, "route", vg_str(row->route));
    if (row->object != NULL) {
        vg_out_member(&out, "object", vg_str(row->object));
    }
    vg_out_key(&out, "status");
    vg_out_int(&out, row->status);
    if (row->error != NULL) {
        vg_out_member(&out, "error", vg_str(row->error));
    }
    vg_out_key(&out, "calls");
    vg_out_int(&out, ngx_min(row->calls, 2000000000));
    vg_out_member(&out, "correlation_id", vg_str(row->correlation_id));
    vg_out_member(&out, "address", vg_str(row->address));
    vg_out_member(&out, "node", vg_of(vg_host->node));
    vg_out_member(&out, "plugin", vg_str(row->plugin));
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


void
vg_audit_append(ngx_uint_t database, const vg_audit_row_t *row)
{
    char        *copy = NULL;
    vg_str_t     text;
    vg_pool_t   *pool = vg_arena_create();
    vg_append_t *queue = &vg_appends[database];

    text = pool ? vg_append_json(pool, row) : (vg_str_t){ NULL, 0 };
    if (queue->count < VG_APPEND_QUEUE && text.data != NULL) {
        copy = ngx_alloc(text.len + 1, ngx_cycle->log);
    }
    if (copy == NULL) {
        vg_append_drop(1, queue->count == VG_APPEND_QUEUE
                              ? "the database does not take them"
                              : "no memory");
    } else {
        ngx_memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        queue->rows[(queue->first + queue->count++) % VG_APPEND_QUEUE] = copy;
        vg_append_wake(queue, VG_APPEND_SOON);
    }
    if (pool != NULL) {
        vg_arena_destroy(pool);
    }
}


void
vg_audit_append_start(void)
{
    ngx_uint_t i;

    for (i = 0; i < vg_host->databases.nelts; i++) {
        vg_appends[i].database = i;
        vg_appends[i].timer.handler = vg_append_due;
        vg_appends[i].timer.data = &vg_appends[i];
        vg_appends[i].timer.log = ngx_cycle->log;
    }
}


/* the worker ends: what is left was not written */
void
vg_audit_append_stop(void)
{
    ngx_uint_t i, n = vg_audit_refusal_stop();

    vg_append_told = 0;
    if (n > 0) {
        vg_append_drop(n, "the worker ended");
        vg_append_told = 0;
    }
    for (i = 0; i < vg_host->databases.nelts; i++) {
        if (vg_appends[i].count > 0) {
            vg_append_drop(vg_appends[i].count, "the worker ended");
            vg_append_pop(&vg_appends[i], vg_appends[i].count);
        }
    }
}
