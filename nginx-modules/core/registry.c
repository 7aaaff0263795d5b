/*
 * registry.c: opens plugins and turns their rows into endpoints.
 *
 * Runs in the master while the configuration is read; workers inherit the
 * result by fork. A plugin that cannot be used is taken out and says why; the
 * gateway starts without it and /ready tells.
 */

#include <dlfcn.h>

#include "host.h"
#include "library.h"


void
vg_plugin_out(vg_plugin_slot_t *plugin, const char *fmt, ...)
{
    va_list args;
    char    text[512];

    if (plugin->state == VG_PLUGIN_OUT) {
        return;
    }
    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    plugin->state = VG_PLUGIN_OUT;
    plugin->why.len = ngx_strlen(text);
    plugin->why.data = ngx_alloc(plugin->why.len + 1, ngx_cycle->log);
    if (plugin->why.data != NULL) {
        ngx_memcpy(plugin->why.data, text, plugin->why.len + 1);
    } else {
        ngx_str_set(&plugin->why, "out of memory");
    }
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "voltgate: plugin %V is out: %V", &plugin->name,
                  &plugin->why);
}


const vg_error_t *
vg_registry_error(vg_plugin_slot_t *plugin, const char *name, size_t len)
{
    const vg_error_t *e;

    if (plugin != NULL && plugin->manifest != NULL) {
        for (e = plugin->manifest->errors; e && e->name != NULL; e++) {
            if (ngx_strlen(e->name) == len
                && ngx_strncmp(e->name, name, len) == 0) {
                return e;
            }
        }
    }
    return vg_kit_error(name, len);
}


vg_endpoint_t *
vg_registry_find(vg_method_t method, const char *path, size_t len)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = vg_host->endpoints.elts;

    for (i = 0; i < vg_host->endpoints.nelts; i++) {
        if (e[i]->row->method == method && ngx_strlen(e[i]->row->path) == len
            && ngx_strncmp(e[i]->row->path, path, len) == 0)
        {
            return e[i];
        }
    }
    return NULL;
}


