/*
 * undo.c: the way back: from the step that failed to the first, each is
 * settled, and what was done is undone.
 *
 * Settling takes the step's key, so that a try of it that is still somewhere
 * is refused when it arrives, and says whether the step was done. It and the
 * undo are two commits: what is undone is known before it is asked, and the
 * step's plugin may be in another database than the undo's.
 */

#include "sagas.h"

static vg_statement_t *vg_saga_claim;

static void vg_saga_back(vg_saga_run_t *run);


ngx_int_t
vg_saga_undo_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_saga_claim, "saga_claim",
                     "select c.stored_status, c.stored_body from"
                     " vg.saga_claim($1::text, $2::text, $3::text, $4::text,"
                     " $5::text) c",
                     5);
    if (vg_saga_claim == NULL) {
        return NGX_ERROR;
    }
    vg_saga_claim->firm = 1; /* nothing is undone before it stands */
    return NGX_OK;
}


void
vg_saga_settle(vg_saga_run_t *run, vg_endpoint_t *e, void (*done)(vg_unit_t *))
{
    vg_unit_t   *unit = &run->unit;
    const char **v = run->values;

    v[0] = run->caller.id.data;
    v[1] = vg_saga_keep(run, vg_of(e->label)).data; /* a reload frees it */
    v[2] = vg_printf(&run->arena, "%s/%s", run->id.data, run->asking.data).data;
    v[3] = vg_saga_keep(run, vg_of(e->plugin->name)).data;
    v[4] = run->correlation.data;
    vg_kit_make(unit, vg_saga_claim, v, VG_LANE_WRITE, done, run);
    unit->database = e->plugin->database; /* the stored answers' */
    vg_unit_submit(unit);
}


/* What settling found goes into the row: the stored answer does not live as
 * long as a saga that is stuck may. */
static void
vg_saga_undo_later(vg_saga_run_t *run, const char *why)
{
    vg_saga_move_t to = { .state = VG_SAGA_UNDOING,
                          .step = run->asking.data,
                          .problem = why,
                          .tries = run->tries + 1,
                          .rests = 1,
                          .wait = vg_saga_backoff(run->tries) };

    if (run->found.data != NULL) {
        to.answered = run->asking.data;
        to.answer = run->found;
    }
    if (to.tries >= VG_SAGA_UNDOES) {
        vg_saga_stuck(run, why);
        return;
    }
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: saga %s %s tries to undo \"%s\" again: %s, "
                  "correlation %s",
                  run->name.data, run->id.data, run->asking.data, why,
                  run->correlation.data);
    vg_saga_move(run, &to);
}


vg_saga_stands_t
vg_saga_stands(const vg_unit_t *unit, const vg_endpoint_t *e)
{
    vg_str_t word;

    if (!vg_kit_ok(unit) || PQntuples(unit->rows) == 0 || e == NULL) {
        return VG_SAGA_UNKNOWN;
    }
    word = vg_str(PQgetvalue(unit->rows, 0, 0));
    if (vg_str_eq(word, "saga_undone")) {
        return VG_SAGA_CLAIMED;
    }
    return vg_registry_error(e->plugin, word.data, word.len) ? VG_SAGA_REFUSED
                                                             : VG_SAGA_DONE;
}


/* written when something was undone, else only gone by */
static void
vg_saga_before(vg_saga_run_t *run, ngx_uint_t written)
{
    const vg_saga_t *saga;
    vg_saga_move_t   to = { .state = VG_SAGA_UNDONE, .step = run->asking.data };
    const vg_saga_step_t *step = vg_saga_asking(run, &saga);

    if (step == NULL) {
        vg_saga_stuck(run, "this version does not know its step");
        return;
    }
    if (step != saga->steps) {
        to = (vg_saga_move_t){ .state = VG_SAGA_UNDOING,
                               .step = step[-1].name,
                               .wait = VG_SAGA_LEASE };
        if (!written) {
            run->asking = vg_saga_keep(run, vg_str(to.step));
            vg_saga_back(run);
            return;
        }
    }
    vg_saga_move(run, &to);
}


