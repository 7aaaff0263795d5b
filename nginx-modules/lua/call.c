/*
 * call.c: `call`, the one argument of hooks and handlers: what came, who
 * calls, and what the function decides.
 */

#include "vm.h"

typedef struct {
    uint64_t serial;
} vg_lua_handle_t;


void
vg_lua_call_push(lua_State *L)
{
    vg_lua_vm_t     *vm = vg_lua_vm_of(L);
    vg_lua_handle_t *handle = lua_newuserdata(L, sizeof(vg_lua_handle_t));

    handle->serial = vm->serial;
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->call_meta);
    (void) lua_setmetatable(L, -2);
}


vg_call_t *
vg_lua_call_of(lua_State *L)
{
    vg_lua_vm_t     *vm = vg_lua_vm_of(L);
    vg_lua_handle_t *handle = lua_touserdata(L, 1);

    if (handle == NULL || !lua_getmetatable(L, 1)
        || lua_topointer(L, -1) != vm->handle_is)
    {
        (void) luaL_typerror(L, 1, "call");
        return NULL;
    }
    lua_pop(L, 1);
    if (vm->call == NULL || handle->serial != vm->serial) {
        (void) luaL_error(L, "this call is over");
    }
    return vm->call;
}


/* ---------------------------------------------------------------- members */

static void
vg_lua_values(lua_State *L, vg_call_t *call)
{
    ngx_uint_t        i;
    const vg_json_t  *value;
    const vg_field_t *field;

    lua_createtable(L, 0, (int) call->endpoint->nfields);
    for (i = 0; i < call->endpoint->nfields; i++) {
        field = &call->endpoint->row->fields[i];
        value = call->values[i];
        if (value == NULL || value->type == VG_JSON_NULL) {
            continue;
        }
        if (field->in != VG_BODY && field->type == VG_INT) {
            vg_json_t number = *value; /* of a path or query: a string */

            number.type = VG_JSON_NUMBER;
            vg_lua_push(L, &number);
        } else {
            vg_lua_push(L, value);
        }
        lua_setfield(L, -2, field->name);
    }
}


static void
vg_lua_pushstr(lua_State *L, vg_str_t s)
{
    if (s.data == NULL) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, s.data, s.len);
    }
}


/* of the right size from the start: to grow it would cost as much again */
static void
vg_lua_caller(lua_State *L, const vg_caller_t *caller)
{
    ngx_uint_t i;
    int        n = 0;
    const struct {
        const char *name;
        vg_str_t    text;
        bool        always; /* "" where there is none                       */
    } members[] = {
        { "id", caller->id, true },
        { "role", caller->role, true },
        { "company", caller->company, true },
        { "scopes", caller->scopes, false },
        { "session", caller->session, false },
        { "plan", caller->plan, false },
    };

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        n += members[i].always || members[i].text.data != NULL;
    }
    lua_createtable(L, 0, n);
    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (members[i].text.data != NULL) {
            lua_pushlstring(L, members[i].text.data, members[i].text.len);
        } else if (members[i].always) {
            lua_pushliteral(L, "");
        } else {
            continue;
        }
        lua_setfield(L, -2, members[i].name);
    }
}


static void
vg_lua_json(lua_State *L, vg_call_t *call, vg_str_t text)
{
    vg_lua_push(L, text.data == NULL || text.len == 0
                       ? NULL
                       : vg_json_parse(&call->arena, text, NULL));
}


static int
vg_lua_member(lua_State *L, vg_call_t *call, const char *key)
{
    if (strcmp(key, "values") == 0) {
        vg_lua_values(L, call);
    } else if (strcmp(key, "caller") == 0) {
        vg_lua_caller(L, &call->caller);
    } else if (strcmp(key, "row") == 0) {
        vg_lua_json(L, call, call->text.data ? call->text : call->loaded);
    } else if (strcmp(key, "body") == 0) {
        vg_lua_push(L, call->body);
    } else if (strcmp(key, "outcome") == 0) {
        vg_lua_json(L, call, call->in.outcome);
    } else if (strcmp(key, "now") == 0) {
        lua_pushnumber(L, (lua_Number) call->now);
    } else if (strcmp(key, "new_id") == 0) {
        vg_lua_pushstr(L, vg_call_new_id(call));
    } else if (strcmp(key, "correlation_id") == 0) {
        vg_lua_pushstr(L, call->correlation);
    } else if (strcmp(key, "event_type") == 0) {
        vg_lua_pushstr(L, call->in.type);
    } else if (strcmp(key, "event_id") == 0) {
        vg_lua_pushstr(L, call->in.event_id);
    } else if (strcmp(key, "aggregate_id") == 0) {
        vg_lua_pushstr(L, call->in.aggregate_id);
    } else if (strcmp(key, "charge_point") == 0) {
        vg_lua_pushstr(L, call->in.charge_point);
    } else if (strcmp(key, "raw_body") == 0) {
        vg_lua_pushstr(L, vg_raw_body(call));
    } else if (strcmp(key, "address") == 0) {
        vg_lua_pushstr(L, vg_address(call));
    } else if (strcmp(key, "kept") == 0) {
        lua_pushboolean(L, vg_kept(call));
    } else if (strcmp(key, "job_id") == 0) {
        vg_lua_pushstr(L, call->in.job_id);
    } else if (strcmp(key, "job_try") == 0) {
        lua_pushnumber(L, call->in.job_try);
    } else {
        return luaL_error(L, "a call has no %s", key);
    }
    return 1;
}


