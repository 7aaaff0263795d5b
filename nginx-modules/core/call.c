/*
 * call.c: one call from its route to its answer.
 *
 * Owns their order (hooks, fields, load, check, await, unit, render); knows no
 * transport. Every wait has its deadline timer set in vg_call_run(), which
 * life.c answers.
 */

#include "around.h"
#include "cache.h"
#include "db.h"
#include "outcome.h"
#include "repeat.h"

static void vg_call_fields(vg_call_t *call);
static void vg_call_known(vg_unit_t *unit);
static void vg_call_ask(vg_call_t *call, const vg_statement_t *lock,
                        const vg_statement_t *statement,
                        void (*done)(vg_unit_t *));
static void vg_call_looked(vg_call_t *call);
static void vg_call_load(vg_call_t *call);
static void vg_call_check(vg_call_t *call);
static void vg_call_unit(vg_call_t *call);
static void vg_call_render(vg_call_t *call);
static void vg_call_end(vg_call_t *call);


/* chargers go on, and events wait elsewhere */
static ngx_uint_t
vg_call_pauses(const vg_route_t *row)
{
    return row->method <= VG_DELETE || row->method == VG_HOOK;
}


void
vg_call_run(vg_call_t *call, ngx_msec_t deadline)
{
    vg_endpoint_t *e = call->endpoint;
    ngx_uint_t     out = e->plugin->state == VG_PLUGIN_OUT;

    ngx_add_timer(&call->deadline, deadline);
    if (out || (vg_call_pauses(e->row) && vg_versions_paused(e->plugin))) {
        call->retry_after = 5;
        vg_call_fail(call, out ? "plugin_out" : "plugin_paused");
        return;
    }
    if (call->key.key.len && vg_key_take(call) != VG_OK) {
        call->retry_after = 1;
        vg_call_fail(call, "key_running");
        return;
    }
    if (call->key.key.len && !call->key.unasked && (e->awaits || e->run)) {
        /* a charger must not be told twice */
        vg_call_ask(call, NULL, vg_outcome_lookup, vg_call_known);
        return;
    }
    vg_around_run(call, VG_AROUND_FIELDS, vg_call_fields);
}


static void
vg_call_fields(vg_call_t *call)
{
    vg_endpoint_t *e = call->endpoint;

    if (call->error != NULL) {
        vg_call_end(call);
        return;
    }
    if (vg_fields_check(call) != VG_OK) {
        if (e->quarantine != NULL && call->error == NULL) {
            call->quarantine = 1;
            call->nproblems = 0;
            call->fault = VG_FAULT_NONE;
            ngx_memzero(call->values, e->nfields * sizeof(vg_json_t *));
            vg_call_unit(call);
            return;
        }
        vg_call_end(call);
        return;
    }
    vg_around_run(call, VG_AROUND_ROUTE, vg_call_looked);
}


static void
vg_call_looked(vg_call_t *call)
{
    if (call->error != NULL) {
        vg_call_end(call);
    } else if (vg_cache_find(call) == VG_OK) {
        vg_call_render(call);
    } else {
        vg_call_load(call);
    }
}


static vg_unit_t *
vg_call_send(vg_call_t *call, const vg_statement_t *lock,
             const vg_statement_t *statement, void (*done)(vg_unit_t *))
{
    vg_unit_t *unit = vg_calloc(&call->arena, sizeof(vg_unit_t));

    if (unit == NULL) {
        return NULL;
    }
    unit->statement = statement;
    unit->values = vg_bind_values(call, statement);
    unit->lock = lock;
    unit->lock_values = lock ? vg_bind_values(call, lock) : NULL;
    if (unit->values == NULL || (lock && unit->lock_values == NULL)) {
        return NULL;
    }
    unit->done = done;
    unit->data = call;
    unit->endpoint = call->endpoint;
    unit->lane = !statement->firm                           ? VG_LANE_READ
                 : (call->endpoint->row->flags & VG_APPEND) ? VG_LANE_APPEND
                                                            : VG_LANE_WRITE;
    call->unit = unit;
    call->running = 1;
    call->changed |= statement->change;
    vg_call_ref(call);
    if (call->unit_submit != NULL) {
        call->unit_submit(call, unit);
    } else {
        vg_unit_submit(unit);
    }
    return unit;
}


