/*
 * task.c: a handler, as a coroutine. To the call it is an awaited step, whose
 * answer comes when the coroutine has ended; each wait within is one of the
 * ways that a step of a C plugin has, with its own deadline. A call that is
 * over meanwhile is seen when the wait ends, and the coroutine is dropped
 * there: nothing of it runs any more.
 *
 * One that computes for longer than a slice waits, too: for its turn. In each
 * turn of the event loop one of those goes on, so that however many compute the
 * loop is held by a slice.
 */

#include "vm.h"

typedef enum { VG_LUA_WAITS, VG_LUA_OVER } vg_lua_slice_t;


/* a coroutine, which the next handlers begin in, too */
static int
vg_lua_begin(lua_State *L)
{
    vg_lua_vm_t *vm = vg_lua_vm_of(L);
    lua_State   *co = lua_newthread(L);

    luaL_checkstack(co, 8, "no memory");
    vm->idle_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    vm->idle = co;
    return 0;
}


/* Nothing of it takes memory, so it needs no entry: the call's handle is made
 * within the coroutine. */
static void
vg_lua_began(vg_lua_task_t *task)
{
    vg_lua_vm_t *vm = task->vm;

    task->serial = vg_lua_serial();
    task->co = vm->idle;
    task->ref = vm->idle_ref;
    vm->idle = NULL;
    vm->waits++; /* from now on the task is to be ended */
    lua_rawgeti(task->co, LUA_REGISTRYINDEX, vm->begin);
    lua_rawgeti(task->co, LUA_REGISTRYINDEX, task->function);
}


int
vg_lua_here(lua_State *L)
{
    vg_lua_call_push(L);
    return 1;
}


/* well: it came to its end, and can begin again with another function */
static void
vg_lua_end(vg_lua_task_t *task, bool well)
{
    vg_lua_vm_t *vm = task->vm;

    if (well && vm->idle == NULL) {
        lua_settop(task->co, 0);
        vm->idle = task->co;
        vm->idle_ref = task->ref;
    } else {
        luaL_unref(vm->L, LUA_REGISTRYINDEX, task->ref);
    }
    task->vm = NULL;
    if (vm->spoilt) {
        vm->lua->vm = vm->lua->vm == vm ? NULL : vm->lua->vm;
    }
    vg_lua_vm_unwait(vm);
}


static vg_lua_slice_t
vg_lua_fails(vg_lua_task_t *task, const vg_lua_error_t *error)
{
    (void) vg_lua_failed(task->call, task->vm, task->pass, error);
    vg_lua_end(task, false);
    return VG_LUA_OVER;
}


/* ------------------------------------------------------------------- turns */

static ngx_queue_t vg_lua_turns; /* of tasks; prev NULL: not made yet        */
static ngx_event_t vg_lua_turn;

static void vg_lua_said(void *data, const vg_said_t *said);


static void
vg_lua_turned(ngx_event_t *ev)
{
    ngx_queue_t *first = ngx_queue_head(&vg_lua_turns);
    vg_said_t    nothing = { .result = VG_STR("") };

    ngx_queue_remove(first);
    if (!ngx_queue_empty(&vg_lua_turns)) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
    vg_lua_said(ngx_queue_data(first, vg_lua_task_t, turn), &nothing);
}


/* a way like any other, which waits for nobody */
static void
vg_lua_later(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    vg_lua_task_t *task = data;

    (void) what;
    (void) said;
    if (vg_lua_turns.prev == NULL) {
        ngx_queue_init(&vg_lua_turns);
        vg_lua_turn.handler = vg_lua_turned;
    }
    vg_lua_turn.log = ngx_cycle->log;
    ngx_queue_insert_tail(&vg_lua_turns, &task->turn);
    ngx_post_event(&vg_lua_turn, &ngx_posted_next_events);
    (void) call;
}


/* until it waits or is over; what was decided is the call's */
static vg_lua_slice_t
vg_lua_slice(vg_lua_task_t *task, int args)
{
    int            rc;
    vg_lua_error_t error = { "", 0 };

    task->way = NULL;
    task->vm->function = task->function;
    rc = vg_lua_resume(task, args, &error);
    if (rc == LUA_YIELD && task->off) {
        task->way = vg_lua_later;
        return VG_LUA_WAITS;
    }
    if (rc == LUA_YIELD && task->way != NULL) {
        lua_settop(task->co, 0);
        return VG_LUA_WAITS;
    }
    if (rc == LUA_YIELD) {
        vg_lua_misled(task->vm,
                      "a handler yields, outside of a coroutine of "
                      "its own",
                      &error);
    }
    if (rc != 0) {
        return vg_lua_fails(task, &error);
    }
    vg_lua_ended(task->call, task->pass, VG_BREAKER_GOOD);
    vg_lua_end(task, !task->vm->spoilt);
    return VG_LUA_OVER;
}


