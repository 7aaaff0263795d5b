/*
 * ngx_http_voltgate_limit_module.c: the room's directives, its two zones, and
 * its start and end in each worker.
 *
 *   voltgate_plan NAME rate=100r/s burst=200 [concurrent=20] [quota=1000/month];
 *   voltgate_plan NAME route=LABEL rate=30r/m burst=5;
 *                            http: how often; and for one route of it
 *   voltgate_limit role=ROLE|anonymous|default plan=NAME;
 *                            http: for whom
 *   voltgate_limit off;
 *                            http: for nobody: something before us does it
 *   voltgate_limit_zone SIZE;
 *                            http: of the words, 8 bytes a key
 *   voltgate_limit_redis HOST:PORT [key=value ...];
 *                            http: several nodes count together
 */

#include "limit.h"
#include "redis.h"

#define VG_LIMIT_ZONE ((size_t) 16 << 20)
#define VG_LIMIT_HEAD (8 * (size_t) 4096) /* the slab's own              */

vg_limit_conf_t   *vg_limit_conf;
vg_limit_shared_t *vg_limit_shared;
vg_gcra_t          vg_limit_table;
vg_places_t        vg_limit_places;

/* clang-format off */
static ngx_command_t  vg_limit_commands[] = {

    { ngx_string("voltgate_plan"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
      vg_set_plan,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("voltgate_limit"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE12,
      vg_set_limit,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("voltgate_limit_zone"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_limit_conf_t, size),
      NULL },

    { ngx_string("voltgate_limit_redis"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_limit_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_null_command
};
/* clang-format on */


static void *
vg_limit_create_conf(ngx_conf_t *cf)
{
    vg_limit_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

    if (conf == NULL || vg_plans_create(cf, conf) != NGX_OK) {
        return NULL;
    }
    conf->size = NGX_CONF_UNSET_SIZE;
    return conf;
}


static char *
vg_limit_init_conf(ngx_conf_t *cf, void *data)
{
    vg_limit_conf_t *conf = data;

    ngx_conf_init_size_value(conf->size, VG_LIMIT_ZONE);
    if (conf->size < (size_t) 1 << 16) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "voltgate_limit_zone is less than 64k");
        return NGX_CONF_ERROR;
    }
    return vg_plans_ready(cf, conf);
}


/* Fresh shared memory is zero, which is each table's empty state. */
static ngx_int_t
vg_limit_zone_init(ngx_shm_zone_t *zone, void *data)
{
    (void) zone;
    (void) data;
    return NGX_OK;
}


static void *
vg_limit_memory(ngx_shm_zone_t *zone)
{
    return zone->shm.addr + VG_LIMIT_HEAD;
}


static size_t
vg_limit_state_size(void)
{
    return ngx_align(sizeof(vg_limit_shared_t), (size_t) 4096);
}


static ngx_shm_zone_t *
vg_limit_zone(ngx_conf_t *cf, const char *name, size_t size)
{
    ngx_str_t       text = { ngx_strlen(name), (u_char *) name };
    ngx_shm_zone_t *zone = ngx_shared_memory_add(
        cf, &text, VG_LIMIT_HEAD + size, &ngx_http_voltgate_limit_module);

    if (zone != NULL) {
        zone->init = vg_limit_zone_init;
    }
    return zone;
}


/* A limit of a route that is not there holds nothing. It may be a slip, or of a
 * plugin that is off; a place of nginx's own has no method. */
static void
vg_limit_routes(ngx_conf_t *cf, const vg_limit_conf_t *conf)
{
    ngx_uint_t      i, k, n;
    vg_host_t      *host = vg_host_conf(cf);
    vg_plan_t      *plan = conf->plans.elts;
    vg_endpoint_t **e = host->endpoints.elts;

    for (i = 0; i < conf->plans.nelts; i++) {
        for (k = 0; k < plan[i].nroutes; k++) {
            const ngx_str_t *label = &plan[i].routes[k].label;

            for (n = 0; n < host->endpoints.nelts; n++) {
                if (e[n]->label.len == label->len
                    && ngx_strncmp(e[n]->label.data, label->data, label->len)
                           == 0)
                {
                    break;
                }
            }
            if (n == host->endpoints.nelts && label->len > 0
                && label->data[0] != '/') {
                ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                                   "no route is \"%V\": what the plan \"%V\" "
                                   "says of it limits nothing",
                                   label, &plan[i].name);
            }
        }
    }
}


static ngx_int_t
vg_limit_ready(ngx_conf_t *cf)
{
    vg_limit_conf_t *conf;

    conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_limit_module);
    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    vg_limit_routes(cf, conf);
    conf->words = vg_limit_zone(cf, "voltgate_limit_words_v1",
                                ngx_align(conf->size, (size_t) 64));
    conf->state = vg_limit_zone(cf, "voltgate_limit_v1",
                                vg_limit_state_size() + VG_LIMIT_PLACES);
    return conf->words && conf->state ? vg_quota_init(cf) : NGX_ERROR;
}