static void
vg_call_ask(vg_call_t *call, const vg_statement_t *lock,
            const vg_statement_t *statement, void (*done)(vg_unit_t *))
{
    if (vg_call_send(call, lock, statement, done) == NULL) {
        vg_call_fail(call, "internal");
    }
}


/* The unit is back. VG_ERROR: the call was over already. */
static vg_rc_t
vg_call_back(vg_call_t *call)
{
    call->running = 0;
    call->unit = NULL;
    if (call->finished) {
        vg_call_release(call);
        return VG_ERROR;
    }
    return VG_OK;
}


static void
vg_call_loaded(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    if (vg_call_back(call) != VG_OK) {
        return;
    }
    if (unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
        vg_call_end(call);
    } else if (PQntuples(unit->rows) == 0) {
        (void) vg_refuse(call, "not_found");
        vg_call_end(call);
    } else {
        call->loaded = vg_outcome_text(call, unit->rows, 0, 0);
        vg_call_check(call);
    }
    vg_call_release(call);
}


static void
vg_call_load(vg_call_t *call)
{
    if (call->endpoint->load == NULL) {
        vg_call_check(call);
        return;
    }
    vg_call_ask(call, NULL, call->endpoint->load, vg_call_loaded);
}


static void
vg_call_answer(vg_call_t *call)
{
    if (call->error != NULL || call->nproblems || call->quarantine) {
        vg_call_end(call);
    } else {
        vg_around_run(call, VG_AROUND_ANSWER, vg_call_end);
    }
}


static void
vg_call_check(vg_call_t *call)
{
    vg_rc_t           rc;
    const vg_route_t *row = call->endpoint->row;

    if (row->check != NULL) {
        rc = vg_hook_run(call, row->check);
        if (rc == VG_ERROR && call->error == NULL && call->nproblems == 0) {
            (void) vg_refuse(call, "internal");
        }
        if (rc != VG_OK) {
            vg_call_answer(call);
            return;
        }
    }
    if (call->endpoint->awaits && !call->answered) {
        vg_steps_run(call);
        return;
    }
    if (call->endpoint->run != NULL && !call->answered) {
        call->endpoint->run(call);
        return;
    }
    vg_call_unit(call);
}


/* steps.c goes on here when the awaited step is over */
void
vg_call_awaited(vg_call_t *call)
{
    if (call->finished) {
        return;
    }
    if (call->error != NULL) {
        vg_call_end(call);
    } else if (call->endpoint->run == NULL) {
        vg_call_unit(call);
    } else if (vg_audit_house(call) == VG_OK) { /* else comes here again */
        (call->key.key.len ? vg_repeat_end : vg_call_unit)(call);
    }
}


static void
vg_call_done(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    vg_cache_drop(call, unit); /* before anybody is told, waiting or not */
    if (vg_call_back(call) != VG_OK) {
        return;
    }
    if (unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
    } else if (unit->statement->change) {
        vg_outcome_change(call, unit);
    } else if (unit->statement->list) {
        vg_outcome_page(call, unit->rows);
    } else if (call->endpoint->all) {
        vg_outcome_rows(call, unit->rows);
    } else if (PQntuples(unit->rows) == 0) {
        (void) vg_refuse(call, "not_found");
    } else if (call->endpoint->row->flags & VG_STREAM) {
        vg_outcome_frame(call, unit->rows);
    } else {
        call->text = vg_outcome_text(call, unit->rows, 0, 0);
        vg_cache_keep(call);
    }
    if (call->error != NULL) {
        vg_call_end(call);
    } else if (call->quarantine
               && unit->statement != call->endpoint->quarantine) {
        vg_call_unit(call);
    } else {
        vg_call_render(call);
    }
    vg_call_release(call);
}


