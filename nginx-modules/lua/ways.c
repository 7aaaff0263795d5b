/*
 * ways.c: what a handler may wait for that is in the house: a charge point, a
 * password's hash, a document that is drawn.
 */

#include "vm.h"


/* 1: the charge point, 2: the action, 3: its payload */
int
vg_lua_command_send(lua_State *L)
{
    vg_str_t       charge_point, action;
    vg_lua_task_t *task = vg_lua_task(L);

    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    vg_lua_outside(L, task->call, true);
    charge_point = vg_lua_kept(L, task->call, 1);
    action = vg_lua_kept(L, task->call, 2);
    vg_lua_bound_way(L, task,
                     vg_command(task->call, charge_point, action.data,
                                vg_lua_args(L, task->call, 3)));
    return 0;
}


/* --------------------------------------------------------------- passwords */

static vg_str_t
vg_lua_secret_of(lua_State *L, vg_call_t *call, int index)
{
    luaL_checktype(L, index, LUA_TSTRING);
    return vg_lua_kept(L, call, index);
}


int
vg_lua_password_hash(lua_State *L)
{
    vg_lua_task_t *task = vg_lua_task(L);

    vg_lua_bound_way(
        L, task,
        vg_password_hash(task->call, vg_lua_secret_of(L, task->call, 1)));
    return 0;
}


/* 2: its hash, or nil, which nothing matches */
int
vg_lua_password_check(lua_State *L)
{
    vg_str_t       hash = { NULL, 0 };
    vg_lua_task_t *task = vg_lua_task(L);

    if (!lua_isnoneornil(L, 2)) {
        hash = vg_lua_secret_of(L, task->call, 2);
    }
    vg_lua_bound_way(L, task,
                     vg_password_check(
                         task->call, vg_lua_secret_of(L, task->call, 1), hash));
    return 0;
}


/* 3: the next one */
int
vg_lua_password_change(lua_State *L)
{
    vg_lua_task_t *task = vg_lua_task(L);

    vg_lua_bound_way(L, task,
                     vg_password_change(task->call,
                                        vg_lua_secret_of(L, task->call, 1),
                                        vg_lua_secret_of(L, task->call, 2),
                                        vg_lua_secret_of(L, task->call, 3)));
    return 0;
}


/* --------------------------------------------------------------- documents */

/* true: there is something to wait for; else false and what is said at once:
 * who has the document already need not have it drawn */
int
vg_lua_document_draw(lua_State *L)
{
    vg_rc_t        rc;
    vg_lua_task_t *task = vg_lua_task(L);
    vg_call_t     *call = task->call;

    luaL_checktype(L, 1, LUA_TTABLE);
    rc = vg_paper(call, vg_lua_args(L, call, 1));
    if (rc == VG_OK && call->outgoing.send != NULL) {
        vg_lua_bound_way(L, task, rc);
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    if (rc == VG_OK) {
        lua_pushboolean(L, 1);
        return 2;
    }
    lua_pushnil(L);
    lua_pushstring(L, call->error->name);
    call->error = NULL;
    return 3;
}
