/*
 * lent.c: what the kit lends plugins that nobody waits for: words beside the
 * cache, tokens, what came that is no field.
 */

#include <math.h>

#include "vm.h"

#define VG_LUA_TEXT 255 /* bytes, of a word's name                           */


static void
vg_lua_pushed(lua_State *L, vg_str_t s)
{
    if (s.data == NULL) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, s.data, s.len);
    }
}


static vg_call_t *
vg_lua_lender(lua_State *L)
{
    vg_call_t *call = vg_lua_vm_of(L)->call;

    if (call == NULL) {
        (void) luaL_error(L, "there is no call");
    }
    return call;
}


/* ------------------------------------------------------------------- words */

static vg_str_t
vg_lua_word_name(lua_State *L)
{
    size_t      len;
    const char *name = luaL_checklstring(L, 1, &len);

    if (len == 0 || len > VG_LUA_TEXT) {
        (void) luaL_error(L, "a word's name has 1 to %d bytes", VG_LUA_TEXT);
    }
    return (vg_str_t){ name, len };
}


static int
vg_lua_word_is(lua_State *L, int word)
{
    if (word < 0) {
        return 0;
    }
    lua_pushinteger(L, word);
    return 1;
}


/* 1: the name, 2: since when, in microseconds, 3: the word */
static int
vg_lua_word_put(lua_State *L)
{
    vg_call_t *call = vg_lua_lender(L);
    vg_str_t   name = vg_lua_word_name(L);
    lua_Number at = luaL_checknumber(L, 2), word = luaL_checknumber(L, 3);

    if (!(at >= 0 && at < 4503599627370496.0 && at == floor(at))
        || !(word >= 0 && word < VG_WORD_MAX && word == floor(word)))
    {
        return luaL_error(L,
                          "a word is a number below %d, since a time in "
                          "microseconds",
                          VG_WORD_MAX);
    }
    return vg_lua_word_is(L, vg_word_put(call, name, (int64_t) at, (int) word));
}


static int
vg_lua_word_get(lua_State *L)
{
    return vg_lua_word_is(L, vg_word(vg_lua_lender(L), vg_lua_word_name(L)));
}


/* ------------------------------------------------------------------ tokens */

static vg_str_t
vg_lua_claim(lua_State *L, vg_call_t *call, const char *key)
{
    vg_str_t claim;

    lua_getfield(L, 1, key);
    if (!lua_isnil(L, -1)) {
        luaL_checktype(L, -1, LUA_TSTRING);
    }
    claim = vg_lua_kept(L, call, lua_gettop(L));
    lua_pop(L, 1);
    return claim;
}


/* {subject, role, company, scope, session, lifetime}; nil: there is no key */
static int
vg_lua_token_mint(lua_State *L)
{
    lua_Number lifetime;
    vg_call_t *call = vg_lua_lender(L);
    vg_token_t token;

    luaL_checktype(L, 1, LUA_TTABLE);
    token.subject = vg_lua_claim(L, call, "subject");
    token.role = vg_lua_claim(L, call, "role");
    token.company = vg_lua_claim(L, call, "company");
    token.scope = vg_lua_claim(L, call, "scope");
    token.session = vg_lua_claim(L, call, "session");
    lua_getfield(L, 1, "lifetime");
    lifetime = luaL_checknumber(L, -1);
    if (token.subject.data == NULL || token.role.data == NULL
        || !(lifetime >= 1 && lifetime <= 31536000))
    {
        return luaL_error(L, "a token has subject, role and a lifetime of at "
                             "most a year");
    }
    token.company = token.company.data ? token.company : VG_STR("");
    token.session = token.session.data ? token.session : VG_STR("");
    token.lifetime = (int64_t) lifetime;
    vg_lua_pushed(L, vg_token_mint(call, &token));
    return 1;
}


/* what it says, or nil */
static int
vg_lua_token_read(lua_State *L)
{
    vg_str_t   said;
    vg_call_t *call = vg_lua_lender(L);

    (void) luaL_checkstring(L, 1);
    said = vg_token_read(call, vg_lua_kept(L, call, 1));
    vg_lua_push(L, said.data ? vg_json_parse(&call->arena, said, NULL) : NULL);
    return 1;
}


/* -------------------------------------------------- what came, and is no field */

int
vg_lua_header(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    vg_lua_pushed(L, vg_header(call, luaL_checkstring(L, 2)));
    return 1;
}


/* 2: the secret's name, 3: what stands before the text, 4: the text, 5: the
 * signature; nil: there is no such secret */
int
vg_lua_signed(lua_State *L)
{
    int        i;
    size_t     len;
    vg_rc_t    rc;
    vg_str_t   part[4];
    vg_call_t *call = vg_lua_call_of(L);

    for (i = 0; i < 4; i++) {
        part[i].data = luaL_checklstring(L, i + 2, &len);
        part[i].len = len;
    }
    rc = vg_signed(call, part[0], part[1], part[2], part[3]);
    if (rc == VG_DECLINED) {
        return 0;
    }
    lua_pushboolean(L, rc == VG_OK);
    return 1;
}


int
vg_lua_acts(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    (void) luaL_checkstring(L, 2);
    vg_acts(call, vg_lua_kept(L, call, 2));
    return 0;
}


int
vg_lua_role_may(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    lua_pushboolean(L, vg_role_may(call, vg_str(luaL_checkstring(L, 2)),
                                   vg_str(luaL_checkstring(L, 3))));
    return 1;
}


/* 2: a charge point, 3 and 4: from and to, in microseconds; a page */
int
vg_lua_messages(lua_State *L)
{
    vg_str_t   page;
    vg_call_t *call = vg_lua_call_of(L);
    lua_Number from = luaL_checknumber(L, 3), to = luaL_checknumber(L, 4);

    (void) luaL_checkstring(L, 2);
    if (!(fabs(from) < 9007199254740992.0 && fabs(to) < 9007199254740992.0)) {
        return luaL_error(L, "from and to are microseconds");
    }
    page = vg_messages(call, vg_lua_kept(L, call, 2), (int64_t) from,
                       (int64_t) to);
    vg_lua_push(L, page.data ? vg_json_parse(&call->arena, page, NULL) : NULL);
    return 1;
}


void
vg_lua_lent_open(lua_State *L)
{
    static const luaL_Reg word[] = { { "put", vg_lua_word_put },
                                     { "get", vg_lua_word_get },
                                     { NULL, NULL } };
    static const luaL_Reg token[] = { { "mint", vg_lua_token_mint },
                                      { "read", vg_lua_token_read },
                                      { NULL, NULL } };

    luaL_register(L, "word", word);
    luaL_register(L, "token", token);
    lua_pop(L, 2);
}
