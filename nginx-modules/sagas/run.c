/*
 * run.c: the way forward: a step is asked, its answer kept, the row moved.
 *
 * An ask whose outcome is not known is asked again under the same key, until
 * the step's time is over; one that is refused, or late, turns the saga back.
 */

#include "sagas.h"

static void vg_saga_asked(vg_call_t *call);


ngx_msec_t
vg_saga_backoff(ngx_uint_t tries)
{
    return ngx_min((ngx_msec_t) VG_SAGA_LATER << ngx_min(tries, 5),
                   VG_SAGA_LATEST);
}


void
vg_saga_stuck(vg_saga_run_t *run, const char *why)
{
    vg_saga_move_t to = { .state = VG_SAGA_STUCK,
                          .step = run->step.data,
                          .problem = why,
                          .tries = run->tries };

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "voltgate: saga %s %s is stuck at \"%s\": %s, correlation "
                  "%s",
                  run->name.data, run->id.data, run->step.data, why,
                  run->correlation.data);
    if (run->rests) {
        vg_saga_free(run); /* only who holds a row says so */
        return;
    }
    vg_saga_move(run, &to);
}


/* It goes on where somebody may run it. One that was perhaps asked before says
 * so by its tries, which is what its next runner goes by. */
static void
vg_saga_leave(vg_saga_run_t *run, const char *why)
{
    vg_saga_move_t to = { .state = run->state,
                          .step = run->step.data,
                          .problem = why,
                          .tries = ngx_max(run->tries, !run->fresh),
                          .rests = 1,
                          .wait = VG_SAGA_LATER };

    if (run->rests) {
        vg_saga_free(run);
        return;
    }
    vg_saga_move(run, &to);
}


/* Asked again later. One that asks the world and sent nothing stays as if it
 * had not been asked, which is what its next runner goes by. */
static void
vg_saga_later(vg_saga_run_t *run, const vg_endpoint_t *e, const char *why)
{
    vg_saga_move_t to = { .state = VG_SAGA_RUNNING,
                          .step = run->asking.data,
                          .problem = why,
                          .rests = 1,
                          .wait = vg_saga_backoff(run->tries) };

    to.tries = run->tries + !(e && vg_saga_outside(e) && run->fresh);
    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "voltgate: saga %s %s tries \"%s\" again: %s, correlation %s",
                  run->name.data, run->id.data, run->asking.data, why,
                  run->correlation.data);
    vg_saga_move(run, &to);
}


static void
vg_saga_fail(vg_saga_run_t *run, const char *why)
{
    vg_saga_move_t to = { .state = VG_SAGA_UNDOING,
                          .step = run->asking.data,
                          .error = why,
                          .wait = VG_SAGA_LEASE };

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: saga %s %s is undone: %s at \"%s\", correlation "
                  "%s",
                  run->name.data, run->id.data, why, run->asking.data,
                  run->correlation.data);
    vg_saga_move(run, &to);
}


/* the step is done: this is its answer */
static void
vg_saga_next(vg_saga_run_t *run, vg_str_t answer)
{
    vg_endpoint_t        *e;
    vg_saga_move_t        to = { .state = VG_SAGA_COMPLETED,
                                 .step = run->asking.data,
                                 .answered = run->asking.data };
    const vg_saga_t      *saga;
    const vg_saga_step_t *step = vg_saga_asking(run, &saga), *next;

    if (step == NULL) {
        vg_saga_stuck(run, "this version does not know its step");
        return;
    }
    to.answer = answer.data ? vg_saga_keep(run, answer) : VG_STR("null");
    next = step + 1;
    if (next->name != NULL) {
        e = vg_saga_route(next->ask);
        to.state = VG_SAGA_RUNNING;
        to.step = next->name;
        to.rests = e && vg_saga_waits(e);
        to.wait = !e || to.rests ? VG_SAGA_LATER : vg_saga_lease(e);
    }
    vg_saga_move(run, &to);
}


