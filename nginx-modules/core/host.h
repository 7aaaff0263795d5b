/*
 * host.h: what the kit's rooms share. Plugins see vg.h alone.
 *
 * Lifetimes: vg_host_t, plugins and endpoints live in the cycle's pool;
 * a call lives in a pool of its own until its last reference goes, which may
 * be after its client went.
 */

#ifndef VG_HOST_H
#define VG_HOST_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "outgoing.h"
#include "schema.h"
#include "vg.h"

typedef struct vg_plugin_slot_s vg_plugin_slot_t;
typedef struct vg_endpoint_s    vg_endpoint_t;
typedef struct vg_statement_s   vg_statement_t;
typedef struct vg_unit_s        vg_unit_t;
typedef struct vg_around_s      vg_around_t;


/* ------------------------------------------------------------ statements */

/* what the kit binds by itself; the order is that of vg_builtins[] */
typedef enum {
    VG_BIND_FIELD, /* a field of the route, by its index                 */
    VG_BIND_CALLER_ID,
    VG_BIND_CALLER_ROLE,
    VG_BIND_CALLER_COMPANY,
    VG_BIND_NOW,
    VG_BIND_CORRELATION_ID,
    VG_BIND_NEW_ID,
    VG_BIND_BODY,
    VG_BIND_ROW,
    VG_BIND_CURSOR,
    VG_BIND_LIMIT,
    VG_BIND_CHARGE_POINT,
    VG_BIND_PAYLOAD,
    VG_BIND_EVENT_ID,
    VG_BIND_EVENT_TYPE,
    VG_BIND_AGGREGATE_ID,
    VG_BIND_EVENT_TIME,
    VG_BIND_OUTCOME,
    VG_BIND_REASON,
    VG_BIND_JOB_ID,
    VG_BIND_IF_MATCH,
    VG_BIND_KEY, /* the tail's own from here on                          */
    VG_BIND_KEY_HASH,
    VG_BIND_ROUTE,
    VG_BIND_PLUGIN,
    VG_BIND_TRACEPARENT,
    VG_BIND_NODE,
    VG_BIND_PID,
    VG_BIND_ACTOR,
    VG_BIND_OBJECT,
    VG_BIND_ADDRESS,
} vg_bind_t;

typedef struct {
    vg_bind_t  what;
    ngx_uint_t field;
} vg_param_t;

struct vg_statement_s {
    const char   *name; /* prepared as: plugin.file@hash                 */
    const char   *role; /* vg_<plugin>                                   */
    const char   *text;
    unsigned      change:1; /* ends in answer                            */
    unsigned      firm:1;   /* durable before it is told, as any change  */
    unsigned      jobs:1;   /* a change that may write some              */
    unsigned      list:1;
    unsigned      each:1; /* takes several units at once, see pack.c     */
    ngx_uint_t    index;  /* of the bit in each connection's map          */
    ngx_uint_t    count;  /* of parameters                                */
    ngx_uint_t    own;    /* the first of them: what the file names       */
    unsigned int *types;  /* PostgreSQL type oids                         */
    vg_param_t   *params;
};


/* ------------------------------------------------- plugins and endpoints */

typedef enum {
    VG_PLUGIN_STARTING, /* statements not yet seen by the database       */
    VG_PLUGIN_READY,
    VG_PLUGIN_OUT, /* refused: see why                                   */
} vg_plugin_state_t;

/* One generation of a plugin: a version as this process opened it. It lives
 * in a pool of its own, from vg_plugin_load() until it is retired and the
 * last call that holds it is over. */
struct vg_plugin_slot_s {
    const vg_plugin_t *manifest; /* NULL: it could not be opened         */
    ngx_str_t          name;
    char               hash[17]; /* of the version, see install.h        */
    ngx_atomic_uint_t  version;  /* the same as a number; 0: none        */
    char              *folder;   /* of the version                       */
    void              *handle;
    const struct vg_language_s *language; /* NULL: C                       */
    void                       *spoken;   /* ... and its own               */
    ngx_pool_t                 *pool;
    ngx_uint_t        place;    /* in vg_host_t.plugins                    */
    ngx_uint_t        database; /* in vg_host_t.databases               */
    ngx_uint_t        calls;    /* that hold this generation               */
    vg_plugin_state_t state;    /* this worker's view                      */
    unsigned          retired:1;
    char              why[256];   /* it is out                            */
    ngx_queue_t       queue;      /* of the retired                       */
    ngx_array_t       statements; /* of vg_statement_t *                */
    ngx_array_t       endpoints;  /* of vg_endpoint_t *                 */
    ngx_array_t       migrations; /* of vg_migration_t                  */
    vg_schemas_t      schemas;    /* of what it publishes               */
};

