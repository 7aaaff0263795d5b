/*
 * wait.c: what a handler may wait for. Each binds one of the ways out that
 * steps of C plugins have, and yields; what was said comes back as a value, or
 * as nil and an error's name.
 */

#include "vm.h"

/* wait() and take() stand around the yield; C could not be come back to */
static const char vg_lua_waits[] =
    "local own, HOST = ...\n"
    "local yield, take, finish = coroutine.yield, own.take, own.finish\n"
    "local function waits(asks)\n"
    "  return function(a, b, c) asks(a, b, c) return take(yield(HOST)) end\n"
    "end\n"
    "db = { query = waits(own.query), change = waits(own.change) }\n"
    "function ask(route, args)\n"
    "  local later, said, err = own.inquire(route, args)\n"
    "  if later then return take(yield(HOST)) end\n"
    "  return said, err\n"
    "end\n"
    "http = {}\n"
    "for _, method in ipairs { 'get', 'post', 'put', 'patch', 'delete' } do\n"
    "  http[method] = waits(function(what) own.request(method, what) end)\n"
    "end\n"
    "mail = { send = waits(own.send) }\n"
    "charge_point = { command = waits(own.command) }\n"
    "local hash, check = waits(own.hash), waits(own.check)\n"
    "local change = waits(own.replace)\n"
    "password = {\n"
    "  hash = function(word)\n"
    "    local said, err = hash(word) return said and said.hash, err\n"
    "  end,\n"
    "  check = function(word, known)\n"
    "    local said, err = check(word, known)\n"
    "    if said then return said.match end return nil, err\n"
    "  end,\n"
    "  change = function(word, known, new)\n"
    "    local said, err = change(word, known, new)\n"
    "    if said then return said.match and said.hash end return nil, err\n"
    "  end,\n"
    "}\n"
    "document = { draw = function(what)\n"
    "  local waits, done, err = own.draw(what)\n"
    "  if waits then\n"
    "    done, err = take(yield(HOST))\n"
    "    done = done and true\n"
    "  end\n"
    "  return done, err\n"
    "end }\n"
    "event = { emit = own.emit }\n"
    "local here = own.here\n"
    "return function(handler) return finish(handler(here())) end\n";


vg_lua_task_t *
vg_lua_task(lua_State *L)
{
    vg_lua_task_t *task = vg_lua_vm_of(L)->task;

    if (task == NULL) {
        (void) luaL_error(L, "a hook may not wait: a handler may");
    }
    return task;
}


void
vg_lua_outside(lua_State *L, vg_call_t *call, bool acts)
{
    if (call->endpoint->row->method == VG_EVENT) {
        (void) luaL_error(L, "a consumer changes and asks nothing outside of "
                             "its statement: it leaves a job");
    }
    if (acts && call->endpoint->row->method == VG_EVERY) {
        (void) luaL_error(L, "a timer's handler runs on each node, and reads: "
                             "what it does is its statement's, or a job's");
    }
    call->changed |= acts;
}


void
vg_lua_bound_way(lua_State *L, vg_lua_task_t *task, vg_rc_t rc)
{
    vg_call_t *call = task->call;

    if (rc != VG_OK || call->outgoing.send == NULL) {
        (void) luaL_error(L, "it cannot be asked");
    }
    task->way = call->outgoing.send;
    task->what = call->outgoing.what;
    call->outgoing.send = NULL;
}


vg_str_t
vg_lua_args(lua_State *L, vg_call_t *call, int index)
{
    if (lua_isnoneornil(L, index)) {
        return VG_STR("{}");
    }
    luaL_checktype(L, index, LUA_TTABLE);
    lua_pushnil(L);
    if (lua_next(L, index) == 0) {
        return VG_STR("{}"); /* empty: an object all the same */
    }
    lua_pop(L, 2);
    return vg_lua_kept(L, call, index);
}