vg_rc_t
vg_saga_hold(vg_saga_run_t *run, const vg_endpoint_t *e)
{
    vg_saga_move_t to = { .state = run->state,
                          .step = run->step.data,
                          .tries = run->tries,
                          .wait = vg_saga_lease(e) };

    if ((ngx_msec_int_t) (run->leased - ngx_current_msec)
        > (ngx_msec_int_t) vg_saga_ask_time(e))
    {
        return VG_DECLINED;
    }
    vg_saga_move(run, &to);
    return VG_OK;
}


/* what it began with, what each step answered, and why it is undone */
static const vg_json_t *
vg_saga_arguments(vg_saga_run_t *run, vg_call_t *call)
{
    vg_out_t         out;
    vg_pool_t       *pool = &call->arena;
    const vg_json_t *m, *data = vg_json_parse(&run->arena, run->data, NULL);

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    for (m = data ? data->first : NULL; m != NULL; m = m->next) {
        if (!vg_str_eq(m->key, "error") && !vg_str_eq(m->key, "sagaId")) {
            vg_out_name(&out, m->key);
            vg_out_raw(&out, m->raw);
        }
    }
    vg_out_member(&out, "sagaId", run->id);
    if (run->state == VG_SAGA_UNDOING) {
        vg_out_member(&out, "error", run->error);
    }
    vg_out_close(&out, '}');
    return vg_json_parse(pool, vg_out_str(&out), NULL);
}


static vg_str_t
vg_saga_copy(vg_call_t *call, vg_str_t s)
{
    return s.data ? vg_printf(&call->arena, "%.*s", (int) s.len, s.data) : s;
}


/* The call may outlive the run, when it is overdue. */
void
vg_saga_ask(vg_saga_run_t *run, vg_endpoint_t *e, const char *undo,
            ngx_msec_t deadline, void (*done)(vg_call_t *))
{
    vg_call_t *call = vg_call_create(e);

    if (call == NULL) {
        vg_saga_free(run); /* the lease ends, and the poll takes it up */
        return;
    }
    call->body = vg_saga_arguments(run, call);
    call->caller.id = vg_saga_copy(call, run->caller.id);
    call->caller.role = vg_saga_copy(call, run->caller.role);
    call->caller.company = vg_saga_copy(call, run->caller.company);
    call->correlation = vg_saga_copy(call, run->correlation);
    call->traceparent = vg_saga_copy(call, run->traceparent);
    call->depth = 1;
    if (!vg_saga_waits(e)) {
        call->key.key = vg_ngx(vg_printf(&call->arena, "%s/%s%s", run->id.data,
                                         run->asking.data, undo));
        ngx_str_set(&call->key.hash, "saga"); /* the key says it all */
        call->key.unasked = run->fresh && *undo == '\0';
    }
    call->finish = done;
    call->owner = run;
    vg_call_run(call, deadline);
}


/* Looked at while the row rests, so that who ends the wait finds it so, and
 * if that was before, we see it. */
static void
vg_saga_wait(vg_saga_run_t *run, vg_endpoint_t *e)
{
    vg_saga_move_t to = { .state = VG_SAGA_RUNNING,
                          .step = run->asking.data,
                          .rests = 1,
                          .tries = run->tries + 1,
                          .wait = vg_saga_backoff(run->tries) };

    if (!run->rests) {
        vg_saga_move(run, &to);
        return;
    }
    vg_saga_ask(run, e, "", VG_SAGA_ASK, vg_saga_asked);
}


static void
vg_saga_settled(vg_unit_t *unit)
{
    vg_str_t              body = { NULL, 0 };
    vg_endpoint_t        *e, *next;
    vg_saga_run_t        *run = unit->data;
    const vg_saga_t      *saga;
    const vg_saga_step_t *step = vg_saga_asking(run, &saga);

    if (step == NULL) {
        vg_saga_stuck(run, "this version does not know its step");
        return;
    }
    e = step->ask ? vg_saga_route(step->ask) : NULL;
    switch (vg_saga_stands(unit, e)) {

    case VG_SAGA_UNKNOWN:
        vg_saga_later(run, NULL, "busy");
        return;

    case VG_SAGA_CLAIMED:
        /* whether it was done outside is not known; who waits next will see */
        next = step[1].ask ? vg_saga_route(step[1].ask) : NULL;
        if (next != NULL && vg_saga_waits(next)) {
            vg_saga_next(run, body);
        } else {
            vg_saga_fail(run, "interrupted");
        }
        return;

    case VG_SAGA_REFUSED:
        vg_saga_fail(
            run, vg_saga_keep(run, vg_str(PQgetvalue(unit->rows, 0, 0))).data);
        return;

    case VG_SAGA_DONE:
        if (!PQgetisnull(unit->rows, 0, 1)) {
            body = vg_str(PQgetvalue(unit->rows, 0, 1));
        }
        vg_saga_next(run, body);
    }
}


static void
vg_saga_forward(vg_saga_run_t *run, const vg_saga_t *saga)
{
    ngx_msec_t            spent = ngx_current_msec - run->since, time;
    vg_endpoint_t        *e;
    const vg_saga_step_t *step = &saga->steps[vg_saga_step(saga, run->step)];

    step += step->ask == NULL; /* done by what began the saga */
    run->asking = vg_saga_keep(run, vg_str(step->name));
    e = vg_saga_route(step->ask);
    if (e != NULL && vg_saga_waits(e)) {
        vg_saga_wait(run, e);
        return;
    }
    if (run->rests) {
        vg_saga_free(run); /* whose time it is takes it */
        return;
    }
    time = vg_saga_time(step);
    if (spent >= time) {
        vg_saga_fail(run, "overdue");
        return;
    }
    if (e == NULL) {
        vg_saga_later(run, NULL, "plugin_out");
        return;
    }
    if (vg_saga_outside(e) && !run->fresh) {
        vg_saga_settle(run, e, vg_saga_settled);
        return;
    }
    if (vg_saga_hold(run, e) == VG_DECLINED) {
        vg_saga_ask(run, e, "", ngx_min(vg_saga_ask_time(e), time - spent),
                    vg_saga_asked);
    }
}


/* no row yet: it rests, unless its time is over */
static void
vg_saga_waited(vg_saga_run_t *run)
{
    const vg_saga_t      *saga;
    const vg_saga_step_t *step = vg_saga_asking(run, &saga);

    if (step != NULL && ngx_current_msec - run->since >= vg_saga_time(step)) {
        vg_saga_fail(run, "overdue");
        return;
    }
    vg_saga_free(run);
}


static void
vg_saga_asked(vg_call_t *call)
{
    vg_endpoint_t    *e = call->endpoint;
    vg_saga_run_t    *run = call->owner;
    const vg_error_t *error = call->error;

    if (error == NULL) {
        vg_saga_next(run, call->text);
        return;
    }
    if (vg_saga_waits(e)
        && (error->status >= 500 || ngx_strcmp(error->name, "not_found") == 0))
    {
        vg_saga_waited(run);
        return;
    }
    if (vg_saga_outside(e) && call->changed) {
        if (error->status == 502 || error->status < 500) {
            vg_saga_fail(run, error->name); /* the answer was no */
        } else {
            vg_saga_settle(run, e, vg_saga_settled);
        }
        return;
    }
    if (error->status >= 500 || call->away
        || ngx_strcmp(error->name, "key_running") == 0)
    {
        vg_saga_later(run, e, error->name);
        return;
    }
    vg_saga_fail(run, error->name);
}


void
vg_saga_go(vg_saga_run_t *run)
{
    const vg_saga_t  *saga;
    vg_plugin_slot_t *plugin = vg_plugin_named(run->plugin);

    if (plugin == NULL || !vg_event_may(plugin) || ngx_exiting) {
        vg_saga_leave(run, "plugin_paused");
        return;
    }
    saga = vg_saga_find(plugin, run->name);
    if (saga == NULL || vg_saga_step(saga, run->step) < 0) {
        vg_saga_stuck(run, "this version does not know it");
        return;
    }
    if (run->state == VG_SAGA_UNDOING) {
        vg_saga_undo(run);
    } else {
        vg_saga_forward(run, saga);
    }
}
