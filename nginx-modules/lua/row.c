/*
 * row.c: tables of fields and of routes.
 */

#include "vm.h"

typedef struct {
    const char *name;
    int         value;
} vg_lua_word_t;

static const vg_lua_word_t vg_lua_ins[] = {
    { "body", VG_BODY },   { "path", VG_PATH },       { "query", VG_QUERY },
    { "bound", VG_BOUND }, { "setting", VG_SETTING }, { NULL, 0 },
};

static const vg_lua_word_t vg_lua_types[] = {
    { "text", VG_TEXT },
    { "int", VG_INT },
    { "decimal", VG_DECIMAL },
    { "bool", VG_BOOL },
    { "uuid", VG_UUID },
    { "time", VG_TIME },
    { "enum", VG_ENUM },
    { "object", VG_OBJECT },
    { "array", VG_ARRAY },
    { "any", VG_ANY },
    { NULL, 0 },
};

static const vg_lua_word_t vg_lua_field_flags[] = {
    { "required", VG_REQUIRED },
    { "nullable", VG_NULLABLE },
    { "secret", VG_SECRET },
    { "lenient", VG_LENIENT },
    { NULL, 0 },
};

static const vg_lua_word_t vg_lua_methods[] = {
    { "GET", VG_GET },       { "POST", VG_POST },
    { "PUT", VG_PUT },       { "PATCH", VG_PATCH },
    { "DELETE", VG_DELETE }, { "INTERNAL", VG_INTERNAL },
    { "OCPP16", VG_OCPP16 }, { "EVENT", VG_EVENT },
    { "EVERY", VG_EVERY },   { "JOB", VG_JOB },
    { "HOOK", VG_HOOK },     { NULL, 0 },
};

static const vg_lua_word_t vg_lua_flags[] = {
    { "list", VG_LIST },
    { "append", VG_APPEND },
    { "transaction", VG_TRANSACTION },
    { "no_body", VG_NO_BODY },
    { "await", VG_AWAIT },
    { "here", VG_HERE },
    { "form", VG_FORM },
    { "oauth", VG_OAUTH },
    { "audited", VG_AUDITED },
    { "rows", VG_ROWS },
    { "stream", VG_STREAM },
    { "everybodys", VG_EVERYBODYS },
    { "raw", VG_RAW },
    { "optional", VG_OPTIONAL },
    { NULL, 0 },
};

static const char *const vg_lua_field_keys[] = {
    "required", "nullable", "secret", "lenient", "min", "max",
    "values",   "fields",   "item",   "about",   NULL
};

static const char *const vg_lua_row_keys[] = {
    "scope",     "fields", "load",        "check",   "handler", "lock",
    "statement", "render", "steps",       "about",   "cache",   "drops",
    "list",      "append", "transaction", "no_body", "await",   "here",
    "form",      "oauth",  "audited",     "rows",    "stream",  "everybodys",
    "raw",       "stands", "optional",    "queries", NULL
};


static const char *
vg_lua_item(lua_State *L, int i)
{
    lua_rawgeti(L, -1, i);
    if (lua_type(L, -1) != LUA_TSTRING) {
        lua_pop(L, 1);
        return "";
    }
    lua_pop(L, 1); /* it stays in the table */
    lua_rawgeti(L, -1, i);
    {
        const char *text = lua_tostring(L, -1);

        lua_pop(L, 1);
        return text;
    }
}


static int
vg_lua_word(lua_State *L, const vg_lua_word_t *words, const char *where,
            const char *what, const char *word)
{
    while (words->name != NULL && strcmp(words->name, word) != 0) {
        words++;
    }
    if (words->name == NULL) {
        (void) luaL_error(L, "%s: no %s is \"%s\"", where, what, word);
    }
    return words->value;
}


vg_type_t
vg_lua_type(lua_State *L, const char *where, const char *word)
{
    return (vg_type_t) vg_lua_word(L, vg_lua_types, where, "type", word);
}