typedef struct {
    ngx_str_t file;
    ngx_str_t checksum;
} vg_migration_t;

/* A database, with a schema vg of its own: outbox, log, cursors, answers. The
 * first is home: nodes meet there, and plugins that no other one names. */
typedef struct {
    ngx_str_t   name; /* of its log, in cursors of others                */
    ngx_str_t   conninfo;
    ngx_array_t plugins; /* of ngx_str_t, that live there                */
} vg_database_t;

#define VG_DATABASES 8
#define VG_HOME      0

/* a statement of the kit's own, and the variable that is to name it */
typedef struct {
    vg_statement_t  *statement;
    vg_statement_t **slot;
} vg_kit_statement_t;

typedef struct {
    const vg_step_t *row;
    vg_statement_t  *done;
    vg_statement_t  *undo;
} vg_endpoint_step_t;

struct vg_endpoint_s {
    const vg_route_t   *row;
    vg_plugin_slot_t   *plugin;
    ngx_uint_t          index; /* its slot in the metrics             */
    ngx_uint_t          nfields;
    ngx_str_t           label; /* "GET /stations/{id}"                */
    vg_statement_t     *load;
    vg_statement_t     *lock;
    vg_statement_t     *statement;
    vg_statement_t     *quarantine;
    vg_endpoint_step_t *steps;    /* ends with a NULL row                */
    const vg_around_t  *around;   /* what stands at it, see around.h     */
    ngx_uint_t          meets;    /* VG_HOOK: at how many routes it stands */
    ngx_msec_t          period;   /* VG_EVERY, VG_KEEP                   */
    void (*run)(vg_call_t *call); /* house.c: instead of a statement;
                                      ends in vg_call_awaited()          */
    unsigned matches:1;           /* its statement takes :ifMatch     */
    unsigned awaits:1;            /* steps come before the statement     */
    unsigned all:1;               /* a read that answers all of its rows */
};

#define VG_MAX_ENDPOINTS 512

typedef struct {
    ngx_array_t plugins;   /* of vg_plugin_slot_t *, the present ones   */
    ngx_array_t endpoints; /* of vg_endpoint_t *, of these and the house */
    /* of their paths behind the slash, by which most are told apart; '/':
     * not of HTTP */
    u_char            firsts[VG_MAX_ENDPOINTS];
    vg_plugin_slot_t *house; /* the kit's own routes                      */
    ngx_array_t       kit_statements; /* of vg_kit_statement_t                */
    ngx_array_t       kit_migrations; /* of vg_migration_t                    */
    ngx_str_t         openapi;
    ngx_pool_t       *openapi_pool;
    ngx_str_t         sources;   /* folder of plugins/<name>                */
    ngx_str_t         kit_sql;   /* folder of sql/                          */
    ngx_str_t         built;     /* folder of <name>.so                     */
    ngx_str_t         installed; /* folder of versions, see install.h       */
    ngx_str_t         run;       /* folder of the link's sockets              */
    ngx_str_t         node;
    ngx_str_t         url;       /* voltgate_url: ours, as clients write it */
    ngx_array_t       names;     /* of ngx_str_t: voltgate_plugin             */
    ngx_array_t       settings;  /* of ngx_keyval_t: plugin.name value        */
    ngx_array_t       secrets;   /* the same; see secret.c                    */
    ngx_array_t       databases; /* of vg_database_t, home first          */
    const struct vg_language_s *language; /* NULL: plugins are C alone      */
    ngx_pool_t     *around; /* of the endpoints' `around`                   */
    ngx_log_t      *log; /* of this cycle, for pools that live as long        */
    ngx_shm_zone_t *zone;
    ngx_shm_zone_t *cache;
    size_t          cache_size; /* voltgate_cache                            */
} vg_host_t;

/* the host of the running cycle; set before the workers fork */
extern vg_host_t   *vg_host;
extern ngx_module_t ngx_http_voltgate_module;

/* data of a timer that is no connection's: a debug log asks for its fd, -1 */
extern ngx_connection_t vg_nobody;

vg_host_t *vg_host_conf(ngx_conf_t *cf);

