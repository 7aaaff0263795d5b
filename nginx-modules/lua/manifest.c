/*
 * manifest.c: the table that plugin.lua returns, as the manifest that a C
 * plugin exports; and its functions, as references of one machine.
 */

#include "vm.h"

static const char *const vg_lua_keys[] = { "abi",      "name",      "version",
                                           "about",    "routes",    "errors",
                                           "settings", "publishes", "sagas",
                                           "keeps",    "counters",  "queries",
                                           NULL };


/* pushes the member, which is a table or nil; how many items */
static size_t
vg_lua_list(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, -2);
    return lua_isnil(L, -1) ? 0 : vg_lua_count(L, key);
}


/* pushes an item of the list on top, which is a table with these keys */
static const char *
vg_lua_entry(lua_State *L, const char *key, size_t i, const char *const *keys)
{
    const char *where = vg_lua_at(L, key, i + 1);

    lua_rawgeti(L, -2, (int) i + 1);
    (void) vg_lua_count(L, where);
    vg_lua_known(L, where, keys);
    return where;
}


static const vg_error_t *
vg_lua_errors(lua_State *L, vg_lua_t *lua)
{
    static const char *const keys[] = { "name", "status", "title", NULL };
    size_t                   i, n = vg_lua_list(L, "errors");
    const char              *where;
    vg_error_t *all = vg_lua_room(L, lua, (n + 1) * sizeof(vg_error_t));

    for (i = 0; i < n; i++) {
        where = vg_lua_entry(L, "errors", i, keys);
        all[i].name = vg_lua_text(L, lua, where, "name", true);
        all[i].status = (int) vg_lua_whole(L, where, "status");
        all[i].title = vg_lua_text(L, lua, where, "title", true);
        if (all[i].status < 400 || all[i].status > 599) {
            (void) luaL_error(L, "%s: status must be 400 to 599", where);
        }
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return all;
}


static const vg_setting_t *
vg_lua_settings(lua_State *L, vg_lua_t *lua)
{
    static const char *const keys[] = { "name", "type", "value",  "about",
                                        "min",  "max",  "values", NULL };
    size_t                   i, n = vg_lua_list(L, "settings");
    const char              *where;
    vg_setting_t *all = vg_lua_room(L, lua, (n + 1) * sizeof(vg_setting_t));

    for (i = 0; i < n; i++) {
        where = vg_lua_entry(L, "settings", i, keys);
        all[i].name = vg_lua_text(L, lua, where, "name", true);
        all[i].type =
            vg_lua_type(L, where, vg_lua_text(L, lua, where, "type", true));
        all[i].value = vg_lua_text(L, lua, where, "value", true);
        all[i].about = vg_lua_text(L, lua, where, "about", true);
        all[i].min = (int64_t) vg_lua_whole(L, where, "min");
        all[i].max = (int64_t) vg_lua_whole(L, where, "max");
        all[i].values = vg_lua_text(L, lua, where, "values", false);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return all;
}


static const char *const *
vg_lua_publishes(lua_State *L, vg_lua_t *lua)
{
    size_t       i, len, n = vg_lua_list(L, "publishes");
    const char **all = vg_lua_room(L, lua, (n + 1) * sizeof(char *));
    const char  *type;

    for (i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (int) i + 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            (void) luaL_error(L, "publishes[%d] must be a string", (int) i + 1);
        }
        type = lua_tolstring(L, -1, &len);
        all[i] = memcpy(vg_lua_room(L, lua, len + 1), type, len + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return all;
}


static const vg_saga_step_t *
vg_lua_saga_steps(lua_State *L, vg_lua_t *lua, const char *saga)
{
    static const char *const keys[] = { "name", "ask", "undo", "timeout",
                                        NULL };
    size_t                   i, n = vg_lua_list(L, "steps");
    const char              *where;
    vg_saga_step_t          *all = vg_lua_room(L, lua, (n + 1) * sizeof(*all));

    for (i = 0; i < n; i++) {
        where = vg_lua_entry(L, saga, i, keys);
        all[i].name = vg_lua_text(L, lua, where, "name", true);
        all[i].ask = vg_lua_text(L, lua, where, "ask", false);
        all[i].undo = vg_lua_text(L, lua, where, "undo", false);
        all[i].timeout = (unsigned) vg_lua_whole(L, where, "timeout");
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return all;
}


static const vg_saga_t *
vg_lua_sagas(lua_State *L, vg_lua_t *lua)
{
    static const char *const keys[] = { "name", "steps", "about", NULL };
    size_t                   i, n = vg_lua_list(L, "sagas");
    const char              *where;
    vg_saga_t *all = vg_lua_room(L, lua, (n + 1) * sizeof(vg_saga_t));

    for (i = 0; i < n; i++) {
        where = vg_lua_entry(L, "sagas", i, keys);
        all[i].name = vg_lua_text(L, lua, where, "name", true);
        all[i].about = vg_lua_text(L, lua, where, "about", true);
        all[i].steps = vg_lua_saga_steps(L, lua, where);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return all;
}


static const vg_keep_t *
vg_lua_keeps(lua_State *L, vg_lua_t *lua)
{
    static const char *const keys[] = { "table", "keep", "statement", "about",
                                        NULL };
    size_t                   i, n = vg_lua_list(L, "keeps");
    const char              *where;
    vg_keep_t *all = vg_lua_room(L, lua, (n + 1) * sizeof(vg_keep_t));

    for (i = 0; i < n; i++) {
        where = vg_lua_entry(L, "keeps", i, keys);
        all[i].table = vg_lua_text(L, lua, where, "table", true);
        all[i].keep = vg_lua_text(L, lua, where, "keep", true);
        all[i].statement = vg_lua_text(L, lua, where, "statement", true);
        all[i].about = vg_lua_text(L, lua, where, "about", false);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return all;
}


static const vg_counter_t *
vg_lua_counters(lua_State *L, vg_lua_t *lua)
{
    static const char *const keys[] = { "name", "label", "values", "about",
                                        NULL };
    size_t                   i, n = vg_lua_list(L, "counters");
    const char              *where;
    vg_counter_t *all = vg_lua_room(L, lua, (n + 1) * sizeof(vg_counter_t));

    for (i = 0; i < n; i++) {
        where = vg_lua_entry(L, "counters", i, keys);
        all[i].name = vg_lua_text(L, lua, where, "name", true);
        all[i].label = vg_lua_text(L, lua, where, "label", false);
        all[i].values = vg_lua_text(L, lua, where, "values", false);
        all[i].about = vg_lua_text(L, lua, where, "about", true);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return all;
}


/* queries = { rule_match = { { "bound", "kind", "text" }, … } }: what handlers
 * ask, by the statement's name, with the fields that they give it. To the kit
 * these are members of an ask. */
void
vg_lua_queries(lua_State *L, vg_lua_t *lua)
{
    size_t          n = 0;
    vg_field_t     *f;
    vg_lua_query_t *q;

    lua_pushliteral(L, "queries");
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    (void) vg_lua_count(L, "queries");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        n++;
    }
    lua->queries = vg_lua_room(L, lua, (n + 1) * sizeof(vg_lua_query_t));
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            (void) luaL_error(L, "queries are named");
        }
        q = &lua->queries[lua->nqueries++];
        q->row.method = VG_INTERNAL;
        q->row.path = (char *) ngx_pstrdup(
            lua->plugin->pool, &(ngx_str_t){ lua_objlen(L, -2) + 1,
                                             (u_char *) lua_tostring(L, -2) });
        q->row.statement = q->row.path;
        q->row.fields =
            vg_lua_fields(L, lua, q->row.path ? q->row.path : "queries");
        for (f = (vg_field_t *) q->row.fields; f && f->name != NULL; f++) {
            f->in = VG_BODY;
        }
    }
    lua_pop(L, 1);
}


/* of the table on top; raises what is wrong with it */
void
vg_lua_manifest_read(lua_State *L, vg_lua_t *lua)
{
    vg_plugin_t *m = &lua->manifest;

    (void) vg_lua_count(L, "what plugin.lua returns");
    vg_lua_known(L, "plugin.lua", vg_lua_keys);
    m->abi = (int) vg_lua_whole(L, "plugin.lua", "abi");
    m->name = vg_lua_text(L, lua, "plugin.lua", "name", true);
    m->version = vg_lua_text(L, lua, "plugin.lua", "version", true);
    m->about = vg_lua_text(L, lua, "plugin.lua", "about", true);
    vg_lua_queries(L, lua);
    m->routes = vg_lua_rows(L, lua);
    m->errors = vg_lua_errors(L, lua);
    m->settings = vg_lua_settings(L, lua);
    m->publishes = vg_lua_publishes(L, lua);
    m->sagas = vg_lua_sagas(L, lua);
    m->keeps = vg_lua_keeps(L, lua);
    m->counters = vg_lua_counters(L, lua);
}


/* --------------------------------------------------------------- functions */

static int
vg_lua_ref(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, -2);
    if (!lua_isfunction(L, -1)) {
        lua_pop(L, 1);
        return LUA_NOREF;
    }
    return luaL_ref(L, LUA_REGISTRYINDEX);
}


static void
vg_lua_row_bind(lua_State *L, vg_lua_row_t *row)
{
    int i;

    for (i = 0; i < VG_LUA_SLOTS; i++) {
        row->slot[i] = LUA_NOREF;
    }
    row->slot[VG_LUA_CHECK] = vg_lua_ref(L, "check");
    row->slot[VG_LUA_RENDER] = vg_lua_ref(L, "render");
    row->slot[VG_LUA_HANDLER] = vg_lua_ref(L, "handler");
    lua_pushliteral(L, "steps");
    lua_rawget(L, -2);
    for (i = 0; lua_istable(L, -1) && i < VG_LUA_STEPS; i++) {
        lua_rawgeti(L, -1, i + 1);
        if (lua_istable(L, -1)) {
            row->slot[VG_LUA_STEP + 2 * i] = vg_lua_ref(L, "command");
            row->slot[VG_LUA_STEP + 2 * i + 1] = vg_lua_ref(L, "told");
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}


/* A machine made later has the same files, and so the same rows. */
void
vg_lua_rows_bind(lua_State *L, vg_lua_vm_t *vm)
{
    size_t i, n = vm->lua->nrows;

    vm->rows = ngx_calloc((n + 1) * sizeof(vg_lua_row_t), ngx_cycle->log);
    if (vm->rows == NULL) {
        (void) luaL_error(L, "no memory");
        return;
    }
    lua_pushliteral(L, "routes");
    lua_rawget(L, -2);
    if (!lua_istable(L, -1) || lua_objlen(L, -1) != n) {
        (void) luaL_error(L, "its routes are others than before");
    }
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (int) i + 1);
        if (!lua_istable(L, -1)) {
            (void) luaL_error(L, "its routes are others than before");
        }
        vg_lua_row_bind(L, &vm->rows[i]);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}
