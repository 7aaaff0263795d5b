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


/* ----------------------------------------------------- tables of one shape */

typedef struct vg_lua_shape_s vg_lua_shape_t;

typedef enum {
    VG_LUA_TEXT,  /* const char *; there is one                             */
    VG_LUA_MAYBE, /* const char *, or NULL                                  */
    VG_LUA_INT,   /* int, unsigned                                          */
    VG_LUA_LONG,  /* int64_t                                                */
    VG_LUA_TYPE,  /* vg_type_t, by its word                                 */
    VG_LUA_ROWS,  /* a table within, of a shape of its own                  */
} vg_lua_kind_t;

typedef struct {
    const char           *key;
    vg_lua_kind_t         kind;
    size_t                at; /* of the row in C                        */
    const vg_lua_shape_t *rows;
} vg_lua_member_t;

#define VG_LUA_MEMBERS 8 /* of a row, at most                               */

struct vg_lua_shape_s {
    size_t                 size; /* of a row                                */
    const vg_lua_member_t *members;
};

static const vg_lua_member_t vg_lua_error_keys[] = {
    { "name", VG_LUA_TEXT, offsetof(vg_error_t, name), NULL },
    { "status", VG_LUA_INT, offsetof(vg_error_t, status), NULL },
    { "title", VG_LUA_TEXT, offsetof(vg_error_t, title), NULL },
    { NULL, VG_LUA_TEXT, 0, NULL },
};
static const vg_lua_shape_t vg_lua_error = { sizeof(vg_error_t),
                                             vg_lua_error_keys };

static const vg_lua_member_t vg_lua_setting_keys[] = {
    { "name", VG_LUA_TEXT, offsetof(vg_setting_t, name), NULL },
    { "type", VG_LUA_TYPE, offsetof(vg_setting_t, type), NULL },
    { "value", VG_LUA_TEXT, offsetof(vg_setting_t, value), NULL },
    { "about", VG_LUA_TEXT, offsetof(vg_setting_t, about), NULL },
    { "min", VG_LUA_LONG, offsetof(vg_setting_t, min), NULL },
    { "max", VG_LUA_LONG, offsetof(vg_setting_t, max), NULL },
    { "values", VG_LUA_MAYBE, offsetof(vg_setting_t, values), NULL },
    { NULL, VG_LUA_TEXT, 0, NULL },
};
static const vg_lua_shape_t vg_lua_setting = { sizeof(vg_setting_t),
                                               vg_lua_setting_keys };

static const vg_lua_member_t vg_lua_saga_step_keys[] = {
    { "name", VG_LUA_TEXT, offsetof(vg_saga_step_t, name), NULL },
    { "ask", VG_LUA_MAYBE, offsetof(vg_saga_step_t, ask), NULL },
    { "undo", VG_LUA_MAYBE, offsetof(vg_saga_step_t, undo), NULL },
    { "timeout", VG_LUA_INT, offsetof(vg_saga_step_t, timeout), NULL },
    { NULL, VG_LUA_TEXT, 0, NULL },
};
static const vg_lua_shape_t vg_lua_saga_step = { sizeof(vg_saga_step_t),
                                                 vg_lua_saga_step_keys };

static const vg_lua_member_t vg_lua_saga_keys[] = {
    { "name", VG_LUA_TEXT, offsetof(vg_saga_t, name), NULL },
    { "about", VG_LUA_TEXT, offsetof(vg_saga_t, about), NULL },
    { "steps", VG_LUA_ROWS, offsetof(vg_saga_t, steps), &vg_lua_saga_step },
    { NULL, VG_LUA_TEXT, 0, NULL },
};
static const vg_lua_shape_t vg_lua_saga = { sizeof(vg_saga_t),
                                            vg_lua_saga_keys };

static const vg_lua_member_t vg_lua_keep_keys[] = {
    { "table", VG_LUA_TEXT, offsetof(vg_keep_t, table), NULL },
    { "keep", VG_LUA_TEXT, offsetof(vg_keep_t, keep), NULL },
    { "statement", VG_LUA_TEXT, offsetof(vg_keep_t, statement), NULL },
    { "about", VG_LUA_MAYBE, offsetof(vg_keep_t, about), NULL },
    { NULL, VG_LUA_TEXT, 0, NULL },
};
static const vg_lua_shape_t vg_lua_keep = { sizeof(vg_keep_t),
                                            vg_lua_keep_keys };