/* in which database a plugin lives */
ngx_uint_t vg_database_of(const vg_host_t *host, const ngx_str_t *plugin);

/* registry.c */
ngx_int_t vg_registry_open(ngx_conf_t *cf, vg_host_t *host);

/* One version, opened; state VG_PLUGIN_OUT and why say that it cannot be
 * used. NULL: no memory. */
vg_plugin_slot_t *vg_plugin_load(vg_host_t *host, const ngx_str_t *name,
                                 const char *hash);
ngx_int_t         vg_plugin_rows(vg_host_t *host, vg_plugin_slot_t *plugin);
void              vg_plugin_free(vg_plugin_slot_t *plugin);

/* the present generation; NULL: there is no such plugin */
vg_plugin_slot_t *vg_plugin_named(vg_str_t name);

/* after a change of host->plugins: all endpoints anew. NGX_ERROR: what is wrong
 * with their hooks is why; see vg_around_join(). */
ngx_int_t vg_registry_join(vg_host_t *host, char *why, size_t size);

const vg_error_t *vg_registry_error(vg_plugin_slot_t *plugin, const char *name,
                                    size_t len);

/* compile.c: a statement file of a plugin, or the kit's own text */
vg_statement_t *vg_statement_load(vg_plugin_slot_t *plugin,
                                  const vg_route_t *row, const char *name);
void vg_statement_kit(ngx_conf_t *cf, vg_statement_t **slot, const char *name,
                      const char *text, ngx_uint_t count);
void vg_statement_slots(vg_host_t *host);

/* numbers.c: of prepared statements, below VG_STATEMENTS. NGX_ERROR: none is
 * left, or no memory. */
#define VG_STATEMENTS 4096
ngx_int_t vg_number_take(const char *name);
void      vg_number_give(ngx_uint_t number);

/* db.c: a number means another statement from now on */
void       vg_db_forget(ngx_uint_t number);
ngx_uint_t vg_statement_binds(const vg_statement_t *st, vg_bind_t what);

/* router.c: path values point into path */
vg_endpoint_t *vg_route_match(ngx_uint_t method, ngx_str_t *path,
                              ngx_str_t *values, ngx_uint_t *allow);
const char    *vg_method_name(vg_method_t method);


/* ----------------------------------------------------------------- calls */

typedef struct {
    ngx_str_t key; /* Idempotency-Key; len 0: none                       */
    ngx_str_t hash;
    ngx_int_t slot; /* in the table of running keys, or -1               */
    vg_str_t  correlation, at; /* of the stored answer                   */
    unsigned  replayed:1;
    unsigned  looked:1;
    unsigned  unasked:1; /* nobody can have used it: no look before it     */
} vg_key_t;

typedef struct {
    vg_str_t  event_id, type, aggregate_id, time; /* VG_EVENT            */
    vg_str_t  charge_point, payload;              /* VG_OCPP16           */
    vg_str_t  outcome, reason;                    /* steps               */
    vg_str_t  job_id;                             /* VG_JOB              */
    unsigned  job_try;                            /* VG_JOB              */
    vg_str_t  cursor;                             /* VG_LIST             */
    vg_str_t  if_match; /* versions, as an array; data NULL: any           */
    vg_str_t  since;    /* VG_STREAM: the id of the last frame that was seen */
    ngx_int_t limit;
} vg_input_t;

#define VG_PATH_VALUES 4

/* of a stream whose answers are several, each shown once */
typedef struct {
    vg_str_t id, body;
} vg_stream_frame_t;

struct vg_call_s {
    ngx_pool_t    *pool;
    vg_pool_t      arena;
    ngx_log_t     *log;
    ngx_uint_t     refs;
    vg_endpoint_t *endpoint;

    vg_caller_t caller;
    int64_t     quota;   /* calls a month that its key has; -1: no bound  */
    int64_t     expires; /* microseconds: until when caller is who it says;
                            0: for good                                   */
    const struct vg_proof_s *proof; /* what its token is revoked by, or NULL */
    vg_str_t                 correlation;
    vg_str_t                 traceparent;
    vg_str_t   address, actor; /* data NULL: not by HTTP; see vg_acts()     */
    int64_t    now;            /* microseconds                                */
    char       new_id[37];
    ngx_uint_t depth; /* of asks                                   */

