/*
 * place.c: where in a plugin's files a table of its manifest begins, for who is
 * told what is wrong with it. Tables do not know; so the files of a version that
 * was refused run once more, in a machine of their own, where a hook looks at
 * each instruction which tables are new. Code that is compiled has no hooks, and
 * what it makes no place.
 */

#include <ctype.h>

#include "install.h"
#include "vm.h"

/* [table] = "3 1 plugin.lua": line 3, the first of it; ["plugin.lua:3"] = how
 * many */
#define VG_LUA_PLACES "vg.places"

typedef struct {
    const char *text; /* what is wrong: "routes[3].fields[1]: …"            */
    char        place[128];
} vg_lua_place_t;

/* the line of the instruction before: the one that made what is new */
static struct {
    char file[64];
    int  line;
} vg_lua_before;


/* ----------------------------------------------------------- lines of a file */

/* A constructor has the line of the word before it: it begins there, or is the
 * first thing of a later line. nth: of those with this line. */
static int
vg_lua_begins(const char *text, int line, int nth)
{
    int         braces = 0;
    char        quote = '\0';
    const char *p = text, *from;

    for (int i = 1; i < line && p != NULL; i++) {
        p = strchr(p, '\n');
        p = p != NULL ? p + 1 : NULL;
    }
    if (p == NULL) {
        return line;
    }
    from = p + strspn(p, " \t");
    for (p = from; *p != '\n' && *p != '\0'; p++) {
        if (quote != '\0') {
            p += *p == '\\' && p[1] != '\0';
            quote = *p == quote ? '\0' : quote;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '-' && p[1] == '-') {
            p += strcspn(p, "\n") - 1;
        } else {
            braces += *p == '{' && p > from;
        }
    }
    while (nth > braces && *p == '\n') {
        line++;
        p += 1 + strspn(p + 1, " \t");
        if (*p != '\n' && (*p != '-' || p[1] != '-')) {
            break;
        }
        p += strcspn(p, "\n");
    }
    return line;
}


/* found: "LINE NTH FILE", as the hook wrote it down */
static void
vg_lua_place_tell(vg_lua_place_t *place, const char *folder, const char *found)
{
    int   n = 0, line, nth;
    char  path[NGX_MAX_PATH], *end;
    FILE *file;
    char *text = ngx_calloc(VG_LUA_FILE + 1, ngx_cycle->log);

    line = (int) strtol(found, &end, 10);
    nth = (int) strtol(end, &end, 10);
    (void) snprintf(path, sizeof(path), "%s/%s", folder, end + 1);
    file = fopen(path, "re");
    if (file != NULL) {
        n = text != NULL && fread(text, 1, VG_LUA_FILE, file) > 0;
        (void) fclose(file);
    }
    (void) snprintf(place->place, sizeof(place->place), "%s:%d: ", end + 1,
                    n ? vg_lua_begins(text, line, nth) : line);
    ngx_free(text);
}


/* ----------------------------------------------------------------- the hook */

/* the table on top of the places below it */
static void
vg_lua_place_note(lua_State *L)
{
    int nth;

    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (!lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 1);
    (void) lua_pushfstring(L, "%s:%d", vg_lua_before.file, vg_lua_before.line);
    lua_pushvalue(L, -1);
    lua_rawget(L, -4);
    nth = (int) lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushinteger(L, nth);
    lua_rawset(L, -4);
    lua_pushvalue(L, -1);
    (void) lua_pushfstring(L, "%d %d %s", vg_lua_before.line, nth,
                           vg_lua_before.file);
    lua_rawset(L, -4);
}


