/*
 * row.c: a saga's row: read into a run, moved, told of.
 *
 * A move is fenced by the row's version and need not be durable by itself:
 * one that is lost with its server is made again, and asks that were stored
 * are replayed.
 */

#include "sagas.h"

static vg_statement_t *vg_saga_moving, *vg_saga_resting;


ngx_int_t
vg_saga_row_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_saga_moving, "saga_move",
        "update vg.saga s set status = $4::text, step = $5::text,"
        " data = case when $6::text is null then s.data"
        " else s.data || jsonb_build_object($6::text, $7::jsonb) end,"
        " error = coalesce($8::text, s.error), problem = $9::text,"
        " tries = $10::int, next_at = now()"
        " + $11::bigint * interval '1 millisecond',"
        " node = $12::text, pid = $13::bigint, moved_at = now(),"
        " step_at = case when (s.status, s.step) = ($4::text, $5::text)"
        " then s.step_at else now() end, version = s.version + 1"
        " where s.plugin = $1::text and s.id = $2::uuid"
        " and s.version = $3::int returning" VG_SAGA_COLUMNS,
        13);
    vg_statement_kit(cf, &vg_saga_resting, "saga_rests",
                     "select" VG_SAGA_COLUMNS " from vg.saga s"
                     " where s.plugin = $1::text and s.id = $2::uuid"
                     " and s.pid is null and s.status = 'RUNNING'",
                     2);
    return vg_saga_moving && vg_saga_resting ? NGX_OK : NGX_ERROR;
}


vg_saga_run_t *
vg_saga_create(ngx_uint_t database)
{
    ngx_pool_t    *pool = ngx_create_pool(4096, ngx_cycle->log);
    vg_saga_run_t *run = pool ? ngx_pcalloc(pool, sizeof(*run)) : NULL;

    if (run == NULL) {
        if (pool != NULL) {
            ngx_destroy_pool(pool);
        }
        return NULL;
    }
    run->pool = pool;
    run->arena = vg_arena_of(pool);
    run->database = database;
    return run;
}


void
vg_saga_free(vg_saga_run_t *run)
{
    ngx_destroy_pool(run->pool);
}


/* ends in a NUL; data NULL stays so */
vg_str_t
vg_saga_keep(vg_saga_run_t *run, vg_str_t s)
{
    return s.data ? vg_printf(&run->arena, "%.*s", (int) s.len, s.data) : s;
}


static vg_str_t
vg_saga_text(vg_saga_run_t *run, PGresult *rows, int row, int column)
{
    if (PQgetisnull(rows, row, column)) {
        return (vg_str_t){ NULL, 0 };
    }
    return vg_saga_keep(run, (vg_str_t){ PQgetvalue(rows, row, column),
                                         PQgetlength(rows, row, column) });
}


static ngx_msec_t
vg_saga_ms(PGresult *rows, int row, int column)
{
    return (ngx_msec_t) strtoull(PQgetvalue(rows, row, column), NULL, 10);
}


/* VG_SAGA_COLUMNS */
void
vg_saga_read(vg_saga_run_t *run, PGresult *rows, int row)
{
    ngx_uint_t i;
    vg_str_t   state = { NULL, 0 };
    struct {
        vg_str_t *to;
        int       column;
    } texts[] = {
        { &run->plugin, 0 },
        { &run->id, 1 },
        { &run->name, 2 },
        { &state, 3 },
        { &run->step, 4 },
        { &run->data, 5 },
        { &run->error, 6 },
        { &run->version, 8 },
        { &run->caller.id, 9 },
        { &run->caller.role, 10 },
        { &run->caller.company, 11 },
        { &run->correlation, 12 },
        { &run->traceparent, 13 },
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i].to = vg_saga_text(run, rows, row, texts[i].column);
    }
    for (i = 0; i < VG_SAGA_STATES; i++) {
        if (vg_str_eq(state, vg_saga_states[i])) {
            run->state = i;
        }
    }
    run->tries = vg_saga_ms(rows, row, 7);
    run->since = ngx_current_msec - vg_saga_ms(rows, row, 14);
    run->age = vg_saga_ms(rows, row, 15);
    run->leased = ngx_current_msec + vg_saga_ms(rows, row, 16);
    run->known = 1;
}


void
vg_saga_submit(vg_saga_run_t *run, const vg_statement_t *st, vg_lane_t lane,
               void (*done)(vg_unit_t *))
{
    vg_kit_make(&run->unit, st, run->values, lane, done, run);
    run->unit.database = run->database;
    vg_unit_submit(&run->unit);
}


static void
vg_saga_moved(vg_unit_t *unit)
{
    vg_str_t        step;
    vg_saga_run_t  *run = unit->data;
    vg_saga_state_t state = run->state;

    if (!vg_kit_ok(unit) || PQntuples(unit->rows) == 0) {
        /* not ours any more; or the poll takes it up */
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "voltgate: saga %s %s is left to others", run->name.data,
                      run->id.data);
        vg_saga_free(run);
        return;
    }
    step = run->step;
    vg_saga_read(run, unit->rows, 0);
    if (run->state != state || ngx_strcmp(run->step.data, step.data) != 0) {
        run->fresh = 1;
    }
    if (run->state >= VG_SAGA_COMPLETED) {
        vg_saga_count_over(run->name, run->state, run->age);
        vg_saga_free(run);
        return;
    }
    vg_saga_go(run);
}


/* A name may be the plugin's, which is another generation's by the time the
 * unit is sent. */
static const char *
vg_saga_kept(vg_saga_run_t *run, const char *name)
{
    return name ? vg_saga_keep(run, vg_str(name)).data : NULL;
}


void
vg_saga_move(vg_saga_run_t *run, const vg_saga_move_t *to)
{
    const char **v = run->values;
    vg_pool_t   *pool = &run->arena;

    v[0] = run->plugin.data;
    v[1] = run->id.data;
    v[2] = run->version.data;
    v[3] = vg_saga_states[to->state];
    v[4] = vg_saga_kept(run, to->step);
    v[5] = to->answered;
    v[6] = to->answered ? to->answer.data : NULL;
    v[7] = vg_saga_kept(run, to->error);
    v[8] = vg_saga_kept(run, to->problem);
    v[9] = vg_printf(pool, "%d", (int) to->tries).data;
    v[10] = vg_printf(pool, "%lu", (unsigned long) to->wait).data;
    run->rests = to->rests || to->state >= VG_SAGA_COMPLETED;
    v[11] = run->rests ? NULL
                       : vg_printf(pool, "%.*s", (int) vg_host->node.len,
                                   vg_host->node.data)
                             .data;
    v[12] = run->rests ? NULL : vg_printf(pool, "%d", (int) ngx_pid).data;
    vg_saga_submit(run, vg_saga_moving, VG_LANE_WRITE, vg_saga_moved);
}


static void
vg_saga_woken(vg_unit_t *unit)
{
    vg_saga_run_t *run = unit->data;

    if (!vg_kit_ok(unit) || PQntuples(unit->rows) == 0) {
        vg_saga_free(run); /* it is held: whoever does looks for itself */
        return;
    }
    vg_saga_read(run, unit->rows, 0);
    run->rests = 1;
    vg_saga_go(run);
}


void
vg_saga_wake(vg_saga_run_t *run)
{
    run->values[0] = run->plugin.data;
    run->values[1] = run->id.data;
    vg_saga_submit(run, vg_saga_resting, VG_LANE_READ, vg_saga_woken);
}