vg_method_t
vg_lua_method_of(lua_State *L, const char *where, const char *word)
{
    return (vg_method_t) vg_lua_word(L, vg_lua_methods, where, "method", word);
}


static unsigned
vg_lua_word_flags(lua_State *L, const vg_lua_word_t *words, const char *where)
{
    unsigned flags = 0;

    for (; words->name != NULL; words++) {
        flags |=
            vg_lua_flag(L, where, words->name) ? (unsigned) words->value : 0;
    }
    return flags;
}


/* ------------------------------------------------------------------ fields */

static void vg_lua_field(lua_State *L, vg_lua_t *lua, const char *where,
                         vg_field_t *f);


/* below: the shape of an item has neither place nor name: { "object", … } */
static const vg_field_t *
vg_lua_inner(lua_State *L, vg_lua_t *lua, const char *where)
{
    vg_field_t *f;

    lua_pushliteral(L, "item");
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }
    f = vg_lua_room(L, lua, sizeof(vg_field_t));
    vg_lua_field(L, lua, lua_pushfstring(L, "%s.item", where), f);
    lua_pop(L, 2);
    return f;
}


static void
vg_lua_field(lua_State *L, vg_lua_t *lua, const char *where, vg_field_t *f)
{
    int n = 1;

    /* where, then the table below it: the table to the top */
    lua_pushvalue(L, -2);
    if (!lua_istable(L, -1)) {
        (void) luaL_error(L, "%s must be a table", where);
    }
    vg_lua_known(L, where, vg_lua_field_keys);
    if (lua_objlen(L, -1) == 3) {
        f->in = (vg_in_t) vg_lua_word(L, vg_lua_ins, where, "place",
                                      vg_lua_item(L, 1));
        f->name = (char *) ngx_pstrdup(
            lua->plugin->pool, &(ngx_str_t){ strlen(vg_lua_item(L, 2)) + 1,
                                             (u_char *) vg_lua_item(L, 2) });
        n = 3;
    } else if (lua_objlen(L, -1) != 1) {
        (void) luaL_error(L, "%s must begin with place, name and type", where);
    }
    f->type = vg_lua_type(L, where, vg_lua_item(L, n));
    f->flags = vg_lua_word_flags(L, vg_lua_field_flags, where);
    f->min = (int64_t) vg_lua_whole(L, where, "min");
    f->max = (int64_t) vg_lua_whole(L, where, "max");
    if (f->min > f->max) { /* one alone: the other is 0 */
        (void) luaL_error(L, "%s: min is above max", where);
    }
    f->values = vg_lua_text(L, lua, where, "values", f->type == VG_ENUM);
    f->about = vg_lua_text(L, lua, where, "about", false);
    f->item = vg_lua_inner(L, lua, where);
    lua_pushliteral(L, "fields");
    lua_rawget(L, -2);
    f->fields = vg_lua_fields(L, lua, where);
    lua_pop(L, 2);
    if (f->type == VG_ARRAY && f->item == NULL) {
        (void) luaL_error(L, "%s: an array has an item", where);
    }
    if (n == 3 && (f->name == NULL || f->name[0] == '\0')) {
        (void) luaL_error(L, "%s has no name", where);
    }
}


/* of the table on top, which stays; nil: none */
const vg_field_t *
vg_lua_fields(lua_State *L, vg_lua_t *lua, const char *where)
{
    size_t      i, n;
    vg_field_t *fields;

    if (lua_isnil(L, -1)) {
        return NULL;
    }
    luaL_checkstack(L, 10, "too deep");
    n = vg_lua_count(L, where);
    fields = vg_lua_room(L, lua, (n + 1) * sizeof(vg_field_t));
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (int) i + 1);
        vg_lua_field(L, lua,
                     lua_pushfstring(L, "%s.fields[%d]", where, (int) i + 1),
                     &fields[i]);
        lua_pop(L, 2);
        if (fields[i].name == NULL) {
            (void) luaL_error(L, "%s.fields[%d] has no name", where,
                              (int) i + 1);
        }
    }
    return fields;
}


