/*
 * steps.c: the named steps of a route: a command to a charge point, then the
 * statement that writes down what came of it, or the one that undoes.
 *
 * With VG_AWAIT the caller waits and the outcome goes into the answer; else
 * the steps run after the answer, which is committed by then.
 */

#include "cache.h"
#include "db.h"
#include "ocpp.h"
#include "outcome.h"

static void vg_step_told(void *data, const vg_ocpp_outcome_t *outcome);

static const char *const vg_step_errors[] = {
    [VG_OCPP_OK] = NULL,
    [VG_OCPP_ERROR] = "charger_error",
    [VG_OCPP_NOT_CONNECTED] = "not_connected",
    [VG_OCPP_SILENT] = "charger_silent",
    [VG_OCPP_FULL] = "busy",
};


static vg_str_t
vg_step_keep(vg_call_t *call, vg_str_t s)
{
    return vg_printf(&call->arena, "%.*s", (int) s.len, s.data ? s.data : "");
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
    vg_unit_t *unit;

    if (statement == NULL) {
        return;
    }
    unit = vg_calloc(&call->arena, sizeof(vg_unit_t));
    if (unit == NULL) {
        return;
    }
    unit->statement = statement;
    unit->values = vg_bind_values(call, statement);
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


static void
vg_step_await(vg_call_t *call, const vg_ocpp_outcome_t *outcome)
{
    vg_out_t out;

    if (outcome->status == VG_OCPP_OK) {
        call->in.outcome = vg_step_keep(call, outcome->result);
        vg_call_awaited(call);
        return;
    }
    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '{');
    if (outcome->status == VG_OCPP_ERROR) {
        vg_out_member(&out, "code", outcome->code);
        vg_out_member(&out, "description", outcome->description);
    }
    vg_out_close(&out, '}');
    (void) vg_refuse_with(call, vg_step_errors[outcome->status],
                          vg_out_str(&out));
    vg_call_awaited(call);
}


static void
vg_step_told(void *data, const vg_ocpp_outcome_t *outcome)
{
    vg_call_t          *call = data;
    vg_endpoint_step_t *step = &call->endpoint->steps[call->step];

    if (call->endpoint->row->flags & VG_AWAIT) {
        if (!call->finished) {
            vg_step_await(call, outcome);
        }
    } else if (outcome->status == VG_OCPP_OK) {
        call->in.outcome = vg_step_keep(call, outcome->result);
        vg_step_write(call, step->done);
    } else {
        call->error = vg_kit_error(vg_step_errors[outcome->status],
                                   ngx_strlen(vg_step_errors[outcome->status]));
        call->in.reason = vg_str(call->error->name);
        vg_step_write(call, step->undo);
    }
    vg_call_release(call);
}


void
vg_steps_run(vg_call_t *call)
{
    ngx_uint_t          await = call->endpoint->row->flags & VG_AWAIT;
    vg_endpoint_step_t *step = &call->endpoint->steps[call->step];

    if (step->row == NULL) {
        return;
    }
    call->row = NULL;
    call->command.action = NULL;
    if (vg_hook_run(call, step->row->command) != VG_OK
        || call->command.action == NULL)
    {
        if (await) {
            vg_call_awaited(call);
            return;
        }
        call->in.reason = vg_str(call->error ? call->error->name : "refused");
        if (call->error != NULL) {
            vg_step_write(call, step->undo);
        }
        return;
    }
    call->changed |= await != 0; /* the charger acts, whoever hangs up */
    vg_call_ref(call);
    vg_ocpp_command(call->command.charge_point, call->command.action,
                    call->command.payload, 0, vg_step_told, call);
}
