/*
 * ngx_http_voltgate_watch_module: `voltgate plugin watch` beside nginx, while
 * somebody writes plugins.
 */

#include "spawn.h"

#define VG_WATCH_ENV 256 /* variables that it inherits                      */

typedef struct {
    ngx_flag_t on;
    ngx_fd_t   command;
    ngx_str_t  built, sources;
} vg_watch_conf_t;

/* of the process that looks; it ends when nobody holds this any more */
static ngx_fd_t vg_watch_end = -1;

static void     *vg_watch_create(ngx_conf_t *cf);
static ngx_int_t vg_watch_ready(ngx_conf_t *cf);
static ngx_int_t vg_watch_start(ngx_cycle_t *cycle);
static ngx_int_t vg_watch_leave(ngx_cycle_t *cycle);

/* clang-format off */
static ngx_command_t vg_watch_commands[] = {

    { ngx_string("voltgate_watch"), NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG,
      ngx_conf_set_flag_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_watch_conf_t, on), NULL },

    ngx_null_command
};

static ngx_http_module_t vg_watch_ctx = {
    NULL,            /* preconfiguration              */
    vg_watch_ready,  /* postconfiguration             */
    vg_watch_create, /* create main configuration     */
    NULL,            /* init main configuration       */
    NULL,            /* create server configuration   */
    NULL,            /* merge server configuration    */
    NULL,            /* create location configuration */
    NULL             /* merge location configuration  */
};

ngx_module_t ngx_http_voltgate_watch_module = {
    NGX_MODULE_V1,
    &vg_watch_ctx,
    vg_watch_commands,
    NGX_HTTP_MODULE,
    NULL,           /* init master  */
    vg_watch_start, /* init module  */
    vg_watch_leave, /* init process */
    NULL,           /* init thread  */
    NULL,           /* exit thread  */
    NULL,           /* exit process */
    NULL,           /* exit master  */
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


static void *
vg_watch_create(ngx_conf_t *cf)
{
    vg_watch_conf_t *wcf = ngx_pcalloc(cf->pool, sizeof(vg_watch_conf_t));

    if (wcf != NULL) {
        wcf->on = NGX_CONF_UNSET;
    }
    return wcf;
}


static ngx_int_t
vg_watch_ready(ngx_conf_t *cf)
{
    vg_host_t       *host = vg_host_conf(cf);
    vg_watch_conf_t *wcf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_watch_module);

    if (wcf->on != 1) {
        return NGX_OK;
    }
    wcf->built = host->built;
    wcf->sources = host->sources;
    wcf->command = vg_spawn_command(cf);
    return wcf->command == NGX_INVALID_FILE ? NGX_ERROR : NGX_OK;
}


/* the file that the master's words go to; "": none that has a name */
static const char *
vg_watch_log(const ngx_cycle_t *cycle)
{
    const ngx_log_t *log;

    for (log = cycle->log; log != NULL; log = log->next) {
        if (log->file != NULL && log->file->name.len > 0) {
            return (const char *) log->file->name.data;
        }
    }
    return "";
}


/* <state>/conf/nginx.conf: the command knows the gateway by its state folder */
static char *
vg_watch_state(const ngx_cycle_t *cycle)
{
    static char text[NGX_MAX_PATH];
    char       *slash;
    int         i;

    (void) snprintf(text, sizeof(text), "VG_STATE=%.*s",
                    (int) cycle->conf_file.len, cycle->conf_file.data);
    for (i = 0; i < 2; i++) {
        slash = strrchr(text, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    return text;
}


/* in the master, each time it has read a conf */
static ngx_int_t
vg_watch_start(ngx_cycle_t *cycle)
{
    char            *envp[VG_WATCH_ENV + 2];
    ngx_uint_t       i, n = 0;
    vg_watch_conf_t *wcf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_watch_module);

    if (ngx_test_config) {
        return NGX_OK;
    }
    if (vg_watch_end != -1) {
        (void) close(vg_watch_end);
        vg_watch_end = -1;
    }
    if (wcf == NULL || wcf->on != 1) {
        return NGX_OK;
    }
    char *const words[] = { "voltgate",
                            "plugin",
                            "watch",
                            "--built",
                            (char *) wcf->built.data,
                            "--sources",
                            (char *) wcf->sources.data,
                            "--log",
                            (char *) vg_watch_log(cycle),
                            NULL };
    for (i = 0; environ[i] != NULL && n < VG_WATCH_ENV; i++) {
        if (ngx_strncmp(environ[i], "VG_STATE=", 9) != 0) {
            envp[n++] = environ[i];
        }
    }
    envp[n++] = vg_watch_state(cycle);
    envp[n] = NULL;
    vg_watch_end = vg_spawn(wcf->command, words, envp, cycle->log);
    return NGX_OK; /* nginx serves without it, and the log says why */
}


static ngx_int_t
vg_watch_leave(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_watch_end != -1) {
        (void) close(vg_watch_end);
        vg_watch_end = -1;
    }
    return NGX_OK;
}
