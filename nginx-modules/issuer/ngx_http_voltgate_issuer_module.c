/*
 * ngx_http_voltgate_issuer_module: directives of the issuer, its start and end
 * in each worker.
 */

#include "issuer.h"

static void     *vg_issuer_create(ngx_conf_t *cf);
static ngx_int_t vg_issuer_ready(ngx_conf_t *cf);
static ngx_int_t vg_issuer_start(ngx_cycle_t *cycle);
static void      vg_issuer_stop(ngx_cycle_t *cycle);
static char     *vg_set_signing(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *vg_set_password(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

const vg_issuer_conf_t *vg_issuer;

/* clang-format off */
static ngx_command_t  vg_issuer_commands[] = {

    { ngx_string("voltgate_signing_keys"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE123, vg_set_signing,
      NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("voltgate_password"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_password, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_issuer_ctx = {
    NULL, vg_issuer_ready, vg_issuer_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_issuer_module = {
    NGX_MODULE_V1,
    &vg_issuer_ctx,
    vg_issuer_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_issuer_start,
    NULL, NULL,
    vg_issuer_stop,
    NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */

/* a term of a directive: `name=value` */
typedef struct {
    ngx_str_t  name;
    size_t     offset;
    ngx_uint_t time; /* s, m, h, d; else a number                          */
    ngx_int_t  min, max;
} vg_issuer_term_t;

#define VG_TERM(name, field, time, min, max)                                   \
    {                                                                          \
        ngx_string(name "="), offsetof(vg_issuer_conf_t, field), time, min,    \
            max                                                                \
    }

static const vg_issuer_term_t vg_signing_terms[] = {
    VG_TERM("announce", announce, 1, 0, (ngx_int_t) 7 * 86400),
    VG_TERM("keep", keep, 1, 60, (ngx_int_t) 366 * 86400),
    { ngx_null_string, 0, 0, 0, 0 },
};

static const vg_issuer_term_t vg_password_terms[] = {
    VG_TERM("memory", memory, 0, 1024, 1048576),
    VG_TERM("passes", passes, 0, 1, 100),
    VG_TERM("threads", threads, 0, 1, 64),
    VG_TERM("queue", queue, 0, 1, 1024),
    { ngx_null_string, 0, 0, 0, 0 },
};


/* memory and passes as OWASP has them for Argon2id */
static void *
vg_issuer_create(ngx_conf_t *cf)
{
    vg_issuer_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_issuer_conf_t));

    if (conf != NULL) {
        conf->announce = 600;
        conf->keep = 86400;
        conf->memory = 19456;
        conf->passes = 2;
        conf->threads = 2;
        conf->queue = 32;
    }
    return conf;
}


static char *
vg_issuer_term(ngx_str_t word, const vg_issuer_term_t *term,
               vg_issuer_conf_t *conf)
{
    ngx_int_t n;

    for (; term->name.len != 0; term++) {
        if (word.len > term->name.len
            && ngx_strncmp(word.data, term->name.data, term->name.len) == 0)
        {
            break;
        }
    }
    if (term->name.len == 0) {
        return "has a word that it does not know";
    }
    word.data += term->name.len;
    word.len -= term->name.len;
    n = term->time ? ngx_parse_time(&word, 1) : ngx_atoi(word.data, word.len);
    if (n == NGX_ERROR || n < term->min || n > term->max) {
        return "has a value out of its bounds";
    }
    *(ngx_int_t *) ((u_char *) conf + term->offset) = n;
    return NGX_CONF_OK;
}


static char *
vg_issuer_terms(ngx_conf_t *cf, ngx_uint_t from, const vg_issuer_term_t *terms,
                vg_issuer_conf_t *conf)
{
    char      *rc = NGX_CONF_OK;
    ngx_str_t *word = cf->args->elts;

    for (; from < cf->args->nelts && rc == NGX_CONF_OK; from++) {
        rc = vg_issuer_term(word[from], terms, conf);
    }
    return rc;
}


/* FOLDER [announce=10m] [keep=1d]: read here only to see that it can be used */
static char *
vg_set_signing(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char              why[256];
    ngx_str_t        *word = cf->args->elts;
    vg_signing_t     *keys;
    vg_issuer_conf_t *issuer = conf;

    (void) cmd;
    if (issuer->folder.len != 0) {
        return "is duplicate";
    }
    issuer->folder = word[1];
    keys = vg_signing_read((const char *) word[1].data, why);
    if (keys == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate_signing_keys %V: %s",
                           &word[1], why);
        return NGX_CONF_ERROR;
    }
    vg_signing_free(keys);
    return vg_issuer_terms(cf, 2, vg_signing_terms, issuer);
}


/* [memory=KiB] [passes=2] [threads=2] [queue=32] */
static char *
vg_set_password(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    (void) cmd;
    return vg_issuer_terms(cf, 1, vg_password_terms, conf);
}


static ngx_int_t
vg_issuer_ready(ngx_conf_t *cf)
{
    if (vg_host_conf(cf)->names.nelts == 0) {
        return NGX_OK; /* loaded, but not used */
    }
    return vg_password_ready(cf, ngx_http_conf_get_module_main_conf(
                                     cf, ngx_http_voltgate_issuer_module));
}


static ngx_int_t
vg_issuer_start(ngx_cycle_t *cycle)
{
    vg_issuer_conf_t *conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_issuer_module);

    if (conf != NULL && vg_host != NULL
        && (ngx_process == NGX_PROCESS_WORKER
            || ngx_process == NGX_PROCESS_SINGLE))
    {
        vg_issuer = conf;
        vg_password_start();
        vg_keyring_start(conf);
    }
    return NGX_OK;
}


static void
vg_issuer_stop(ngx_cycle_t *cycle)
{
    (void) cycle;
    if (vg_issuer != NULL) {
        vg_keyring_stop();
    }
}
