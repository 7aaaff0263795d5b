/*
 * cors.c: which pages of others may read our answers in a browser: the CORS
 * protocol of the Fetch standard; and which may open a WebSocket, which no
 * browser asks before.
 */

#include "transport.h"

#define VG_CORS_TAKES                                                          \
    "Authorization, X-API-Key, Content-Type, Accept, Idempotency-Key, "        \
    "If-Match, If-None-Match, Last-Event-ID, Cache-Control, "                  \
    "X-Correlation-ID, traceparent"

/* beyond those that a page may read anyway */
#define VG_CORS_SHOWS                                                          \
    "ETag, Location, Retry-After, X-Correlation-ID, traceparent, "             \
    "Idempotent-Replayed, RateLimit-Limit, RateLimit-Remaining, "              \
    "RateLimit-Reset, WWW-Authenticate"


/* --------------------------------------------------------------- directive */

/* scheme://host[:port] as a browser writes it: in small letters, with nothing
 * behind it */
static ngx_uint_t
vg_cors_is_origin(const ngx_str_t *s)
{
    size_t      i = 0;
    u_char      c;
    ngx_uint_t  host = 0, port = 0;
    const char *schemes[] = { "https://", "http://" };

    if (s->len >= 8 && ngx_strncmp(s->data, schemes[0], 8) == 0) {
        i = 8;
    } else if (s->len >= 7 && ngx_strncmp(s->data, schemes[1], 7) == 0) {
        i = 7;
    }
    if (i == 0) {
        return 0;
    }
    for (; i < s->len; i++) {
        c = s->data[i];
        if (port ? (c < '0' || c > '9')
                 : !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                     || c == '.' || c == '-' || (c == ':' && host)))
        {
            return 0;
        }
        port |= c == ':';
        host = 1;
    }
    return host && s->data[s->len - 1] != ':';
}


static ngx_uint_t
vg_cors_word(vg_transport_t *conf, ngx_str_t *word)
{
    ngx_str_t  age, *slot;
    ngx_uint_t known = 1;

    if (ngx_strcmp(word->data, "*") == 0) {
        conf->any = 1;
    } else if (ngx_strcmp(word->data, "credentials") == 0) {
        conf->credentials = 1;
    } else if (word->len > 8 && ngx_strncmp(word->data, "max_age=", 8) == 0) {
        age = (ngx_str_t){ word->len - 8, word->data + 8 };
        conf->max_age = ngx_parse_time(&age, 1);
        known = conf->max_age >= 0;
    } else {
        slot = vg_cors_is_origin(word) ? ngx_array_push(&conf->origins) : NULL;
        known = slot != NULL;
        if (slot != NULL) {
            *slot = *word;
        }
    }
    return known;
}


char *
vg_cors_set(ngx_conf_t *cf, vg_transport_t *conf)
{
    ngx_str_t *word = cf->args->elts;
    ngx_uint_t i;

    if (conf->origins.nelts || conf->any) {
        return "is duplicate";
    }
    conf->max_age = 600;
    for (i = 1; i < cf->args->nelts; i++) {
        if (!vg_cors_word(conf, &word[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "voltgate_cors: \"%V\" is no origin such as "
                               "https://app.example:8443, nor *, credentials "
                               "or max_age=TIME",
                               &word[i]);
            return NGX_CONF_ERROR;
        }
    }
    if (conf->any ? conf->credentials || conf->origins.nelts
                  : !conf->origins.nelts) {
        return "wants origins; or *, alone and without credentials";
    }
    return NGX_CONF_OK;
}


/* ---------------------------------------------------------------- requests */

static ngx_uint_t
vg_cors_listed(const ngx_str_t *origin)
{
    ngx_uint_t       i;
    const ngx_str_t *known;

    if (vg_transport == NULL) {
        return 0;
    }
    known = vg_transport->origins.elts;
    for (i = 0; i < vg_transport->origins.nelts; i++) {
        if (known[i].len == origin->len
            && ngx_memcmp(known[i].data, origin->data, origin->len) == 0)
        {
            return 1;
        }
    }
    return vg_transport->any;
}


/* our own pages, by the name that they were asked for */
static ngx_uint_t
vg_cors_own(ngx_http_request_t *r, const ngx_str_t *origin)
{
    ngx_str_t   host;
    const char *scheme = r->connection->ssl ? "https://" : "http://";
    size_t      len = ngx_strlen(scheme);

    if (r->headers_in.host == NULL) {
        return 0;
    }
    host = r->headers_in.host->value;
    return origin->len == len + host.len
           && ngx_strncmp(origin->data, scheme, len) == 0
           && ngx_strncasecmp(origin->data + len, host.data, host.len) == 0;
}


ngx_uint_t
vg_cors_foreign(ngx_http_request_t *r)
{
    ngx_str_t *origin = vg_http_header(r, "Origin");

    return origin != NULL && !vg_cors_own(r, origin) && !vg_cors_listed(origin);
}


/* An answer differs by who asks, so each says Vary, also to those who name no
 * origin: a cache must not give theirs to a page. */
ngx_int_t
vg_cors_headers(ngx_http_request_t *r)
{
    ngx_str_t *origin = vg_http_header(r, "Origin");

    if (!vg_transport->any
        && vg_http_add(r, "Vary", VG_STR("Origin")) != NGX_OK) {
        return NGX_ERROR;
    }
    if (origin == NULL || !vg_cors_listed(origin)) {
        return NGX_OK;
    }
    if (vg_transport->credentials
        && vg_http_add(r, "Access-Control-Allow-Credentials", VG_STR("true"))
               != NGX_OK)
    {
        return NGX_ERROR;
    }
    if (vg_http_add(r, "Access-Control-Allow-Origin",
                    vg_transport->any ? VG_STR("*") : vg_of(*origin))
        != NGX_OK)
    {
        return NGX_ERROR;
    }
    return vg_http_add(r, "Access-Control-Expose-Headers",
                       VG_STR(VG_CORS_SHOWS));
}


ngx_int_t
vg_cors_preflight(ngx_http_request_t *r, ngx_uint_t allow)
{
    char       text[VG_HTTP_METHODS], age[24];
    ngx_str_t *origin = vg_http_header(r, "Origin");

    if (r->method != NGX_HTTP_OPTIONS || allow == 0 || origin == NULL
        || vg_http_header(r, "Access-Control-Request-Method") == NULL
        || !vg_cors_listed(origin))
    {
        return NGX_DECLINED;
    }
    vg_http_methods(text, allow);
    (void) snprintf(age, sizeof(age), "%ld", (long) vg_transport->max_age);
    if (vg_http_add(r, "Access-Control-Allow-Methods", vg_str(text)) != NGX_OK
        || vg_http_add(r, "Access-Control-Allow-Headers", VG_STR(VG_CORS_TAKES))
               != NGX_OK
        || vg_http_add(r, "Access-Control-Max-Age", vg_str(age)) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return vg_http_send(r, NGX_HTTP_NO_CONTENT, NULL, VG_STR(""));
}
