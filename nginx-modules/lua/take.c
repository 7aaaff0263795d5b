/*
 * take.c: members of the manifest's tables, each checked. An error says where:
 * "routes[2].fields[1]: max must be a whole number". Tables are read raw, so
 * that no metatable runs.
 */

#include <math.h>

#include "vm.h"


const char *
vg_lua_at(lua_State *L, const char *where, size_t i)
{
    return lua_pushfstring(L, "%s[%d]", where, (int) i);
}


void *
vg_lua_room(lua_State *L, vg_lua_t *lua, size_t size)
{
    void *p = ngx_pcalloc(lua->plugin->pool, size);

    if (p == NULL) {
        (void) luaL_error(L, "no memory");
    }
    return p;
}


static void
vg_lua_member(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    lua_rawget(L, -2);
}


/* A copy in the generation's pool; leaves the table on top. */
const char *
vg_lua_text(lua_State *L, vg_lua_t *lua, const char *where, const char *key,
            bool needed)
{
    char       *copy = NULL;
    size_t      len;
    const char *text;

    vg_lua_member(L, key);
    if (lua_type(L, -1) == LUA_TSTRING) {
        text = lua_tolstring(L, -1, &len);
        if (memchr(text, '\0', len) != NULL || len > 4096) {
            (void) luaL_error(L, "%s: %s is too long, or holds a NUL", where,
                              key);
        }
        copy = vg_lua_room(L, lua, len + 1);
        ngx_memcpy(copy, text, len + 1);
    } else if (!lua_isnil(L, -1) || needed) {
        (void) luaL_error(L, "%s: %s must be a string", where, key);
    }
    lua_pop(L, 1);
    return copy;
}


bool
vg_lua_flag(lua_State *L, const char *where, const char *key)
{
    bool set;

    vg_lua_member(L, key);
    if (!lua_isnil(L, -1) && !lua_isboolean(L, -1)) {
        (void) luaL_error(L, "%s: %s must be true or false", where, key);
    }
    set = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return set;
}


lua_Number
vg_lua_whole(lua_State *L, const char *where, const char *key)
{
    lua_Number n = 0;

    vg_lua_member(L, key);
    if (lua_type(L, -1) == LUA_TNUMBER) {
        n = lua_tonumber(L, -1);
    }
    if ((!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER) || n != floor(n)
        || fabs(n) > 9007199254740992.0)
    {
        (void) luaL_error(L, "%s: %s must be a whole number", where, key);
    }
    lua_pop(L, 1);
    return n;
}


/* no other keys but these, and items */
void
vg_lua_known(lua_State *L, const char *where, const char *const *keys)
{
    const char        *key;
    const char *const *k;

    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TNUMBER) {
            continue;
        }
        key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        for (k = keys; *k != NULL && strcmp(*k, key) != 0; k++) {
            continue;
        }
        if (*k == NULL) {
            (void) luaL_error(L, "%s: %s is not known", where, key);
        }
    }
}


/* how many items the table on top has */
size_t
vg_lua_count(lua_State *L, const char *where)
{
    if (!lua_istable(L, -1)) {
        (void) luaL_error(L, "%s must be a table", where);
    }
    if (lua_objlen(L, -1) > 512) {
        (void) luaL_error(L, "%s has more than 512 items", where);
    }
    return lua_objlen(L, -1);
}
