/*
 * call.c: one call from its route to its answer.
 *
 * Owns their order (fields, load, check, await, unit, render) and its life;
 * knows no transport. Every wait has its deadline timer set in vg_call_run().
 */

#include "cache.h"
#include "db.h"
#include "outcome.h"
#include "repeat.h"

static void vg_call_fields(vg_call_t *call);
static void vg_call_known(vg_unit_t *unit);
static void vg_call_ask(vg_call_t *call, const vg_statement_t *lock,
                        const vg_statement_t *statement,
                        void (*done)(vg_unit_t *));
static void vg_call_load(vg_call_t *call);
static void vg_call_check(vg_call_t *call);
static void vg_call_unit(vg_call_t *call);
static void vg_call_render(vg_call_t *call);
static void vg_call_end(vg_call_t *call);
static void vg_call_overdue(ngx_event_t *ev);


vg_call_t *
vg_call_create(vg_endpoint_t *endpoint)
{
    size_t      n = endpoint ? endpoint->nfields + 1 : 1;
    vg_call_t  *call;
    ngx_pool_t *pool = ngx_create_pool(4096, ngx_cycle->log);

    if (pool == NULL) {
        return NULL;
    }
    /* one piece, zeroed: the call, its values, what is bound */
    call = ngx_pcalloc(
        pool, sizeof(vg_call_t) + n * (sizeof(vg_json_t *) + sizeof(vg_str_t)));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }
    call->pool = pool;
    call->arena = vg_arena_of(pool);
    call->log = ngx_cycle->log;
    call->refs = 1;
    call->endpoint = endpoint;
    call->bound = (vg_str_t *) (call + 1);
    call->values = (const vg_json_t **) (call->bound + n);
    call->now = vg_time_now();
    call->started = ngx_current_msec;
    call->key.slot = -1;
    call->quota = -1;
    vg_uuid7(call->new_id, call->now);
    vg_out_init(&call->problems, &call->arena);
    call->deadline.handler = vg_call_overdue;
    call->deadline.data = call;
    call->deadline.log = call->log;
    if (endpoint != NULL) {
        vg_plugin_hold(endpoint->plugin);
    }
    return call;
}


void
vg_call_ref(vg_call_t *call)
{
    call->refs++;
}


void
vg_call_release(vg_call_t *call)
{
    if (--call->refs) {
        return;
    }
    vg_key_give(call);
    if (call->deadline.timer_set) {
        ngx_del_timer(&call->deadline);
    }
    if (call->endpoint != NULL) {
        vg_plugin_release(call->endpoint->plugin);
    }
    ngx_destroy_pool(call->pool);
}


void
vg_call_run(vg_call_t *call, ngx_msec_t deadline)
{
    vg_endpoint_t *e = call->endpoint;
    ngx_uint_t     out = e->plugin->state == VG_PLUGIN_OUT;

    ngx_add_timer(&call->deadline, deadline);
    if (out || (e->row->method <= VG_DELETE && vg_versions_paused(e->plugin))) {
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
    vg_call_fields(call);
}


static void
vg_call_fields(vg_call_t *call)
{
    vg_endpoint_t *e = call->endpoint;

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
    if (vg_cache_find(call) == VG_OK) {
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
            vg_call_end(call);
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
    vg_call_end(call);
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
        vg_call_fields(call);
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


static void
vg_call_end(vg_call_t *call)
{
    if (call->nproblems && call->error == NULL) {
        call->error = vg_kit_error("validation", 10);
    }
    if (call->error != NULL && call->key.key.len && !call->key.looked
        && vg_db_alive(call->endpoint->plugin->database)
        && vg_call_send(call, NULL, vg_outcome_lookup, vg_call_found))
    {
        return;
    }
    vg_call_finish(call);
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


/* what was not sent yet is not sent any more */
static void
vg_call_drop(vg_call_t *call)
{
    vg_unit_t *unit = call->unit;

    if (unit != NULL && vg_unit_drop(unit) == VG_OK) {
        call->unit = NULL;
        call->running = 0;
        vg_call_release(call);
    }
}


/* A change that was sent may still happen; one that waits in its lane must
 * not: its caller was told, and what its values point to may be gone. */
static void
vg_call_overdue(ngx_event_t *ev)
{
    vg_call_t *call = ev->data;

    ngx_log_error(
        NGX_LOG_WARN, call->log, 0, "voltgate: %V overdue, correlation %*s",
        &call->endpoint->label, call->correlation.len, call->correlation.data);
    call->retry_after = 1;
    vg_call_drop(call);
    vg_call_fail(call, "overdue");
}


void
vg_call_abandon(vg_call_t *call)
{
    call->abandoned = 1;
    if (call->finished || call->changed) {
        return;
    }
    vg_call_ref(call);
    vg_call_drop(call);
    vg_call_fail(call, "unavailable");
    vg_call_release(call);
}