static void
vg_lua_place_hook(lua_State *L, lua_Debug *at)
{
    int i;

    if (!lua_getinfo(L, "Sl", at) || at->source[0] != '@') {
        return;
    }
    luaL_checkstack(L, 8, "too deep");
    lua_getfield(L, LUA_REGISTRYINDEX, VG_LUA_PLACES);
    for (i = 1; lua_getlocal(L, at, i) != NULL; i++) {
        if (lua_istable(L, -1) && vg_lua_before.line > 0) {
            vg_lua_place_note(L);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    (void) snprintf(vg_lua_before.file, sizeof(vg_lua_before.file), "%.60s",
                    at->source + 1);
    vg_lua_before.line = at->currentline;
}


/* -------------------------------------------------------- the table at fault */

/* Replaces the table on top by its member; 0: there is none, and it stays. What
 * errors call "mark.fields[1]" is queries.mark[1]; "sagas[1][2]" is its step. */
static int
vg_lua_place_step(lua_State *L, const char *name, size_t len, int i)
{
    if (name != NULL) {
        lua_pushlstring(L, name, len);
    } else {
        lua_pushinteger(L, i);
    }
    lua_rawget(L, -2);
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        return 0;
    }
    lua_replace(L, -2);
    return 1;
}


/* the manifest is on top: the deepest table that text names is, then */
static void
vg_lua_place_walk(lua_State *L, const char *text)
{
    int    i;
    size_t len = strcspn(text, ".[: ");

    if (!vg_lua_place_step(L, text, len, 0)) {
        lua_pushvalue(L, -1);
        if (!vg_lua_place_step(L, "queries", 7, 0)
            || !vg_lua_place_step(L, text, len, 0))
        {
            lua_pop(L, 1);
            return;
        }
    }
    for (text += len; *text == '.' || *text == '['; text += len) {
        if (*text == '.') {
            text++;
            len = strcspn(text, ".[: ");
            (void) vg_lua_place_step(L, text, len, 0);
            continue;
        }
        i = (int) strtol(text + 1, NULL, 10);
        len = strcspn(text, "]") + 1;
        if (!vg_lua_place_step(L, NULL, 0, i)
            && vg_lua_place_step(L, "steps", 5, 0)) {
            (void) vg_lua_place_step(L, NULL, 0, i);
        }
    }
}


static int
vg_lua_place_run(lua_State *L)
{
    const char     *found;
    vg_lua_place_t *place = lua_touserdata(L, 1);

    lua_settop(L, 0);
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, VG_LUA_PLACES);
    (void) lua_gc(L, LUA_GCSTOP, 0); /* a slot may hold what is gone         */
    vg_lua_before.line = 0;
    (void) lua_sethook(L, vg_lua_place_hook, LUA_MASKCOUNT, 1);
    (void) vg_lua_source_run(L, VG_INSTALL_LUA);
    (void) lua_sethook(L, NULL, 0, 0);
    if (!lua_istable(L, -1)) {
        return 0;
    }
    vg_lua_place_walk(L, place->text);
    lua_getfield(L, LUA_REGISTRYINDEX, VG_LUA_PLACES);
    lua_insert(L, -2);
    lua_rawget(L, -2);
    found = lua_tostring(L, -1);
    if (found != NULL) {
        vg_lua_place_tell(place, vg_lua_vm_of(L)->lua->plugin->folder, found);
    }
    return 0;
}


/* has it "plugin.lua:3" already? */
static bool
vg_lua_placed(const char *text)
{
    const char *at = strstr(text, ".lua:");

    return at != NULL && isdigit((u_char) at[5]);
}


void
vg_lua_place(vg_lua_t *lua, vg_lua_error_t *error)
{
    char           text[sizeof(error->text)];
    size_t         own = sizeof(VG_INSTALL_LUA ": ") - 1;
    vg_lua_vm_t   *vm = NULL;
    vg_lua_error_t none;
    vg_lua_place_t place = { text, "" };

    ngx_memcpy(text, error->text, sizeof(text));
    if (!error->limit && !vg_lua_placed(text)) {
        vm = vg_lua_vm_make(lua);
    }
    if (vm == NULL) {
        return;
    }
    (void) vg_lua_enter(vm, NULL, vg_lua_place_run, &place, VG_LUA_LOADING,
                        &none);
    vg_lua_vm_close(vm);
    if (place.place[0] != '\0') {
        own = strncmp(text, VG_INSTALL_LUA ": ", own) == 0 ? own : 0;
        (void) snprintf(error->text, sizeof(error->text), "%.80s%.170s",
                        place.place, text + own);
    }
}
