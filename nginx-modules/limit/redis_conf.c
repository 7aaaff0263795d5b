/*
 * redis_conf.c: `voltgate_limit_redis HOST:PORT [tls] [ca=FILE] [user=NAME]
 * [password_file=FILE] [prefix=TEXT] [timeout=20ms];`
 */

#include "redis.h"

#define VG_REDIS_PREFIX 64


static const char *
vg_redis_timeout(vg_redis_conf_t *conf, ngx_str_t *value)
{
    ngx_int_t ms = ngx_parse_time(value, 0);

    if (ms < 1 || ms > 1000) {
        return "is not within 1 and 1000 ms";
    }
    conf->timeout = (ngx_msec_t) ms;
    return NULL;
}


static const char *
vg_redis_file(ngx_conf_t *cf, ngx_str_t *slot, ngx_str_t *value)
{
    *slot = *value;
    return ngx_conf_full_name(cf->cycle, slot, 1) == NGX_OK
               ? NULL
               : "is no file's name";
}


static const char *
vg_redis_word(ngx_conf_t *cf, vg_redis_conf_t *conf, const ngx_str_t *word)
{
    size_t    key;
    u_char   *equals = ngx_strlchr(word->data, word->data + word->len, '=');
    ngx_str_t value;

    if (ngx_strcmp(word->data, "tls") == 0) {
        conf->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
        return conf->ssl ? NULL : "finds no memory";
    }
    if (equals == NULL || equals[1] == '\0') {
        return "is neither tls nor key=value";
    }
    key = (size_t) (equals - word->data);
    value = (ngx_str_t){ word->len - key - 1, equals + 1 };

#define VG_REDIS_IS(name)                                                      \
    (key == sizeof(name) - 1 && ngx_memcmp(word->data, name, key) == 0)

    if (VG_REDIS_IS("timeout")) {
        return vg_redis_timeout(conf, &value);
    }
    if (VG_REDIS_IS("ca")) {
        return vg_redis_file(cf, &conf->ca, &value);
    }
    if (VG_REDIS_IS("password_file")) {
        return vg_redis_file(cf, &conf->password, &value);
    }
    if (VG_REDIS_IS("user")) {
        conf->user = value;
        return NULL;
    }
    if (VG_REDIS_IS("prefix") && value.len <= VG_REDIS_PREFIX) {
        conf->prefix = value;
        return NULL;
    }
#undef VG_REDIS_IS
    return "is not known";
}


static char *
vg_redis_tls(ngx_conf_t *cf, vg_redis_conf_t *conf)
{
    ngx_pool_cleanup_t *cln;

    conf->ssl->log = cf->log;
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL
        || ngx_ssl_create(conf->ssl, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, NULL)
               != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }
    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = conf->ssl;
    if (conf->ca.len == 0) {
        return SSL_CTX_set_default_verify_paths(conf->ssl->ctx) == 1
                   ? NGX_CONF_OK
                   : NGX_CONF_ERROR;
    }
    return ngx_ssl_trusted_certificate(cf, conf->ssl, &conf->ca, 4) == NGX_OK
               ? NGX_CONF_OK
               : NGX_CONF_ERROR;
}


static char *
vg_redis_address(ngx_conf_t *cf, vg_redis_conf_t *conf, const ngx_str_t *text)
{
    ngx_url_t url;

    ngx_memzero(&url, sizeof(url));
    url.url = *text;
    url.default_port = 6379;
    if (ngx_parse_url(cf->pool, &url) != NGX_OK || url.naddrs == 0) {
        return url.err ? url.err : "has a host that is not found";
    }
    conf->host = url.host;
    conf->addrs = url.addrs;
    conf->naddrs = url.naddrs;
    return NGX_CONF_OK;
}


char *
vg_set_limit_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    char            *wrong;
    ngx_str_t       *word = cf->args->elts;
    ngx_uint_t       i;
    const char      *why;
    vg_limit_conf_t *limit = data;
    vg_redis_conf_t *conf;

    (void) cmd;
    if (limit->redis != NULL) {
        return "is there twice";
    }
    conf = limit->redis = ngx_pcalloc(cf->pool, sizeof(vg_redis_conf_t));
    if (conf == NULL) {
        return NGX_CONF_ERROR;
    }
    conf->timeout = 20;
    ngx_str_set(&conf->prefix, "voltgate:");
    wrong = vg_redis_address(cf, conf, &word[1]);
    if (wrong != NGX_CONF_OK) {
        return wrong;
    }
    for (i = 2; i < cf->args->nelts; i++) {
        why = vg_redis_word(cf, conf, &word[i]);
        if (why != NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate: \"%V\" %s",
                               &word[i], why);
            return NGX_CONF_ERROR;
        }
    }
    if (conf->ssl == NULL) {
        return conf->ca.len ? "has a ca= without tls" : NGX_CONF_OK;
    }
    return vg_redis_tls(cf, conf);
}