static void
vg_saga_undone(vg_call_t *call)
{
    vg_saga_run_t *run = call->owner;

    if (call->error != NULL) {
        vg_saga_undo_later(run, call->error->name);
    } else {
        vg_saga_before(run, 1);
    }
}


static void
vg_saga_undo_ask(vg_saga_run_t *run, const vg_saga_step_t *step)
{
    vg_endpoint_t *e;

    if (step->undo == NULL) {
        vg_saga_before(run, 0);
        return;
    }
    e = vg_saga_route(step->undo);
    if (e == NULL) {
        vg_saga_undo_later(run, "plugin_out");
        return;
    }
    vg_saga_ask(run, e, "/undo", vg_saga_ask_time(e), vg_saga_undone);
}


/* the row has its answer: it was done, though what it stored is gone */
static ngx_uint_t
vg_saga_knows(vg_saga_run_t *run)
{
    const vg_json_t *data = vg_json_parse(&run->arena, run->data, NULL);

    return data != NULL && vg_json_get(data, run->asking.data) != NULL;
}


static void
vg_saga_back_settled(vg_unit_t *unit)
{
    vg_endpoint_t        *e;
    vg_saga_run_t        *run = unit->data;
    const vg_saga_t      *saga;
    const vg_saga_step_t *step = vg_saga_asking(run, &saga);

    e = step && step->ask ? vg_saga_route(step->ask) : NULL;
    switch (vg_saga_stands(unit, e)) {

    case VG_SAGA_UNKNOWN:
        vg_saga_undo_later(run, "busy");
        return;

    case VG_SAGA_CLAIMED:
        if (!vg_saga_outside(e) && !vg_saga_knows(run)) {
            vg_saga_before(run, 0);
            return;
        }
        break; /* what it did there is not known here */

    case VG_SAGA_REFUSED:
        vg_saga_before(run, 0);
        return;

    case VG_SAGA_DONE:
        run->found =
            PQgetisnull(unit->rows, 0, 1)
                ? VG_STR("null")
                : vg_saga_keep(run, vg_str(PQgetvalue(unit->rows, 0, 1)));
        break;
    }
    vg_saga_undo_ask(run, step);
}


static void
vg_saga_back(vg_saga_run_t *run)
{
    vg_endpoint_t        *e;
    const vg_saga_t      *saga;
    const vg_saga_step_t *step = vg_saga_asking(run, &saga);

    run->found = (vg_str_t){ NULL, 0 };
    if (step == NULL) {
        vg_saga_stuck(run, "this version does not know its step");
        return;
    }
    if (step->ask == NULL) {
        vg_saga_undo_ask(run, step);
        return;
    }
    e = vg_saga_route(step->ask);
    if (e == NULL) {
        vg_saga_undo_later(run, "plugin_out");
    } else if (vg_saga_waits(e)) {
        vg_saga_before(run, 0); /* it did nothing */
    } else if (e->statement == NULL) {
        vg_saga_undo_ask(run, step); /* nothing says whether it was done */
    } else {
        vg_saga_settle(run, e, vg_saga_back_settled);
    }
}


/* the lease covers a settling and the longest undo */
void
vg_saga_undo(vg_saga_run_t *run)
{
    const vg_saga_t      *saga;
    vg_endpoint_t        *e;
    const vg_saga_step_t *step;

    if (run->rests) {
        vg_saga_free(run); /* whose time it is takes it */
        return;
    }
    run->asking = run->step;
    step = vg_saga_asking(run, &saga);
    e = step && step->undo ? vg_saga_route(step->undo) : NULL;
    if (e != NULL && vg_saga_hold(run, e) == VG_OK) {
        return;
    }
    vg_saga_back(run);
}
