/*
 * hooks.c: what vg.h promises to a plugin's hooks.
 */

#include "csv.h"
#include "host.h"
#include "http.h"


vg_pool_t *
vg_pool(vg_call_t *call)
{
    return &call->arena;
}


static ngx_int_t
vg_hook_field(vg_call_t *call, const char *name)
{
    ngx_uint_t i;

    for (i = 0; i < call->endpoint->nfields; i++) {
        if (ngx_strcmp(call->endpoint->row->fields[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}


const vg_json_t *
vg_get(vg_call_t *call, const char *name)
{
    ngx_int_t i = vg_hook_field(call, name);

    return i < 0 ? NULL : call->values[i];
}


const vg_json_t *
vg_body(vg_call_t *call)
{
    return call->body;
}


vg_str_t
vg_raw_body(vg_call_t *call)
{
    return call->in.payload;
}


vg_str_t
vg_row_text(vg_call_t *call)
{
    return call->text.data ? call->text : call->loaded;
}


const vg_json_t *
vg_row(vg_call_t *call)
{
    vg_str_t text = vg_row_text(call);

    if (call->row == NULL && text.data != NULL) {
        call->row = vg_json_parse(&call->arena, text, NULL);
    }
    return call->row;
}


bool
vg_kept(vg_call_t *call)
{
    return call->kept;
}


vg_rc_t
vg_bind(vg_call_t *call, const char *name, vg_str_t value)
{
    ngx_int_t i = vg_hook_field(call, name);

    if (i < 0 || call->endpoint->row->fields[i].in != VG_BOUND) {
        vg_log(call, VG_LOG_ERROR, "no bound field %s", name);
        return vg_refuse(call, "internal");
    }
    call->bound[i] = value;
    return call->endpoint->row->flags & VG_RAW ? vg_card_check(call, value, 0)
                                               : VG_OK;
}


vg_str_t
vg_bound(vg_call_t *call, const char *name)
{
    ngx_int_t         i = vg_hook_field(call, name);
    const vg_field_t *fields = call->endpoint->row->fields;

    if (i >= 0 && fields[i].in == VG_SETTING) {
        return vg_setting_bound(call, &fields[i]);
    }
    return i < 0 || call->key.replayed ? (vg_str_t){ NULL, 0 } : call->bound[i];
}


vg_rc_t
vg_refuse_with(vg_call_t *call, const char *error, vg_str_t detail)
{
    vg_plugin_slot_t *plugin = call->endpoint ? call->endpoint->plugin : NULL;

    call->error = vg_registry_error(plugin, error, ngx_strlen(error));
    if (call->error == NULL) {
        vg_log(call, VG_LOG_ERROR, "no error is named %s", error);
        call->error = vg_kit_error("internal", 8);
    }
    call->detail = detail;
    return VG_ERROR;
}


vg_rc_t
vg_refuse(vg_call_t *call, const char *error)
{
    return vg_refuse_with(call, error, (vg_str_t){ NULL, 0 });
}


#define VG_PROBLEMS_MAX 100

vg_rc_t
vg_refuse_field(vg_call_t *call, const char *field, const char *message)
{
    vg_json_t *known;
    vg_str_t   text;

    if (call->nproblems == VG_PROBLEMS_MAX) {
        return VG_ERROR;
    }
    if (call->nproblems == 0) {
        vg_out_init(&call->problems, &call->arena);
        vg_out_open(&call->problems, '{');
    } else {
        text = vg_out_str(&call->problems);
        text = vg_printf(&call->arena, "%.*s}", (int) text.len, text.data);
        known = text.data ? vg_json_parse(&call->arena, text, NULL) : NULL;
        if (vg_json_get(known, field) != NULL) {
            return VG_ERROR;
        }
    }
    vg_out_member(&call->problems, field, vg_str(message));
    call->nproblems++;
    return VG_ERROR;
}


vg_rc_t
vg_reply(vg_call_t *call, vg_str_t body)
{
    if (body.data == NULL) {
        (void) vg_refuse(call, "internal");
        return VG_ERROR;
    }
    call->text = body;
    call->answered = 1;
    return VG_DONE;
}


vg_rc_t
vg_reply_as(vg_call_t *call, const char *type, vg_str_t body)
{
    call->type = type;
    return vg_reply(call, body);
}


vg_rc_t
vg_reply_file(vg_call_t *call, const char *type, vg_str_t name, vg_str_t body)
{
    char    *text = vg_alloc(&call->arena, name.len + 1);
    size_t   i;
    unsigned c;

    if (text == NULL) {
        return vg_refuse(call, "internal");
    }
    for (i = 0; i < name.len; i++) {
        c = (unsigned char) name.data[i];
        text[i] =
            (char) ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
                            || (c >= 'a' && c <= 'z') || c == '.' || c == '-'
                        ? c
                        : '_');
    }
    call->file = (vg_str_t){ text, name.len };
    return vg_reply_as(call, type, body);
}


vg_str_t
vg_csv(vg_call_t *call, const vg_json_t *items)
{
    return vg_csv_write(&call->arena, items);
}


vg_str_t
vg_job_id(vg_call_t *call)
{
    return call->in.job_id;
}


unsigned
vg_job_try(vg_call_t *call)
{
    return call->in.job_try;
}


vg_str_t
vg_outcome(vg_call_t *call)
{
    return call->in.outcome;
}


const vg_caller_t *
vg_caller(vg_call_t *call)
{
    return &call->caller;
}


vg_str_t
vg_address(vg_call_t *call)
{
    return call->address;
}


void
vg_acts(vg_call_t *call, vg_str_t id)
{
    if (id.data != NULL) {
        call->actor = vg_printf(&call->arena, "%.*s", (int) id.len, id.data);
    }
}


int64_t
vg_now(vg_call_t *call)
{
    return call->now;
}


void
vg_log(vg_call_t *call, vg_level_t level, const char *fmt, ...)
{
    static const ngx_uint_t levels[] = { NGX_LOG_ERR, NGX_LOG_WARN,
                                         NGX_LOG_INFO };
    char                    text[1024];
    va_list                 args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ngx_log_error(
        levels[level], call->log, 0, "voltgate %V: %s, correlation %*s",
        call->endpoint ? &call->endpoint->plugin->name : &vg_host->node, text,
        call->correlation.len, call->correlation.data);
}
