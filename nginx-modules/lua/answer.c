/*
 * answer.c: answers that are no table: methods of `call`.
 */

#include "vm.h"


/* Where a statement answers, it is asked first: then render() replies. */
static vg_call_t *
vg_lua_replies(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    if (vg_lua_vm_of(L)->task != NULL && call->endpoint->statement != NULL) {
        (void) luaL_error(L, "its statement answers: reply in render");
    }
    return call;
}


int
vg_lua_reply(lua_State *L)
{
    vg_call_t *call = vg_lua_replies(L);

    luaL_checktype(L, 2, LUA_TTABLE);
    (void) vg_reply(call, vg_lua_kept(L, call, 2));
    return 0;
}


/* it stands in a header: nothing there may end it */
static const char *
vg_lua_media(lua_State *L, vg_call_t *call, int index)
{
    size_t      len;
    const char *p, *type = luaL_checklstring(L, index, &len);

    for (p = type; *p >= ' ' && *p <= '~'; p++) {
        continue;
    }
    if (len == 0 || len > 100 || p != type + len) {
        (void) luaL_error(L, "no media type");
    }
    return vg_lua_kept(L, call, index).data;
}


/* 2: the type, 3: bytes, 4: the file's name, if it is one */
int
vg_lua_reply_as(lua_State *L)
{
    size_t      len;
    vg_rc_t     rc;
    vg_str_t    copy;
    vg_call_t  *call = vg_lua_replies(L);
    const char *type = vg_lua_media(L, call, 2);
    const char *text = luaL_checklstring(L, 3, &len);

    copy = vg_str_copy(&call->arena, (vg_str_t){ text, len });
    if (lua_isnoneornil(L, 4)) {
        rc = vg_reply_as(call, type, copy);
    } else {
        (void) luaL_checkstring(L, 4);
        rc = vg_reply_file(call, type, vg_lua_kept(L, call, 4), copy);
    }
    return rc == VG_ERROR ? luaL_error(L, "no memory") : 0;
}


/* 2: its name */
int
vg_lua_reply_drawn(lua_State *L)
{
    vg_rc_t    rc;
    vg_call_t *call = vg_lua_replies(L);

    (void) luaL_checkstring(L, 2);
    if (vg_drawn(call).data == NULL) {
        return luaL_error(L, "no document was drawn");
    }
    rc = vg_reply_file(call, "application/pdf", vg_lua_kept(L, call, 2),
                       vg_drawn(call));
    return rc == VG_ERROR ? luaL_error(L, "no memory") : 0;
}


/* in render(): what was kept is good no more */
int
vg_lua_decline(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    if (!vg_kept(call)) {
        return luaL_error(L, "this answer does not come out of the cache");
    }
    vg_lua_vm_of(L)->declined = 1;
    return 0;
}