/* NULL: there is none by that name, or not for this row */
static vg_lua_query_t *
vg_lua_query_of(lua_State *L, const vg_call_t *call, const char *name)
{
    ngx_uint_t      i;
    vg_lua_t       *lua = vg_lua_vm_of(L)->lua;
    vg_lua_query_t *q, **asked = vg_lua_asked_by(call->endpoint);

    for (i = 0; asked ? asked[i] != NULL : i < lua->nqueries; i++) {
        q = asked ? asked[i] : &lua->queries[i];
        if (strcmp(q->row.path, name) == 0) {
            return q;
        }
    }
    (void) luaL_error(L, "%s is not among the queries of %s", name,
                      asked ? "its row" : "plugin.lua");
    return NULL;
}


static int
vg_lua_statement(lua_State *L, bool change)
{
    vg_lua_task_t  *task = vg_lua_task(L);
    const char     *name = luaL_checkstring(L, 1);
    vg_lua_query_t *q = vg_lua_query_of(L, task->call, name);

    lua_settop(L, 2);
    if (q->endpoint->statement->change != change) {
        return luaL_error(L, "%s is %s", name,
                          change ? "no change: db.query"
                                 : "a change: db.change");
    }
    if (change) {
        vg_lua_outside(L, task->call, true);
        vg_lua_bound_way(L, task,
                         vg_language_ask(task->call, q->endpoint,
                                         vg_lua_args(L, task->call, 2)));
    } else {
        task->looks = 1;
        vg_lua_bound_way(
            L, task,
            vg_language_look(task->call, q->endpoint,
                             vg_lua_nodes(L, 2, &task->call->arena)));
    }
    return 0;
}


static int
vg_lua_query(lua_State *L)
{
    return vg_lua_statement(L, false);
}


static int
vg_lua_change(lua_State *L)
{
    return vg_lua_statement(L, true);
}


/* in a hook: what waits for nobody. false, what it said, an error's name */
static int
vg_lua_ask_here(lua_State *L, vg_call_t *call)
{
    vg_rc_t     rc;
    vg_str_t    answer = { NULL, 0 };
    const char *route = luaL_checkstring(L, 1);

    rc = vg_ask(call, route, vg_lua_args(L, call, 2), &answer);
    if (rc == VG_ERROR) {
        return luaL_error(L, "%s cannot be asked in a hook", route);
    }
    lua_pushboolean(L, 0);
    if (rc == VG_DECLINED) {
        lua_pushnil(L);
        lua_pushliteral(L, "unprocessable");
        return 3;
    }
    vg_lua_push(L, vg_json_parse(&call->arena, answer, NULL));
    return 2;
}


/* true: it is waited for. A route that may change something is asked as a
 * change */
static int
vg_lua_inquire(lua_State *L)
{
    vg_lua_vm_t   *vm = vg_lua_vm_of(L);
    vg_lua_task_t *task;
    const char    *route = luaL_checkstring(L, 1);
    vg_endpoint_t *e = vg_registry_find(VG_INTERNAL, route, strlen(route));
    vg_str_t       copy;

    lua_settop(L, 2);
    if (vm->task == NULL && vm->call != NULL) {
        return vg_lua_ask_here(L, vm->call);
    }
    task = vg_lua_task(L);
    vg_lua_outside(L, task->call,
                   e != NULL
                       && (e->steps != NULL
                           || (e->statement != NULL && e->statement->change)));
    copy = vg_lua_kept(L, task->call, 1);
    vg_lua_bound_way(
        L, task,
        vg_inquire(task->call, copy.data, vg_lua_args(L, task->call, 2)));
    lua_pushboolean(L, 1);
    return 1;
}


/* -------------------------------------------------------------------- http */

static const char *
vg_lua_part(lua_State *L, vg_call_t *call, const char *key, vg_str_t *part)
{
    lua_getfield(L, 2, key);
    *part = vg_lua_kept(L, call, lua_gettop(L));
    lua_pop(L, 1);
    return part->data;
}


