/*
 * sandbox.c: what a plugin finds in its machine. It is made of LuaJIT's own
 * libraries by taking away what reaches out of the machine, what reads code
 * that is not a plugin's file, and what the fence could not end.
 */

#include "vm.h"

/* In Lua, since a C function cannot be left and come back to. HOST is what a
 * handler's wait yields: it goes past the plugin's own coroutines up to the
 * host, which resumes them from the outside in. So does one that is put off,
 * which yields nothing: still() knows. Nothing is put off in here, where depth
 * is between two values. */
static const char vg_lua_prelude[] =
    "local still, HOST, depth = ...\n"
    "local raw_pcall, create = pcall, coroutine.create\n"
    "local raw_resume, raw_yield = coroutine.resume, coroutine.yield\n"
    "local error, type = error, type\n"
    "local function after(...) still() return ... end\n"
    "function pcall(f, ...) return after(raw_pcall(f, ...)) end\n"
    "local function handled(h, ok, ...)\n"
    "  still()\n"
    "  if ok then return ok, ... end\n"
    "  return false, h(...)\n"
    "end\n"
    "function xpcall(f, h, ...) return handled(h, raw_pcall(f, ...)) end\n"
    "local resume\n"
    "local function back(co, ok, first, ...)\n"
    "  depth = depth - 1\n"
    "  local off = still()\n"
    "  if ok and (off or first == HOST) then return resume(co, "
    "raw_yield(HOST)) end\n"
    "  return ok, first, ...\n"
    "end\n"
    "function resume(co, ...)\n"
    "  if depth >= 64 then error('coroutines within 64 others', 0) end\n"
    "  depth = depth + 1\n"
    "  return back(co, raw_resume(co, ...))\n"
    "end\n"
    "local function unwrap(ok, ...)\n"
    "  if ok then return ... end\n"
    "  error(..., 0)\n"
    "end\n"
    "coroutine.resume = resume\n"
    "function coroutine.wrap(f)\n"
    "  local co = create(f)\n"
    "  return function(...) return unwrap(resume(co, ...)) end\n"
    "end\n";

static const char *const vg_lua_taken[] = {
    "collectgarbage", "dofile",  "load",    "loadfile", "loadstring",
    "gcinfo",         "getfenv", "setfenv", "module",   "newproxy",
    "require",        "print",   "jit",     "package",  "io",
    "debug",          "os",      NULL
};

const char vg_lua_host; /* its address is HOST: no value of a plugin's is it  */

#define VG_LUA_SORTED 20000 /* items: the sort itself cannot be ended         */


bool
vg_lua_still(lua_State *L)
{
    vg_lua_vm_t *vm = vg_lua_vm_of(L);

    if (vm->over != NULL) {
        (void) luaL_error(L, "%s", vm->over);
    }
    if (vm->spoilt) {
        (void) luaL_error(L, "it takes too much memory");
    }
    return vm->off;
}


static int
vg_lua_still_here(lua_State *L)
{
    lua_pushboolean(L, vg_lua_still(L));
    return 1;
}


static int
vg_lua_sort(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_objlen(L, 1) > VG_LUA_SORTED) {
        return luaL_error(L, "more than %d items to sort", VG_LUA_SORTED);
    }
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 0);
    return 0;
}


static void
vg_lua_open(lua_State *L, lua_CFunction library, const char *name)
{
    lua_pushcfunction(L, library);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}


/* os: what tells the time, and nothing else */
static void
vg_lua_os(lua_State *L)
{
    static const char *const kept[] = { "time", "clock", "date", NULL };
    ngx_uint_t               i;

    vg_lua_open(L, luaopen_os, "os");
    lua_getglobal(L, "os");
    lua_createtable(L, 0, 3);
    for (i = 0; kept[i] != NULL; i++) {
        lua_getfield(L, -2, kept[i]);
        lua_setfield(L, -2, kept[i]);
    }
    lua_insert(L, -2);
    lua_pop(L, 1);
}


static void
vg_lua_libraries(lua_State *L)
{
    vg_lua_open(L, luaopen_base, "");
    vg_lua_open(L, luaopen_table, "table");
    vg_lua_open(L, luaopen_string, "string");
    vg_lua_open(L, luaopen_math, "math");
    vg_lua_open(L, luaopen_bit, "bit");
    vg_lua_open(L, luaopen_jit, "jit");
    vg_lua_os(L); /* stays on the stack */
}


/* a string's metatable would reach what all of a plugin's files share, and
 * string.dump() makes what only load() reads */
static void
vg_lua_strings_closed(lua_State *L)
{
    lua_getglobal(L, "string");
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 1);
    lua_pushliteral(L, "");
    (void) lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}


static void
vg_lua_tables(lua_State *L)
{
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushcclosure(L, vg_lua_sort, 1);
    lua_setfield(L, -2, "sort");
    lua_pop(L, 1);
}


void
vg_lua_sandbox(lua_State *L)
{
    ngx_uint_t i;

    vg_lua_libraries(L);
    if (luaL_loadbufferx(L, vg_lua_prelude, sizeof(vg_lua_prelude) - 1,
                         "=prelude", "t")
        != 0)
    {
        lua_error(L);
    }
    lua_pushcfunction(L, vg_lua_still_here);
    lua_pushlightuserdata(L, (void *) &vg_lua_host);
    lua_pushinteger(L, 0);
    lua_call(L, 3, 0);
    for (i = 0; vg_lua_taken[i] != NULL; i++) {
        lua_pushnil(L);
        lua_setglobal(L, vg_lua_taken[i]);
    }
    lua_setglobal(L, "os");
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "vg.loaded");
    lua_pushcfunction(L, vg_lua_require);
    lua_setglobal(L, "require");
    lua_pushlightuserdata(L, NULL);
    lua_setglobal(L, "null");
    vg_lua_strings(L);
    vg_lua_strings_closed(L);
    vg_lua_tables(L);
    vg_lua_json_open(L);
    vg_lua_digest_open(L);
    vg_lua_lent_open(L);
    vg_lua_call_open(L);
    vg_lua_waits_open(L);
}
