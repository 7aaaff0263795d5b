/*
 * language.c: a version's folder as a plugin: its files run in a machine, which
 * then serves the process that opened it and all that are forked from it.
 */

#include <dirent.h>

#include "install.h"
#include "vm.h"

static ngx_int_t      vg_lua_open(vg_plugin_slot_t *plugin);
static void           vg_lua_close(vg_plugin_slot_t *plugin);
static vg_endpoint_t *vg_lua_asks_nth(const vg_endpoint_t *e, ngx_uint_t nth);
static void           vg_lua_show(vg_out_t *out, vg_plugin_slot_t *plugin);
static void           vg_lua_metrics(vg_out_t *out, vg_plugin_slot_t **plugins,
                                     ngx_uint_t n);

const vg_language_t vg_lua_language = {
    .name = "Lua",
    .open = vg_lua_open,
    .close = vg_lua_close,
    .asks = vg_lua_asks_nth,
    .show = vg_lua_show,
    .metrics = vg_lua_metrics,
};


/* --------------------------------------------------- lua/voltgate, once read */

static void
vg_lua_library_add(vg_lua_conf_t *conf, const char *folder, const char *name)
{
    char          path[NGX_MAX_PATH];
    FILE         *file;
    size_t        len = strlen(name) - 4;
    ngx_keyval_t *one = ngx_array_push(&conf->library);

    if (one == NULL) {
        return;
    }
    ngx_memzero(one, sizeof(*one));
    one->key.data = ngx_pcalloc(conf->pool, len + 1);
    one->value.data = ngx_palloc(conf->pool, 65536);
    (void) snprintf(path, sizeof(path), "%.3000s/%s", folder, name);
    file = fopen(path, "re");
    if (file == NULL || one->key.data == NULL || one->value.data == NULL) {
        conf->library.nelts--;
    } else {
        ngx_memcpy(one->key.data, name, len);
        one->key.len = len;
        one->value.len = fread(one->value.data, 1, 65536, file);
    }
    if (file != NULL) {
        (void) fclose(file);
    }
}


/* workers cannot enter the clone, perhaps */
static void
vg_lua_library_read(void)
{
    char           folder[NGX_MAX_PATH];
    DIR           *dir;
    vg_lua_conf_t *conf = (vg_lua_conf_t *) vg_lua_conf;
    struct dirent *entry;

    if (conf->library.nelts > 0) {
        return;
    }
    (void) snprintf(folder, sizeof(folder), "%s/../lua/voltgate",
                    (const char *) conf->host->sources.data);
    dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && len > 4 && len < 32
            && strcmp(entry->d_name + len - 4, ".lua") == 0)
        {
            vg_lua_library_add(conf, folder, entry->d_name);
        }
    }
    if (dir != NULL) {
        (void) closedir(dir);
    }
}


/* ----------------------------------------------------------------- a version */

static int
vg_lua_load(lua_State *L)
{
    vg_lua_t *lua = lua_touserdata(L, 1);

    lua_settop(L, 0);
    (void) vg_lua_source_run(L, VG_INSTALL_LUA);
    vg_lua_manifest_read(L, lua);
    vg_lua_rows_bind(L, vg_lua_vm_of(L));
    return 0;
}


