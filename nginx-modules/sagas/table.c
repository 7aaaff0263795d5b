/*
 * table.c: what manifests say about sagas: whether it can be used, and where
 * a saga stands in it. A row names its saga and its step, so it goes on under
 * the version of the plugin that is there when it does.
 */

#include "sagas.h"

const char *const vg_saga_states[VG_SAGA_STATES + 1] = { "RUNNING",   "UNDOING",
                                                         "COMPLETED", "UNDONE",
                                                         "STUCK",     NULL };


const vg_saga_t *
vg_saga_find(vg_plugin_slot_t *plugin, vg_str_t name)
{
    const vg_saga_t *saga = plugin->manifest ? plugin->manifest->sagas : NULL;

    for (/* void */; saga && saga->name != NULL; saga++) {
        if (vg_str_eq(name, saga->name)) {
            return saga;
        }
    }
    return NULL;
}


/* -1: there is none of this name; "" is the first */
ngx_int_t
vg_saga_step(const vg_saga_t *saga, vg_str_t name)
{
    ngx_int_t i;

    for (i = 0; saga->steps[i].name != NULL; i++) {
        if (name.len == 0 || vg_str_eq(name, saga->steps[i].name)) {
            return i;
        }
    }
    return -1;
}


/* the step in its saga as it is now; NULL: this version does not know it */
const vg_saga_step_t *
vg_saga_asking(vg_saga_run_t *run, const vg_saga_t **saga)
{
    ngx_int_t         at = -1;
    vg_plugin_slot_t *plugin = vg_plugin_named(run->plugin);

    *saga = plugin ? vg_saga_find(plugin, run->name) : NULL;
    at = *saga ? vg_saga_step(*saga, run->asking) : -1;
    return at < 0 ? NULL : &(*saga)->steps[at];
}


vg_endpoint_t *
vg_saga_route(const char *path)
{
    vg_endpoint_t *e = vg_registry_find(VG_INTERNAL, path, ngx_strlen(path));

    return e && e->plugin->state != VG_PLUGIN_OUT ? e : NULL;
}


ngx_uint_t
vg_saga_waits(const vg_endpoint_t *e)
{
    return e->statement != NULL && !e->statement->change;
}


ngx_uint_t
vg_saga_outside(const vg_endpoint_t *e)
{
    return e->awaits;
}


ngx_msec_t
vg_saga_time(const vg_saga_step_t *step)
{
    return step->timeout ? step->timeout : VG_SAGA_TIMEOUT;
}


ngx_msec_t
vg_saga_ask_time(const vg_endpoint_t *e)
{
    return vg_saga_outside(e) ? VG_AWAIT_DEADLINE : VG_SAGA_ASK;
}


static ngx_uint_t
vg_saga_word(const char *name)
{
    const char *p;

    for (p = name; (*p >= 'a' && *p <= 'z') || *p == '_'; p++) { /* void */
    }
    return p > name && *p == '\0' && p - name < 32;
}


/* NULL, or what is wrong */
static const char *
vg_saga_steps(const vg_saga_t *saga)
{
    uint64_t   all = 0;
    ngx_int_t  i;
    ngx_uint_t asks = 0;

    for (i = 0; saga->steps && saga->steps[i].name != NULL; i++) {
        if (i == VG_SAGA_STEPS) {
            return "has more steps than 32";
        }
        if (!vg_saga_word(saga->steps[i].name)) {
            return "has a step whose name is no word of a-z and _";
        }
        if (saga->steps[i].ask == NULL && i > 0) {
            return "has a step that asks nothing and is not the first";
        }
        asks += saga->steps[i].ask != NULL;
        all += vg_saga_time(&saga->steps[i]);
    }
    if (asks == 0) {
        return "asks nothing";
    }
    return all > VG_SAGA_LONGEST ? "may last longer than 6 hours" : NULL;
}


ngx_int_t
vg_sagas_check(vg_plugin_slot_t *plugin)
{
    size_t           len = plugin->name.len;
    const char      *wrong;
    const vg_saga_t *saga = plugin->manifest->sagas;

    for (/* void */; saga && saga->name != NULL; saga++) {
        wrong = vg_saga_steps(saga);
        if (ngx_strncmp(saga->name, plugin->name.data, len) != 0
            || saga->name[len] != '.' || !vg_saga_word(&saga->name[len + 1]))
        {
            wrong = "is not named plugin.verb";
        }
        if (wrong != NULL) {
            vg_plugin_out(plugin, "saga %s %s", saga->name, wrong);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}
