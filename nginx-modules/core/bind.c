/*
 * bind.c: the text of each parameter of a statement, from the call.
 */

#include "host.h"
#include "value.h"

typedef vg_str_t (*vg_bind_pt)(vg_call_t *call);

static const vg_str_t vg_bind_null = { NULL, 0 };


static vg_str_t
vg_bind_or_empty(vg_str_t s)
{
    return s.data ? s : VG_STR("");
}


static vg_str_t
vg_bind_caller_id(vg_call_t *call)
{
    return vg_bind_or_empty(call->caller.id);
}


static vg_str_t
vg_bind_caller_role(vg_call_t *call)
{
    return vg_bind_or_empty(call->caller.role);
}


static vg_str_t
vg_bind_caller_company(vg_call_t *call)
{
    return vg_bind_or_empty(call->caller.company);
}


static vg_str_t
vg_bind_now(vg_call_t *call)
{
    return vg_time_text(&call->arena, call->now);
}


static vg_str_t
vg_bind_correlation(vg_call_t *call)
{
    return vg_bind_or_empty(call->correlation);
}


static vg_str_t
vg_bind_body(vg_call_t *call)
{
    if (call->body == NULL) {
        return VG_STR("{}");
    }
    return vg_value_stored(&call->arena,
                           vg_value_json(&call->arena, call->body));
}


static vg_str_t
vg_bind_row(vg_call_t *call)
{
    return call->loaded;
}


static vg_str_t
vg_bind_cursor(vg_call_t *call)
{
    return call->in.cursor;
}


static vg_str_t
vg_bind_limit(vg_call_t *call)
{
    return vg_printf(&call->arena, "%ld", (long) call->in.limit + 1);
}


static vg_str_t
vg_bind_charge_point(vg_call_t *call)
{
    return call->in.charge_point;
}


static vg_str_t
vg_bind_payload(vg_call_t *call)
{
    return vg_value_stored(&call->arena, call->in.payload);
}


static vg_str_t
vg_bind_event_id(vg_call_t *call)
{
    return call->in.event_id;
}


static vg_str_t
vg_bind_event_type(vg_call_t *call)
{
    return call->in.type;
}


static vg_str_t
vg_bind_aggregate_id(vg_call_t *call)
{
    return call->in.aggregate_id;
}


static vg_str_t
vg_bind_event_time(vg_call_t *call)
{
    return call->in.time;
}


static vg_str_t
vg_bind_outcome(vg_call_t *call)
{
    return vg_value_stored(&call->arena, call->in.outcome);
}


static vg_str_t
vg_bind_reason(vg_call_t *call)
{
    return call->in.reason;
}


static vg_str_t
vg_bind_job_id(vg_call_t *call)
{
    return call->in.job_id;
}


static vg_str_t
vg_bind_if_match(vg_call_t *call)
{
    return call->in.if_match;
}


static vg_str_t
vg_bind_key(vg_call_t *call)
{
    return call->key.key.len ? vg_of(call->key.key) : vg_bind_null;
}


static vg_str_t
vg_bind_key_hash(vg_call_t *call)
{
    return call->key.key.len ? vg_of(call->key.hash) : vg_bind_null;
}


static vg_str_t
vg_bind_route(vg_call_t *call)
{
    return vg_of(call->endpoint->label);
}


static vg_str_t
vg_bind_plugin(vg_call_t *call)
{
    return vg_of(call->endpoint->plugin->name);
}


static vg_str_t
vg_bind_traceparent(vg_call_t *call)
{
    return call->traceparent;
}


static vg_str_t
vg_bind_node(vg_call_t *call)
{
    (void) call;
    return vg_of(vg_host->node);
}


static vg_str_t
vg_bind_pid(vg_call_t *call)
{
    return vg_printf(&call->arena, "%d", (int) ngx_pid);
}


static vg_str_t
vg_bind_actor(vg_call_t *call)
{
    return vg_audit_actor(call);
}


static vg_str_t
vg_bind_object(vg_call_t *call)
{
    return vg_audit_object(call);
}