static ngx_int_t
vg_endpoint_statement(ngx_conf_t *cf, vg_host_t *host, vg_plugin_slot_t *plugin,
                      const vg_route_t *row, const char *name,
                      vg_statement_t **st)
{
    if (name == NULL) {
        return NGX_OK;
    }
    *st = vg_statement_load(cf, plugin, (const char *) host->sources.data, row,
                            name);
    return *st ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
vg_endpoint_steps(ngx_conf_t *cf, vg_host_t *host, vg_endpoint_t *e)
{
    ngx_uint_t       i, n = 0;
    const vg_step_t *step;

    for (step = e->row->steps; step && step->name != NULL; step++) {
        n++;
    }
    if (n == 0) {
        return NGX_OK;
    }
    e->steps = ngx_pcalloc(cf->pool, (n + 1) * sizeof(vg_endpoint_step_t));
    if (e->steps == NULL) {
        return NGX_ERROR;
    }
    for (i = 0; i < n; i++) {
        step = &e->row->steps[i];
        e->steps[i].row = step;
        if (vg_endpoint_statement(cf, host, e->plugin, e->row, step->done,
                                  &e->steps[i].done)
                != NGX_OK
            || vg_endpoint_statement(cf, host, e->plugin, e->row, step->undo,
                                     &e->steps[i].undo)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


static ngx_int_t
vg_endpoint_statements(ngx_conf_t *cf, vg_host_t *host, vg_endpoint_t *e)
{
    char              name[128];
    const vg_route_t *row = e->row;
    vg_plugin_slot_t *plugin = e->plugin;

    if (vg_endpoint_statement(cf, host, plugin, row, row->load, &e->load)
            != NGX_OK
        || vg_endpoint_statement(cf, host, plugin, row, row->lock, &e->lock)
               != NGX_OK
        || vg_endpoint_statement(cf, host, plugin, row, row->statement,
                                 &e->statement)
               != NGX_OK
        || vg_endpoint_steps(cf, host, e) != NGX_OK)
    {
        return NGX_ERROR;
    }
    if (row->flags & VG_TRANSACTION) {
        (void) snprintf(name, sizeof(name), "%s_quarantine", row->statement);
        return vg_endpoint_statement(cf, host, plugin, row, name,
                                     &e->quarantine);
    }
    if ((row->method == VG_EVENT || row->method == VG_EVERY)
        && (e->statement == NULL || !e->statement->change))
    {
        vg_plugin_out(plugin, "%s: an event or a timer must end in a change",
                      row->path);
        return NGX_ERROR;
    }
    if ((e->lock && e->lock->change) || (e->load && e->load->change)) {
        vg_plugin_out(plugin, "%s: a lock or load must not be a change",
                      row->path);
        return NGX_ERROR;
    }
    return NGX_OK;
}


static ngx_int_t
vg_endpoint_add(ngx_conf_t *cf, vg_host_t *host, vg_plugin_slot_t *plugin,
                const vg_route_t *row)
{
    ngx_uint_t     n;
    vg_endpoint_t *e, **slot;

    if (host->endpoints.nelts == VG_MAX_ENDPOINTS) {
        vg_plugin_out(plugin, "more than %d routes in all", VG_MAX_ENDPOINTS);
        return NGX_ERROR;
    }
    e = ngx_pcalloc(cf->pool, sizeof(vg_endpoint_t));
    if (e == NULL) {
        return NGX_ERROR;
    }
    e->row = row;
    e->plugin = plugin;
    for (n = 0; row->fields && row->fields[n].name != NULL; n++) { /* void */
    }
    e->nfields = n;
    e->label.len =
        ngx_strlen(vg_method_name(row->method)) + 1 + ngx_strlen(row->path);
    e->label.data = ngx_pnalloc(cf->pool, e->label.len + 1);
    if (e->label.data == NULL) {
        return NGX_ERROR;
    }
    (void) ngx_sprintf(e->label.data, "%s %s%Z", vg_method_name(row->method),
                       row->path);
    if (row->method == VG_EVERY) {
        ngx_str_t period = { ngx_strlen(row->path), (u_char *) row->path };
        e->period = ngx_parse_time(&period, 0);
        if (e->period == (ngx_msec_t) NGX_ERROR || e->period < 1000) {
            vg_plugin_out(plugin, "not a period: %s", row->path);
            return NGX_ERROR;
        }
    }
    if (vg_endpoint_statements(cf, host, e) != NGX_OK) {
        return NGX_ERROR;
    }
    slot = ngx_array_push(&plugin->endpoints);
    if (slot == NULL) {
        return NGX_ERROR;
    }
    *slot = e;
    return NGX_OK;
}


/* a plugin's endpoints join the house only when all of them are good */
static ngx_int_t
vg_plugin_join(vg_host_t *host, vg_plugin_slot_t *plugin)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = plugin->endpoints.elts, **slot;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        e[i]->index = host->endpoints.nelts;
        slot = ngx_array_push(&host->endpoints);
        if (slot == NULL) {
            return NGX_ERROR;
        }
        *slot = e[i];
    }
    return NGX_OK;
}


static void
vg_plugin_close(void *data)
{
    vg_plugin_slot_t *plugin = data;

    if (plugin->handle != NULL && plugin->calls == 0) {
        (void) dlclose(plugin->handle);
        plugin->handle = NULL;
    }
}


static ngx_int_t
vg_plugin_open(ngx_conf_t *cf, vg_host_t *host, vg_plugin_slot_t *plugin)
{
    ngx_pool_cleanup_t *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL || vg_library_open(cf, host, plugin) != NGX_OK) {
        return NGX_ERROR;
    }
    cln->handler = vg_plugin_close;
    cln->data = plugin;
    plugin->manifest = dlsym(plugin->handle, "vg_plugin");
    if (plugin->manifest == NULL) {
        vg_plugin_out(plugin, "it exports no vg_plugin");
        return NGX_ERROR;
    }
    if (plugin->manifest->abi != VG_ABI) {
        vg_plugin_out(plugin, "ABI %d, the kit's is %d", plugin->manifest->abi,
                      VG_ABI);
        return NGX_ERROR;
    }
    if (plugin->manifest->name == NULL
        || ngx_strcmp(plugin->manifest->name, plugin->name.data) != 0)
    {
        vg_plugin_out(plugin, "its manifest has another name");
        return NGX_ERROR;
    }
    return NGX_OK;
}


static ngx_int_t
vg_plugin_add(ngx_conf_t *cf, vg_host_t *host, ngx_str_t *name)
{
    const vg_route_t *row;
    vg_plugin_slot_t *plugin, **slot;

    plugin = ngx_pcalloc(cf->pool, sizeof(vg_plugin_slot_t));
    slot = ngx_array_push(&host->plugins);
    if (plugin == NULL || slot == NULL
        || ngx_array_init(&plugin->statements, cf->pool, 32, sizeof(void *))
        || ngx_array_init(&plugin->endpoints, cf->pool, 32, sizeof(void *))
        || ngx_array_init(&plugin->migrations, cf->pool, 4,
                          sizeof(vg_migration_t)))
    {
        return NGX_ERROR;
    }
    *slot = plugin;
    plugin->name = *name;
    if (vg_plugin_open(cf, host, plugin) != NGX_OK
        || vg_migrations_read(cf, host, plugin) != NGX_OK)
    {
        return NGX_OK;
    }
    for (row = plugin->manifest->routes; row && row->path != NULL; row++) {
        if (vg_endpoint_add(cf, host, plugin, row) != NGX_OK) {
            vg_plugin_out(plugin, "%s: route not usable", row->path);
            return NGX_OK;
        }
    }
    return vg_plugin_join(host, plugin);
}


ngx_int_t
vg_registry_open(ngx_conf_t *cf, vg_host_t *host)
{
    ngx_str_t *name = host->names.elts;
    ngx_uint_t i;

    for (i = 0; i < host->names.nelts; i++) {
        if (vg_plugin_add(cf, host, &name[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return vg_migrations_read(cf, host, NULL);
}
