/* with: nginx-modules/lua/match.c | -lluajit-5.1
 *
 * match.c: any pattern over any text: found where LuaJIT's own matcher finds
 * it, with the same captures. The first line is the pattern; both are short,
 * since that matcher has no bound; and a NUL ends a pattern there.
 */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "fuzz.h"
#include "match.h"

static lua_State *L;


static void
find_theirs(vg_str_t pattern, vg_str_t subject)
{
    if (L == NULL) {
        L = luaL_newstate();
        luaL_openlibs(L);
    }
    lua_settop(L, 0);
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "find");
    lua_replace(L, 1);
    lua_pushlstring(L, subject.data, subject.len);
    lua_pushlstring(L, pattern.data, pattern.len);
}


static void
same_captures(const vg_match_t *m)
{
    REQUIRE(lua_gettop(L) == 2 + (int) m->captures);
    for (unsigned i = 0; i < m->captures; i++) {
        const vg_match_capture_t *c = &m->capture[i];

        if (c->len == VG_MATCH_POSITION) {
            REQUIRE(lua_tointeger(L, (int) i + 3) == c->at - m->subject + 1);
        } else {
            REQUIRE(lua_objlen(L, (int) i + 3) == (size_t) c->len);
            REQUIRE(memcmp(lua_tostring(L, (int) i + 3), c->at, (size_t) c->len)
                    == 0);
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char       *copy = fuzz_copy(data, size < 40 ? size : 40);
    vg_str_t    rest = { copy, size < 40 ? size : 40 }, pattern;
    vg_match_t  m;
    const char *s, *end = NULL;

    pattern = fuzz_line(&rest);
    m.subject = rest.data;
    m.end = rest.data + rest.len;
    m.steps = 100000;
    m.wrong = NULL;
    if (pattern.len < 16 && rest.len < 16
        && memchr(pattern.data, '\0', pattern.len) == NULL
        && vg_match_compile(&m, pattern.data, pattern.len) == NULL)
    {
        for (s = m.subject; end == NULL && m.wrong == NULL && s <= m.end;) {
            end = vg_match_at(&m, s);
            s += end == NULL;
            if (m.anchored) {
                break;
            }
        }
        REQUIRE(end == NULL || (end >= s && end <= m.end));
        if (m.wrong == NULL) {
            find_theirs(pattern, rest);
            REQUIRE(lua_pcall(L, 2, LUA_MULTRET, 0) == 0);
            REQUIRE((end != NULL) == (lua_isnil(L, 1) == 0));
        }
        if (m.wrong == NULL && end != NULL) {
            REQUIRE(lua_tointeger(L, 1) == s - m.subject + 1);
            REQUIRE(lua_tointeger(L, 2) == end - m.subject);
            same_captures(&m);
        }
    }
    free(copy);
    return 0;
}