static const vg_header_t *
vg_lua_headers(lua_State *L, vg_call_t *call)
{
    size_t       n = 0;
    vg_header_t *headers = NULL;

    lua_getfield(L, 2, "headers");
    if (!lua_isnil(L, -1)) {
        luaL_checktype(L, -1, LUA_TTABLE);
        headers = vg_calloc(&call->arena, 17 * sizeof(vg_header_t));
        for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
            if (n == 16 || headers == NULL || lua_type(L, -2) != LUA_TSTRING) {
                (void) luaL_error(L, "headers: at most 16, by name");
                return NULL;
            }
            headers[n].name = vg_lua_kept(L, call, lua_gettop(L) - 1).data;
            headers[n++].value = vg_lua_kept(L, call, lua_gettop(L));
        }
    }
    lua_pop(L, 1);
    return headers;
}


static vg_method_t
vg_lua_method(const char *name)
{
    static const char *const names[] = { "get", "post", "put", "patch",
                                         "delete" };
    ngx_uint_t               i = 0;

    while (i < 4 && strcmp(names[i], name) != 0) {
        i++;
    }
    return (vg_method_t) i;
}


/* 1: the method, 2: {target, url, path, headers, body, type, idempotency_key,
 * any_status} */
static vg_rc_t
vg_lua_http(lua_State *L, vg_call_t *call)
{
    vg_str_t      part;
    vg_request_t *request = vg_calloc(&call->arena, sizeof(vg_request_t));

    luaL_checktype(L, 2, LUA_TTABLE);
    if (request == NULL) {
        return VG_ERROR;
    }
    request->method = vg_lua_method(luaL_checkstring(L, 1));
    request->target = vg_lua_part(L, call, "target", &part);
    (void) vg_lua_part(L, call, "url", &request->url);
    (void) vg_lua_part(L, call, "path", &request->path);
    (void) vg_lua_part(L, call, "body", &request->body);
    request->type = vg_lua_part(L, call, "type", &part);
    (void) vg_lua_part(L, call, "idempotency_key", &request->idempotency_key);
    request->headers = vg_lua_headers(L, call);
    lua_getfield(L, 2, "any_status");
    request->flags = lua_toboolean(L, -1) ? VG_ANY_STATUS : 0;
    lua_pop(L, 1);
    return vg_http(call, request);
}


static int
vg_lua_request(lua_State *L)
{
    vg_lua_task_t *task = vg_lua_task(L);

    lua_settop(L, 2);
    vg_lua_outside(L, task->call, strcmp(luaL_checkstring(L, 1), "get") != 0);
    vg_lua_bound_way(L, task, vg_lua_http(L, task->call));
    return 0;
}


/* -------------------------------------------------------------------- mail */

/* {target, from, to, subject, text, html, idempotency_key} */
static vg_rc_t
vg_lua_mail(lua_State *L, vg_call_t *call)
{
    vg_str_t   part;
    vg_mail_t *letter = vg_calloc(&call->arena, sizeof(vg_mail_t));

    luaL_checktype(L, 2, LUA_TTABLE);
    if (letter == NULL) {
        return VG_ERROR;
    }
    letter->target = vg_lua_part(L, call, "target", &part);
    (void) vg_lua_part(L, call, "from", &letter->from);
    (void) vg_lua_part(L, call, "to", &letter->to);
    (void) vg_lua_part(L, call, "subject", &letter->subject);
    (void) vg_lua_part(L, call, "text", &letter->text);
    (void) vg_lua_part(L, call, "html", &letter->html);
    (void) vg_lua_part(L, call, "idempotency_key", &letter->idempotency_key);
    if (letter->target == NULL) {
        (void) luaL_error(L, "a mail has a target");
    }
    return vg_mail(call, letter);
}


static int
vg_lua_send(lua_State *L)
{
    vg_lua_task_t *task = vg_lua_task(L);

    lua_settop(L, 1);
    lua_pushnil(L);
    lua_insert(L, 1); /* parts are of the table at 2 */
    vg_lua_outside(L, task->call, true);
    vg_lua_bound_way(L, task, vg_lua_mail(L, task->call));
    return 0;
}


/* ------------------------------------------------------------------- steps */

/* { http = { method = "post", … } }, { ask = "route", args = { … } } or
 * { command = "Reset", charge_point = "…", payload = { … } } */
