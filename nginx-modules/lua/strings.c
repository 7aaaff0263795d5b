/*
 * strings.c: the functions of `string` that could take for ever or make too
 * much, over match.c.
 */

#define _GNU_SOURCE

#include "match.h"
#include "vm.h"

#define VG_LUA_MATCHED  1000000 /* steps of one find, match or gsub           */
#define VG_LUA_REPEATED 1048576


static vg_match_t *
vg_lua_pattern(lua_State *L, vg_match_t *m, int subject, int pattern)
{
    size_t      len, plen;
    const char *wrong, *p = luaL_checklstring(L, pattern, &plen);

    m->subject = luaL_checklstring(L, subject, &len);
    m->end = m->subject + len;
    m->steps = VG_LUA_MATCHED;
    wrong = vg_match_compile(m, p, plen);
    if (wrong != NULL) {
        (void) luaL_error(L, "%s", wrong);
    }
    return m;
}


static const char *
vg_lua_try(lua_State *L, vg_match_t *m, const char *s)
{
    const char *end = vg_match_at(m, s);

    if (m->wrong != NULL && m->steps == 0) {
        vg_lua_vm_of(L)->over = m->wrong; /* no pcall() may try again */
    }
    if (m->wrong != NULL) {
        (void) luaL_error(L, "%s", m->wrong);
    }
    vg_lua_still(L);
    return end;
}


static void
vg_lua_captured(lua_State *L, const vg_match_t *m, unsigned i)
{
    const vg_match_capture_t *c = &m->capture[i];

    if (c->len == VG_MATCH_POSITION) {
        lua_pushinteger(L, c->at - m->subject + 1);
    } else {
        lua_pushlstring(L, c->at, c->len < 0 ? 0 : (size_t) c->len);
    }
}


/* all of them; of a pattern without, the whole match */
static int
vg_lua_captures(lua_State *L, const vg_match_t *m, const char *s,
                const char *end)
{
    unsigned i;

    luaL_checkstack(L, (int) m->captures + 1, "too many captures");
    for (i = 0; i < m->captures; i++) {
        vg_lua_captured(L, m, i);
    }
    if (m->captures == 0 && s != NULL) {
        lua_pushlstring(L, s, (size_t) (end - s));
        return 1;
    }
    return (int) m->captures;
}


static lua_Integer
vg_lua_from(lua_State *L, int index, size_t len)
{
    lua_Integer from = luaL_optinteger(L, index, 1);

    if (from < 0) {
        from += (lua_Integer) len + 1;
    }
    return from < 1 ? 1 : from;
}


static int
vg_lua_look(lua_State *L, int find)
{
    size_t      len, plen;
    vg_match_t  m;
    const char *s, *end, *text = luaL_checklstring(L, 1, &len);
    const char *pattern = luaL_checklstring(L, 2, &plen);
    lua_Integer from = vg_lua_from(L, 3, len);

    if (from > (lua_Integer) len + 1) {
        lua_pushnil(L);
        return 1;
    }
    s = text + from - 1;
    if (find && lua_toboolean(L, 4)) {
        s = memmem(s, (size_t) (text + len - s), pattern, plen);
        if (s == NULL) {
            lua_pushnil(L);
            return 1;
        }
        lua_pushinteger(L, s - text + 1);
        lua_pushinteger(L, s - text + (lua_Integer) plen);
        return 2;
    }
    (void) vg_lua_pattern(L, &m, 1, 2);
    do {
        end = vg_lua_try(L, &m, s);
        if (end != NULL && !find) {
            return vg_lua_captures(L, &m, s, end);
        }
        if (end != NULL) {
            lua_pushinteger(L, s - text + 1);
            lua_pushinteger(L, end - text);
            return 2 + vg_lua_captures(L, &m, NULL, NULL);
        }
    } while (s++ < m.end && !m.anchored);
    lua_pushnil(L);
    return 1;
}


static int
vg_lua_find(lua_State *L)
{
    return vg_lua_look(L, 1);
}


static int
vg_lua_match(lua_State *L)
{
    return vg_lua_look(L, 0);
}