static void
vg_call_unit(vg_call_t *call)
{
    vg_endpoint_t  *e = call->endpoint;
    vg_statement_t *statement = call->quarantine ? e->quarantine : e->statement;

    if (statement == NULL) {
        call->text = call->answered ? call->text : call->loaded;
        vg_call_render(call);
        return;
    }
    vg_call_ask(call, call->quarantine ? NULL : e->lock, statement,
                vg_call_done);
}


static void
vg_call_render(vg_call_t *call)
{
    vg_rc_t           rc;
    const vg_route_t *row = call->endpoint->row;

    if (row->render != NULL && !call->quarantine && !call->answered) {
        call->row = NULL;
        rc = vg_hook_run(call, row->render);
        if (rc == VG_DECLINED && call->kept) {
            call->kept = 0;
            vg_call_unit(call);
            return;
        }
        if (rc == VG_ERROR && call->error == NULL) {
            (void) vg_refuse(call, "internal");
        }
    }
    if (call->status == NULL) {
        call->status = call->text.data ? "ok" : "empty";
    }
    vg_call_answer(call);
}


/* stored already: replayed without another look at the charger */
static void
vg_call_known(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    if (vg_call_back(call) != VG_OK) {
        return;
    }
    if (unit->result != VG_UNIT_OK) {
        call->key.looked = 1;
        vg_outcome_error(call, unit);
        vg_call_end(call);
    } else if (PQntuples(unit->rows) > 0) {
        call->key.looked = 1;
        vg_outcome_stored(call, unit->rows);
        (call->error != NULL ? vg_call_end : vg_call_render)(call);
    } else {
        vg_around_run(call, VG_AROUND_FIELDS, vg_call_fields);
    }
    vg_call_release(call);
}


/* A keyed call that failed for any reason is looked up before it is told. */
static void
vg_call_found(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    if (vg_call_back(call) != VG_OK) {
        return;
    }
    call->key.looked = 1;
    if (unit->result != VG_UNIT_OK) {
        call->nproblems = 0; /* whether it is stored is not known */
        vg_outcome_error(call, unit);
    } else if (PQntuples(unit->rows) > 0) {
        vg_outcome_stored(call, unit->rows);
    }
    (call->error != NULL ? vg_call_finish : vg_call_render)(call);
    vg_call_release(call);
}


/* What cannot be looked up may have been answered otherwise, under its key. */
static void
vg_call_unsure(vg_call_t *call)
{
    if (call->error->status < NGX_HTTP_INTERNAL_SERVER_ERROR) {
        call->nproblems = 0;
        call->detail = (vg_str_t){ NULL, 0 };
        call->retry_after = 1;
        (void) vg_refuse(call, "unavailable");
    }
    vg_call_finish(call);
}


static void
vg_call_end(vg_call_t *call)
{
    if (call->nproblems && call->error == NULL) {
        call->error = vg_kit_error("validation", 10);
    }
    if (call->error == NULL || call->key.key.len == 0 || call->key.looked) {
        vg_call_finish(call);
    } else if (!vg_db_alive(call->endpoint->plugin->database)
               || !vg_call_send(call, NULL, vg_outcome_lookup, vg_call_found))
    {
        vg_call_unsure(call);
    }
}


void
vg_call_finish(vg_call_t *call)
{
    ngx_msec_t took = ngx_current_msec - call->started;

    if (call->finished) {
        return;
    }
    if (call->nproblems && call->error == NULL) {
        call->error = vg_kit_error("validation", 10);
    }
    call->finished = 1;
    if (call->deadline.timer_set) {
        ngx_del_timer(&call->deadline);
    }
    if (!call->running) {
        vg_key_give(call); /* else the change is under way still */
    }
    vg_metrics_call(call->endpoint, vg_call_status(call), took);
    vg_audit_call(call);
    call->finish(call);
    if (call->error == NULL && !call->quarantine && !call->key.replayed
        && call->endpoint->steps && !call->endpoint->awaits)
    {
        vg_steps_run(call);
    }
    vg_call_release(call);
}


void
vg_call_fail(vg_call_t *call, const char *error)
{
    if (!call->finished) {
        (void) vg_refuse(call, error);
        vg_call_finish(call);
    }
}