    const vg_json_t  *body;
    const vg_json_t **values; /* per field                               */
    vg_str_t         *bound;  /* per field                                */
    vg_str_t          path[VG_PATH_VALUES];
    vg_str_t          query;
    vg_input_t        in;
    vg_key_t          key;

    vg_str_t         loaded; /* body of load's row                       */
    const vg_json_t *row;    /* parsed, when a hook asked for it         */

    /* the answer: error, or word and text */
    const vg_error_t *error;
    vg_str_t          detail;   /* object with members for the problem    */
    vg_out_t          problems; /* field errors; problems.len 0: none     */
    ngx_uint_t        nproblems;
    const char       *status; /* ok, created, accepted, empty           */
    vg_str_t          frame;  /* VG_STREAM: the id of what text shows    */
    ngx_array_t *frames; /* of vg_stream_frame_t, up to that id; NULL: text */
    vg_str_t     text, file, drawn; /* file: its name; drawn: see vg_paper() */
    const char  *type;              /* of text; NULL: JSON                */
    vg_str_t     tagged;  /* what the text follows from, and its tag, too; data
                            NULL: the tag is the text's own              */
    unsigned     fault:2; /* of the first field: see VG_FAULT_*      */
    unsigned     answered:1, finished:1;
    unsigned     running:1; /* a unit is out                         */
    unsigned     changed:1; /* ... and it changes something          */
    unsigned     quarantine:1;
    unsigned     away:1;         /* the database was not there, or full   */
    unsigned     committed:1;    /* the statement's one row is in         */
    unsigned     abandoned:1;    /* nobody waits any more               */
    unsigned     over:1, more:1; /* VG_STREAM: the last frame; more are there */
    unsigned     streams:1;      /* VG_STREAM: nobody wants the text     */
    unsigned     kept:1;         /* the text is out of the cache        */
    unsigned     fresh:1;        /* Cache-Control: no-cache             */
    unsigned     noted:1;        /* the audit trail has it              */
    void        *cache;          /* cache.c: where it is or may be kept */
    ngx_uint_t   retry_after;    /* seconds; 0: none                    */

    ngx_event_t deadline;
    ngx_msec_t  started;
    void (*finish)(vg_call_t *call); /* the transport          */
    void *owner;

    vg_unit_t *unit;
    void (*unit_submit)(vg_call_t *call, vg_unit_t *unit); /* NULL: as is */
    ngx_uint_t step;
    struct {
        vg_way_pt   send; /* NULL: command() bound nothing */
        const void *what;
        ngx_uint_t  nth;     /* of the same step, from 1 on; 0: its only one */
        unsigned    reads:1; /* nobody acts on it: who hangs up ends it       */
    } outgoing;
};

/* what is wrong with a field, for OCPP-J's error codes */
enum { VG_FAULT_NONE, VG_FAULT_MISSING, VG_FAULT_TYPE, VG_FAULT_VALUE };

#define VG_CALL_DEADLINE  10000 /* ms, for people and partners           */
#define VG_AWAIT_DEADLINE 45000 /* ms, where they wait for a charger     */
#define VG_ASK_DEADLINE   5000  /* ms, for one plugin asking another     */
#define VG_ASK_DEPTH      8

/* A call in a pool of its own, one reference; NULL: no memory. */
vg_call_t *vg_call_create(vg_endpoint_t *endpoint);
void       vg_call_ref(vg_call_t *call);
void       vg_call_release(vg_call_t *call);

/* Runs fields, load, check, unit, render; then finish(call), exactly once,
 * possibly before it returns. With a deadline in ms. */
void vg_call_run(vg_call_t *call, ngx_msec_t deadline);

/* The client is gone: a read is dropped, a change is finished unseen. */
void vg_call_abandon(vg_call_t *call);

/* Ends the call now with an error of the kit. */
void vg_call_fail(vg_call_t *call, const char *error);
void vg_call_finish(vg_call_t *call);

/* what check() left to a step or to run() is over: the call goes on */
void      vg_call_awaited(vg_call_t *call);
ngx_int_t vg_call_status(vg_call_t *call); /* of HTTP */

/* steps.c */
void vg_steps_run(vg_call_t *call);

/* inquiry.c: a caller who waits for e waits for no charger */
void vg_inquiry_hurry(vg_call_t *call, const vg_endpoint_t *e);

/* fields.c: what each list takes beside its own */
extern const vg_field_t vg_field_limit, vg_field_cursor;

/* fields.c: fills call->values; adds what is wrong to the call. */
vg_rc_t vg_fields_check(vg_call_t *call);

