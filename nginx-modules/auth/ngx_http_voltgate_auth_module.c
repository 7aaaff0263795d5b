/*
 * ngx_http_voltgate_auth_module: who is calling.
 *
 * Bearer tokens are verified here; API keys are asked of whoever offers the
 * internal route `api_key.find`, and the answer is remembered for a while.
 */

#include "http.h"
#include "identity.h"
#include "issuer.h"

static void     *vg_auth_create(ngx_conf_t *cf);
static ngx_int_t vg_auth_ready(ngx_conf_t *cf);
static ngx_int_t vg_auth_start(ngx_cycle_t *cycle);

typedef struct {
    ngx_str_t      public_key;
    vg_jwt_keys_t *keys;
} vg_auth_conf_t;

static vg_jwt_keys_t *vg_auth_keys;

/* clang-format off */
static ngx_command_t  vg_auth_commands[] = {

    { ngx_string("voltgate_public_key"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      ngx_conf_set_str_slot, NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(vg_auth_conf_t, public_key), NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_auth_ctx = {
    NULL, vg_auth_ready, vg_auth_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_auth_module = {
    NGX_MODULE_V1,
    &vg_auth_ctx,
    vg_auth_commands,
    NGX_HTTP_MODULE,
    NULL, NULL,
    vg_auth_start,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


static void *
vg_auth_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(vg_auth_conf_t));
}


static void
vg_auth_free(void *data)
{
    vg_jwt_keys_free(data);
}


static ngx_int_t
vg_auth_ready(ngx_conf_t *cf)
{
    const char         *wrong;
    vg_auth_conf_t     *conf;
    ngx_pool_cleanup_t *cln;

    conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_voltgate_auth_module);
    if (conf->public_key.len == 0) {
        return NGX_OK;
    }
    cln = ngx_pool_cleanup_add(cf->pool, 0);
    conf->keys = vg_jwt_keys_create(VG_STR("voltgate"), VG_STR("voltgate"));
    if (cln == NULL || conf->keys == NULL) {
        return NGX_ERROR;
    }
    cln->handler = vg_auth_free;
    cln->data = conf->keys;
    wrong =
        vg_jwt_keys_add_pem(conf->keys, (const char *) conf->public_key.data);
    if (wrong != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate_public_key: %s",
                           wrong);
        return NGX_ERROR;
    }
    return NGX_OK;
}


/* the keys of this worker's configuration: the last one read may have failed
 * and be gone */
static ngx_int_t
vg_auth_start(ngx_cycle_t *cycle)
{
    vg_auth_conf_t *conf = ngx_http_cycle_get_module_main_conf(
        cycle, ngx_http_voltgate_auth_module);

    vg_auth_keys = conf ? conf->keys : NULL;
    vg_tokens_start();
    return NGX_OK;
}


static vg_rc_t
vg_auth_refuse(vg_http_t *http, const char *why)
{
    http->challenge = why;
    return vg_refuse(http->call, "unauthorized");
}


/* by the house's own keys, else by the operator's */
static vg_jwt_error_t
vg_auth_verify(vg_call_t *call, vg_str_t token, vg_jwt_claims_t *claims)
{
    vg_jwt_error_t       rc = VG_JWT_KEY;
    const vg_jwt_keys_t *keys = vg_keyring_public();

    if (keys != NULL) {
        rc = vg_jwt_verify(keys, &call->arena, token, call->now, claims);
    }
    if (rc == VG_JWT_KEY && vg_auth_keys != NULL) {
        rc =
            vg_jwt_verify(vg_auth_keys, &call->arena, token, call->now, claims);
    }
    return rc;
}


vg_str_t
vg_token_read(vg_call_t *call, vg_str_t token)
{
    vg_jwt_claims_t claims;

    if (vg_auth_verify(call, token, &claims) != VG_JWT_OK) {
        return (vg_str_t){ NULL, 0 };
    }
    return claims.payload;
}


static vg_rc_t
vg_auth_bearer(vg_http_t *http, vg_str_t token)
{
    vg_call_t      *call = http->call;
    vg_jwt_error_t  rc;
    vg_jwt_claims_t claims;

    if (vg_auth_keys == NULL && vg_keyring_public() == NULL) {
        return vg_auth_refuse(http, "tokens are not taken here");
    }
    if (token.len >= 3 && ngx_strncmp(token.data, "vg_", 3) == 0) {
        return vg_auth_refuse(http, "an API key is no token");
    }
    if (vg_tokens_find(call, token)) {
        return VG_OK;
    }
    rc = vg_auth_verify(call, token, &claims);
    if (rc != VG_JWT_OK) {
        return vg_auth_refuse(http, vg_jwt_error_text(rc));
    }
    if (!vg_role_known(claims.role)) {
        return vg_auth_refuse(http, "the role is not known");
    }
    call->caller = (vg_caller_t){ claims.sub,   claims.role,    claims.company,
                                  claims.scope, claims.session, VG_STR("") };
    call->expires = claims.exp;
    vg_tokens_keep(call, token, claims.exp);
    return VG_OK;
}


vg_rc_t
vg_auth_identify(vg_http_t *http)
{
    vg_call_t *call = http->call;
    ngx_str_t *value;

    if (call->endpoint->row->scope != NULL
        && ngx_strcmp(call->endpoint->row->scope, VG_PUBLIC) == 0)
    {
        return VG_OK;
    }
    value = vg_http_header(http->request, "X-API-Key");
    if (value != NULL) {
        return vg_key_identify(http, vg_of(*value));
    }
    value = vg_http_header(http->request, "Authorization");
    if (value == NULL) {
        return vg_auth_refuse(http, NULL);
    }
    if (value->len < 8
        || ngx_strncasecmp(value->data, (u_char *) "Bearer ", 7) != 0)
    {
        return vg_auth_refuse(http, "only Bearer is taken here");
    }
    return vg_auth_bearer(
        http, (vg_str_t){ (char *) value->data + 7, value->len - 7 });
}
