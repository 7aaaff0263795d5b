/*
 * issuer_keys.c: where an issuer's keys come from, as its block says: files,
 * which are read here, by the master, once; or a URL, which fetch.c asks.
 */


#include "file.h"
#include "issuer_conf.h"
#include "jwks.h"
#include "outbound.h"

#define VG_ISSUER_SECRET 4096 /* bytes, at most */


/* keys of files are in one set, which takes those of the algorithms so far */
static const char *
vg_issuer_files(vg_issuer_t *issuer)
{
    if (issuer->target != NULL || (issuer->algorithms & VG_JWT_HS256)) {
        return "cannot stand beside keys from elsewhere";
    }
    if (issuer->keys == NULL) {
        issuer->keys = vg_jwt_keys_create(issuer->algorithms, false);
    }
    return issuer->keys ? NULL : "has no memory";
}


const char *
vg_issuer_word_key(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                   ngx_uint_t n)
{
    vg_str_t    kid = { NULL, 0 };
    const char *wrong = vg_issuer_files(issuer);

    if (wrong != NULL || ngx_conf_full_name(cf->cycle, &args[0], 1) != NGX_OK) {
        return wrong ? wrong : "has no memory";
    }
    if (n == 2) {
        kid = vg_of(args[1]);
    }
    return vg_jwt_keys_add_file(issuer->keys, (char *) args[0].data, kid,
                                vg_time_now());
}


const char *
vg_issuer_word_jwks_file(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                         ngx_uint_t n)
{
    ngx_str_t   text = ngx_null_string;
    vg_pool_t   arena = vg_arena_of(cf->temp_pool);
    const char *wrong;

    (void) n;
    if (issuer->keys != NULL || issuer->target != NULL) {
        return "cannot stand beside keys from elsewhere";
    }
    wrong = vg_file_read(cf, &args[0], VG_JWKS_MAX, 0, &text);
    if (wrong == NULL) {
        issuer->keys =
            vg_jwks_read(&arena, vg_of(text), issuer->algorithms, &wrong);
    }
    return issuer->keys ? NULL : wrong;
}


/* HS256, by a word that says what it is for. The file's bytes are the secret,
 * but for a line's end. */
const char *
vg_issuer_word_secret(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                      ngx_uint_t n)
{
    ngx_str_t   text = ngx_null_string;
    const char *wrong;

    if (issuer->keys != NULL || issuer->target != NULL) {
        return "cannot stand beside keys from elsewhere";
    }
    wrong = vg_file_read(cf, &args[0], VG_ISSUER_SECRET, 1, &text);
    if (wrong != NULL) {
        return wrong;
    }
    if (text.len && text.data[text.len - 1] == '\n') {
        text.len--;
    }
    issuer->algorithms = VG_JWT_HS256;
    issuer->keys = vg_jwt_keys_create(VG_JWT_HS256, false);
    wrong = issuer->keys == NULL
                ? "has no memory"
                : vg_jwt_keys_add_secret(issuer->keys, vg_of(text),
                                         n == 2 ? vg_of(args[1]) : VG_STR(""));
    ngx_explicit_memzero(text.data, text.len);
    return wrong;
}


/* One word of a directive, in the conf's memory; len 0: there is none. */
static ngx_str_t
vg_issuer_text(ngx_conf_t *cf, const char *prefix, u_char *text, size_t len)
{
    size_t    n = ngx_strlen(prefix);
    ngx_str_t word = { 0, ngx_pcalloc(cf->pool, n + len + 1) };

    if (word.data != NULL) {
        (void) ngx_cpymem(ngx_cpymem(word.data, prefix, n), text, len);
        word.len = n + len;
    }
    return word;
}


/* A target of outbound's beside those of the conf, under the issuer's name:
 * voltgate_target issuer-NAME url=... and so on. */
static const char *
vg_issuer_target(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *url,
                 ngx_str_t *ca)
{
    char        *done;
    ngx_str_t    words[] = { ngx_string("voltgate_target"),
                             vg_issuer_text(cf, "issuer-", issuer->name.data,
                                            issuer->name.len),
                             vg_issuer_text(cf, "url=", url->data, url->len),
                             ngx_string("timeout=3s"),
                             ngx_string("tries=2"),
                             ngx_string("backoff=200ms"),
                             ngx_string("answer=64k"),
                          ca ? *ca : (ngx_str_t) ngx_null_string };
    ngx_array_t  args = { words, ca ? 8 : 7, sizeof(ngx_str_t), 8, cf->pool };
    ngx_array_t *saved = cf->args;

    if (words[1].len == 0 || words[2].len == 0) {
        return "has no memory";
    }
    issuer->target = (char *) words[1].data;
    cf->args = &args;
    done = vg_outbound_target(cf);
    cf->args = saved;
    return done == NGX_CONF_OK      ? NULL
           : done == NGX_CONF_ERROR ? "cannot be called"
                                    : done;
}


/* The url of a target has no query, so it ends where the path begins. */
const char *
vg_issuer_word_jwks(ngx_conf_t *cf, vg_issuer_t *issuer, ngx_str_t *args,
                    ngx_uint_t n)
{
    u_char   *path;
    ngx_str_t url = args[0];

    if (issuer->keys != NULL || issuer->target != NULL) {
        return "cannot stand beside keys from elsewhere";
    }
    if (ngx_strncmp(url.data, "https://", 8) != 0) {
        return "wants a url of https";
    }
    path = (u_char *) ngx_strchr(url.data + 8, '/');
    if (path == NULL) {
        return "wants a url with a path";
    }
    issuer->url = url;
    issuer->path = (ngx_str_t){ url.len - (size_t) (path - url.data), path };
    url.len = (size_t) (path - url.data);
    return vg_issuer_target(cf, issuer, &url, n == 2 ? &args[1] : NULL);
}
