/*
 * registry.c: opens plugins; which are there, and what routes they have in all.
 *
 * Runs in the master while the configuration is read (workers inherit the
 * result), and in a worker that opens another version (swap.c). A plugin that
 * cannot be used is out and says why; the gateway starts, and /ready tells.
 */

#include <dlfcn.h>

#include "around.h"
#include "endpoint.h"
#include "install.h"
#include "library.h"


const vg_host_t *
vg_language_add(ngx_conf_t *cf, const vg_language_t *language)
{
    vg_host_t *host = vg_host_conf(cf);

    host->language = language;
    return host;
}


vg_language_row_t *
vg_language_row(const ngx_str_t *plugin)
{
    ngx_uint_t         i;
    ngx_atomic_uint_t  h = vg_hash(plugin, 1);
    vg_language_row_t *row, *rows;

    if (vg_host == NULL || vg_host->zone == NULL
        || vg_host->zone->shm.addr == NULL) {
        return NULL;
    }
    rows = vg_shared(VG_SHARED_LANGUAGE);
    for (i = 0; i < VG_LANGUAGE_ROWS; i++) {
        row = &rows[(h + i) % VG_LANGUAGE_ROWS];
        if (row->name == h || ngx_atomic_cmp_set(&row->name, 0, h)
            || row->name == h) {
            return row;
        }
    }
    return NULL;
}


void
vg_plugin_out(vg_plugin_slot_t *plugin, const char *fmt, ...)
{
    va_list args;

    if (plugin->state == VG_PLUGIN_OUT) {
        return;
    }
    va_start(args, fmt);
    (void) vsnprintf(plugin->why, sizeof(plugin->why), fmt, args);
    va_end(args);
    plugin->state = VG_PLUGIN_OUT;
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "voltgate: plugin %V is out: %s", &plugin->name, plugin->why);
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


vg_plugin_slot_t *
vg_plugin_named(vg_str_t name)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (vg_str_eq(name, (const char *) p[i]->name.data)) {
            return p[i];
        }
    }
    return NULL;
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


static void
vg_registry_push(vg_host_t *host, vg_plugin_slot_t *plugin)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = plugin->endpoints.elts, **slot;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        host->firsts[host->endpoints.nelts] =
            e[i]->row->method <= VG_DELETE ? (u_char) e[i]->row->path[1] : '/';
        slot = ngx_array_push(&host->endpoints); /* there is room: see below */
        *slot = e[i];
    }
}


static ngx_uint_t
vg_registry_fits(vg_host_t *host, vg_plugin_slot_t *plugin)
{
    ngx_uint_t         i, n = plugin->endpoints.nelts;
    vg_plugin_slot_t **p = host->plugins.elts;

    n += host->house ? host->house->endpoints.nelts : 0;
    for (i = 0; i < host->plugins.nelts; i++) {
        if (ngx_strcmp(p[i]->name.data, plugin->name.data) != 0) {
            n += p[i]->endpoints.nelts;
        }
    }
    return n <= VG_MAX_ENDPOINTS;
}


ngx_int_t
vg_registry_join(vg_host_t *host, char *why, size_t size)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = host->plugins.elts;

    host->endpoints.nelts = 0;
    vg_registry_push(host, host->house);
    for (i = 0; i < host->plugins.nelts; i++) {
        vg_registry_push(host, p[i]);
    }
    return vg_around_join(host, why, size);
}


void
vg_plugin_free(vg_plugin_slot_t *plugin)
{
    ngx_uint_t       i;
    vg_statement_t **st = plugin->statements.elts;

    for (i = 0; i < plugin->statements.nelts; i++) {
        vg_number_give(st[i]->index);
    }
    if (plugin->handle != NULL) {
        (void) dlclose(plugin->handle);
    }
    if (plugin->spoken != NULL) {
        plugin->language->close(plugin);
    }
    ngx_destroy_pool(plugin->pool);
}


static vg_plugin_slot_t *
vg_plugin_create(vg_host_t *host, const ngx_str_t *name)
{
    ngx_pool_t       *pool = ngx_create_pool(16384, host->log);
    vg_plugin_slot_t *plugin;

    if (pool == NULL) {
        return NULL;
    }
    plugin = ngx_pcalloc(pool, sizeof(vg_plugin_slot_t));
    if (plugin == NULL
        || ngx_array_init(&plugin->statements, pool, 32, sizeof(void *))
        || ngx_array_init(&plugin->endpoints, pool, 32, sizeof(void *))
        || ngx_array_init(&plugin->migrations, pool, 4, sizeof(vg_migration_t)))
    {
        ngx_destroy_pool(pool);
        return NULL;
    }
    plugin->pool = pool;
    plugin->name = *name;
    plugin->database = vg_database_of(host, name);
    return plugin;
}


static ngx_int_t
vg_plugin_fits(vg_host_t *host, vg_plugin_slot_t *plugin)
{
    const char *why;

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
    if (vg_library_schemas(plugin) != NGX_OK
        || vg_settings_fit(host, plugin) != NGX_OK
        || vg_counters_fit(plugin) != NGX_OK
        || vg_plugin_rows(host, plugin) != NGX_OK
        || vg_sagas_check(plugin) != NGX_OK)
    {
        return NGX_ERROR;
    }
    why = plugin->manifest->probe ? plugin->manifest->probe() : NULL;
    if (why != NULL) {
        vg_plugin_out(plugin, "its probe: %s", why);
        return NGX_ERROR;
    }
    return NGX_OK;
}


