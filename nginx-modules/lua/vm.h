/*
 * vm.h: a Lua plugin's machines, and what the files of this room share.
 *
 * A generation of a plugin has one lua_State in each worker: the master's is
 * inherited by fork. It is entered by vm.c alone, which fences each entry with
 * a bound on memory and on the thread's CPU time; one that hit its bound on
 * memory is not entered again, and another one is made of the same files.
 *
 * Lifetimes: vg_lua_t lives in the generation's pool. A machine lives until it
 * is not its generation's any more and no coroutine waits in it. A task lives
 * in its call.
 */

#ifndef VG_LUA_VM_H
#define VG_LUA_VM_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "breaker.h"
#include "host.h"

#define VG_LUA_STEPS   8    /* of one route                                 */
#define VG_LUA_LOADING 1000 /* ms of CPU, for all files of a version         */

/* a route's functions, as references into the registry */
enum { VG_LUA_CHECK, VG_LUA_RENDER, VG_LUA_HANDLER, VG_LUA_STEP };
#define VG_LUA_SLOTS (VG_LUA_STEP + 2 * VG_LUA_STEPS) /* command, told       */

#define VG_LUA_GRAIN                                                           \
    ((size_t) 16)        /* bytes, of what sizes of pieces are multiples     */
#define VG_LUA_SPARES 32 /* such sizes                                   */
#define VG_LUA_SPARED 262144 /* bytes, of pieces that wait                   */

typedef struct vg_lua_s      vg_lua_t;
typedef struct vg_lua_vm_s   vg_lua_vm_t;
typedef struct vg_lua_task_s vg_lua_task_t;

typedef struct {
    int slot[VG_LUA_SLOTS]; /* LUA_NOREF: none                              */
} vg_lua_row_t;

struct vg_lua_vm_s {
    vg_lua_t  *lua;
    lua_State *L;
    size_t     used, cap; /* bytes; cap 0: not armed yet                 */
    void      *spare[VG_LUA_SPARES]; /* pieces that came back, by their size */
    size_t     spared;               /* bytes of them                        */
    size_t swept; /* what was in use after the last sweep                   */
    ngx_uint_t waits;  /* coroutines that wait in it                  */
    ngx_uint_t inside; /* entries on the stack                        */
    lua_State *idle;   /* a coroutine that came to its end, for the next      */
    int        idle_ref;
    vg_lua_row_t  *rows;
    int            begin;     /* what a coroutine begins with                */
    int            array;     /* the metatable of arrays                     */
    const void    *handle_is; /* ... and of calls, to know one by            */
    int            call_meta;
    int            function; /* that was entered, for who explains  */
    vg_lua_task_t *task;     /* whose coroutine runs; NULL: a hook          */
    vg_call_t     *call;     /* whose hook or handler runs                  */
    uint64_t       serial;   /* ... by which functions know it              */
    unsigned       spoilt:1; /* it met the bound on memory                  */
    unsigned tight:1;  /* it is near to that: see vm.c                       */
    int handle, visit; /* of vm.c                                            */
    struct vg_lua_error_s *error; /* of the entry on the stack                */
    const char *volatile over; /* what the entry on the stack exceeded        */
    volatile sig_atomic_t hooked; /* a tick has set the hook               */
    unsigned              off:1;  /* the coroutine is put off               */
    unsigned              declined:1; /* what was kept, by render()         */
};

/* a statement that handlers ask */
typedef struct {
    vg_route_t     row; /* path: its name                                    */
    vg_endpoint_t *endpoint;
} vg_lua_query_t;

struct vg_lua_s {
    vg_plugin_slot_t  *plugin;
    vg_plugin_t        manifest;
    vg_lua_vm_t       *vm; /* NULL: the next entry makes one                  */
    ngx_uint_t         nrows, nqueries;
    vg_lua_query_t    *queries;
    vg_lua_query_t  ***asks; /* by row, NULL-ended; NULL: any of them     */
    vg_language_row_t *row;  /* of this process: row_of                    */
    ngx_pid_t          row_of;
};

/* of the conf */
typedef struct {
    size_t       memory; /* bytes, of a machine                               */
    ngx_msec_t   time;   /* of CPU, of a call                                 */
    ngx_array_t *trusted; /* of ngx_str_t: plugins whose code is compiled    */
    ngx_array_t  library; /* of ngx_keyval_t: names and texts of lua/voltgate */
    ngx_pool_t  *pool;
    const vg_host_t *host;
} vg_lua_conf_t;

extern const vg_language_t  vg_lua_language;
extern const vg_lua_conf_t *vg_lua_conf; /* of the conf in use, or being read */

