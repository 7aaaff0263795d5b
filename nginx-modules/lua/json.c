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
    luaL_getmetatable(L, "vg.array");
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


static const char *
vg_lua_write_number(lua_State *L, int index, vg_out_t *out)
{
    char       text[40];
    lua_Number n = lua_tonumber(L, index);

    if (isnan(n) || isinf(n)) {
        return "a number that JSON does not have";
    }
    if (n == floor(n) && fabs(n) < 9007199254740992.0) {
        (void) snprintf(text, sizeof(text), "%.0f", n);
    } else {
        (void) snprintf(text, sizeof(text), "%.15g", n);
    }
    vg_out_raw(out, vg_printf(out->pool, "%s", text));
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
    luaL_getmetatable(L, "vg.array");
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
            return "an object with a key that is no string";
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
        return "a value that is too deep, or contains itself";
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
            return "a string that is no UTF-8, or holds a NUL";
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
        return "a value that JSON does not have";
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


static int
vg_lua_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_getmetatable(L, "vg.array");
    (void) lua_setmetatable(L, 1);
    return 1;
}


void
vg_lua_json_open(lua_State *L)
{
    static const luaL_Reg own[] = { { "array", vg_lua_array }, { NULL, NULL } };

    (void) luaL_newmetatable(L, "vg.array");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_register(L, "json", own);
    lua_pop(L, 1);
}