/* upvalues: text, pattern, where to go on */
static int
vg_lua_gmatch_next(lua_State *L)
{
    size_t      at = (size_t) lua_tointeger(L, lua_upvalueindex(3));
    vg_match_t  m;
    const char *s, *end;

    (void) vg_lua_pattern(L, &m, lua_upvalueindex(1), lua_upvalueindex(2));
    for (s = m.subject + at; s <= m.end; s++) {
        end = vg_lua_try(L, &m, s);
        if (end != NULL) {
            lua_pushinteger(L, end - m.subject + (end == s));
            lua_replace(L, lua_upvalueindex(3));
            return vg_lua_captures(L, &m, s, end);
        }
    }
    lua_pushinteger(L, m.end - m.subject + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}


static int
vg_lua_gmatch(lua_State *L)
{
    (void) luaL_checkstring(L, 1);
    (void) luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, vg_lua_gmatch_next, 3);
    return 1;
}


/* "%1" and its kin in what replaces */
static void
vg_lua_template(lua_State *L, luaL_Buffer *b, const vg_match_t *m,
                const char *s, const char *end)
{
    size_t      i, len, n;
    const char *with = lua_tolstring(L, 3, &len);

    for (i = 0; i < len; i++) {
        if (with[i] != '%') {
            luaL_addchar(b, with[i]);
            continue;
        }
        i++;
        n = i < len ? (size_t) (with[i] - '0') : 99;
        if (n == 0 || (n == 1 && m->captures == 0)) {
            luaL_addlstring(b, s, (size_t) (end - s));
        } else if (n <= 9 && n <= m->captures) {
            vg_lua_captured(L, m, (unsigned) n - 1);
            luaL_addvalue(b);
        } else if (n <= 9) {
            (void) luaL_error(L, "invalid capture index");
        } else if (i < len) {
            luaL_addchar(b, with[i]);
        }
    }
}


static void
vg_lua_replaced(lua_State *L, luaL_Buffer *b, const vg_match_t *m,
                const char *s, const char *end)
{
    int type = lua_type(L, 3);

    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        vg_lua_template(L, b, m, s, end);
        return;
    }
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, vg_lua_captures(L, m, s, end), 1);
    } else {
        if (m->captures > 0) {
            vg_lua_captured(L, m, 0);
        } else {
            lua_pushlstring(L, s, (size_t) (end - s));
        }
        lua_gettable(L, 3);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, s, (size_t) (end - s));
    } else if (!lua_isstring(L, -1)) {
        (void) luaL_error(L, "a replacement that is a %s",
                          lua_typename(L, lua_type(L, -1)));
    }
    luaL_addvalue(b);
}


static int
vg_lua_gsub(lua_State *L)
{
    int         type = lua_type(L, 3), count = 0;
    int         most = luaL_optint(L, 4, INT_MAX);
    vg_match_t  m;
    luaL_Buffer b;
    const char *s, *end;

    luaL_argcheck(L,
                  type == LUA_TNUMBER || type == LUA_TSTRING
                      || type == LUA_TFUNCTION || type == LUA_TTABLE,
                  3, "string, function or table expected");
    s = vg_lua_pattern(L, &m, 1, 2)->subject;
    lua_settop(L, 3);
    luaL_buffinit(L, &b);
    while (count < most) {
        end = vg_lua_try(L, &m, s);
        if (end != NULL) {
            count++;
            vg_lua_replaced(L, &b, &m, s, end);
        }
        if (end != NULL && end > s) {
            s = end;
        } else if (s < m.end) {
            luaL_addchar(&b, *s++);
        } else {
            break;
        }
        if (m.anchored) {
            break;
        }
    }
    luaL_addlstring(&b, s, (size_t) (m.end - s));
    luaL_pushresult(&b);
    lua_pushinteger(L, count);
    return 2;
}


static int
vg_lua_rep(lua_State *L)
{
    size_t      len, between = 0;
    lua_Integer n = luaL_checkinteger(L, 2);

    (void) luaL_checklstring(L, 1, &len);
    (void) luaL_optlstring(L, 3, "", &between);
    if (n > 0 && len + between > 0
        && (n > VG_LUA_REPEATED
            || len + between > VG_LUA_REPEATED / (size_t) n))
    {
        return luaL_error(L, "a string of more than %d bytes", VG_LUA_REPEATED);
    }
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 3, 1);
    return 1;
}


void
vg_lua_strings(lua_State *L)
{
    static const luaL_Reg own[] = { { "find", vg_lua_find },
                                    { "match", vg_lua_match },
                                    { "gmatch", vg_lua_gmatch },
                                    { "gsub", vg_lua_gsub },
                                    { NULL, NULL } };

    lua_getglobal(L, "string");
    luaL_register(L, NULL, own);
    lua_getfield(L, -1, "rep");
    lua_pushcclosure(L, vg_lua_rep, 1);
    lua_setfield(L, -2, "rep");
    lua_pop(L, 1);
}
