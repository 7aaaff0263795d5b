/*
 * ngx_http_voltgate_jobs_module: jobs' directive and zone, and their start in
 * each worker.
 *
 *   voltgate_job KIND|default [tries=10] [concurrent=8] [lease=60s];
 *                                http: how often, how many at once in each
 *                                worker, when another may take one that a
 *                                worker died over
 */

#include "job.h"

#define VG_JOBS_HEAD (8 * (size_t) 4096) /* the slab's own */

typedef struct {
    ngx_array_t     confs; /* of vg_job_conf_t */
    ngx_shm_zone_t *zone;
} vg_jobs_conf_t;

extern ngx_module_t ngx_http_voltgate_jobs_module;

static const struct {
    const char *key;
    size_t      offset;
    ngx_uint_t  ms;
    ngx_int_t   least, most;
} vg_job_keys[] = {
    { "tries=", offsetof(vg_job_conf_t, tries), 0, 1, 100 },
    { "concurrent=", offsetof(vg_job_conf_t, concurrent), 0, 1, 100 },
    { "lease=", offsetof(vg_job_conf_t, lease), 1, VG_JOB_LEASE_LEAST,
      3600000 },
    { NULL, 0, 0, 0, 0 },
};


static char *
vg_job_word(ngx_conf_t *cf, vg_job_conf_t *conf, ngx_str_t *word)
{
    size_t     len;
    ngx_int_t  n;
    ngx_str_t  text;
    ngx_uint_t i;

    for (i = 0; vg_job_keys[i].key != NULL; i++) {
        len = ngx_strlen(vg_job_keys[i].key);
        if (ngx_strncmp(word->data, vg_job_keys[i].key, len) != 0) {
            continue;
        }
        text = (ngx_str_t){ word->len - len, word->data + len };
        n = vg_job_keys[i].ms ? ngx_parse_time(&text, 0)
                              : ngx_atoi(text.data, text.len);
        if (n < vg_job_keys[i].least || n > vg_job_keys[i].most) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "voltgate: \"%V\" is not within %i and %i%s",
                               word, vg_job_keys[i].least, vg_job_keys[i].most,
                               vg_job_keys[i].ms ? " ms" : "");
            return NGX_CONF_ERROR;
        }
        *(ngx_uint_t *) ((u_char *) conf + vg_job_keys[i].offset) = n;
        return NGX_CONF_OK;
    }
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "voltgate: \"%V\" is none of tries, concurrent, lease",
                       word);
    return NGX_CONF_ERROR;
}


static char *
vg_set_job(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    ngx_str_t      *word = cf->args->elts;
    ngx_uint_t      i;
    vg_job_conf_t  *slot;
    vg_jobs_conf_t *conf = data;

    (void) cmd;
    slot = ngx_array_push(&conf->confs);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }
    *slot = vg_job_default;
    slot->kind = word[1];
    for (i = 2; i < cf->args->nelts; i++) {
        if (vg_job_word(cf, slot, &word[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}


static void *
vg_jobs_create(ngx_conf_t *cf)
{
    vg_jobs_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(vg_jobs_conf_t));

    return conf
                   && ngx_array_init(&conf->confs, cf->pool, 8,
                                     sizeof(vg_job_conf_t))
                          == NGX_OK
               ? conf
               : NULL;
}


/* fresh shared memory is zero: nothing is counted */
static ngx_int_t
vg_jobs_zone(ngx_shm_zone_t *zone, void *data)
{
    (void) zone;
    (void) data;
    return NGX_OK;
}


static ngx_int_t
vg_jobs_ready(ngx_conf_t *cf)
{
    ngx_str_t       name = ngx_string("voltgate_jobs_v2");
    vg_jobs_conf_t *conf;

    conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_jobs_module);
    if (vg_host_conf(cf)->zone == NULL) {
        return NGX_OK; /* the host is not used */
    }
    conf->zone = ngx_shared_memory_add(
        cf, &name, VG_JOBS_HEAD + ngx_align(vg_jobs_size(), (size_t) 4096),
        &ngx_http_voltgate_jobs_module);
    if (conf->zone == NULL) {
        return NGX_ERROR;
    }
    conf->zone->init = vg_jobs_zone;
    conf->zone->data = conf;
    return vg_jobs_init(cf);
}


static ngx_int_t
vg_jobs_process(ngx_cycle_t *cycle)
{
    vg_jobs_conf_t *conf;

    conf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_voltgate_jobs_module);
    if (conf == NULL || conf->zone == NULL || vg_host == NULL
        || ngx_process != NGX_PROCESS_WORKER)
    {
        return NGX_OK;
    }
    vg_jobs_conf_use(conf->confs.elts, conf->confs.nelts,
                     conf->zone->shm.addr + VG_JOBS_HEAD);
    vg_jobs_start();
    return NGX_OK;
}


/* clang-format off */
static ngx_command_t  vg_jobs_commands[] = {

    { ngx_string("voltgate_job"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
      vg_set_job, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_jobs_ctx = {
    NULL, vg_jobs_ready, vg_jobs_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_jobs_module = {
    NGX_MODULE_V1,
    &vg_jobs_ctx,
    vg_jobs_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_jobs_process,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */
