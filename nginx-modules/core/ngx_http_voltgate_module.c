/*
 * ngx_http_voltgate_module: the host as nginx sees it: directives, the shared
 * zone, the start and end of each worker.
 */

#include "cache.h"
#include "db.h"
#include "http.h"
#include "link.h"
#include "outcome.h"
#include "repeat.h"

static void *vg_main_create(ngx_conf_t *cf);
static char *vg_set_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *vg_set_plugin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *vg_set_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *vg_set_problem(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t vg_main_ready(ngx_conf_t *cf);
static ngx_int_t vg_module_start(ngx_cycle_t *cycle);
static ngx_int_t vg_process_start(ngx_cycle_t *cycle);
static void      vg_process_stop(ngx_cycle_t *cycle);

vg_host_t       *vg_host;
ngx_connection_t vg_nobody = { .fd = -1 };

/* clang-format off */
static ngx_command_t  vg_commands[] = {

    { ngx_string("voltgate_database"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_database, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("voltgate_plugins_root"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_host_t, sources), NULL },

    { ngx_string("voltgate_plugins_built"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(vg_host_t, built), NULL },

    { ngx_string("voltgate_plugins_installed"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(vg_host_t, installed), NULL },

    { ngx_string("voltgate_run"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_host_t, run), NULL },

    { ngx_string("voltgate_node"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_host_t, node), NULL },

    { ngx_string("voltgate_url"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_host_t, url), NULL },

    { ngx_string("voltgate_cache"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_size_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_host_t, cache_size), NULL },

    { ngx_string("voltgate_plugin"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      vg_set_plugin, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("voltgate_setting"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2,
      vg_setting_set, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("voltgate_secret"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE23,
      vg_secret_set, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("voltgate"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      vg_set_handler, 0, 0, NULL },

    { ngx_string("voltgate_problem"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
      vg_set_problem, 0, 0, NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_module_ctx = {
    NULL,           /* preconfiguration  */
    vg_main_ready,  /* postconfiguration */
    vg_main_create, /* create main conf  */
    NULL,           /* init main conf    */
    NULL,           /* create srv conf   */
    NULL,           /* merge srv conf    */
    NULL,           /* create loc conf   */
    NULL,           /* merge loc conf    */
};

ngx_module_t  ngx_http_voltgate_module = {
    NGX_MODULE_V1,
    &vg_module_ctx,
    vg_commands,
    NGX_HTTP_MODULE,
    NULL,             /* init master  */
    vg_module_start,  /* init module  */
    vg_process_start, /* init process */
    NULL,             /* init thread  */
    NULL,             /* exit thread  */
    vg_process_stop,  /* exit process */
    NULL,             /* exit master  */
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


vg_host_t *
vg_host_conf(ngx_conf_t *cf)
{
    return ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_module);
}


static void *
vg_main_create(ngx_conf_t *cf)
{
    vg_host_t *host = ngx_pcalloc(cf->pool, sizeof(vg_host_t));

    if (host == NULL
        || ngx_array_init(&host->plugins, cf->pool, 16, sizeof(void *))
        || ngx_array_init(&host->endpoints, cf->pool, 128, sizeof(void *))
        || ngx_array_init(&host->kit_statements, cf->pool, 16,
                          sizeof(vg_kit_statement_t))
        || ngx_array_init(&host->kit_migrations, cf->pool, 8,
                          sizeof(vg_migration_t))
        || ngx_array_init(&host->databases, cf->pool, VG_DATABASES,
                          sizeof(vg_database_t))
        || ngx_array_init(&host->names, cf->pool, 16, sizeof(ngx_str_t))
        || ngx_array_init(&host->settings, cf->pool, 8, sizeof(ngx_keyval_t)))
    {
        return NULL;
    }
    host->log = &cf->cycle->new_log; /* cycle->log is still the old one's */
    host->cache_size = NGX_CONF_UNSET_SIZE;
    return host;
}


/* "conninfo"; then "conninfo" name plugin ..., for those that live elsewhere */
static char *
vg_set_database(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    vg_host_t     *host = conf;
    ngx_str_t     *value = cf->args->elts, *slot;
    ngx_uint_t     i;
    vg_database_t *db;

    (void) cmd;
    if ((host->databases.nelts == 0) != (cf->args->nelts == 2)) {
        return "wants a conninfo first, then a conninfo, a name and plugins";
    }
    if (host->databases.nelts == VG_DATABASES) {
        return "comes too often";
    }
    db = ngx_array_push(&host->databases);
    if (db == NULL
        || ngx_array_init(&db->plugins, cf->pool, 4, sizeof(ngx_str_t))) {
        return NGX_CONF_ERROR;
    }
    db->conninfo = value[1];
    ngx_str_set(&db->name, "home");
    for (i = 2; i < cf->args->nelts; i++) {
        slot = i == 2 ? &db->name : ngx_array_push(&db->plugins);
        if (slot == NULL) {
            return NGX_CONF_ERROR;
        }
        *slot = value[i];
    }
    return NGX_CONF_OK;
}


static char *
vg_set_plugin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    vg_host_t *host = conf;
    ngx_str_t *value = cf->args->elts, *slot = host->names.elts;
    ngx_uint_t i;

    (void) cmd;
    for (i = 0; i < host->names.nelts; i++) {
        if (ngx_strcmp(slot[i].data, value[1].data) == 0) {
            return "is there twice";
        }
    }
    slot = ngx_array_push(&host->names);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }
    *slot = value[1];
    return NGX_CONF_OK;
}


static char *
vg_set_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t *clcf;

    (void) cmd;
    (void) conf;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = vg_http_handler;
    return NGX_CONF_OK;
}


static char *
vg_set_problem(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t *clcf;

    (void) cmd;
    (void) conf;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = vg_http_problem_handler;
    return NGX_CONF_OK;
}


/* ------------------------------------------------------- the shared zone */

#define VG_SHARED_HEAD (8 * (size_t) 4096) /* the slab's own */


static size_t
vg_shared_align(size_t size)
{
    return ngx_align(size, 4096);
}


static size_t
vg_shared_size(ngx_uint_t part)
{
    switch (part) {
    case VG_SHARED_KEYS:
        return vg_shared_align(vg_keys_size());
    case VG_SHARED_METRICS:
        return vg_shared_align(vg_metrics_size());
    case VG_SHARED_LINK:
        return vg_shared_align(sizeof(vg_link_shared_t));
    case VG_SHARED_VERSIONS:
        return vg_shared_align(vg_versions_size());
    case VG_SHARED_STREAMS:
        return vg_shared_align(vg_stream_shared_size());
    case VG_SHARED_EVENTS:
        return vg_shared_align(vg_events_shared_size());
    case VG_SHARED_RELAYS:
        return vg_shared_align(vg_relay_shared_size());
    case VG_SHARED_REVOKED:
        return vg_shared_align(vg_revoked_shared_size());
    case VG_SHARED_JWKS:
        return vg_shared_align(vg_jwks_shared_size());
    case VG_SHARED_AUDIT:
        return vg_shared_align(vg_audit_shared_size());
    case VG_SHARED_LANGUAGE:
        return vg_shared_align(VG_LANGUAGE_ROWS * sizeof(vg_language_row_t));
    case VG_SHARED_SAGAS:
        return vg_shared_align(vg_sagas_shared_size());
    default:
        return 0;
    }
}


/* behind the slab's header, whose pages are not used */
void *
vg_shared(ngx_uint_t part)
{
    u_char    *p = vg_host->zone->shm.addr;
    ngx_uint_t i;

    p += VG_SHARED_HEAD;
    for (i = 0; i < part; i++) {
        p += vg_shared_size(i);
    }
    return p;
}


/* fresh shared memory is zero, which is every table's empty state */
static ngx_int_t
vg_shared_init(ngx_shm_zone_t *zone, void *data)
{
    (void) zone;
    (void) data;
    return NGX_OK;
}


static ngx_int_t
vg_shared_add(ngx_conf_t *cf, vg_host_t *host)
{
    size_t     size = VG_SHARED_HEAD;
    ngx_str_t  name = ngx_string("voltgate_v4");
    ngx_uint_t i;

    for (i = 0; i < VG_SHARED_PARTS; i++) {
        size += vg_shared_size(i);
    }
    host->zone =
        ngx_shared_memory_add(cf, &name, size, &ngx_http_voltgate_module);
    if (host->zone == NULL) {
        return NGX_ERROR;
    }
    host->zone->init = vg_shared_init;
    host->zone->noreuse = 0;
    host->zone->data = host;
    return NGX_OK;
}


static ngx_int_t
vg_main_defaults(ngx_conf_t *cf, vg_host_t *host)
{
    if (host->sources.len == 0 || host->built.len == 0
        || host->installed.len == 0 || host->run.len == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "voltgate_plugins_root, voltgate_plugins_built, "
                           "voltgate_plugins_installed and voltgate_run "
                           "are needed");
        return NGX_ERROR;
    }
    if (host->node.len == 0) {
        host->node = cf->cycle->hostname;
    }
    if (host->url.len == 0) {
        ngx_str_set(&host->url, "https://localhost");
    }
    host->kit_sql.data = ngx_pnalloc(cf->pool, host->sources.len + 8);
    if (host->kit_sql.data == NULL) {
        return NGX_ERROR;
    }
    host->kit_sql.len =
        ngx_sprintf(host->kit_sql.data, "%V/../sql%Z", &host->sources)
        - host->kit_sql.data - 1;
    return NGX_OK;
}


ngx_uint_t
vg_database_of(const vg_host_t *host, const ngx_str_t *plugin)
{
    ngx_uint_t     i, k;
    ngx_str_t     *name;
    vg_database_t *db = host->databases.elts;

    for (i = 0; i < host->databases.nelts; i++) {
        name = db[i].plugins.elts;
        for (k = 0; k < db[i].plugins.nelts; k++) {
            if (ngx_strcmp(name[k].data, plugin->data) == 0) {
                return i;
            }
        }
    }
    return VG_HOME;
}


/* each name once: a log's position belongs to one log */
static ngx_int_t
vg_main_databases(ngx_conf_t *cf, vg_host_t *host)
{
    ngx_uint_t     i, k;
    vg_database_t *db = host->databases.elts;

    for (i = 0; i < host->databases.nelts; i++) {
        for (k = 0; k < i; k++) {
            if (ngx_strcmp(db[i].name.data, db[k].name.data) == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "two databases are named \"%V\"",
                                   &db[i].name);
                return NGX_ERROR;
            }
        }
    }
    return NGX_OK;
}


static ngx_int_t
vg_main_ready(ngx_conf_t *cf)
{
    vg_host_t *host = vg_host_conf(cf);

    if (host->names.nelts == 0 && host->databases.nelts == 0) {
        return NGX_OK; /* loaded, but not used */
    }
    if (vg_main_defaults(cf, host) != NGX_OK
        || vg_main_databases(cf, host) != NGX_OK
        || vg_outcome_init(cf) != NGX_OK || vg_repeat_init(cf) != NGX_OK
        || vg_check_init(cf) != NGX_OK || vg_registry_open(cf, host) != NGX_OK
        || vg_settings_check(cf, host) != NGX_OK
        || vg_openapi_render(host) != NGX_OK
        || vg_shared_add(cf, host) != NGX_OK || vg_card_init(cf) != NGX_OK
        || vg_cache_add(cf, host) != NGX_OK)
    {
        return NGX_ERROR;
    }
    vg_host = host;
    return NGX_OK;
}


/* the configuration is taken into use, also by workers that are there */
static ngx_int_t
vg_module_start(ngx_cycle_t *cycle)
{
    vg_host_t *host =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_voltgate_module);

    if (host != NULL && host->zone != NULL) {
        vg_host = host;
        vg_versions_init(vg_shared(VG_SHARED_VERSIONS));
        vg_versions_publish(host);
        if (!ngx_test_config) { /* which knows nothing of what runs */
            vg_versions_prune(host);
        }
    }
    return NGX_OK;
}


static ngx_int_t
vg_process_start(ngx_cycle_t *cycle)
{
    vg_host_t *host =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_voltgate_module);

    if (host == NULL || host->zone == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }
    vg_host = host;
    vg_statement_slots(host);
    vg_keys_init(vg_shared(VG_SHARED_KEYS));
    vg_metrics_init(vg_shared(VG_SHARED_METRICS));
    vg_versions_init(vg_shared(VG_SHARED_VERSIONS));
    vg_cache_start(host);
    vg_blame_start();
    if (vg_link_start(cycle) != NGX_OK || vg_db_start(cycle) != NGX_OK) {
        return NGX_ERROR;
    }
    vg_swap_start();
    return NGX_OK;
}


static void
vg_process_stop(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_host != NULL && vg_host->zone != NULL
        && (ngx_process == NGX_PROCESS_WORKER
            || ngx_process == NGX_PROCESS_SINGLE))
    {
        vg_db_stop();
        vg_link_stop();
    }
}