/* bind.c: the text of each parameter; a NULL element binds NULL */
const char **vg_bind_values(vg_call_t *call, const vg_statement_t *statement);

/* problem.c: the document for call->error */
vg_str_t          vg_problem_render(vg_pool_t *pool, const vg_error_t *error,
                                    vg_str_t detail, vg_str_t errors, ngx_uint_t count,
                                    vg_str_t timestamp, vg_str_t correlation);
const vg_error_t *vg_kit_error(const char *name, size_t len);
const vg_error_t *vg_kit_error_status(ngx_int_t status);

/* arena.c: frees with pool */
vg_pool_t vg_arena_of(ngx_pool_t *pool);

/* time and ids */
#define VG_TRACEPARENT 55 /* characters */
void     vg_trace_make(char *text56, const ngx_str_t *given);
int64_t  vg_time_now(void); /* microseconds              */
vg_str_t vg_time_text(vg_pool_t *pool, int64_t us);
void     vg_uuid7(char *text37, int64_t us);
void     vg_random(void *data, size_t size);
void     vg_random_id(void *id, size_t size);

static inline vg_str_t
vg_of(ngx_str_t s)
{
    return (vg_str_t){ (const char *) s.data, s.len };
}

static inline ngx_str_t
vg_ngx(vg_str_t s)
{
    return (ngx_str_t){ s.len, (u_char *) s.data };
}

/* openapi.c */
ngx_int_t vg_openapi_render(vg_host_t *host);
void      vg_openapi_object(vg_out_t *out, const vg_field_t *fields);

/* webhooks.c: what is published, as parts of that document; a type of the
 * kit's own, by the room that tells it */
void      vg_webhooks_render(vg_out_t *out, vg_host_t *host);
void      vg_webhooks_envelope(vg_out_t *out);
ngx_int_t vg_webhooks_kit(ngx_conf_t *cf, const char *type, const char *text);

/* versions.c: which version runs, on all workers of this node; a hook run so
 * that a crash is laid at its version's door; what waits while paused, and
 * what is in quarantine */
size_t     vg_versions_size(void);
void       vg_versions_init(void *shared);
void       vg_versions_publish(vg_host_t *host);
void       vg_versions_prune(vg_host_t *host);
void       vg_blame_start(void);
ngx_uint_t vg_versions_paused(const vg_plugin_slot_t *plugin);
ngx_uint_t vg_versions_barred(const vg_plugin_slot_t *plugin);

/* swap.c: each call holds the generation that it began with */
void vg_plugin_hold(vg_plugin_slot_t *plugin);
void vg_plugin_release(vg_plugin_slot_t *plugin);
void vg_swap_start(void);

/* house.c: routes of the kit itself */
ngx_int_t vg_house_open(ngx_conf_t *cf, vg_host_t *host);

/* An ask of another plugin's internal route, also one with a statement:
 * done is called once, with the finished call; data is call->owner. The kit's
 * own (auth, OCPP); hooks use vg_ask(). args: a JSON object. */
vg_call_t *vg_ask_start(const char *route, vg_str_t args, vg_str_t correlation,
                        void (*done)(vg_call_t *), void *owner);


/* ---------------------------------------------- idempotency, shared state */

/* keys.c: a hash of strings, each with its end; 0, which tables take for
 * free, is never one */
uint64_t vg_hash(const ngx_str_t *parts, ngx_uint_t count);

/* keys.c: VG_OK, VG_DECLINED (running elsewhere on this node) */
vg_rc_t vg_key_take(vg_call_t *call);
void    vg_key_give(vg_call_t *call);
size_t  vg_keys_size(void);
void    vg_keys_init(void *shared);

/* one zone holds the rooms' fixed tables; each gets its part at start */
void *vg_shared(ngx_uint_t part);
enum {
    VG_SHARED_KEYS,
    VG_SHARED_METRICS,
    VG_SHARED_LINK,
    VG_SHARED_VERSIONS,
    VG_SHARED_STREAMS,
    VG_SHARED_EVENTS,
    VG_SHARED_SAGAS,
    VG_SHARED_RELAYS,
    VG_SHARED_REVOKED,
    VG_SHARED_JWKS,
    VG_SHARED_AUDIT,
    VG_SHARED_LANGUAGE,
    VG_SHARED_PARTS
};

#include "rooms.h"

#endif /* VG_HOST_H */
