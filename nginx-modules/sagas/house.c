/*
 * house.c: what operators see of sagas, and that one that is stuck is taken
 * up again. The routes stand in core/house.c.
 */

#include "fan.h"
#include "sagas.h"

#define VG_SAGA_JSON                                                           \
    "'id', s.id, 'name', s.name, 'plugin', s.plugin, 'status', s.status,"      \
    " 'step', s.step, 'error', s.error, 'problem', s.problem,"                 \
    " 'tries', s.tries, 'startedAt', vg.z(s.started_at),"                      \
    " 'movedAt', vg.z(s.moved_at), 'nextAt', case when s.status in"            \
    " ('RUNNING', 'UNDOING') then vg.z(s.next_at) end, 'callerId',"            \
    " s.caller_id, 'correlationId', s.correlation_id"

static vg_statement_t *vg_saga_listing, *vg_saga_getting, *vg_saga_retrying;


ngx_int_t
vg_saga_house_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_saga_listing, "saga_list",
        "select json_build_object(" VG_SAGA_JSON "), s.id::text"
        " from vg.saga s where ($1::text is null or s.status = $1::text)"
        " and ($2::text is null or s.name = $2::text)"
        " and ($3::text is null or s.id < vg.cursor_id($3::text))"
        " order by s.id desc limit $4::bigint",
        4);
    vg_statement_kit(cf, &vg_saga_getting, "saga_get",
                     "select json_build_object(" VG_SAGA_JSON
                     ", 'data', s.data), s.id::text from vg.saga s"
                     " where s.id = $1::uuid",
                     1);
    vg_statement_kit(
        cf, &vg_saga_retrying, "saga_retry",
        "with moved as (update vg.saga t set next_at = now(), moved_at = now(),"
        /* 1: whether its step was asked is not known any more */
        " tries = case when t.status <> 'STUCK' then t.tries"
        " when t.error is null then 1 else 0 end,"
        " status = case when t.status <> 'STUCK' then t.status"
        " when t.error is null then 'RUNNING' else 'UNDOING' end,"
        " step_at = case t.status when 'STUCK' then now() else t.step_at end,"
        " version = t.version + 1 where t.id = $1::uuid and t.pid is null"
        " and t.status in ('RUNNING', 'UNDOING', 'STUCK') returning t.*)"
        " select json_build_object(" VG_SAGA_JSON ", 'data', s.data),"
        " s.id::text from moved s union all select null, o.id::text"
        " from vg.saga o where o.id = $1::uuid"
        " and not exists (select from moved)",
        1);
    return vg_saga_listing && vg_saga_getting && vg_saga_retrying ? NGX_OK
                                                                  : NGX_ERROR;
}


void
vg_sagas_list(vg_call_t *call)
{
    const char **v = vg_calloc(&call->arena, 4 * sizeof(const char *));

    if (v != NULL) {
        v[0] = vg_fan_field(call, "status");
        v[1] = vg_fan_field(call, "name");
        v[2] = vg_fan_cursor(call);
        v[3] = vg_fan_limit(call);
    }
    vg_fan_run(call, VG_FAN_LIST, vg_saga_listing, v, VG_LANE_READ);
}


static void
vg_saga_one(vg_call_t *call, vg_statement_t *st, vg_lane_t lane)
{
    const char **v = vg_calloc(&call->arena, sizeof(const char *));

    if (v != NULL) {
        v[0] = vg_fan_field(call, "id");
    }
    vg_fan_run(call, VG_FAN_ONE, st, v, lane);
}


void
vg_sagas_get(vg_call_t *call)
{
    vg_saga_one(call, vg_saga_getting, VG_LANE_READ);
}


/* not durable by itself: whoever sees it lost asks again */
void
vg_sagas_retry(vg_call_t *call)
{
    vg_saga_one(call, vg_saga_retrying, VG_LANE_WRITE);
}


static void
vg_saga_show(vg_out_t *out, const vg_saga_t *saga)
{
    vg_endpoint_t        *e;
    const vg_saga_step_t *step;

    vg_out_open(out, '{');
    vg_out_member(out, "name", vg_str(saga->name));
    vg_out_key(out, "steps");
    vg_out_open(out, '[');
    for (step = saga->steps; step->name != NULL; step++) {
        e = step->ask ? vg_saga_route(step->ask) : NULL;
        vg_out_open(out, '{');
        vg_out_member(out, "name", vg_str(step->name));
        if (step->ask != NULL) {
            vg_out_member(out, "ask", vg_str(step->ask));
            vg_out_key(out, "timeoutMs");
            vg_out_int(out, (int64_t) vg_saga_time(step));
        }
        if (step->undo != NULL) {
            vg_out_member(out, "undo", vg_str(step->undo));
        }
        vg_out_key(out, "waits");
        vg_out_bool(out, e && vg_saga_waits(e));
        vg_out_close(out, '}');
    }
    vg_out_close(out, ']');
    vg_out_close(out, '}');
}


/* the plugin's sagas, as its manifest has them */
void
vg_sagas_show(vg_out_t *out, vg_plugin_slot_t *plugin)
{
    const vg_saga_t *saga = plugin->state != VG_PLUGIN_OUT && plugin->manifest
                                ? plugin->manifest->sagas
                                : NULL;

    if (saga == NULL) {
        return;
    }
    vg_out_key(out, "sagas");
    vg_out_open(out, '[');
    for (/* void */; saga->name != NULL; saga++) {
        vg_saga_show(out, saga);
    }
    vg_out_close(out, ']');
}
