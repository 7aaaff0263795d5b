/*
 * secret.c: what others sign with. The conf names files; plugins ask whether a
 * signature is right, and never see with what.
 *
 *   voltgate_secret PLUGIN.NAME FILE [FILE];   two while one takes over
 *
 * Read with the configuration, so a reload takes new ones into use.
 */

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "file.h"
#include "http.h"

#define VG_SECRET_MAX 1024 /* bytes of a file                             */


char *
vg_secret_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    vg_host_t    *host = conf;
    ngx_str_t    *word = cf->args->elts;
    ngx_uint_t    i;
    const char   *why;
    ngx_keyval_t *slot;

    (void) cmd;
    if (ngx_strchr(word[1].data, '.') == NULL) {
        return "wants plugin.name and one file or two";
    }
    if (host->secrets.elts == NULL
        && ngx_array_init(&host->secrets, cf->pool, 4, sizeof(ngx_keyval_t))
               != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }
    slot = host->secrets.elts;
    for (i = 0; i < host->secrets.nelts; i++) {
        if (ngx_strcmp(slot[i].key.data, word[1].data) == 0) {
            return "is there twice";
        }
    }
    for (i = 2; i < cf->args->nelts; i++) {
        slot = ngx_array_push(&host->secrets);
        if (slot == NULL) {
            return NGX_CONF_ERROR;
        }
        slot->key = word[1];
        why = vg_file_secret(cf, &word[i], VG_SECRET_MAX, &slot->value);
        if (why != NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &word[i],
                               why);
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}


/* is it the plugin's own, and called so */
static ngx_uint_t
vg_secret_is(const ngx_keyval_t *secret, const ngx_str_t *plugin, vg_str_t name)
{
    return secret->key.len == plugin->len + 1 + name.len
           && ngx_strncmp(secret->key.data, plugin->data, plugin->len) == 0
           && secret->key.data[plugin->len] == '.'
           && ngx_strncmp(secret->key.data + plugin->len + 1, name.data,
                          name.len)
                  == 0;
}


vg_rc_t
vg_signed(vg_call_t *call, vg_str_t name, vg_str_t before, vg_str_t text,
          vg_str_t signature)
{
    u_char        md[EVP_MAX_MD_SIZE], hex[64];
    vg_rc_t       rc = VG_DECLINED;
    unsigned      n;
    u_char       *all;
    ngx_uint_t    i;
    ngx_keyval_t *secret = vg_host->secrets.elts;

    all = ngx_pnalloc(call->pool, before.len + text.len + 1);
    if (all == NULL) {
        return VG_ERROR;
    }
    ngx_memcpy(ngx_cpymem(all, before.data, before.len), text.data, text.len);
    for (i = 0; i < vg_host->secrets.nelts; i++) {
        if (!vg_secret_is(&secret[i], &call->endpoint->plugin->name, name)) {
            continue;
        }
        if (HMAC(EVP_sha256(), secret[i].value.data, secret[i].value.len, all,
                 before.len + text.len, md, &n)
            == NULL)
        {
            return VG_ERROR;
        }
        (void) ngx_hex_dump(hex, md, 32);
        if (signature.len == sizeof(hex)
            && CRYPTO_memcmp(hex, signature.data, sizeof(hex)) == 0)
        {
            return VG_OK;
        }
        rc = VG_ERROR;
    }
    return rc;
}