/* ------------------------------------------------------------------ routes */

/* is there a function by that name? */
static bool
vg_lua_has(lua_State *L, const char *where, const char *key)
{
    bool is;

    lua_pushstring(L, key);
    lua_rawget(L, -2);
    is = lua_isfunction(L, -1);
    if (!is && !lua_isnil(L, -1)) {
        (void) luaL_error(L, "%s: %s must be a function", where, key);
    }
    lua_pop(L, 1);
    return is;
}


static const vg_step_t *
vg_lua_steps(lua_State *L, vg_lua_t *lua, const char *where)
{
    static const char *const keys[] = { "name", "command", "done",
                                        "undo", "told",    NULL };
    size_t                   i, n;
    vg_step_t               *steps;

    lua_pushliteral(L, "steps");
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }
    n = vg_lua_count(L, where);
    if (n > VG_LUA_STEPS) {
        (void) luaL_error(L, "%s: more than %d steps", where, VG_LUA_STEPS);
    }
    steps = vg_lua_room(L, lua, (n + 1) * sizeof(vg_step_t));
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (int) i + 1);
        (void) vg_lua_count(L, where);
        vg_lua_known(L, where, keys);
        steps[i].name = vg_lua_text(L, lua, where, "name", true);
        steps[i].done = vg_lua_text(L, lua, where, "done", false);
        steps[i].undo = vg_lua_text(L, lua, where, "undo", false);
        if (!vg_lua_has(L, where, "command")) {
            (void) luaL_error(L, "%s: a step has a command", where);
        }
        steps[i].command = vg_lua_command;
        steps[i].told = vg_lua_has(L, where, "told") ? vg_lua_told : NULL;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return steps;
}


/* NULL, or why such a row has no handler */
static const char *
vg_lua_handleless(const vg_route_t *row)
{
    if (row->flags & VG_HERE) {
        return "what is told here asks nobody: no handler";
    }
    if (row->flags & VG_TRANSACTION) {
        return "what a charge point tells of a transaction is written before "
               "anybody is asked: no handler";
    }
    if ((row->flags & VG_LIST) && row->statement == NULL) {
        return "a page is made of its statement's rows";
    }
    return row->steps != NULL ? "a handler, or steps" : NULL;
}


static vg_lua_query_t *
vg_lua_query_named(lua_State *L, vg_lua_t *lua, const char *where,
                   const char *name)
{
    size_t i = 0;

    while (i < lua->nqueries && strcmp(lua->queries[i].row.path, name) != 0) {
        i++;
    }
    if (i == lua->nqueries) {
        (void) luaL_error(L, "%s: queries: no query is \"%s\"", where, name);
    }
    return &lua->queries[i];
}


vg_lua_query_t **
vg_lua_asked_by(const vg_endpoint_t *e)
{
    const vg_lua_t *lua = e->plugin->spoken;

    return lua->asks[e->row - lua->manifest.routes];
}


/* NULL: it does not say */
static vg_lua_query_t **
vg_lua_asked(lua_State *L, vg_lua_t *lua, const char *where)
{
    size_t           i, n;
    vg_lua_query_t **asked;

    lua_pushliteral(L, "queries");
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }
    n = vg_lua_count(L, where);
    asked = vg_lua_room(L, lua, (n + 1) * sizeof(vg_lua_query_t *));
    for (i = 0; i < n; i++) {
        asked[i] =
            vg_lua_query_named(L, lua, where, vg_lua_item(L, (int) i + 1));
    }
    lua_pop(L, 1);
    return asked;
}


/* What a handler asks is known where nothing else of its row says whose rows
 * these are; see owner.c. */