ngx_int_t
vg_plugin_rows(vg_host_t *host, vg_plugin_slot_t *plugin)
{
    const vg_keep_t  *keep;
    const vg_route_t *row;

    for (row = plugin->manifest->routes; row && row->path != NULL; row++) {
        if (vg_endpoint_add(plugin, row) != NGX_OK) {
            vg_plugin_out(plugin, "%s: route not usable", row->path);
            plugin->endpoints.nelts = 0;
            return NGX_ERROR;
        }
    }
    for (keep = plugin->manifest->keeps; keep && keep->table; keep++) {
        row = vg_kept_row(plugin, keep);
        if (row == NULL || vg_endpoint_add(plugin, row) != NGX_OK) {
            vg_plugin_out(plugin, "%s: cannot be kept so", keep->table);
            plugin->endpoints.nelts = 0;
            return NGX_ERROR;
        }
    }
    if (!vg_registry_fits(host, plugin)) {
        vg_plugin_out(plugin, "more than %d routes in all", VG_MAX_ENDPOINTS);
    }
    if (plugin->state == VG_PLUGIN_OUT
        || vg_twice_check(host, plugin) != NGX_OK) {
        plugin->endpoints.nelts = 0;
        return NGX_ERROR;
    }
    return NGX_OK;
}


static ngx_int_t
vg_plugin_open(vg_host_t *host, vg_plugin_slot_t *plugin)
{
    char path[NGX_MAX_PATH];

    (void) snprintf(path, sizeof(path), "%s/" VG_INSTALL_LUA, plugin->folder);
    if (access(path, F_OK) != 0) {
        return vg_library_open(plugin);
    }
    if (host->language == NULL) {
        vg_plugin_out(plugin, "it is Lua, and ngx_http_voltgate_lua_module"
                              " is not loaded");
        return NGX_ERROR;
    }
    plugin->language = host->language;
    return host->language->open(plugin);
}


vg_plugin_slot_t *
vg_plugin_load(vg_host_t *host, const ngx_str_t *name, const char *hash)
{
    char              sql[NGX_MAX_PATH];
    vg_pool_t         arena;
    vg_plugin_slot_t *plugin = vg_plugin_create(host, name);

    if (plugin == NULL) {
        return NULL;
    }
    arena = vg_arena_of(plugin->pool);
    (void) snprintf(plugin->hash, sizeof(plugin->hash), "%s", hash);
    plugin->version = strtoull(hash, NULL, 16);
    plugin->folder = (char *) vg_printf(&arena, "%s/%s.%s",
                                        host->installed.data, name->data, hash)
                         .data;
    if (plugin->folder == NULL) {
        vg_plugin_free(plugin);
        return NULL;
    }
    if (vg_library_taken(name)) {
        vg_plugin_out(plugin, "its name is that of a role or a schema of ours");
        return plugin;
    }
    (void) snprintf(sql, sizeof(sql), "%s/sql", plugin->folder);
    if (vg_migrations_read(plugin->pool, sql, &plugin->migrations) != NGX_OK) {
        vg_plugin_out(plugin, "cannot read its sql/");
    } else if (vg_plugin_open(host, plugin) == NGX_OK) {
        (void) vg_plugin_fits(host, plugin);
    }
    return plugin;
}


/* as built now; what cannot be installed is there, to say why */
static vg_plugin_slot_t *
vg_plugin_add(vg_host_t *host, ngx_str_t *name)
{
    char              hash[VG_INSTALL_HASH + 1] = "";
    const char       *wrong;
    vg_plugin_slot_t *plugin;
    vg_install_t      what = { (const char *) name->data,
                               (const char *) host->built.data,
                               (const char *) host->sources.data,
                               (const char *) host->installed.data };

    wrong = vg_install(&what, hash);
    if (wrong == NULL) {
        return vg_plugin_load(host, name, hash);
    }
    plugin = vg_plugin_create(host, name);
    if (plugin != NULL) {
        vg_plugin_out(plugin, "not installed: %s", wrong);
    }
    return plugin;
}


/* of the present generations; in a worker these may be younger than the
 * configuration */
static void
vg_registry_close(void *data)
{
    ngx_uint_t          i;
    vg_host_t          *host = data;
    vg_plugin_slot_t  **p = host->plugins.elts;
    vg_kit_statement_t *kept = host->kit_statements.elts;

    for (i = 0; i < host->plugins.nelts; i++) {
        if (p[i]->calls == 0) {
            vg_plugin_free(p[i]);
        }
    }
    for (i = 0; i < host->kit_statements.nelts; i++) {
        vg_number_give(kept[i].statement->index);
    }
    if (host->openapi_pool != NULL) {
        ngx_destroy_pool(host->openapi_pool);
    }
    if (host->around != NULL) {
        ngx_destroy_pool(host->around);
    }
}


ngx_int_t
vg_registry_open(ngx_conf_t *cf, vg_host_t *host)
{
    char                why[512] = "";
    ngx_str_t          *name = host->names.elts;
    ngx_uint_t          i;
    vg_plugin_slot_t   *plugin, **slot;
    ngx_pool_cleanup_t *cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (cln == NULL || vg_house_open(cf, host) != NGX_OK) {
        return NGX_ERROR;
    }
    cln->handler = vg_registry_close;
    cln->data = host;
    for (i = 0; i < host->names.nelts; i++) {
        plugin = vg_plugin_add(host, &name[i]);
        slot = plugin ? ngx_array_push(&host->plugins) : NULL;
        if (slot == NULL) {
            return NGX_ERROR;
        }
        *slot = plugin;
        plugin->place = i;
    }
    if (vg_registry_join(host, why, sizeof(why)) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate: %s", why);
        return NGX_ERROR;
    }
    return vg_migrations_read(cf->pool, (const char *) host->kit_sql.data,
                              &host->kit_migrations);
}