/* its counts again, over reloads, as long as there is room */
static ngx_atomic_t *
vg_limit_plan_counts(vg_limit_shared_t *shared, ngx_str_t *name)
{
    ngx_uint_t        i;
    vg_plan_counts_t *c = shared->plans;
    ngx_atomic_uint_t hash = vg_hash(name, 1);

    for (i = 0; i < VG_PLANS; i++) {
        if (c[i].name == 0) {
            c[i].name = hash;
        }
        if (c[i].name == hash) {
            return c[i].refused;
        }
    }
    return c[VG_PLANS].refused;
}


/* the master, when the configuration is taken into use */
static ngx_int_t
vg_limit_init_module(ngx_cycle_t *cycle)
{
    ngx_uint_t         i;
    vg_plan_t         *plan;
    vg_limit_conf_t   *conf;
    vg_limit_shared_t *shared;

    conf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_voltgate_limit_module);
    if (conf == NULL || conf->state == NULL || ngx_test_config) {
        return NGX_OK;
    }
    shared = vg_limit_memory(conf->state);
    if (shared->seed[0] == 0) {
        vg_random(shared->seed, sizeof(shared->seed));
    }
    plan = conf->plans.elts;
    for (i = 0; i < conf->plans.nelts; i++) {
        plan[i].refused = vg_limit_plan_counts(shared, &plan[i].name);
    }
    return NGX_OK;
}


bool
vg_limit_alive(uint32_t pid)
{
    return getpgid((pid_t) pid) == getpgrp();
}


static ngx_int_t
vg_limit_init_process(ngx_cycle_t *cycle)
{
    u_char          *p;
    vg_limit_conf_t *conf;

    conf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_voltgate_limit_module);
    if (conf == NULL || conf->state == NULL || conf->off || vg_host == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }
    vg_limit_conf = conf;
    p = vg_limit_memory(conf->state);
    vg_limit_shared = (vg_limit_shared_t *) p;
    vg_gcra_init(&vg_limit_table, vg_limit_memory(conf->words),
                 conf->words->shm.size - VG_LIMIT_HEAD);
    vg_places_init(&vg_limit_places, p + vg_limit_state_size(),
                   VG_LIMIT_PLACES);
    vg_places_join(&vg_limit_places, (uint32_t) ngx_pid, vg_limit_alive);
    if (vg_limit_places.column < 0) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "voltgate: too many workers: this one does not count "
                      "how many calls are under way");
    }
    vg_quota_start();
    if (conf->redis != NULL) {
        vg_redis_start(conf->redis);
    }
    return NGX_OK;
}


static void
vg_limit_exit_process(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_limit_conf != NULL) {
        vg_redis_stop();
        vg_quota_stop();
        vg_places_leave(&vg_limit_places);
    }
}


/* clang-format off */
static ngx_http_module_t  vg_limit_module_ctx = {
    NULL,                 /* preconfiguration */
    vg_limit_ready,       /* postconfiguration */
    vg_limit_create_conf, /* create main configuration */
    vg_limit_init_conf,   /* init main configuration */
    NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_limit_module = {
    NGX_MODULE_V1,
    &vg_limit_module_ctx,
    vg_limit_commands,
    NGX_HTTP_MODULE,
    NULL,                     /* init master */
    vg_limit_init_module,
    vg_limit_init_process,
    NULL, NULL,               /* threads */
    vg_limit_exit_process,
    NULL,                     /* exit master */
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
