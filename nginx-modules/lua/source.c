/*
 * source.c: files of a version, and of lua/voltgate, as chunks of source. What
 * is bytecode is not read.
 */

#include <sys/stat.h>

#include "vm.h"


/* "@plugin.lua": errors name the file as it is named in the plugin's folder */
static void
vg_lua_source_text(lua_State *L, const char *text, size_t len, const char *name)
{
    const char *chunk = lua_pushfstring(L, "@%s", name);

    if (luaL_loadbufferx(L, text, len, chunk, "t") != 0) {
        lua_error(L);
    }
    lua_remove(L, -2);
}


/* the bytes are Lua's while they are read, so that an error leaks none */
static void
vg_lua_source_read(lua_State *L, const char *path, const char *name)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    void       *text;
    ssize_t     got = -1;
    struct stat st;

    if (fd == -1) {
        (void) luaL_error(L, "there is no %s", name);
    }
    if (fstat(fd, &st) == -1 || st.st_size > VG_LUA_FILE) {
        (void) close(fd);
        (void) luaL_error(L, "%s has more than %d bytes", name, VG_LUA_FILE);
    }
    text = ngx_alloc((size_t) st.st_size + 1, ngx_cycle->log);
    if (text != NULL) {
        got = read(fd, text, (size_t) st.st_size);
    }
    (void) close(fd);
    if (got == -1) {
        ngx_free(text);
        (void) luaL_error(L, "%s cannot be read", name);
        return;
    }
    lua_pushlightuserdata(L, text);
    lua_pushinteger(L, got);
}


static int
vg_lua_source_load(lua_State *L)
{
    vg_lua_source_text(L, lua_touserdata(L, 2), (size_t) lua_tointeger(L, 3),
                       lua_tostring(L, 1));
    return 1;
}


/* pushes what the file returns */
int
vg_lua_source_run(lua_State *L, const char *file)
{
    int   rc;
    char  path[NGX_MAX_PATH];
    void *text;

    (void) snprintf(path, sizeof(path), "%s/%s",
                    vg_lua_vm_of(L)->lua->plugin->folder, file);
    lua_pushcfunction(L, vg_lua_source_load);
    lua_pushstring(L, file);
    vg_lua_source_read(L, path, file);
    text = lua_touserdata(L, -2); /* nothing is made until it is freed */
    rc = lua_pcall(L, 3, 1, 0);
    ngx_free(text);
    if (rc != 0) {
        lua_error(L);
    }
    lua_call(L, 0, 1);
    return 1;
}


static int
vg_lua_library(lua_State *L, const char *name)
{
    char          file[64];
    ngx_uint_t    i;
    ngx_keyval_t *all = vg_lua_conf->library.elts;

    for (i = 0; i < vg_lua_conf->library.nelts; i++) {
        if (strcmp((char *) all[i].key.data, name) == 0) {
            (void) snprintf(file, sizeof(file), "voltgate/%s.lua", name);
            vg_lua_source_text(L, (char *) all[i].value.data, all[i].value.len,
                               file);
            lua_call(L, 0, 1);
            return 1;
        }
    }
    return luaL_error(L, "there is no voltgate.%s", name);
}


/* require "rule" is rule.lua of the plugin's folder, "voltgate.x" the house's;
 * each runs once, and a file that asks for itself is an error */
int
vg_lua_require(lua_State *L)
{
    char        file[64];
    const char *c, *name = luaL_checkstring(L, 1);

    for (c = name; (*c >= 'a' && *c <= 'z') || *c == '_' || *c == '.'
                   || (*c >= '0' && *c <= '9');
         c++)
    {
        continue;
    }
    if (*c != '\0' || c == name || c - name > 40) {
        return luaL_error(L, "a file's name is of a to z, 0 to 9 and _: %s",
                          name);
    }
    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, "vg.loaded");
    lua_getfield(L, 2, name);
    if (lua_touserdata(L, -1) == &vg_lua_host) {
        return luaL_error(L, "%s requires itself", name);
    }
    if (!lua_isnil(L, -1)) {
        return 1;
    }
    lua_pushlightuserdata(L, (void *) &vg_lua_host);
    lua_setfield(L, 2, name);
    if (strncmp(name, "voltgate.", 9) == 0) {
        (void) vg_lua_library(L, name + 9);
    } else if (strchr(name, '.') != NULL) {
        return luaL_error(L, "there is no %s", name);
    } else {
        (void) snprintf(file, sizeof(file), "%s.lua", name);
        (void) vg_lua_source_run(L, file);
    }
    if (lua_isnil(L, -1)) {
        lua_pushboolean(L, 1);
        lua_replace(L, -2);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    return 1;
}
