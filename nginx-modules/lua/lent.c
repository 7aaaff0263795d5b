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


/* --------------------------------------------------- numbers, lines, names */

/* 2: a counter's name, 3: of its label, or nil, 4: how many more, or 1 */
int
vg_lua_tally(lua_State *L)
{
    vg_call_t  *call = vg_lua_call_of(L);
    const char *name = luaL_checkstring(L, 2);
    const char *value = luaL_optstring(L, 3, NULL);
    lua_Number  more = luaL_optnumber(L, 4, 1);

    if (!(more >= 0 && more < 9007199254740992.0 && more == floor(more))) {
        return luaL_error(L, "a counter grows by whole numbers");
    }
    if (!vg_count(call, name, value, (uint64_t) more)) {
        return luaL_error(L, "there is no counter %s%s%s", name,
                          value ? " of " : "", value ? value : "");
    }
    return 0;
}


/* pushes a cell of the row on top: a.b is a member of its member; nil: none */
static void
vg_lua_csv_cell(lua_State *L, vg_str_t name)
{
    size_t      len;
    const char *dot;

    lua_pushvalue(L, -1);
    for (/* void */; lua_istable(L, -1); name.data += len, name.len -= len) {
        dot = memchr(name.data, '.', name.len);
        len = dot ? (size_t) (dot - name.data) : name.len;
        lua_pushlstring(L, name.data, len);
        lua_rawget(L, -2);
        lua_remove(L, -2);
        if (dot == NULL) {
            return;
        }
        len++;
    }
    lua_pop(L, 1);
    lua_pushnil(L);
}


/* the table on top, with these columns: a table has no order of its own */
static void
vg_lua_csv_row(lua_State *L, const vg_str_t *names, size_t n, vg_out_t *out)
{
    size_t      i;
    vg_out_t    inner;
    const char *wrong = NULL;

    luaL_checktype(L, -1, LUA_TTABLE);
    vg_out_open(out, '{');
    for (i = 0; i < n && wrong == NULL; i++) {
        vg_lua_csv_cell(L, names[i]);
        vg_out_name(out, names[i]);
        if (lua_isnil(L, -1)) {
            vg_out_null(out);
        } else if (lua_istable(L, -1)) {
            vg_out_init(&inner, out->pool);
            wrong = vg_lua_write(L, lua_gettop(L), &inner);
            vg_out_string(out, vg_out_str(&inner));
        } else {
            wrong = vg_lua_write(L, lua_gettop(L), out);
        }
        lua_pop(L, 1);
    }
    if (wrong != NULL) {
        (void) luaL_error(L, "%s", wrong);
    }
    vg_out_close(out, '}');
}


/* 2: an array of tables, 3: the names of columns, in their order; text */
int
vg_lua_csv(lua_State *L)
{
    size_t           i, n;
    vg_str_t        *names, text = { NULL, 0 };
    vg_out_t         out;
    vg_call_t       *call = vg_lua_call_of(L);
    const vg_json_t *items;

    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    n = lua_objlen(L, 3);
    names = vg_alloc(&call->arena, (n + 1) * sizeof(vg_str_t));
    for (i = 0; names != NULL && i < n; i++) {
        lua_rawgeti(L, 3, (int) i + 1);
        names[i] = vg_lua_kept(L, call, 4);
        if (lua_type(L, 4) != LUA_TSTRING) {
            return luaL_error(L, "a column's name is a string");
        }
        lua_settop(L, 3);
    }
    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '[');
    for (i = 0; names != NULL && i < lua_objlen(L, 2); i++) {
        lua_rawgeti(L, 2, (int) i + 1);
        vg_lua_csv_row(L, names, n, &out);
        lua_settop(L, 3);
    }
    vg_out_close(&out, ']');
    items = vg_json_parse(&call->arena, vg_out_str(&out), NULL);
    if (names != NULL && items != NULL) {
        text = vg_csv(call, items);
    }
    if (text.data == NULL) {
        return luaL_error(L, "no CSV: a column twice, or too many of them");
    }
    lua_pushlstring(L, text.data, text.len);
    return 1;
}


/* 2: the method, 3: the path, as vg_plugins_with() has them; an array */
int
vg_lua_plugins_with(lua_State *L)
{
    vg_str_t    names;
    vg_call_t  *call = vg_lua_call_of(L);
    vg_method_t method =
        vg_lua_method_of(L, "plugins_with", luaL_checkstring(L, 2));

    names = vg_plugins_with(call, method, luaL_checkstring(L, 3));
    vg_lua_push(L,
                names.data ? vg_json_parse(&call->arena, names, NULL) : NULL);
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