static const vg_lua_member_t vg_lua_counter_keys[] = {
    { "name", VG_LUA_TEXT, offsetof(vg_counter_t, name), NULL },
    { "label", VG_LUA_MAYBE, offsetof(vg_counter_t, label), NULL },
    { "values", VG_LUA_MAYBE, offsetof(vg_counter_t, values), NULL },
    { "about", VG_LUA_TEXT, offsetof(vg_counter_t, about), NULL },
    { NULL, VG_LUA_TEXT, 0, NULL },
};
static const vg_lua_shape_t vg_lua_counter = { sizeof(vg_counter_t),
                                               vg_lua_counter_keys };

/* those of the manifest */
static const vg_lua_member_t vg_lua_tables[] = {
    { "errors", VG_LUA_ROWS, offsetof(vg_plugin_t, errors), &vg_lua_error },
    { "settings", VG_LUA_ROWS, offsetof(vg_plugin_t, settings),
      &vg_lua_setting },
    { "sagas", VG_LUA_ROWS, offsetof(vg_plugin_t, sagas), &vg_lua_saga },
    { "keeps", VG_LUA_ROWS, offsetof(vg_plugin_t, keeps), &vg_lua_keep },
    { "counters", VG_LUA_ROWS, offsetof(vg_plugin_t, counters),
      &vg_lua_counter },
    { NULL, VG_LUA_TEXT, 0, NULL },
};


static void *vg_lua_table(lua_State *L, vg_lua_t *lua, const char *key,
                          const char *as, const vg_lua_shape_t *shape);


/* a member of the table on top, to its place of the row */
static void
vg_lua_take(lua_State *L, vg_lua_t *lua, const char *where,
            const vg_lua_member_t *m, void *row)
{
    void *at = (char *) row + m->at;

    switch (m->kind) {
    case VG_LUA_TEXT:
    case VG_LUA_MAYBE:
        *(const char **) at =
            vg_lua_text(L, lua, where, m->key, m->kind == VG_LUA_TEXT);
        return;
    case VG_LUA_INT:
        *(int *) at = (int) vg_lua_whole(L, where, m->key);
        return;
    case VG_LUA_LONG:
        *(int64_t *) at = (int64_t) vg_lua_whole(L, where, m->key);
        return;
    case VG_LUA_TYPE:
        *(vg_type_t *) at =
            vg_lua_type(L, where, vg_lua_text(L, lua, where, m->key, true));
        return;
    case VG_LUA_ROWS:
        *(const void **) at = vg_lua_table(L, lua, m->key, where, m->rows);
        return;
    }
}


/* Of the member of the table on top: rows, and one that is all 0. An error
 * calls the first `as`[1]. */
static void *
vg_lua_table(lua_State *L, vg_lua_t *lua, const char *key, const char *as,
             const vg_lua_shape_t *shape)
{
    size_t                 i, n = vg_lua_list(L, key);
    char                  *rows = vg_lua_room(L, lua, (n + 1) * shape->size);
    const char            *where, *keys[VG_LUA_MEMBERS + 1] = { NULL };
    const vg_lua_member_t *m;

    for (m = shape->members; m->key != NULL; m++) {
        keys[m - shape->members] = m->key;
    }
    for (i = 0; i < n; i++) {
        where = vg_lua_at(L, as, i + 1);
        lua_rawgeti(L, -2, (int) i + 1);
        (void) vg_lua_count(L, where);
        vg_lua_known(L, where, keys);
        for (m = shape->members; m->key != NULL; m++) {
            vg_lua_take(L, lua, where, m, rows + i * shape->size);
        }
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return rows;
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
    size_t                 i;
    vg_plugin_t           *m = &lua->manifest;
    const vg_lua_member_t *t;

    (void) vg_lua_count(L, "what plugin.lua returns");
    vg_lua_known(L, "plugin.lua", vg_lua_keys);
    m->abi = (int) vg_lua_whole(L, "plugin.lua", "abi");
    m->name = vg_lua_text(L, lua, "plugin.lua", "name", true);
    m->version = vg_lua_text(L, lua, "plugin.lua", "version", true);
    m->about = vg_lua_text(L, lua, "plugin.lua", "about", true);
    vg_lua_queries(L, lua);
    m->routes = vg_lua_rows(L, lua);
    m->publishes = vg_lua_publishes(L, lua);
    for (t = vg_lua_tables; t->key != NULL; t++) {
        vg_lua_take(L, lua, t->key, t, m);
    }
    for (i = 0; m->errors[i].name != NULL; i++) {
        if (m->errors[i].status < 400 || m->errors[i].status > 599) {
            (void) luaL_error(L, "errors[%d]: status must be 400 to 599",
                              (int) i + 1);
        }
    }
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