/* what is on the stack while Lua runs */
typedef struct vg_lua_entry_s vg_lua_entry_t;
struct vg_lua_entry_s {
    vg_lua_vm_t    *vm;
    vg_lua_entry_t *before;
    ngx_uint_t      ticks, limit;
    unsigned        slices:1; /* it can go on later                          */
};

#define VG_LUA_TICK 5 /* ms of the thread's CPU: what a slice may take      */

/* vm.c: NULL: no memory, or see why of the plugin */
vg_lua_vm_t *vg_lua_vm_make(vg_lua_t *lua);
void         vg_lua_vm_close(vg_lua_vm_t *vm);
vg_lua_vm_t *vg_lua_vm_of(lua_State *L);
/* it is not used for anything new; closed once nobody waits in it */
void vg_lua_vm_drop(vg_lua_vm_t *vm);
void vg_lua_vm_unwait(vg_lua_vm_t *vm);

/* Runs body(L) with data, a light userdata, as its argument. 0, or Lua's error:
 * then the message (a string, with file and line) is text. */
typedef struct vg_lua_error_s {
    char     text[256];
    unsigned limit:1; /* it met a bound, and did not just fail               */
} vg_lua_error_t;

int vg_lua_enter(vg_lua_vm_t *vm, vg_call_t *call, lua_CFunction body,
                 void *data, ngx_msec_t time, vg_lua_error_t *error);
/* the same of a task's coroutine; LUA_YIELD: it waits, or task->off is set: it
 * goes on at another turn */
int vg_lua_resume(vg_lua_task_t *task, int args, vg_lua_error_t *error);
/* an error of the host's own, of the function that was entered */
void vg_lua_misled(vg_lua_vm_t *vm, const char *text, vg_lua_error_t *error);
/* an own serial number, for a call that is entered more than once */
uint64_t vg_lua_serial(void);

/* budget.c */
void vg_lua_budget_begin(vg_lua_entry_t *entry);
void vg_lua_budget_end(vg_lua_entry_t *entry);
void vg_lua_budget_stop(void);

/* sandbox.c: what there is for a plugin; in a protected call */
void              vg_lua_sandbox(lua_State *L);
extern const char vg_lua_host;
/* raises again what the entry exceeded, however it was caught; true: what runs
 * is being put off */
bool vg_lua_still(lua_State *L);

/* strings.c: find, match, gmatch, gsub, rep, format */
void vg_lua_strings(lua_State *L);

/* source.c: files of a version, of at most so many bytes */
#define VG_LUA_FILE 262144
int vg_lua_source_run(lua_State *L, const char *file); /* pushes its value   */
int vg_lua_require(lua_State *L);

/* place.c: what is wrong with a manifest, by the line where its table begins */
void vg_lua_place(vg_lua_t *lua, vg_lua_error_t *error);

/* manifest.c, row.c: the table on top of L */
void              vg_lua_manifest_read(lua_State *L, vg_lua_t *lua);
void              vg_lua_rows_bind(lua_State *L, vg_lua_vm_t *vm);
const vg_route_t *vg_lua_rows(lua_State *L, vg_lua_t *lua);
const vg_field_t *vg_lua_fields(lua_State *L, vg_lua_t *lua, const char *where);
vg_type_t vg_lua_type(lua_State *L, const char *where, const char *word);
/* the method of a row by its word */
vg_method_t vg_lua_method_of(lua_State *L, const char *where, const char *word);
void        vg_lua_queries(lua_State *L, vg_lua_t *lua);
/* what its handler asks, NULL-ended; NULL: any of the plugin's */
vg_lua_query_t **vg_lua_asked_by(const vg_endpoint_t *e);

/* take.c: members of tables; each raises an error that names the key */
const char *vg_lua_text(lua_State *L, vg_lua_t *lua, const char *where,
                        const char *key, bool needed);
bool        vg_lua_flag(lua_State *L, const char *where, const char *key);
lua_Number  vg_lua_whole(lua_State *L, const char *where, const char *key);
void   vg_lua_known(lua_State *L, const char *where, const char *const *keys);
size_t vg_lua_count(lua_State *L, const char *where);
void  *vg_lua_room(lua_State *L, vg_lua_t *lua, size_t size);
const char *vg_lua_at(lua_State *L, const char *where, size_t i);

