/*
 * json.c: values from JSON to Lua and back.
 *
 * A number of at most 15 digits is a Lua number, and is written as it came; one
 * of more is a string, since a double would change it. A member that is null is
 * absent; an item that is null is `null`. A table with items is an array, one
 * that came as an array is one when empty, and so is json.array{}.
 */

#include <math.h>

#include "vm.h"

#define VG_LUA_DEEP   64
#define VG_LUA_DIGITS 15
#define VG_LUA_NUMBER 40

static const char no_number[] = "a number that JSON does not have";
static const char no_text[] = "a string that is no UTF-8, or holds a NUL";
static const char no_name[] = "an object with a key that is no string";
static const char no_value[] = "a value that JSON does not have";
static const char too_deep[] = "a value that is too deep, or contains itself";


/* by its number: a name would be hashed each time */
static void
vg_lua_array_meta(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, vg_lua_vm_of(L)->array);
}


static void
vg_lua_push_number(lua_State *L, vg_str_t text)
{
    size_t i, digits = 0;
    char   z[32];

    for (i = 0; i < text.len; i++) {
        digits += text.data[i] >= '0' && text.data[i] <= '9';
    }
    if (digits > VG_LUA_DIGITS || text.len >= sizeof(z)) {
        lua_pushlstring(L, text.data, text.len);
        return;
    }
    ngx_memcpy(z, text.data, text.len);
    z[text.len] = '\0';
    lua_pushnumber(L, strtod(z, NULL));
}


static void
vg_lua_push_object(lua_State *L, const vg_json_t *node)
{
    const vg_json_t *m;

    lua_createtable(L, 0, (int) node->count);
    for (m = node->first; m != NULL; m = m->next) {
        if (m->type != VG_JSON_NULL) {
            lua_pushlstring(L, m->key.data, m->key.len);
            vg_lua_push(L, m);
            lua_rawset(L, -3);
        }
    }
}


static void
vg_lua_push_array(lua_State *L, const vg_json_t *node)
{
    int              i = 0;
    const vg_json_t *item;

    lua_createtable(L, (int) node->count, 0);
    for (item = node->first; item != NULL; item = item->next) {
        vg_lua_push(L, item);
        lua_rawseti(L, -2, ++i);
    }
    vg_lua_array_meta(L);
    (void) lua_setmetatable(L, -2);
}


void
vg_lua_push(lua_State *L, const vg_json_t *node)
{
    luaL_checkstack(L, 4, "too deep");
    if (node == NULL) {
        lua_pushnil(L);
        return;
    }
    switch (node->type) {
    case VG_JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        return;
    case VG_JSON_TRUE:
    case VG_JSON_FALSE:
        lua_pushboolean(L, node->type == VG_JSON_TRUE);
        return;
    case VG_JSON_NUMBER:
        vg_lua_push_number(L, node->text);
        return;
    case VG_JSON_STRING:
        lua_pushlstring(L, node->text.data, node->text.len);
        return;
    case VG_JSON_ARRAY:
        vg_lua_push_array(L, node);
        return;
    default:
        vg_lua_push_object(L, node);
    }
}


/* ----------------------------------------------------------------- writing */

static const char *vg_lua_write_one(lua_State *L, int index, vg_out_t *out,
                                    unsigned deep);


/* its text, and how long that is; 0: JSON has no such number */
static size_t
vg_lua_number(lua_Number n, char text[VG_LUA_NUMBER])
{
    if (n == floor(n) && fabs(n) < 9007199254740992.0) {
        return (size_t) (ngx_sprintf((u_char *) text, "%L", (int64_t) n)
                         - (u_char *) text);
    }
    return isnan(n) || isinf(n)
               ? 0
               : (size_t) snprintf(text, VG_LUA_NUMBER, "%.15g", n);
}


static const char *
vg_lua_write_number(lua_State *L, int index, vg_out_t *out)
{
    char   text[VG_LUA_NUMBER];
    size_t len = vg_lua_number(lua_tonumber(L, index), text);

    if (len == 0) {
        return no_number;
    }
    vg_out_raw(out, (vg_str_t){ text, len });
    return NULL;
}


static bool
vg_lua_is_array(lua_State *L, int index)
{
    bool marked;

    if (lua_objlen(L, index) > 0) {
        return true;
    }
    if (!lua_getmetatable(L, index)) {
        return false;
    }
    vg_lua_array_meta(L);
    marked = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    return marked;
}


static const char *
vg_lua_write_array(lua_State *L, int index, vg_out_t *out, unsigned deep)
{
    int         i, n = (int) lua_objlen(L, index);
    const char *wrong = NULL;

    vg_out_open(out, '[');
    for (i = 1; wrong == NULL && i <= n; i++) {
        lua_rawgeti(L, index, i);
        wrong = vg_lua_write_one(L, lua_gettop(L), out, deep);
        lua_pop(L, 1);
    }
    vg_out_close(out, ']');
    return wrong;
}


static const char *
vg_lua_write_object(lua_State *L, int index, vg_out_t *out, unsigned deep)
{
    size_t      len;
    vg_str_t    key;
    const char *wrong = NULL;

    vg_out_open(out, '{');
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            lua_pop(L, 2);
            return no_name;
        }
        key.data = lua_tolstring(L, -2, &len);
        key.len = len;
        vg_out_name(out, key);
        wrong = vg_lua_write_one(L, lua_gettop(L), out, deep);
        if (wrong != NULL) {
            lua_pop(L, 2);
            return wrong;
        }
    }
    vg_out_close(out, '}');
    return NULL;
}


