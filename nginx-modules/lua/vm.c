/*
 * vm.c: makes machines and enters them.
 */

#include <luajit.h>

#include "vm.h"


/* Percent of what is in use at which the next collection begins. Memory that
 * runs out is not looked for first, so garbage must not get it there: from a
 * quarter of the bound on it is looked for early. */
#define VG_LUA_PAUSE 300
#define VG_LUA_TIGHT 125


vg_lua_vm_t *
vg_lua_vm_of(lua_State *L)
{
    void *vm;

    (void) lua_getallocf(L, &vm);
    return vm;
}


/* Of small pieces those that come back wait here, by size: a sweep gives back
 * more at once than malloc() keeps at hand, and each handler begins with some.
 * Of all of them so much: no bound on memory counts them.
 * No list: as large as they come, or a sanitizer is to see each of them. */
static void **
vg_lua_spare(vg_lua_vm_t *vm, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    (void) vm;
    (void) size;
    return NULL;
#else
    return size > 0 && size <= VG_LUA_SPARES * VG_LUA_GRAIN
               ? &vm->spare[(size - 1) / VG_LUA_GRAIN]
               : NULL;
#endif
}


static void *
vg_lua_piece(vg_lua_vm_t *vm, size_t size)
{
    void *piece, **spare = vg_lua_spare(vm, size);

    if (spare == NULL) {
        return malloc(size);
    }
    size = (size + VG_LUA_GRAIN - 1) / VG_LUA_GRAIN * VG_LUA_GRAIN;
    piece = *spare;
    if (piece == NULL) {
        return malloc(size);
    }
    *spare = *(void **) piece;
    vm->spared -= size;
    return piece;
}


static void
vg_lua_put_by(vg_lua_vm_t *vm, void *piece, size_t size)
{
    void **spare = vg_lua_spare(vm, size);

    if (spare == NULL || vm->spared >= VG_LUA_SPARED) {
        free(piece);
        return;
    }
    *(void **) piece = *spare;
    *spare = piece;
    vm->spared += (size + VG_LUA_GRAIN - 1) / VG_LUA_GRAIN * VG_LUA_GRAIN;
}


/* Less cannot fail; what it then lies in is larger than its list says. */
static void *
vg_lua_resized(vg_lua_vm_t *vm, void *old, size_t was, size_t size)
{
    void *new, **from = vg_lua_spare(vm, was), **to = vg_lua_spare(vm, size);

    if (old == NULL) {
        return vg_lua_piece(vm, size);
    }
    if (from == to) {
        return from != NULL ? old : realloc(old, size);
    }
    new = vg_lua_piece(vm, size);
    if (new == NULL) {
        return size < was ? old : NULL;
    }
    ngx_memcpy(new, old, ngx_min(was, size));
    vg_lua_put_by(vm, old, was);
    return new;
}


static void
vg_lua_spares_free(vg_lua_vm_t *vm)
{
    void      *piece;
    ngx_uint_t i;

    for (i = 0; i < VG_LUA_SPARES; i++) {
        while ((piece = vm->spare[i]) != NULL) {
            vm->spare[i] = *(void **) piece;
            free(piece);
        }
    }
}


/* The bound is set once the machine is there: lua_newstate() does not survive
 * an allocation that fails. */
static void *
vg_lua_alloc(void *data, void *old, size_t was, size_t size)
{
    void *new;
    vg_lua_vm_t *vm = data;

    if (size == 0) {
        vm->used -= was;
        if (old != NULL) {
            vg_lua_put_by(vm, old, was);
        }
        return NULL;
    }
    if (size > was && vm->cap != 0 && vm->used - was + size > vm->cap) {
        vm->spoilt = 1;
        return NULL;
    }
    new = vg_lua_resized(vm, old, was, size);
    if (new != NULL) {
        vm->used += size - was;
    }
    if (!vm->tight && vm->cap != 0 && vm->used > vm->cap / 4) {
        vm->tight = 1;
        (void) lua_gc(vm->L, LUA_GCSETPAUSE, VG_LUA_TIGHT); /* sets a number */
    }
    return new;
}


static ngx_uint_t
vg_lua_trusted(const vg_lua_t *lua)
{
    ngx_str_t *name = vg_lua_conf->trusted->elts;
    ngx_uint_t i;

    for (i = 0; i < vg_lua_conf->trusted->nelts; i++) {
        if (name[i].len == lua->plugin->name.len
            && ngx_strncmp(name[i].data, lua->plugin->name.data, name[i].len)
                   == 0)
        {
            return 1;
        }
    }
    return 0;
}


/* whatever gets past a protected call is ours, and ends the worker */
static int
vg_lua_panic(lua_State *L)
{
    const char *text = lua_tostring(L, -1);

    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "voltgate: Lua outside of a protected call: %s",
                  text ? text : "");
    return 0;
}


static void vg_lua_entrance(lua_State *L);


