/*
 * steps.c: the named steps of a route: what is asked of the outside, then the
 * statement that writes down what came of it, or the one that undoes.
 *
 * Where the call awaits them they are asked one by one, and what they said
 * goes into the answer; else they run after the answer, which is committed by
 * then. Which ways out there are is not known here: command() binds one, see
 * vg_way_pt.
 */

#include "cache.h"
#include "db.h"
#include "language.h"
#include "outcome.h"


/* without one it is empty, not NULL: the outcome is there */
static vg_str_t
vg_step_keep(vg_call_t *call, vg_str_t s)
{
    return vg_str_copy(&call->arena, s.data ? s : VG_STR(""));
}


static void
vg_step_written(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    vg_cache_drop(call, unit);
    if (unit->result != VG_UNIT_OK) {
        vg_log(call, VG_LOG_ERROR, "step of %s was not written: %s %s",
               call->endpoint->label.data, unit->sqlstate, unit->constraint);
    } else {
        vg_outcome_told(call, unit->rows, 0);
        if (unit->statement->jobs) {
            vg_jobs_bell(call->endpoint->plugin);
        }
        call->step++;
        if (call->error == NULL) {
            vg_steps_run(call);
        }
    }
    vg_call_release(call);
}


/* the row's own timer ends what could not be written */
static void
vg_step_write(vg_call_t *call, vg_statement_t *statement)
{
    size_t     key = call->key.key.len;
    vg_unit_t *unit;

    if (statement == NULL) {
        return;
    }
    unit = vg_calloc(&call->arena, sizeof(vg_unit_t));
    if (unit == NULL) {
        return;
    }
    unit->statement = statement;
    call->key.key.len = 0; /* the answer under it is stored already */
    unit->values = vg_bind_values(call, statement);
    call->key.key.len = key;
    if (unit->values == NULL) {
        return;
    }
    unit->lane = VG_LANE_WRITE;
    unit->endpoint = call->endpoint;
    unit->done = vg_step_written;
    unit->data = call;
    vg_call_ref(call);
    vg_unit_submit(unit);
}


/* Of several that are awaited, {"name": what was said, …}. */
static vg_str_t
vg_step_outcome(const vg_call_t *call, vg_str_t said)
{
    vg_str_t            all = call->in.outcome;
    vg_pool_t          *pool = (vg_pool_t *) &call->arena;
    vg_endpoint_step_t *steps = call->endpoint->steps;
    const char         *name = steps[call->step].row->name;

    if (!call->endpoint->awaits || steps[1].row == NULL) {
        return said;
    }
    if (said.len == 0) {
        said = VG_STR("null");
    }
    if (all.len == 0) {
        return vg_printf(pool, "{\"%s\":%.*s}", name, (int) said.len,
                         said.data);
    }
    return vg_printf(pool, "%.*s,\"%s\":%.*s}", (int) all.len - 1, all.data,
                     name, (int) said.len, said.data);
}


/* A hook that breaks without a word breaks the call, like check(). */
static ngx_uint_t
vg_step_hook(vg_call_t *call, vg_hook_pt hook)
{
    vg_rc_t rc;

    call->row = NULL;
    rc = vg_hook_run(call, hook);
    if (rc != VG_OK) {
        call->outgoing.send = NULL;
    }
    if (call->error == NULL && (rc == VG_ERROR || call->nproblems)) {
        (void) vg_refuse(call, call->nproblems ? "validation" : "internal");
    }
    return call->error == NULL;
}


/* the next question, or the statement */
static void
vg_step_awaited(vg_call_t *call, const vg_said_t *said, vg_hook_pt told)
{
    if (said->error != NULL) {
        (void) vg_refuse_with(call, said->error,
                              vg_step_keep(call, said->detail));
    }
    if (said->error != NULL || (told != NULL && !vg_step_hook(call, told))) {
        vg_call_awaited(call);
        return;
    }
    call->step++;
    vg_steps_run(call);
}


static void
vg_step_told(void *data, const vg_said_t *said)
{
    vg_call_t          *call = data;
    vg_endpoint_step_t *step = &call->endpoint->steps[call->step];

    if (said->error == NULL) {
        call->in.outcome =
            vg_step_outcome(call, vg_step_keep(call, said->result));
    }
    if (call->endpoint->awaits) {
        if (!call->finished) {
            vg_step_awaited(call, said, step->row->told);
        }
    } else if (said->error == NULL) {
        vg_step_write(call, step->done);
    } else {
        (void) vg_refuse(call, said->error);
        call->in.reason = vg_str(call->error->name);
        vg_step_write(call, step->undo);
    }
    vg_call_release(call);
}


/* A call begins in a hurry, and one that asks a plugin is in one (inquiry.c);
 * what is asked now may be slow. */
void
vg_steps_patience(vg_call_t *call)
{
    ngx_msec_t gone = ngx_current_msec - call->started;

    if (call->endpoint->awaits && call->deadline.timer_set
        && call->endpoint->row->method <= VG_DELETE && gone < VG_AWAIT_DEADLINE)
    {
        ngx_add_timer(&call->deadline, VG_AWAIT_DEADLINE - gone);
    }
}


void
vg_steps_run(vg_call_t *call)
{
    ngx_uint_t          good, await = call->endpoint->awaits;
    vg_endpoint_step_t *step = &call->endpoint->steps[call->step];

    if (step->row == NULL) {
        if (await) {
            vg_call_awaited(call);
        }
        return;
    }
    ngx_memzero(&call->outgoing, sizeof(call->outgoing));
    good = vg_step_hook(call, step->row->command);
    if (call->outgoing.send != NULL) {
        if (!call->outgoing.reads) {
            vg_steps_patience(call);
        }
        /* the other side acts, whoever hangs up */
        call->changed |= await && !call->outgoing.reads;
        vg_call_ref(call);
        call->outgoing.send(call, call->outgoing.what, vg_step_told, call);
    } else if (await && good) {
        call->step++;
        vg_steps_run(call);
    } else if (await) {
        vg_call_awaited(call);
    } else if (!good) {
        call->in.reason = vg_str(call->error->name);
        vg_step_write(call, step->undo);
    }
}
