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

#define VG_MAX_ENDPOINTS 1024

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

/* setting.c: vg_settings_fit(): defaults, and in a worker the conf's values; what
 * does not fit puts the plugin out. The other: NULL, or what is wrong with a
 * field in VG_SETTING. */
ngx_int_t   vg_settings_fit(const vg_host_t *host, vg_plugin_slot_t *plugin);
const char *vg_setting_field_wrong(const vg_plugin_slot_t *plugin,
                                   const vg_field_t       *field);

void vg_plugin_free(vg_plugin_slot_t *plugin);

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


#include "calls.h"


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