static ngx_int_t
vg_lua_statements(vg_lua_t *lua)
{
    ngx_uint_t i;

    for (i = 0; i < lua->nqueries; i++) {
        lua->queries[i].endpoint =
            vg_language_statement(lua->plugin, &lua->queries[i].row);
        if (lua->queries[i].endpoint == NULL) {
            vg_plugin_out(lua->plugin, "queries: %s is not usable",
                          lua->queries[i].row.path);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


static ngx_int_t
vg_lua_open(vg_plugin_slot_t *plugin)
{
    vg_lua_t      *lua = ngx_pcalloc(plugin->pool, sizeof(vg_lua_t));
    vg_lua_vm_t   *vm;
    vg_lua_error_t error;

    vg_lua_library_read();
    if (lua != NULL) {
        lua->plugin = plugin;
        plugin->spoken = lua;
    }
    vm = lua != NULL ? vg_lua_vm_make(lua) : NULL;
    if (vm == NULL) {
        vg_plugin_out(plugin, "no memory");
        return NGX_ERROR;
    }
    if (vg_lua_enter(vm, NULL, vg_lua_load, lua, VG_LUA_LOADING, &error) != 0) {
        vg_lua_vm_close(vm);
        vg_lua_place(lua, &error);
        vg_plugin_out(plugin, "%s", error.text);
        return NGX_ERROR;
    }
    lua->vm = vm;
    plugin->manifest = &lua->manifest;
    return vg_lua_statements(lua);
}


/* no call holds the generation, so no coroutine waits */
static void
vg_lua_close(vg_plugin_slot_t *plugin)
{
    vg_lua_t *lua = plugin->spoken;

    if (lua->vm != NULL) {
        vg_lua_vm_close(lua->vm);
    }
}


static vg_endpoint_t *
vg_lua_asks_nth(const vg_endpoint_t *e, ngx_uint_t nth)
{
    ngx_uint_t       i;
    vg_lua_query_t **asked = vg_lua_asked_by(e);

    for (i = 0; asked != NULL && asked[i] != NULL && i < nth; i++) {
        continue;
    }
    return asked != NULL && asked[i] != NULL ? asked[i]->endpoint : NULL;
}


/* ------------------------------------------------------------------- numbers */

static const char *const vg_lua_breakers[] = { "closed", "open", "half_open" };


static void
vg_lua_show(vg_out_t *out, vg_plugin_slot_t *plugin)
{
    vg_language_row_t *row = vg_language_row(&plugin->name);

    vg_out_member(out, "language", VG_STR("Lua"));
    if (row != NULL) {
        vg_out_member(out, "breaker",
                      vg_str(vg_lua_breakers[vg_breaker_look(
                          &row->breaker, ngx_current_msec)]));
    }
}


static void
vg_lua_metric(vg_out_t *out, const char *name, vg_plugin_slot_t **plugins,
              ngx_uint_t n, size_t at)
{
    ngx_uint_t         i;
    vg_language_row_t *row;

    out->comma = false;
    vg_out_raw(out,
               vg_printf(out->pool, "# TYPE voltgate_lua_%s counter\n", name));
    for (i = 0; i < n; i++) {
        row = plugins[i]->spoken ? vg_language_row(&plugins[i]->name) : NULL;
        if (row != NULL) {
            out->comma = false;
            vg_out_raw(out, vg_printf(out->pool,
                                      "voltgate_lua_%s{plugin=\"%s\"} %lu\n",
                                      name, plugins[i]->name.data,
                                      *(ngx_atomic_t *) ((u_char *) row + at)));
        }
    }
}


static void
vg_lua_metrics(vg_out_t *out, vg_plugin_slot_t **plugins, ngx_uint_t n)
{
    static const struct {
        const char *name;
        size_t      at;
    } all[] = {
        { "calls_total", offsetof(vg_language_row_t, calls) },
        { "faults_total", offsetof(vg_language_row_t, faults) },
        { "limits_total", offsetof(vg_language_row_t, limits) },
        { "machines_total", offsetof(vg_language_row_t, machines) },
    };
    ngx_uint_t         i;
    vg_language_row_t *row;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        vg_lua_metric(out, all[i].name, plugins, n, all[i].at);
    }
    out->comma = false;
    vg_out_raw(out, VG_STR("# TYPE voltgate_lua_out gauge\n"));
    for (i = 0; i < n; i++) {
        row = plugins[i]->spoken ? vg_language_row(&plugins[i]->name) : NULL;
        if (row != NULL) {
            out->comma = false;
            vg_out_raw(
                out,
                vg_printf(out->pool, "voltgate_lua_out{plugin=\"%s\"} %d\n",
                          plugins[i]->name.data,
                          vg_breaker_look(&row->breaker, ngx_current_msec)
                              == VG_BREAKER_OPEN));
        }
    }
}
