/*
 * ngx_http_voltgate_lua_module: plugins in Lua, as nginx sees them: directives,
 * and the table of modules of this shared object, which is not the kit's.
 */

#include "vm.h"

static ngx_int_t vg_lua_before(ngx_conf_t *cf);
static void     *vg_lua_create(ngx_conf_t *cf);
static char     *vg_lua_init(ngx_conf_t *cf, void *data);
static ngx_int_t vg_lua_process(ngx_cycle_t *cycle);
static void      vg_lua_exit(ngx_cycle_t *cycle);

const vg_lua_conf_t *vg_lua_conf;

/* clang-format off */
static ngx_command_t  vg_lua_commands[] = {

    { ngx_string("voltgate_lua_memory"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_size_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_lua_conf_t, memory), NULL },

    { ngx_string("voltgate_lua_time"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_lua_conf_t, time), NULL },

    { ngx_string("voltgate_lua_trust"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_array_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_lua_conf_t, trusted), NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_lua_module_ctx = {
    vg_lua_before,  /* preconfiguration  */
    NULL,           /* postconfiguration */
    vg_lua_create,  /* create main conf  */
    vg_lua_init,    /* init main conf    */
    NULL,           /* create srv conf   */
    NULL,           /* merge srv conf    */
    NULL,           /* create loc conf   */
    NULL,           /* merge loc conf    */
};

ngx_module_t  ngx_http_voltgate_lua_module = {
    NGX_MODULE_V1,
    &vg_lua_module_ctx,
    vg_lua_commands,
    NGX_HTTP_MODULE,
    NULL,           /* init master  */
    NULL,           /* init module  */
    vg_lua_process, /* init process */
    NULL,           /* init thread  */
    NULL,           /* exit thread  */
    vg_lua_exit,    /* exit process */
    NULL,           /* exit master  */
    NGX_MODULE_V1_PADDING
};

#pragma GCC visibility push(default)

ngx_module_t *ngx_modules[] = { &ngx_http_voltgate_lua_module, NULL };
char *ngx_module_names[] = { "ngx_http_voltgate_lua_module", NULL };
char *ngx_module_order[] = { NULL };

#pragma GCC visibility pop
/* clang-format on */


static void *
vg_lua_create(ngx_conf_t *cf)
{
    vg_lua_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_lua_conf_t));

    if (conf == NULL
        || ngx_array_init(&conf->library, cf->pool, 8, sizeof(ngx_keyval_t)))
    {
        return NULL;
    }
    conf->trusted = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
    if (conf->trusted == NULL) {
        return NULL;
    }
    conf->memory = NGX_CONF_UNSET_SIZE;
    conf->time = NGX_CONF_UNSET_MSEC;
    conf->pool = cf->pool;
    return conf;
}


static char *
vg_lua_init(ngx_conf_t *cf, void *data)
{
    vg_lua_conf_t *conf = data;

    (void) cf;
    ngx_conf_init_size_value(conf->memory, 8388608);
    ngx_conf_init_msec_value(conf->time, 50);
    if (conf->memory < 262144 || conf->time < (ngx_msec_t) 4 * VG_LUA_TICK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "voltgate_lua_memory is at least 256k, "
                           "voltgate_lua_time 20ms");
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}


/* the plugins are opened when the kit's configuration ends, with what this one
 * says by then */
static ngx_int_t
vg_lua_before(ngx_conf_t *cf)
{
    vg_lua_conf_t *conf;

    conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_lua_module);
    conf->host = vg_language_add(cf, &vg_lua_language);
    vg_lua_conf = conf;
    return NGX_OK;
}


/* a reload that failed has left the master's pointing to what it threw away */
static ngx_int_t
vg_lua_process(ngx_cycle_t *cycle)
{
    vg_lua_conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_lua_module);
    return NGX_OK;
}


/* nginx unloads this object before the process ends */
static void
vg_lua_exit(ngx_cycle_t *cycle)
{
    (void) cycle;
    vg_lua_budget_stop();
}