/* json.c: pushes a value; and writes the one at index, NULL: why it cannot */
void        vg_lua_push(lua_State *L, const vg_json_t *node);
const char *vg_lua_write(lua_State *L, int index, vg_out_t *out);
void        vg_lua_json_open(lua_State *L);
/* the table at index, or nil as an empty object, as nodes in pool */
const vg_json_t *vg_lua_nodes(lua_State *L, int index, vg_pool_t *pool);

/* digest.c: crypto, encode, decode */
void vg_lua_digest_open(lua_State *L);

/* call.c: the object that functions see. It knows its call by a serial number,
 * so that one which a plugin has kept is nobody's: pushed for the machine's. */
void       vg_lua_call_open(lua_State *L);
void       vg_lua_call_push(lua_State *L);
vg_call_t *vg_lua_call_of(lua_State *L);

/* answer.c, lent.c: methods of it; word and token */
int  vg_lua_reply(lua_State *L);
int  vg_lua_reply_as(lua_State *L);
int  vg_lua_reply_drawn(lua_State *L);
int  vg_lua_decline(lua_State *L);
int  vg_lua_header(lua_State *L);
int  vg_lua_signed(lua_State *L);
int  vg_lua_acts(lua_State *L);
int  vg_lua_role_may(lua_State *L);
int  vg_lua_messages(lua_State *L);
int  vg_lua_tally(lua_State *L);
int  vg_lua_csv(lua_State *L);
int  vg_lua_plugins_with(lua_State *L);
void vg_lua_lent_open(lua_State *L);

/* hook.c */
vg_rc_t   vg_lua_check(vg_call_t *call);
vg_rc_t   vg_lua_render(vg_call_t *call);
vg_rc_t   vg_lua_command(vg_call_t *call);
vg_rc_t   vg_lua_told(vg_call_t *call);
vg_lua_t *vg_lua_of(vg_call_t *call);
int      *vg_lua_slot(vg_call_t *call, vg_lua_vm_t *vm, ngx_uint_t slot);
/* the machine to enter, or NULL: the call is refused; each pass is ended */
vg_lua_vm_t *vg_lua_ready(vg_call_t *call, vg_breaker_pass_t *pass);
void         vg_lua_ended(vg_call_t *call, vg_breaker_pass_t pass,
                          vg_breaker_end_t end);
vg_rc_t vg_lua_failed(vg_call_t *call, vg_lua_vm_t *vm, vg_breaker_pass_t pass,
                      const vg_lua_error_t *error);

/* task.c: a handler, which waits */
vg_rc_t vg_lua_handler(vg_call_t *call);

struct vg_lua_task_s {
    vg_call_t        *call;
    vg_lua_vm_t      *vm;
    lua_State        *co;
    int               ref;
    vg_breaker_pass_t pass;
    int               function;
    uint64_t          serial;
    ngx_uint_t        ticks, asked;
    vg_way_pt         way; /* what it waits for                               */
    const void       *what;
    const vg_said_t  *told; /* while it takes it                              */
    vg_said_pt        said; /* who waits for it                               */
    void             *data;
    vg_out_t          events; /* of event.emit()                              */
    unsigned          tells:1; /* some events                                 */
    unsigned          off:1;   /* it waits for its turn alone                 */
    unsigned          looks:1; /* it waits for the database                   */
    ngx_queue_t       turn;
};

/* the call, to a handler that begins */
int vg_lua_here(lua_State *L);
/* what the handler returned, at 1 */
int vg_lua_finish(lua_State *L);

/* wait.c: db, http, ask, mail, event: what a handler may wait for; and the table on
 * top, which a step's command returned */
void vg_lua_waits_open(lua_State *L);
void vg_lua_way(lua_State *L, vg_call_t *call);
/* the handler's task; where there is none nobody may wait */
vg_lua_task_t *vg_lua_task(lua_State *L);
/* outside of the row's own statement; acts: whoever hangs up then, it goes on */
void vg_lua_outside(lua_State *L, vg_call_t *call, bool acts);
/* what a way was bound to is what the task waits for next */
void vg_lua_bound_way(lua_State *L, vg_lua_task_t *task, vg_rc_t rc);
/* the table at index as JSON; nil: {} */
vg_str_t vg_lua_args(lua_State *L, vg_call_t *call, int index);

/* ways.c: the same of charge points, passwords, documents */
int vg_lua_command_send(lua_State *L);
int vg_lua_password_hash(lua_State *L);
int vg_lua_password_check(lua_State *L);
int vg_lua_password_change(lua_State *L);
int vg_lua_document_draw(lua_State *L);

/* a copy that lives as long as the call; what is no string as JSON */
vg_str_t vg_lua_kept(lua_State *L, vg_call_t *call, int index);

#endif /* VG_LUA_VM_H */