static vg_str_t
vg_bind_address(vg_call_t *call)
{
    return vg_bind_or_empty(call->address);
}


static const vg_bind_pt vg_binds[] = {
    [VG_BIND_CALLER_ID] = vg_bind_caller_id,
    [VG_BIND_CALLER_ROLE] = vg_bind_caller_role,
    [VG_BIND_CALLER_COMPANY] = vg_bind_caller_company,
    [VG_BIND_NOW] = vg_bind_now,
    [VG_BIND_CORRELATION_ID] = vg_bind_correlation,
    [VG_BIND_NEW_ID] = vg_call_new_id,
    [VG_BIND_BODY] = vg_bind_body,
    [VG_BIND_ROW] = vg_bind_row,
    [VG_BIND_CURSOR] = vg_bind_cursor,
    [VG_BIND_LIMIT] = vg_bind_limit,
    [VG_BIND_CHARGE_POINT] = vg_bind_charge_point,
    [VG_BIND_PAYLOAD] = vg_bind_payload,
    [VG_BIND_EVENT_ID] = vg_bind_event_id,
    [VG_BIND_EVENT_TYPE] = vg_bind_event_type,
    [VG_BIND_AGGREGATE_ID] = vg_bind_aggregate_id,
    [VG_BIND_EVENT_TIME] = vg_bind_event_time,
    [VG_BIND_OUTCOME] = vg_bind_outcome,
    [VG_BIND_REASON] = vg_bind_reason,
    [VG_BIND_JOB_ID] = vg_bind_job_id,
    [VG_BIND_IF_MATCH] = vg_bind_if_match,
    [VG_BIND_KEY] = vg_bind_key,
    [VG_BIND_KEY_HASH] = vg_bind_key_hash,
    [VG_BIND_ROUTE] = vg_bind_route,
    [VG_BIND_PLUGIN] = vg_bind_plugin,
    [VG_BIND_TRACEPARENT] = vg_bind_traceparent,
    [VG_BIND_NODE] = vg_bind_node,
    [VG_BIND_PID] = vg_bind_pid,
    [VG_BIND_ACTOR] = vg_bind_actor,
    [VG_BIND_OBJECT] = vg_bind_object,
    [VG_BIND_ADDRESS] = vg_bind_address,
};


static vg_str_t
vg_bind_field(vg_call_t *call, ngx_uint_t i)
{
    bool              offset;
    const vg_json_t  *node = call->values[i];
    const vg_field_t *field = &call->endpoint->row->fields[i];

    if (field->in == VG_BOUND) {
        return call->bound[i];
    }
    if (field->in == VG_SETTING) {
        return vg_setting_bound(call, field);
    }
    if (node == NULL || node->type == VG_JSON_NULL) {
        return vg_bind_null;
    }
    if (field->type >= VG_OBJECT) {
        return vg_value_json(&call->arena, node);
    }
    if (node->type == VG_JSON_TRUE) {
        return VG_STR("true");
    }
    if (node->type == VG_JSON_FALSE) {
        return VG_STR("false");
    }
    if (field->type == VG_TIME && vg_instant(node->text, &offset) && !offset) {
        return vg_printf(&call->arena, "%.*sZ", (int) node->text.len,
                         node->text.data);
    }
    return node->text;
}


const char **
vg_bind_values(vg_call_t *call, const vg_statement_t *statement)
{
    char        *z;
    vg_str_t     value;
    ngx_uint_t   i;
    vg_param_t  *param;
    const char **values;

    values =
        vg_calloc(&call->arena, (statement->count + 1) * sizeof(const char *));
    if (values == NULL) {
        return NULL;
    }
    for (i = 0; i < statement->count; i++) {
        param = &statement->params[i];
        value = param->what == VG_BIND_FIELD ? vg_bind_field(call, param->field)
                                             : vg_binds[param->what](call);
        if (value.data == NULL) {
            continue;
        }
        z = vg_alloc(&call->arena, value.len + 1);
        if (z == NULL) {
            return NULL;
        }
        ngx_memcpy(z, value.data, value.len);
        z[value.len] = '\0';
        values[i] = z;
    }
    return values;
}
