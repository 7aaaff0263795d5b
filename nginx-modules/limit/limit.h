/*
 * limit.h: plans, words, places, quotas and Redis, as the files of this room
 * share them.
 */

#ifndef VG_LIMIT_H
#define VG_LIMIT_H

#include "gcra.h"
#include "http.h"
#include "place.h"

extern ngx_module_t ngx_http_voltgate_limit_module;

/* ----------------------------------------------------------------- plans */

#define VG_PLANS       64
#define VG_PLAN_ROUTES 16 /* of one plan                                 */

/* what a call may be refused for; VG_LIMIT_ENDS: it may go */
typedef enum {
    VG_LIMIT_RATE,
    VG_LIMIT_ROUTE,
    VG_LIMIT_FAILURES, /* identities from this address were refused        */
    VG_LIMIT_CONCURRENT,
    VG_LIMIT_QUOTA,
    VG_LIMIT_ENDS,
} vg_limit_end_t;

extern const char *const vg_limit_words[VG_LIMIT_ENDS];

typedef struct {
    ngx_int_t every; /* us from one to the next                           */
    ngx_int_t burst; /* that may come at once                             */
    ngx_int_t concurrent; /* 0: any number                                */
    ngx_int_t quota;      /* a month; 0: any number                       */
} vg_limit_terms_t;

typedef struct {
    ngx_str_t        label; /* as in metrics: "POST /auth/token"            */
    vg_limit_terms_t terms;
    vg_gcra_rule_t   rule;
} vg_plan_route_t;

typedef struct {
    ngx_str_t        name;
    vg_limit_terms_t terms;
    vg_gcra_rule_t   rule;
    ngx_uint_t       nroutes;
    vg_plan_route_t  routes[VG_PLAN_ROUTES];
    ngx_atomic_t    *refused; /* shared, by end                             */
} vg_plan_t;

typedef struct {
    ngx_str_t role;
    ngx_str_t plan;
} vg_limit_role_t;

typedef struct vg_redis_conf_s vg_redis_conf_t;

typedef struct {
    ngx_array_t      plans; /* of vg_plan_t                              */
    ngx_array_t      roles; /* of vg_limit_role_t                        */
    size_t           size;  /* of the zone of words                      */
    vg_redis_conf_t *redis; /* NULL: none                                */
    ngx_uint_t       off;   /* nothing is limited                        */
    ngx_shm_zone_t  *words;
    ngx_shm_zone_t  *state;
} vg_limit_conf_t;

/* directives */
char *vg_set_plan(ngx_conf_t *cf, ngx_command_t *cmd, void *data);
char *vg_set_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *data);
char *vg_set_limit_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *data);

/* the kit's own plans, and what the directives made of them */
ngx_int_t vg_plans_create(ngx_conf_t *cf, vg_limit_conf_t *conf);
char     *vg_plans_ready(ngx_conf_t *cf, vg_limit_conf_t *conf);

vg_plan_t *vg_plan_named(vg_limit_conf_t *conf, const u_char *name, size_t len);

/* a token's or key's own, else its role's; role "anonymous": of nobody */
vg_plan_t       *vg_plan_of(vg_limit_conf_t *conf, const vg_caller_t *caller);
vg_plan_route_t *vg_plan_route(vg_plan_t *plan, const ngx_str_t *label);


/* --------------------------------------------------------- shared memory */

#define VG_LIMIT_PLACES ((size_t) 2 << 20) /* bytes: 8,190 keys at once    */
#define VG_QUOTAS       4096               /* keys with a quota that call  */
#define VG_QUOTA_ID     128

typedef struct {
    ngx_atomic_t name; /* hash of the plan's; 0: free                     */
    ngx_atomic_t refused[VG_LIMIT_ENDS];
} vg_plan_counts_t;

typedef enum {
    VG_REDIS_ALLOWED,
    VG_REDIS_REFUSED,
    VG_REDIS_LOCAL, /* it was away or full: the node's own words decided   */
    VG_REDIS_LATE,  /* the same, after it had been asked                   */
    VG_REDIS_ENDS,
} vg_redis_end_t;

typedef struct {
    ngx_atomic_t displaced; /* words in use that gave way                   */
    ngx_atomic_t uncounted; /* calls for whose key no place was found       */
    ngx_atomic_t redis[VG_REDIS_ENDS];
    ngx_atomic_t redis_opened, redis_lost; /* connections                 */
    ngx_atomic_t quota_writes, quota_failed;
} vg_limit_counts_t;

/* What a key used in a month. Of the node: whoever is out with it has taken
 * `holder`, and `sent` is what is being written. */
typedef struct {
    ngx_atomic_t key; /* hash of id; 0: free                              */
    ngx_atomic_t month;
    ngx_atomic_t own;     /* that this node has had, as it is written down */
    ngx_atomic_t others;  /* that the other nodes had, when it was         */
    ngx_atomic_t pending; /* counted since                                 */
    ngx_atomic_t sent;
    ngx_atomic_t holder; /* pid                                           */
    ngx_atomic_t loaded; /* own is what the database has                  */
    char         id[VG_QUOTA_ID];
} vg_quota_entry_t;

typedef struct {
    uint64_t          seed[2];
    vg_limit_counts_t counts;
    vg_plan_counts_t  plans[VG_PLANS + 1]; /* last: who found no room      */
    vg_quota_entry_t  quotas[VG_QUOTAS];
} vg_limit_shared_t;

extern vg_limit_conf_t   *vg_limit_conf; /* of this process; NULL: unused  */
extern vg_limit_shared_t *vg_limit_shared;
extern vg_gcra_t          vg_limit_table;
extern vg_places_t        vg_limit_places;

/* of the master's group, as workers of the conf before are too */
bool vg_limit_alive(uint32_t pid);

void vg_limit_count(vg_plan_t *plan, vg_limit_end_t end);


/* ---------------------------------------------------------------- quotas */

ngx_int_t vg_quota_init(ngx_conf_t *cf);
void      vg_quota_start(void);
void      vg_quota_stop(void);

/* One more of so many a month; id: shorter than VG_QUOTA_ID. VG_DECLINED: there
 * are no more. *left: how many there still are; *reset: s until the month ends,
 * in UTC. */
vg_rc_t vg_quota_take(vg_str_t id, int64_t quota, int64_t now_us,
                      uint64_t *left, uint64_t *reset);
void    vg_quota_give(vg_str_t id);


/* ----------------------------------------------------------------- Redis */

#define VG_LIMIT_KEYS 3 /* of one call                                    */

typedef struct {
    vg_str_t              text; /* what Redis knows it by                  */
    uint64_t              hash;
    const vg_gcra_rule_t *rule;
    vg_limit_end_t        end; /* what its refusal is                      */
    uint64_t              ahead;
    bool                  refused;
} vg_limit_key_t;

/* A question: lives until done() was called, which is never from within
 * vg_redis_ask(). answered: the keys' ahead and refused are Redis' word. */
typedef struct vg_redis_ask_s vg_redis_ask_t;
struct vg_redis_ask_s {
    ngx_queue_t     queue;
    vg_limit_key_t *keys;
    ngx_uint_t      nkeys;
    ngx_msec_t      asked;
    void (*done)(vg_redis_ask_t *ask, ngx_uint_t answered);
    void *data;
};

/* VG_DECLINED: it cannot be asked just now */
vg_rc_t    vg_redis_ask(vg_redis_ask_t *ask);
ngx_uint_t vg_redis_up(void); /* of this worker                         */
void       vg_redis_start(vg_redis_conf_t *conf);
void       vg_redis_stop(void);

#endif /* VG_LIMIT_H */