static int
vg_lua_furnish(lua_State *L)
{
    vg_lua_sandbox(L);
    vg_lua_entrance(L);
    return 0;
}


vg_lua_vm_t *
vg_lua_vm_make(vg_lua_t *lua)
{
    vg_lua_vm_t *vm = ngx_calloc(sizeof(vg_lua_vm_t), ngx_cycle->log);

    if (vm == NULL) {
        return NULL;
    }
    vm->lua = lua;
    vm->function = LUA_NOREF;
    vm->L = lua_newstate(vg_lua_alloc, vm);
    if (vm->L == NULL) {
        vg_lua_spares_free(vm);
        ngx_free(vm);
        return NULL;
    }
    (void) lua_atpanic(vm->L, vg_lua_panic);
    if (lua_cpcall(vm->L, vg_lua_furnish, NULL) != 0) {
        vg_plugin_out(lua->plugin, "no machine: %s", lua_tostring(vm->L, -1));
        vg_lua_vm_close(vm);
        return NULL;
    }
    (void) luaJIT_setmode(
        vm->L, 0,
        LUAJIT_MODE_ENGINE
            | (vg_lua_trusted(lua) ? LUAJIT_MODE_ON : LUAJIT_MODE_OFF));
    (void) lua_gc(vm->L, LUA_GCSETPAUSE, VG_LUA_PAUSE);
    vm->cap = vg_lua_conf->memory;
    return vm;
}


void
vg_lua_vm_close(vg_lua_vm_t *vm)
{
    vm->cap = 0;
    lua_close(vm->L);
    vg_lua_spares_free(vm);
    ngx_free(vm->rows);
    ngx_free(vm);
}


void
vg_lua_vm_drop(vg_lua_vm_t *vm)
{
    if (vm->lua->vm == vm) {
        vm->lua->vm = NULL;
    }
    if (vm->waits == 0 && vm->inside == 0) {
        vg_lua_vm_close(vm);
    }
}


void
vg_lua_vm_unwait(vg_lua_vm_t *vm)
{
    vm->waits--;
    if (vm->lua->vm != vm) {
        vg_lua_vm_drop(vm);
    }
}


/* ----------------------------------------------------------------- entries */

/* where the error was raised, whatever it is: it may have been raised without
 * a place, or be no string */
static size_t
vg_lua_where(lua_State *L, char *text, size_t size)
{
    int       level;
    lua_Debug at;

    for (level = 0; lua_getstack(L, level, &at); level++) {
        if (lua_getinfo(L, "Sl", &at) && at.currentline > 0
            && at.source[0] == '@') {
            return (size_t) snprintf(text, size, "%s:%d: ", at.source + 1,
                                     at.currentline);
        }
    }
    return 0;
}


/* Out of memory it is told when the stack has gone: all that is known is which
 * function was called. */
static void
vg_lua_called(vg_lua_vm_t *vm, char *text, size_t size)
{
    lua_Debug at;

    if (vm->function == LUA_NOREF) {
        return;
    }
    lua_rawgeti(vm->L, LUA_REGISTRYINDEX, vm->function);
    if (lua_isfunction(vm->L, -1) && lua_getinfo(vm->L, ">S", &at)) {
        (void) snprintf(text, size, "%s:%d: ", at.short_src, at.linedefined);
    }
}


/* of what the house's own files raise for them, the plugin's line counts */
static const char *
vg_lua_told_text(const char *text)
{
    size_t i = strspn(text, "abcdefghijklmnopqrstuvwxyz");

    if (strncmp(text, "waits:", 6) == 0 || strncmp(text, "prelude:", 8) == 0) {
        text += i + 1;
        text += strspn(text, "0123456789");
        text += strspn(text, ": ");
    }
    return text;
}


static void
vg_lua_explain(lua_State *L, int rc, vg_lua_error_t *error)
{
    char         where[128] = "";
    vg_lua_vm_t *vm = vg_lua_vm_of(L);
    const char  *text = NULL;

    if (lua_type(L, -1) == LUA_TSTRING) {
        text = vg_lua_told_text(lua_tostring(L, -1));
    }
    error->limit = vm->over != NULL || vm->spoilt || rc == LUA_ERRMEM;
    if (vm->spoilt || rc == LUA_ERRMEM) {
        text = "it takes too much memory";
    } else if (vm->over != NULL) {
        text = vm->over;
    }
    if (text == NULL || strstr(text, ".lua:") == NULL) {
        (void) vg_lua_where(L, where, sizeof(where));
        if (where[0] == '\0') {
            vg_lua_called(vm, where, sizeof(where));
        }
    }
    if (text != NULL) {
        (void) snprintf(error->text, sizeof(error->text), "%s%s", where, text);
    } else {
        (void) snprintf(error->text, sizeof(error->text),
                        "%san error that is no string, but a %s", where,
                        lua_typename(L, lua_type(L, -1)));
    }
}