static const char *
vg_lua_write_one(lua_State *L, int index, vg_out_t *out, unsigned deep)
{
    size_t   len;
    vg_str_t text;

    if (deep == 0 || !lua_checkstack(L, 6)) {
        return too_deep;
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        vg_out_null(out);
        return NULL;
    case LUA_TBOOLEAN:
        vg_out_bool(out, lua_toboolean(L, index) != 0);
        return NULL;
    case LUA_TNUMBER:
        return vg_lua_write_number(L, index, out);
    case LUA_TSTRING:
        text.data = lua_tolstring(L, index, &len);
        text.len = len;
        if (!vg_str_utf8(text) || memchr(text.data, '\0', len) != NULL) {
            return no_text;
        }
        vg_out_string(out, text);
        return NULL;
    case LUA_TTABLE:
        return vg_lua_is_array(L, index)
                   ? vg_lua_write_array(L, index, out, deep - 1)
                   : vg_lua_write_object(L, index, out, deep - 1);
    case LUA_TLIGHTUSERDATA:
        vg_out_null(out);
        return NULL;
    default:
        return no_value;
    }
}


const char *
vg_lua_write(lua_State *L, int index, vg_out_t *out)
{
    const char *wrong;

    if (index < 0) {
        index = lua_gettop(L) + 1 + index;
    }
    wrong = vg_lua_write_one(L, index, out, VG_LUA_DEEP);
    return wrong ? wrong : out->failed ? "more than there is memory for" : NULL;
}


/* ------------------------------------------------------------------ nodes */

/* Raises what it cannot make: here nothing is to be given back. */

static vg_json_t *vg_lua_node(lua_State *L, int index, vg_pool_t *pool,
                              unsigned deep);


static vg_str_t
vg_lua_node_text(lua_State *L, int index, vg_pool_t *pool)
{
    vg_str_t s;

    s.data = lua_tolstring(L, index, &s.len);
    if (!vg_str_utf8(s) || memchr(s.data, '\0', s.len) != NULL) {
        (void) luaL_error(L, "%s", no_text);
    }
    return vg_str_copy(pool, s);
}


static void
vg_lua_node_table(lua_State *L, int index, vg_pool_t *pool, unsigned deep,
                  vg_json_t *node)
{
    int        i, n = (int) lua_objlen(L, index);
    vg_json_t *one, **last = &node->first;

    node->type = vg_lua_is_array(L, index) ? VG_JSON_ARRAY : VG_JSON_OBJECT;
    for (i = 1; node->type == VG_JSON_ARRAY && i <= n; i++) {
        lua_rawgeti(L, index, i);
        one = vg_lua_node(L, lua_gettop(L), pool, deep);
        if (one == NULL) {
            return;
        }
        *last = one;
        last = &one->next;
        node->count++;
        lua_pop(L, 1);
    }
    if (node->type == VG_JSON_ARRAY) {
        return;
    }
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            (void) luaL_error(L, "%s", no_name);
        }
        one = vg_lua_node(L, lua_gettop(L), pool, deep);
        if (one == NULL) {
            return;
        }
        one->key = vg_lua_node_text(L, lua_gettop(L) - 1, pool);
        *last = one;
        last = &one->next;
        node->count++;
    }
}


static vg_json_t *
vg_lua_node(lua_State *L, int index, vg_pool_t *pool, unsigned deep)
{
    char       text[VG_LUA_NUMBER];
    vg_json_t *node = vg_calloc(pool, sizeof(vg_json_t));

    if (deep == 0 || node == NULL || !lua_checkstack(L, 6)) {
        (void) luaL_error(L, "%s", too_deep);
        return NULL;
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA:
        node->type = VG_JSON_NULL;
        break;
    case LUA_TBOOLEAN:
        node->type = lua_toboolean(L, index) ? VG_JSON_TRUE : VG_JSON_FALSE;
        break;
    case LUA_TNUMBER:
        node->type = VG_JSON_NUMBER;
        node->text.len = vg_lua_number(lua_tonumber(L, index), text);
        if (node->text.len == 0) {
            (void) luaL_error(L, "%s", no_number);
        }
        node->text = vg_str_copy(pool, (vg_str_t){ text, node->text.len });
        break;
    case LUA_TSTRING:
        node->type = VG_JSON_STRING;
        node->text = vg_lua_node_text(L, index, pool);
        break;
    case LUA_TTABLE:
        vg_lua_node_table(L, index, pool, deep - 1, node);
        break;
    default:
        (void) luaL_error(L, "%s", no_value);
    }
    return node;
}


const vg_json_t *
vg_lua_nodes(lua_State *L, int index, vg_pool_t *pool)
{
    vg_json_t *node;

    if (!lua_isnoneornil(L, index)) {
        luaL_checktype(L, index, LUA_TTABLE);
        node = vg_lua_node(L, index, pool, VG_LUA_DEEP);
        if (node->count > 0) {
            return node;
        }
    }
    node = vg_calloc(pool, sizeof(vg_json_t));
    if (node != NULL) {
        node->type = VG_JSON_OBJECT; /* empty: an object all the same */
    }
    return node;
}


static int
vg_lua_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    vg_lua_array_meta(L);
    (void) lua_setmetatable(L, 1);
    return 1;
}


void
vg_lua_json_open(lua_State *L)
{
    static const luaL_Reg own[] = { { "array", vg_lua_array }, { NULL, NULL } };

    lua_newtable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    vg_lua_vm_of(L)->array = luaL_ref(L, LUA_REGISTRYINDEX);
    luaL_register(L, "json", own);
    lua_pop(L, 1);
}
