/*
 * ask.c: one plugin's internal route asked by another, in process.
 *
 * An ask inherits caller, correlation and depth; it is a call of its own with
 * a commit of its own.
 */

#include "host.h"


static void
vg_ask_nothing(vg_call_t *call)
{
    (void) call;
}


vg_rc_t
vg_ask(vg_call_t *call, const char *route, vg_str_t args, vg_str_t *answer)
{
    vg_rc_t        rc = VG_ERROR;
    char          *copy;
    vg_call_t     *ask;
    vg_endpoint_t *e = vg_registry_find(VG_INTERNAL, route, ngx_strlen(route));

    if (e == NULL || e->plugin->state == VG_PLUGIN_OUT) {
        return VG_DECLINED;
    }
    if (e->statement || e->load || e->steps || call->depth == VG_ASK_DEPTH) {
        vg_log(call, VG_LOG_ERROR, "%s cannot be asked in a hook", route);
        return vg_refuse(call, "internal");
    }
    ask = vg_call_create(e);
    if (ask == NULL) {
        return vg_refuse(call, "internal");
    }
    ask->caller = call->caller;
    ask->correlation = call->correlation;
    ask->depth = call->depth + 1;
    ask->now = call->now;
    ask->body = vg_json_parse(&ask->arena, args, NULL);
    ask->finish = vg_ask_nothing;
    vg_call_ref(ask);
    vg_call_run(ask, VG_ASK_DEADLINE);
    if (ask->error == NULL && ask->text.data != NULL) {
        copy = vg_alloc(&call->arena, ask->text.len);
        if (copy != NULL) {
            ngx_memcpy(copy, ask->text.data, ask->text.len);
            *answer = (vg_str_t){ copy, ask->text.len };
            rc = VG_OK;
        }
    } else if (ask->error != NULL && ask->error->status < 500) {
        vg_log(call, VG_LOG_WARN, "%s refused: %s %.*s", route,
               ask->error->name, (int) ask->problems.len,
               ask->problems.len ? ask->problems.data : "");
        rc = VG_DECLINED;
    }
    vg_call_release(ask);
    return rc == VG_ERROR ? vg_refuse(call, "internal") : rc;
}


vg_call_t *
vg_ask_start(const char *route, vg_str_t args, vg_str_t correlation,
             void (*done)(vg_call_t *), void *owner)
{
    char          *copy;
    vg_call_t     *ask;
    vg_endpoint_t *e = vg_registry_find(VG_INTERNAL, route, ngx_strlen(route));

    if (e == NULL) {
        return NULL;
    }
    ask = vg_call_create(e);
    if (ask == NULL) {
        return NULL;
    }
    copy = vg_alloc(&ask->arena, args.len + correlation.len + 1);
    if (copy == NULL) {
        vg_call_release(ask);
        return NULL;
    }
    ngx_memcpy(copy, args.data, args.len);
    ngx_memcpy(copy + args.len, correlation.data, correlation.len);
    ask->body = vg_json_parse(&ask->arena, (vg_str_t){ copy, args.len }, NULL);
    ask->correlation = (vg_str_t){ copy + args.len, correlation.len };
    ask->caller.role = VG_STR("system");
    ask->caller.id = VG_STR("system");
    ask->finish = done;
    ask->owner = owner;
    vg_call_run(ask, VG_ASK_DEADLINE);
    return ask;
}


static ngx_uint_t
vg_plugin_has(vg_plugin_slot_t *plugin, vg_method_t method, const char *path)
{
    size_t          n = plugin->name.len;
    ngx_uint_t      i;
    const char     *own;
    vg_endpoint_t **e = plugin->endpoints.elts;

    if (plugin->endpoints.nelts == 0 && plugin->state == VG_PLUGIN_OUT) {
        return 1;
    }
    for (i = 0; i < plugin->endpoints.nelts; i++) {
        own = e[i]->row->path;
        if (e[i]->row->method != method) {
            continue;
        }
        if (path[0] == '*' ? ngx_strncmp(own, plugin->name.data, n) == 0
                                 && ngx_strcmp(own + n, path + 1) == 0
                           : ngx_strcmp(own, path) == 0)
        {
            return 1;
        }
    }
    return 0;
}


vg_str_t
vg_plugins_with(vg_call_t *call, vg_method_t method, const char *path)
{
    vg_out_t           out;
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '[');
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (vg_plugin_has(p[i], method, path)) {
            vg_out_string(&out, vg_of(p[i]->name));
        }
    }
    vg_out_close(&out, ']');
    return vg_out_str(&out);
}