/* asks are counted: a call that is repeated asks under the same numbers */
static void
vg_lua_wait(vg_lua_task_t *task)
{
    vg_call_t *call = task->call;

    task->asked += !task->off;
    call->outgoing.nth = task->asked;
    if (!task->off && !task->looks) {
        vg_steps_patience(call);
    }
    task->looks = 0;
    task->way(call, task->what, vg_lua_said, task);
}


static vg_rc_t
vg_lua_go_on(vg_call_t *call)
{
    vg_lua_task_t *task = (vg_lua_task_t *) call->outgoing.what;

    return vg_lua_slice(task, 0) == VG_LUA_WAITS ? VG_OK : VG_DONE;
}


static void
vg_lua_tell(vg_lua_task_t *task)
{
    vg_call_t *call = task->call;
    vg_said_t  said = { .result = VG_STR("") };

    if (call->error != NULL) {
        said.error = call->error->name;
        said.detail = call->detail;
    } else if (call->nproblems) {
        said.error = "validation";
    }
    task->said(task->data, &said);
}


static void
vg_lua_said(void *data, const vg_said_t *said)
{
    vg_rc_t        rc;
    vg_lua_task_t *task = data;
    vg_call_t     *call = task->call;
    vg_lua_error_t spoilt = { "it takes too much memory", 1 };

    if (call->finished) {
        vg_lua_ended(call, task->pass, VG_BREAKER_NONE);
        vg_lua_end(task, false);
        vg_lua_tell(task);
        return;
    }
    if (task->vm->spoilt) {
        (void) vg_lua_fails(task, &spoilt);
        vg_lua_tell(task);
        return;
    }
    task->told = said;
    call->outgoing.what = task;
    rc = vg_hook_run(call, vg_lua_go_on);
    task->told = NULL;
    if (rc == VG_OK) {
        vg_lua_wait(task);
    } else {
        vg_lua_tell(task);
    }
}


static void
vg_lua_send(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    vg_lua_task_t *task = (vg_lua_task_t *) what;

    (void) call;
    task->said = said;
    task->data = data;
    vg_lua_wait(task);
}


vg_rc_t
vg_lua_handler(vg_call_t *call)
{
    vg_lua_error_t error;
    vg_lua_task_t *task = vg_calloc(&call->arena, sizeof(vg_lua_task_t));

    if (task == NULL) {
        return vg_refuse(call, "internal");
    }
    task->call = call;
    task->vm = vg_lua_ready(call, &task->pass);
    if (task->vm == NULL) {
        return VG_ERROR;
    }
    task->function = *vg_lua_slot(call, task->vm, VG_LUA_HANDLER);
    task->vm->function = task->function;
    if (task->vm->idle == NULL
        && vg_lua_enter(task->vm, call, vg_lua_begin, NULL, vg_lua_conf->time,
                        &error)
               != 0)
    {
        return vg_lua_failed(call, task->vm, task->pass, &error);
    }
    vg_lua_began(task);
    if (vg_lua_slice(task, 1) == VG_LUA_WAITS) {
        call->outgoing.send = vg_lua_send;
        call->outgoing.what = task;
        call->outgoing.reads = 1; /* what does more says so by itself */
        return VG_OK;
    }
    return call->error != NULL || call->nproblems ? VG_ERROR : VG_OK;
}


/* ------------------------------------------------------------- what it gave */

/* {name = value} for the bound fields of the row's statement */
static void
vg_lua_bound(lua_State *L, vg_call_t *call)
{
    const char *name;

    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (vg_bind(call, name, vg_lua_kept(L, call, lua_gettop(L))) != VG_OK) {
            (void) luaL_error(L, "it returns %s, which no bound field is",
                              name);
        }
    }
}


int
vg_lua_finish(lua_State *L)
{
    vg_out_t       out;
    vg_call_t     *call = vg_lua_vm_of(L)->call;
    vg_lua_task_t *task = vg_lua_vm_of(L)->task;
    const char    *wrong;

    lua_settop(L, 1);
    if (call->error != NULL || call->nproblems || call->answered) {
        return 0;
    }
    if (!lua_isnil(L, 1) && !lua_istable(L, 1)) {
        return luaL_error(L, "it returns a %s", luaL_typename(L, 1));
    }
    if (call->endpoint->statement == NULL) {
        if (lua_istable(L, 1)) {
            vg_out_init(&out, &call->arena);
            wrong = vg_lua_write(L, 1, &out);
            if (wrong != NULL) {
                return luaL_error(L, "it returns %s", wrong);
            }
            (void) vg_reply(call, vg_out_str(&out));
        }
        return 0;
    }
    if (lua_istable(L, 1)) {
        vg_lua_bound(L, call);
    }
    if (task->tells) {
        vg_out_close(&task->events, ']');
        if (vg_bind(call, "events", vg_out_str(&task->events)) != VG_OK) {
            return luaL_error(L, "events go into a bound field of that name");
        }
    }
    return 0;
}
