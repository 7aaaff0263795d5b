/*
 * terms.c: the words of voltgate_target and voltgate_target_defaults: on which
 * terms a target is called. Secrets and certificates are read from their files
 * here, by the master; they are in no conf, no argv and no log.
 */


#include "file.h"
#include "outbound.h"

#define VG_TERMS_SECRET 4096    /* bytes, at most */
#define VG_TERMS_CA     4194304 /* bytes, at most */

typedef enum {
    VG_TERM_NUMBER,
    VG_TERM_TIME,
    VG_TERM_SIZE,
    VG_TERM_FLAG
} vg_form_t;

typedef struct {
    const char *key;
    vg_form_t   form;
    size_t      offset;
    ngx_int_t   min, max;
} vg_term_t;

#define VG_TERM(key, form, member, min, max)                                   \
    {                                                                          \
        key, form, offsetof(vg_terms_t, member), min, max                      \
    }

/* clang-format off */
static const vg_term_t vg_terms[] = {
    VG_TERM("rate",       VG_TERM_NUMBER, rate,       1, 10000),
    VG_TERM("concurrent", VG_TERM_NUMBER, concurrent, 1, VG_PERMITS),
    VG_TERM("wait",       VG_TERM_TIME,   wait,       0, 5000),
    VG_TERM("tries",      VG_TERM_NUMBER, tries,      1, 5),
    VG_TERM("backoff",    VG_TERM_TIME,   backoff,    10, 10000),
    VG_TERM("timeout",    VG_TERM_TIME,   timeout,    100, 30000),
    VG_TERM("window",     VG_TERM_NUMBER, window,     2, VG_BREAKER_WINDOW),
    VG_TERM("open",       VG_TERM_TIME,   open,       100, 600000),
    VG_TERM("trials",     VG_TERM_NUMBER, trials,     1, VG_BREAKER_TRIALS),
    VG_TERM("answer",     VG_TERM_SIZE,   answer,     1024, 1048576),
    VG_TERM("private",    VG_TERM_FLAG,   private,    0, 1),
    VG_TERM("starttls",   VG_TERM_FLAG,   starttls,   0, 1),
    { NULL, 0, 0, 0, 0 }
};
/* clang-format on */

const vg_terms_t vg_terms_default = {
    .rate = 10,
    .concurrent = 10,
    .tries = 3,
    .window = 10,
    .trials = 3,
    .wait = 1000,
    .backoff = 1000,
    .timeout = 10000,
    .open = 10000,
    .answer = 65536,
    .private = 1,
    .starttls = 1,
};


static ngx_int_t *
vg_term_of(vg_terms_t *terms, const vg_term_t *term)
{
    return (ngx_int_t *) ((u_char *) terms + term->offset);
}


void
vg_terms_unset(vg_terms_t *terms)
{
    const vg_term_t *term;

    ngx_memzero(terms, sizeof(vg_terms_t));
    for (term = vg_terms; term->key != NULL; term++) {
        *vg_term_of(terms, term) = NGX_CONF_UNSET;
    }
}


void
vg_terms_merge(vg_terms_t *terms, const vg_terms_t *defaults)
{
    ngx_int_t       *own;
    const vg_term_t *term;

    for (term = vg_terms; term->key != NULL; term++) {
        own = vg_term_of(terms, term);
        if (*own == NGX_CONF_UNSET) {
            *own = *vg_term_of((vg_terms_t *) defaults, term);
        }
    }
    if (terms->ca.len == 0) {
        terms->ca = defaults->ca;
    }
}


static ngx_int_t
vg_term_value(const vg_term_t *term, ngx_str_t *value)
{
    switch (term->form) {

    case VG_TERM_TIME:
        return ngx_parse_time(value, 0);

    case VG_TERM_SIZE:
        return ngx_parse_size(value);

    case VG_TERM_FLAG:
        return ngx_strcmp(value->data, "on") == 0    ? 1
               : ngx_strcmp(value->data, "off") == 0 ? 0
                                                     : NGX_ERROR;

    default:
        return ngx_atoi(value->data, value->len);
    }
}


static char *
vg_terms_wrong(ngx_conf_t *cf, const char *key, const char *why)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate: %s: %s", key, why);
    return NGX_CONF_ERROR;
}


static const char *
vg_terms_ca(ngx_conf_t *cf, vg_terms_t *terms, ngx_str_t *value)
{
    const char *why = vg_file_read(cf, value, VG_TERMS_CA, 0, &terms->ca);

    if (why == NULL
        && ngx_strstr(terms->ca.data, "-----BEGIN CERTIFICATE-----") == NULL)
    {
        why = "holds no certificate";
    }
    return why;
}


/* what is no number: names, files */
static const char *
vg_terms_word(ngx_conf_t *cf, vg_terms_t *terms, const char *key,
              ngx_str_t *value, ngx_str_t *url)
{
    if (ngx_strcmp(key, "url") == 0 && url != NULL) {
        *url = *value;
    } else if (ngx_strcmp(key, "ca") == 0) {
        return vg_terms_ca(cf, terms, value);
    } else if (url == NULL) {
        return "is no word of the defaults";
    } else if (ngx_strcmp(key, "secret_file") == 0) {
        return vg_file_secret(cf, value, VG_TERMS_SECRET, &terms->secret);
    } else if (ngx_strcmp(key, "header") == 0) {
        if (value->len
            != strspn((const char *) value->data, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                  "abcdefghijklmnopqrstuvwxyz"
                                                  "0123456789-_"))
        {
            return "is no name of a header";
        }
        terms->header = *value;
    } else if (ngx_strcmp(key, "prefix") == 0) {
        terms->prefix = *value;
    } else if (ngx_strcmp(key, "user") == 0) {
        terms->user = *value;
    } else {
        return "is not known";
    }
    return NULL;
}


static char *
vg_terms_one(ngx_conf_t *cf, vg_terms_t *terms, ngx_str_t *word, ngx_str_t *url)
{
    char        key[32];
    size_t      len;
    u_char     *equals = ngx_strlchr(word->data, word->data + word->len, '=');
    ngx_int_t   n;
    ngx_str_t   value;
    const char *why;
    const vg_term_t *term;

    len = equals ? (size_t) (equals - word->data) : 0;
    if (len == 0 || len >= sizeof(key)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "voltgate: \"%V\" is no key=value", word);
        return NGX_CONF_ERROR;
    }
    ngx_memcpy(key, word->data, len);
    key[len] = '\0';
    value.data = equals + 1;
    value.len = word->len - len - 1;
    if (value.len == 0) {
        return vg_terms_wrong(cf, key, "has no value");
    }
    for (term = vg_terms; term->key != NULL; term++) {
        if (ngx_strcmp(term->key, key) == 0) {
            n = vg_term_value(term, &value);
            if (n == NGX_ERROR || n < term->min || n > term->max) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "voltgate: %s: %V is not within %i and %i%s",
                                   key, &value, term->min, term->max,
                                   term->form == VG_TERM_TIME ? " ms" : "");
                return NGX_CONF_ERROR;
            }
            *vg_term_of(terms, term) = n;
            return NGX_CONF_OK;
        }
    }
    why = vg_terms_word(cf, terms, key, &value, url);
    return why ? vg_terms_wrong(cf, key, why) : NGX_CONF_OK;
}


char *
vg_terms_read(ngx_conf_t *cf, vg_terms_t *terms, ngx_uint_t first,
              ngx_str_t *url)
{
    ngx_str_t *word = cf->args->elts;

    for (; first < cf->args->nelts; first++) {
        if (vg_terms_one(cf, terms, &word[first], url) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}
