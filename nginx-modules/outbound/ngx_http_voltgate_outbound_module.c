/*
 * ngx_http_voltgate_outbound_module.c: the room's directives, its zone, and
 * its start in each worker.
 *
 *   voltgate_target NAME url=URL [key=value ...];
 *                                http: whom plugins may call by that name
 *   voltgate_target_defaults key=value ...;
 *                                http: for all targets, also users'
 *   voltgate_outbound_private on|off|NETWORK ...;
 *                                http: whether hosts that users name may have
 *                                addresses that are not public, or which
 */

#include "outbound.h"

static char *vg_set_target(ngx_conf_t *cf, ngx_command_t *cmd, void *data);
static char *vg_set_defaults(ngx_conf_t *cf, ngx_command_t *cmd, void *data);
static char *vg_set_private(ngx_conf_t *cf, ngx_command_t *cmd, void *data);

static ngx_uint_t vg_outbound_up;

/* clang-format off */
static ngx_command_t  vg_outbound_commands[] = {

    { ngx_string("voltgate_target"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_2MORE,
      vg_set_target,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("voltgate_target_defaults"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_defaults,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("voltgate_outbound_private"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_private,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_null_command
};
/* clang-format on */


static void *
vg_outbound_create_conf(ngx_conf_t *cf)
{
    vg_outbound_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(*conf));

    if (conf == NULL
        || ngx_array_init(&conf->targets, cf->pool, VG_OUTBOUND_NAMED,
                          sizeof(vg_target_t))
        || ngx_array_init(&conf->networks, cf->pool, 4, sizeof(vg_network_t)))
    {
        return NULL;
    }
    vg_terms_unset(&conf->defaults);
    return conf;
}


/* its name is a label of metrics */
static char *
vg_target_name(vg_outbound_conf_t *conf, const ngx_str_t *name)
{
    size_t       i;
    ngx_uint_t   n;
    vg_target_t *target = conf->targets.elts;

    for (i = 0; i < name->len; i++) {
        if (!((name->data[i] >= 'a' && name->data[i] <= 'z')
              || (name->data[i] >= '0' && name->data[i] <= '9')
              || name->data[i] == '_' || (name->data[i] == '-' && i > 0)))
        {
            return "has a name that is not of a-z, 0-9, _ and -";
        }
    }
    for (n = 0; n < conf->targets.nelts; n++) {
        if (ngx_strcmp(target[n].name.data, name->data) == 0) {
            return "is there twice";
        }
    }
    if (name->len == 0 || name->len > 64) {
        return "has a name of more than 64 letters";
    }
    return conf->targets.nelts == VG_OUTBOUND_NAMED ? "is one too many" : NULL;
}


/* what may be called by that scheme, and how */
static char *
vg_target_scheme(vg_target_t *target, const char *scheme, const char *path)
{
    ngx_uint_t mail = ngx_strncmp(scheme, "smtp", 4) == 0;

    if (!mail && ngx_strncmp(scheme, "http", 4) != 0) {
        return "wants a url of http, https, smtp or smtps";
    }
    target->mail = mail;
    if (mail && path != NULL && path[0] != '\0' && ngx_strcmp(path, "/") != 0) {
        return "has a path, which mail servers have not";
    }
    if (mail && target->terms.private == 0) {
        return "cannot have private=off, being a mail server";
    }
    if (!mail
        && (target->terms.header.len == 0) != (target->terms.secret.len == 0)) {
        return "wants secret_file and header together";
    }
    if (mail
        && (target->terms.user.len == 0) != (target->terms.secret.len == 0)) {
        return "wants secret_file and user together";
    }
    return NULL;
}


static char *
vg_target_url(ngx_conf_t *cf, vg_target_t *target)
{
    char      *scheme = NULL, *path = NULL, *query = NULL, *wrong;
    CURLU     *parts = curl_url();
    ngx_uint_t bad;

    bad = parts == NULL || target->url.len == 0
          || target->url.len > VG_OUTBOUND_URL
          || curl_url_set(parts, CURLUPART_URL, (char *) target->url.data,
                          CURLU_DISALLOW_USER)
                 != 0
          || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != 0
          || curl_url_get(parts, CURLUPART_QUERY, &query, 0) == 0;
    (void) (bad || curl_url_get(parts, CURLUPART_PATH, &path, 0));
    wrong = bad ? "wants a url without user or query"
                : vg_target_scheme(target, scheme, path);
    curl_free(scheme);
    curl_free(path);
    curl_free(query);
    curl_url_cleanup(parts);
    (void) cf;
    return wrong;
}


/* The url's slash at the end goes: paths bring their own. */
static char *
vg_set_target(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    char               *wrong;
    ngx_str_t          *word = cf->args->elts;
    vg_target_t        *target;
    vg_outbound_conf_t *conf = data;

    (void) cmd;
    wrong = vg_target_name(conf, &word[1]);
    if (wrong != NULL) {
        return wrong;
    }
    target = ngx_array_push(&conf->targets);
    if (target == NULL) {
        return NGX_CONF_ERROR;
    }
    ngx_memzero(target, sizeof(vg_target_t));
    target->name = word[1];
    vg_terms_unset(&target->terms);
    if (vg_terms_read(cf, &target->terms, 2, &target->url) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }
    wrong = vg_target_url(cf, target);
    if (wrong != NULL) {
        return wrong;
    }
    while (target->url.data[target->url.len - 1] == '/') {
        target->url.data[--target->url.len] = '\0';
    }
    return NGX_CONF_OK;
}


char *
vg_outbound_target(ngx_conf_t *cf)
{
    return vg_set_target(cf, NULL,
                         ngx_http_conf_get_module_main_conf(
                             cf, ngx_http_voltgate_outbound_module));
}


static char *
vg_set_defaults(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    vg_outbound_conf_t *conf = data;

    (void) cmd;
    return vg_terms_read(cf, &conf->defaults, 1, NULL);
}


static char *
vg_set_private(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_str_t          *word = cf->args->elts;
    ngx_uint_t          i;
    vg_network_t       *network;
    vg_outbound_conf_t *conf = data;

    (void) cmd;
    if (cf->args->nelts == 2
        && (ngx_strcmp(word[1].data, "on") == 0
            || ngx_strcmp(word[1].data, "off") == 0))
    {
        conf->private = word[1].data[1] == 'n';
        return NGX_CONF_OK;
    }
    for (i = 1; i < cf->args->nelts; i++) {
        network = ngx_array_push(&conf->networks);
        if (network == NULL) {
            return NGX_CONF_ERROR;
        }
        if (!vg_network_read((const char *) word[i].data, network)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "voltgate: \"%V\" is no network", &word[i]);
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}


static char *
vg_outbound_init_conf(ngx_conf_t *cf, void *data)
{
    ngx_uint_t          i;
    vg_target_t        *target;
    vg_outbound_conf_t *conf = data;

    (void) cf;
    vg_terms_merge(&conf->defaults, &vg_terms_default);
    target = conf->targets.elts;
    for (i = 0; i < conf->targets.nelts; i++) {
        vg_terms_merge(&target[i].terms, &conf->defaults);
        target[i].guarded = !target[i].terms.private;
    }
    return NGX_CONF_OK;
}


/* fresh shared memory is zero, which is the table's empty state */
static ngx_int_t
vg_outbound_zone(ngx_shm_zone_t *zone, void *data)
{
    (void) zone;
    (void) data;
    return NGX_OK;
}


static ngx_int_t
vg_outbound_ready(ngx_conf_t *cf)
{
    ngx_str_t           name = ngx_string("voltgate_outbound_v2");
    ngx_uint_t          i;
    vg_target_t        *target;
    vg_outbound_conf_t *conf;

    conf = ngx_http_conf_get_module_main_conf(
        cf, ngx_http_voltgate_outbound_module);
    target = conf->targets.elts;
    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    conf->zone = ngx_shared_memory_add(cf, &name, vg_targets_size(),
                                       &ngx_http_voltgate_outbound_module);
    if (conf->zone == NULL) {
        return NGX_ERROR;
    }
    conf->zone->init = vg_outbound_zone;
    conf->zone->data = conf;
    for (i = 0; i < conf->targets.nelts && !target[i].mail; i++) {
    }
    return i < conf->targets.nelts ? vg_apart_ready(cf) : NGX_OK;
}


/* the configuration is taken into use */
static ngx_int_t
vg_outbound_init_module(ngx_cycle_t *cycle)
{
    vg_outbound_conf_t *conf;

    conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_outbound_module);
    if (conf != NULL && conf->zone != NULL && !ngx_test_config) {
        vg_targets_place(conf);
    }
    return NGX_OK;
}


static ngx_int_t
vg_outbound_init_process(ngx_cycle_t *cycle)
{
    vg_outbound_conf_t *conf;

    conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_outbound_module);
    if (conf == NULL || conf->zone == NULL || vg_host == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }
    vg_targets_start(conf);
    vg_apart_start();
    vg_outbound_up = vg_multi_start() == NGX_OK;
    return vg_outbound_up ? NGX_OK : NGX_ERROR;
}


static void
vg_outbound_exit_process(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_outbound_up) {
        vg_multi_stop();
        vg_apart_stop();
    }
}


/* clang-format off */
static ngx_http_module_t  vg_outbound_module_ctx = {
    NULL,                    /* preconfiguration */
    vg_outbound_ready,       /* postconfiguration */
    vg_outbound_create_conf, /* create main configuration */
    vg_outbound_init_conf,   /* init main configuration */
    NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_outbound_module = {
    NGX_MODULE_V1,
    &vg_outbound_module_ctx,
    vg_outbound_commands,
    NGX_HTTP_MODULE,
    NULL,                     /* init master */
    vg_outbound_init_module,
    vg_outbound_init_process,
    NULL, NULL,               /* threads */
    vg_outbound_exit_process,
    NULL,                     /* exit master */
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