/* A method is upvalue 1's; of a member a table is made once for each call. */
static int
vg_lua_index(lua_State *L)
{
    vg_call_t  *call = vg_lua_call_of(L);
    const char *key = luaL_checkstring(L, 2);

    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    if (!lua_isnil(L, -1)) {
        return 1;
    }
    lua_pop(L, 1);
    return vg_lua_member(L, call, key);
}


/* ---------------------------------------------------------------- methods */

/* a copy that lives as long as the call; a number or table as JSON */
vg_str_t
vg_lua_kept(lua_State *L, vg_call_t *call, int index)
{
    size_t      len;
    vg_out_t    out;
    const char *text, *wrong;

    if (lua_isnoneornil(L, index)) {
        return (vg_str_t){ NULL, 0 };
    }
    if (lua_type(L, index) == LUA_TSTRING) {
        text = lua_tolstring(L, index, &len);
        if (memchr(text, '\0', len) != NULL
            || !vg_str_utf8((vg_str_t){ text, len })) {
            (void) luaL_error(L, "a string that is no UTF-8, or holds a NUL");
        }
        return vg_str_copy(&call->arena, (vg_str_t){ text, len });
    }
    vg_out_init(&out, &call->arena);
    wrong = vg_lua_write(L, index, &out);
    if (wrong != NULL) {
        (void) luaL_error(L, "%s", wrong);
    }
    return vg_out_str(&out);
}


static int
vg_lua_bind(lua_State *L)
{
    vg_call_t  *call = vg_lua_call_of(L);
    const char *name = luaL_checkstring(L, 2);

    if (vg_bind(call, name, vg_lua_kept(L, call, 3)) != VG_OK) {
        return luaL_error(L, "no bound field is %s", name);
    }
    return 0;
}


/* what was bound so; nil: nothing, as in an answer that is replayed */
static int
vg_lua_was_bound(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    vg_lua_pushstr(L, vg_bound(call, luaL_checkstring(L, 2)));
    return 1;
}


static int
vg_lua_refuse(lua_State *L)
{
    vg_call_t  *call = vg_lua_call_of(L);
    const char *name = luaL_checkstring(L, 2);

    if (!lua_isnoneornil(L, 3)) {
        luaL_checktype(L, 3, LUA_TTABLE);
    }
    (void) vg_refuse_with(call, name, vg_lua_kept(L, call, 3));
    return 0;
}


static int
vg_lua_refuse_field(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    luaL_checkstring(L, 2);
    luaL_checkstring(L, 3);
    (void) vg_refuse_field(call, vg_lua_kept(L, call, 2).data,
                           vg_lua_kept(L, call, 3).data);
    return 0;
}


/* its handler is not run, and what it stands at goes on as it was */
static int
vg_lua_done(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    if (call->endpoint->row->method != VG_HOOK) {
        return luaL_error(L, "a hook alone may be done without an answer");
    }
    call->answered = 1;
    return 0;
}


static int
vg_lua_setting(lua_State *L)
{
    vg_call_t          *call = vg_lua_call_of(L);
    const char         *name = luaL_checkstring(L, 2);
    const vg_setting_t *s = vg_setting_find(call->endpoint->plugin, name);

    if (s == NULL) {
        return luaL_error(L, "there is no setting %s", name);
    }
    if (s->type == VG_INT) {
        lua_pushnumber(L, (lua_Number) vg_setting_int(call, name));
    } else if (s->type == VG_BOOL) {
        lua_pushboolean(L, strcmp(vg_setting(call, name), "on") == 0);
    } else {
        lua_pushstring(L, vg_setting(call, name));
    }
    return 1;
}


static int
vg_lua_log(lua_State *L)
{
    vg_call_t *call = vg_lua_call_of(L);

    vg_log(call, VG_LOG_WARN, "%.500s", luaL_checkstring(L, 2));
    return 0;
}


void
vg_lua_call_open(lua_State *L)
{
    static const luaL_Reg methods[] = { { "bind", vg_lua_bind },
                                        { "bound", vg_lua_was_bound },
                                        { "refuse", vg_lua_refuse },
                                        { "refuse_field", vg_lua_refuse_field },
                                        { "reply", vg_lua_reply },
                                        { "setting", vg_lua_setting },
                                        { "log", vg_lua_log },
                                        { "done", vg_lua_done },
                                        { "reply_as", vg_lua_reply_as },
                                        { "reply_drawn", vg_lua_reply_drawn },
                                        { "decline", vg_lua_decline },
                                        { "header", vg_lua_header },
                                        { "signed", vg_lua_signed },
                                        { "acts", vg_lua_acts },
                                        { "role_may", vg_lua_role_may },
                                        { "messages", vg_lua_messages },
                                        { "count", vg_lua_tally },
                                        { "csv", vg_lua_csv },
                                        { "plugins_with", vg_lua_plugins_with },
                                        { NULL, NULL } };
    vg_lua_vm_t          *vm = vg_lua_vm_of(L);

    lua_newtable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_newtable(L);
    luaL_register(L, NULL, methods);
    lua_pushcclosure(L, vg_lua_index, 1);
    lua_setfield(L, -2, "__index");
    vm->handle_is = lua_topointer(L, -1);
    vm->call_meta = luaL_ref(L, LUA_REGISTRYINDEX);
}