static void
vg_lua_asks(lua_State *L, vg_lua_t *lua, const char *where, size_t i,
            const vg_route_t *row)
{
    vg_lua_query_t **asked = vg_lua_asked(L, lua, where);
    bool             handles = vg_lua_has(L, where, "handler");

    if (asked != NULL && !handles) {
        (void) luaL_error(L, "%s: without a handler it has no queries", where);
    }
    if (handles && asked == NULL && lua->nqueries > 0
        && row->method <= VG_DELETE && row->load == NULL
        && row->statement == NULL && !(row->flags & VG_EVERYBODYS)
        && (row->scope == NULL || strcmp(row->scope, VG_PUBLIC) != 0))
    {
        (void) luaL_error(L,
                          "%s: whose rows its handler asks for is not said: "
                          "queries, or everybodys",
                          where);
    }
    lua->asks[i] = asked;
}


/* a handler is an awaited step before the statement */
static void
vg_lua_handles(lua_State *L, vg_route_t *row, const char *where)
{
    static const vg_step_t handler[] = {
        { "handler", vg_lua_handler, NULL, NULL, NULL },
        { NULL, NULL, NULL, NULL, NULL },
    };
    const char *wrong = vg_lua_handleless(row);

    if (wrong != NULL) {
        (void) luaL_error(L, "%s: %s", where, wrong);
    }
    row->steps = handler;
    row->flags |= VG_AWAIT;
}


static void
vg_lua_row(lua_State *L, vg_lua_t *lua, const char *where, vg_route_t *row)
{
    size_t      len;
    const char *path;

    vg_lua_known(L, where, vg_lua_row_keys);
    row->method = vg_lua_method_of(L, where, vg_lua_item(L, 1));
    path = vg_lua_item(L, 2);
    len = strlen(path);
    if (lua_objlen(L, -1) != 2 || len == 0 || len > 256
        || (row->method <= VG_DELETE && path[0] != '/'))
    {
        (void) luaL_error(L, "%s must begin with a method and a path", where);
    }
    row->path = (char *) ngx_pstrdup(lua->plugin->pool,
                                     &(ngx_str_t){ len + 1, (u_char *) path });
    row->scope = vg_lua_text(L, lua, where, "scope", false);
    row->load = vg_lua_text(L, lua, where, "load", false);
    row->lock = vg_lua_text(L, lua, where, "lock", false);
    row->statement = vg_lua_text(L, lua, where, "statement", false);
    row->about = vg_lua_text(L, lua, where, "about", false);
    row->cache = vg_lua_text(L, lua, where, "cache", false);
    row->drops = vg_lua_text(L, lua, where, "drops", false);
    row->stands = vg_lua_text(L, lua, where, "stands", false);
    row->flags = vg_lua_word_flags(L, vg_lua_flags, where);
    row->check = vg_lua_has(L, where, "check") ? vg_lua_check : NULL;
    row->render = vg_lua_has(L, where, "render") ? vg_lua_render : NULL;
    row->steps = vg_lua_steps(L, lua, where);
    lua_pushliteral(L, "fields");
    lua_rawget(L, -2);
    row->fields = vg_lua_fields(L, lua, where);
    lua_pop(L, 1);
    if (vg_lua_has(L, where, "handler")) {
        vg_lua_handles(L, row, where);
    }
}


/* of the manifest on top */
const vg_route_t *
vg_lua_rows(lua_State *L, vg_lua_t *lua)
{
    size_t      i, n;
    vg_route_t *rows;

    lua_pushliteral(L, "routes");
    lua_rawget(L, -2);
    n = vg_lua_count(L, "routes");
    rows = vg_lua_room(L, lua, (n + 1) * sizeof(vg_route_t));
    lua->asks = vg_lua_room(L, lua, (n + 1) * sizeof(vg_lua_query_t **));
    for (i = 0; i < n; i++) {
        const char *where = vg_lua_at(L, "routes", i + 1);

        lua_rawgeti(L, -2, (int) i + 1);
        (void) vg_lua_count(L, where);
        vg_lua_row(L, lua, where, &rows[i]);
        vg_lua_asks(L, lua, where, i, &rows[i]);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    lua->nrows = n;
    return rows;
}