void
vg_lua_way(lua_State *L, vg_call_t *call)
{
    vg_rc_t  rc;
    vg_str_t what, args;

    lua_settop(L, 1);
    lua_pushnil(L);
    lua_insert(L, 1); /* where http's method will be */
    if (vg_lua_part(L, call, "ask", &what) != NULL) {
        lua_getfield(L, 2, "args");
        rc = vg_inquire(call, what.data, vg_lua_args(L, call, 3));
    } else if (vg_lua_part(L, call, "command", &what) != NULL) {
        vg_str_t charge_point;

        (void) vg_lua_part(L, call, "charge_point", &charge_point);
        lua_getfield(L, 2, "payload");
        args = vg_lua_args(L, call, 3);
        rc = vg_command(call, charge_point, what.data, args);
    } else {
        lua_getfield(L, 2, "http");
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_replace(L, 2);
        lua_getfield(L, 2, "method");
        lua_replace(L, 1);
        rc = vg_lua_http(L, call);
    }
    if (rc != VG_OK) {
        (void) luaL_error(L, "it cannot be asked");
    }
}


/* ------------------------------------------------------------------ events */

/* told in the commit of the row's statement, as :events */
static int
vg_lua_emit(lua_State *L)
{
    vg_lua_task_t     *task = vg_lua_task(L);
    const char        *type = luaL_checkstring(L, 1);
    const char *const *known = vg_lua_vm_of(L)->lua->manifest.publishes;
    vg_str_t           payload;

    (void) luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    while (*known != NULL && strcmp(*known, type) != 0) {
        known++;
    }
    if (*known == NULL) {
        return luaL_error(L, "%s is not among what plugin.lua publishes", type);
    }
    if (!task->tells) {
        vg_out_init(&task->events, &task->call->arena);
        vg_out_open(&task->events, '[');
        task->tells = 1;
    }
    payload = vg_lua_args(L, task->call, 3);
    vg_out_open(&task->events, '{');
    vg_out_member(&task->events, "type", vg_str(type));
    vg_out_member(&task->events, "aggregateId", vg_lua_kept(L, task->call, 2));
    vg_out_member_raw(&task->events, "payload", payload);
    vg_out_close(&task->events, '}');
    return 0;
}


/* what came of it, after the yield: a value, or nil and an error's name */
static int
vg_lua_take(lua_State *L)
{
    vg_lua_task_t   *task = vg_lua_task(L);
    const vg_said_t *said = task->told;

    if (said == NULL) {
        return luaL_error(L, "there is nothing to take");
    }
    if (said->error != NULL) {
        lua_pushnil(L);
        lua_pushstring(L, said->error);
        return 2;
    }
    vg_lua_push(L, said->result.len
                       ? vg_json_parse(&task->call->arena, said->result, NULL)
                       : NULL);
    return 1;
}


void
vg_lua_waits_open(lua_State *L)
{
    static const luaL_Reg own[] = { { "query", vg_lua_query },
                                    { "change", vg_lua_change },
                                    { "inquire", vg_lua_inquire },
                                    { "request", vg_lua_request },
                                    { "send", vg_lua_send },
                                    { "command", vg_lua_command_send },
                                    { "hash", vg_lua_password_hash },
                                    { "check", vg_lua_password_check },
                                    { "replace", vg_lua_password_change },
                                    { "draw", vg_lua_document_draw },
                                    { "emit", vg_lua_emit },
                                    { "take", vg_lua_take },
                                    { "finish", vg_lua_finish },
                                    { "here", vg_lua_here },
                                    { NULL, NULL } };

    if (luaL_loadbufferx(L, vg_lua_waits, sizeof(vg_lua_waits) - 1, "=waits",
                         "t")
        != 0)
    {
        lua_error(L);
    }
    lua_newtable(L);
    luaL_register(L, NULL, own);
    lua_pushlightuserdata(L, (void *) &vg_lua_host);
    lua_call(L, 2, 1);
    vg_lua_vm_of(L)->begin = luaL_ref(L, LUA_REGISTRYINDEX);
}