void
vg_lua_misled(vg_lua_vm_t *vm, const char *text, vg_lua_error_t *error)
{
    char where[128] = "";

    vg_lua_called(vm, where, sizeof(where));
    (void) snprintf(error->text, sizeof(error->text), "%s%s", where, text);
}


/* the message handler: the stack still stands */
static int
vg_lua_handle(lua_State *L)
{
    vg_lua_explain(L, 0, vg_lua_vm_of(L)->error);
    return 1;
}


typedef struct {
    lua_CFunction body;
    void         *data;
} vg_lua_visit_t;


static int
vg_lua_visit(lua_State *L)
{
    vg_lua_visit_t *visit = lua_touserdata(L, 1);

    lua_pushlightuserdata(L, visit->data);
    lua_replace(L, 1);
    return visit->body(L);
}


/* both are there before they are needed: a function that is pushed is made
 * anew each time, and that may fail */
static void
vg_lua_entrance(lua_State *L)
{
    vg_lua_vm_t *vm = vg_lua_vm_of(L);

    lua_pushcfunction(L, vg_lua_handle);
    vm->handle = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, vg_lua_visit);
    vm->visit = luaL_ref(L, LUA_REGISTRYINDEX);
}


/* between entries: a machine that is three quarters full is swept, unless that
 * was of little use just now */
static void
vg_lua_sweep(vg_lua_vm_t *vm)
{
    if (vm->inside == 0 && !vm->spoilt && vm->used > vm->cap / 4 * 3
        && vm->used > vm->swept + vm->cap / 16)
    {
        (void) lua_gc(vm->L, LUA_GCCOLLECT, 0);
        vm->swept = vm->used;
    }
    if (vm->tight && vm->inside == 0 && vm->used < vm->cap / 8) {
        vm->tight = 0;
        (void) lua_gc(vm->L, LUA_GCSETPAUSE, VG_LUA_PAUSE);
    }
}


uint64_t
vg_lua_serial(void)
{
    static uint64_t last;

    return ++last;
}


int
vg_lua_enter(vg_lua_vm_t *vm, vg_call_t *call, lua_CFunction body, void *data,
             ngx_msec_t time, vg_lua_error_t *error)
{
    int            rc, top = lua_gettop(vm->L);
    uint64_t       serial = vm->serial;
    vg_call_t     *outer = vm->call;
    vg_lua_task_t *task = vm->task;
    vg_lua_visit_t visit = { body, data };
    vg_lua_entry_t entry = { .vm = vm, .limit = time / VG_LUA_TICK };

    error->text[0] = '\0';
    error->limit = 0;
    if (vm->inside > 0) { /* a hook of it asks, and waits for nobody */
        (void) snprintf(error->text, sizeof(error->text),
                        "it is asked by what itself asks in a hook");
        return LUA_ERRRUN;
    }
    vm->error = error;
    vm->task = NULL;
    vm->call = call;
    vm->serial = vg_lua_serial();
    vm->inside++;
    vg_lua_budget_begin(&entry);
    lua_rawgeti(vm->L, LUA_REGISTRYINDEX, vm->handle);
    lua_rawgeti(vm->L, LUA_REGISTRYINDEX, vm->visit);
    lua_pushlightuserdata(vm->L, &visit);
    rc = lua_pcall(vm->L, 1, 0, top + 1);
    if (rc != 0 && (error->text[0] == '\0' || vm->spoilt || rc == LUA_ERRMEM)) {
        vg_lua_explain(vm->L, rc, error);
    }
    vm->inside--;
    vg_lua_budget_end(&entry);
    vm->task = task;
    vm->call = outer;
    vm->serial = serial;
    lua_settop(vm->L, top);
    vg_lua_sweep(vm);
    return rc;
}


int
vg_lua_resume(vg_lua_task_t *task, int args, vg_lua_error_t *error)
{
    int            rc;
    vg_lua_vm_t   *vm = task->vm;
    uint64_t       serial = vm->serial;
    vg_call_t     *outer = vm->call;
    vg_lua_task_t *before = vm->task;
    vg_lua_entry_t entry = { .vm = vm, .ticks = task->ticks, .slices = 1 };

    entry.limit = vg_lua_conf->time / VG_LUA_TICK;
    vm->task = task;
    vm->call = task->call;
    vm->serial = task->serial;
    vm->inside++;
    vg_lua_budget_begin(&entry);
    rc = lua_resume(task->co, args);
    task->ticks = entry.ticks;
    task->off = vm->off;
    vm->off = 0;
    if (rc != 0 && rc != LUA_YIELD) {
        vg_lua_explain(task->co, rc, error);
    }
    vm->inside--;
    vg_lua_budget_end(&entry);
    vm->task = before;
    vm->call = outer;
    vm->serial = serial;
    if (rc != LUA_YIELD && rc != 0) {
        return rc; /* its stack is looked at still */
    }
    vg_lua_sweep(vm);
    return rc;
}
