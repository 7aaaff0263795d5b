/*
 * hook.c: functions that run to their end: check, render, a step's command and
 * what it was told. And what becomes of one that fails: its call alone, with a
 * line in the log that names the place, and the plugin's breaker.
 */

#include "install.h"
#include "vm.h"

/* of 20 calls in a row ten failed: for five seconds none is tried, then five
 * are */
static const vg_breaker_conf_t vg_lua_breaker = { 20, 5, 5000 };

typedef struct {
    vg_call_t *call;
    int        ref;
    bool       step; /* a table that it returns is a question               */
} vg_lua_visit_hook_t;


vg_lua_t *
vg_lua_of(vg_call_t *call)
{
    return call->endpoint->plugin->spoken;
}


/* found once a process; before there is shared memory nothing is counted */
static vg_language_row_t *
vg_lua_row_of(vg_lua_t *lua)
{
    if (lua->row == NULL || lua->row_of != ngx_pid) {
        lua->row = vg_language_row(&lua->plugin->name);
        lua->row_of = ngx_pid;
    }
    return lua->row;
}


static int
vg_lua_again(lua_State *L)
{
    (void) vg_lua_source_run(L, VG_INSTALL_LUA);
    vg_lua_rows_bind(L, vg_lua_vm_of(L));
    return 0;
}


/* after one that met its bound on memory */
static vg_lua_vm_t *
vg_lua_anew(vg_call_t *call, vg_lua_t *lua)
{
    vg_lua_vm_t       *vm = vg_lua_vm_make(lua);
    vg_lua_error_t     error;
    vg_language_row_t *row = vg_lua_row_of(lua);

    if (vm == NULL) {
        return NULL;
    }
    if (vg_lua_enter(vm, NULL, vg_lua_again, NULL, VG_LUA_LOADING, &error) != 0)
    {
        vg_log(call, VG_LOG_ERROR, "no other machine: %s", error.text);
        vg_lua_vm_close(vm);
        return NULL;
    }
    if (row != NULL) {
        (void) ngx_atomic_fetch_add(&row->machines, 1);
    }
    lua->vm = vm;
    return vm;
}


vg_lua_vm_t *
vg_lua_ready(vg_call_t *call, vg_breaker_pass_t *pass)
{
    vg_lua_t          *lua = vg_lua_of(call);
    vg_language_row_t *row = vg_lua_row_of(lua);

    if (row != NULL
        && !vg_breaker_try(&row->breaker, &vg_lua_breaker, ngx_current_msec,
                           pass))
    {
        call->retry_after = vg_lua_breaker.open / 1000;
        (void) vg_refuse(call, "plugin_out");
        return NULL;
    }
    if (row != NULL) {
        (void) ngx_atomic_fetch_add(&row->calls, 1);
    }
    if (lua->vm == NULL && vg_lua_anew(call, lua) == NULL) {
        (void) vg_refuse(call, "plugin_limit");
        return NULL;
    }
    return lua->vm;
}


void
vg_lua_ended(vg_call_t *call, vg_breaker_pass_t pass, vg_breaker_end_t end)
{
    vg_language_row_t *row = vg_lua_row_of(vg_lua_of(call));

    if (row != NULL) {
        vg_breaker_end(&row->breaker, &vg_lua_breaker, ngx_current_msec, pass,
                       end);
    }
}


vg_rc_t
vg_lua_failed(vg_call_t *call, vg_lua_vm_t *vm, vg_breaker_pass_t pass,
              const vg_lua_error_t *error)
{
    vg_language_row_t *row = vg_lua_row_of(vg_lua_of(call));

    vg_log(call, VG_LOG_ERROR, "%s", error->text);
    vg_lua_ended(call, pass, VG_BREAKER_FAULT);
    if (row != NULL) {
        (void) ngx_atomic_fetch_add(error->limit ? &row->limits : &row->faults,
                                    1);
    }
    if (vm->spoilt) {
        vg_lua_vm_drop(vm);
    }
    call->nproblems = 0;
    call->retry_after = error->limit ? 1 : 0;
    return vg_refuse(call, error->limit ? "plugin_limit" : "internal");
}


int *
vg_lua_slot(vg_call_t *call, vg_lua_vm_t *vm, ngx_uint_t slot)
{
    return &vm->rows[call->endpoint->row - vm->lua->manifest.routes].slot[slot];
}


/* the function, with the call; a table that it returns is the answer */
static int
vg_lua_run(lua_State *L)
{
    vg_out_t             out;
    const char          *wrong;
    vg_lua_visit_hook_t *visit = lua_touserdata(L, 1);

    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, visit->ref);
    vg_lua_call_push(L);
    lua_call(L, 1, 1);
    if (lua_istable(L, -1) && visit->step) {
        vg_lua_way(L, visit->call);
    } else if (lua_istable(L, -1)) {
        vg_out_init(&out, &visit->call->arena);
        wrong = vg_lua_write(L, -1, &out);
        if (wrong != NULL) {
            return luaL_error(L, "it returns %s", wrong);
        }
        (void) vg_reply(visit->call, vg_out_str(&out));
    }
    return 0;
}


static vg_rc_t
vg_lua_hook(vg_call_t *call, ngx_uint_t slot)
{
    vg_breaker_pass_t   pass = 0;
    vg_lua_vm_t        *vm = vg_lua_ready(call, &pass);
    vg_lua_error_t      error;
    vg_lua_visit_hook_t visit = { call, LUA_NOREF, slot >= VG_LUA_STEP };

    if (vm == NULL) {
        return VG_ERROR;
    }
    vm->declined = 0;
    visit.ref = vm->function = *vg_lua_slot(call, vm, slot);
    if (vg_lua_enter(vm, call, vg_lua_run, &visit, vg_lua_conf->time, &error)
        != 0) {
        return vg_lua_failed(call, vm, pass, &error);
    }
    vg_lua_ended(call, pass, VG_BREAKER_GOOD);
    if (vm->spoilt) {
        vg_lua_vm_drop(vm); /* whatever it made of that */
    }
    if (call->error != NULL || call->nproblems) {
        return VG_ERROR;
    }
    if (vm->declined) {
        return VG_DECLINED;
    }
    return call->answered ? VG_DONE : VG_OK;
}


vg_rc_t
vg_lua_check(vg_call_t *call)
{
    return vg_lua_hook(call, VG_LUA_CHECK);
}


vg_rc_t
vg_lua_render(vg_call_t *call)
{
    return vg_lua_hook(call, VG_LUA_RENDER);
}


vg_rc_t
vg_lua_command(vg_call_t *call)
{
    return vg_lua_hook(call, VG_LUA_STEP + 2 * call->step);
}


vg_rc_t
vg_lua_told(vg_call_t *call)
{
    return vg_lua_hook(call, VG_LUA_STEP + 2 * call->step + 1);
}
