/*
 * ngx_http_voltgate_auth_module: who is calling.
 *
 *   voltgate_public_key FILE;       http: of the operator's own tokens
 *   voltgate_issuer NAME { ... }    http: whose tokens are taken as well
 *
 * Bearer tokens are verified here; API keys are asked of whoever offers the
 * internal route `api_key.find`, and the answer is remembered for a while.
 */

#include "identity.h"

static void     *vg_auth_create(ngx_conf_t *cf);
static char     *vg_auth_key(ngx_conf_t *cf, ngx_command_t *cmd, void *data);
static ngx_int_t vg_auth_init(ngx_cycle_t *cycle);
static ngx_int_t vg_auth_start(ngx_cycle_t *cycle);

#define VG_AUTH_TICK 1000 /* ms */

enum { VG_AUTH_OPERATOR, VG_AUTH_HOUSE, VG_AUTH_OURS };

static ngx_array_t *vg_auth_issuers; /* of vg_issuer_t *, of this worker   */
static ngx_event_t  vg_auth_timer;

/* clang-format off */
static ngx_command_t  vg_auth_commands[] = {

    { ngx_string("voltgate_public_key"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
      vg_auth_key, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    { ngx_string("voltgate_issuer"),
      NGX_HTTP_MAIN_CONF | NGX_CONF_BLOCK | NGX_CONF_TAKE1,
      vg_issuer_block, NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL },

    ngx_null_command
};

static ngx_http_module_t  vg_auth_ctx = {
    NULL, NULL, vg_auth_create, NULL, NULL, NULL, NULL, NULL,
};

ngx_module_t  ngx_http_voltgate_auth_module = {
    NGX_MODULE_V1,
    &vg_auth_ctx,
    vg_auth_commands,
    NGX_HTTP_MODULE,
    NULL,
    vg_auth_init,
    vg_auth_start,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};
/* clang-format on */


/* The first two are the operator's own and the house: no block of the conf can
 * stand before them. The house has its url and its keys from the room issuer,
 * and its subjects are users. */
static void *
vg_auth_create(ngx_conf_t *cf)
{
    ngx_uint_t   i;
    ngx_array_t *issuers = ngx_array_create(cf->pool, 4, sizeof(void *));
    vg_issuer_t *own;

    for (i = 0; i < VG_AUTH_OURS; i++) {
        own = issuers ? vg_issuer_add(cf, issuers) : NULL;
        if (own == NULL) {
            return NULL;
        }
        own->terms.audience = VG_STR("voltgate");
        own->map.company = VG_STR("company");
        own->map.scope = VG_STR("scope");
        own->terms.issuer =
            i == VG_AUTH_OPERATOR ? VG_STR("voltgate") : VG_STR("");
        own->users = i == VG_AUTH_HOUSE;
    }
    return issuers;
}


/* several stand side by side while tokens change over */
static char *
vg_auth_key(ngx_conf_t *cf, ngx_command_t *cmd, void *data)
{
    vg_str_t     none = { NULL, 0 };
    ngx_str_t   *word = cf->args->elts;
    const char  *wrong = NULL;
    ngx_array_t *issuers = data;
    vg_issuer_t *own = ((vg_issuer_t **) issuers->elts)[VG_AUTH_OPERATOR];

    (void) cmd;
    if (own->keys == NULL) {
        own->keys = vg_jwt_keys_create(own->algorithms, true);
    }
    if (own->keys == NULL || ngx_conf_full_name(cf->cycle, &word[1], 1)) {
        return NGX_CONF_ERROR;
    }
    wrong = vg_jwt_keys_add_file(own->keys, (char *) word[1].data, none,
                                 vg_time_now());
    if (wrong != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate_public_key: %s",
                           wrong);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}


static ngx_array_t *
vg_auth_conf(ngx_cycle_t *cycle)
{
    return ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_voltgate_auth_module);
}


void
vg_auth_house(vg_jwt_keys_t *keys)
{
    ngx_array_t *issuers = vg_auth_conf((ngx_cycle_t *) ngx_cycle);
    vg_issuer_t *house = ((vg_issuer_t **) issuers->elts)[VG_AUTH_HOUSE];

    house->terms.issuer = vg_of(vg_host->url);
    vg_issuer_swap(house, keys);
}


/* the configuration is taken into use */
static ngx_int_t
vg_auth_init(ngx_cycle_t *cycle)
{
    ngx_array_t *issuers = vg_auth_conf(cycle);

    if (issuers != NULL) {
        vg_issuers_warn(issuers, cycle->log);
    }
    return NGX_OK;
}


static void
vg_auth_ticked(ngx_event_t *ev)
{
    ngx_uint_t    i;
    vg_issuer_t **issuer = vg_auth_issuers->elts;

    if (ngx_exiting) {
        return;
    }
    for (i = 0; i < vg_auth_issuers->nelts; i++) {
        (void) vg_fetch_due(issuer[i]);
    }
    ngx_add_timer(ev, VG_AUTH_TICK);
}


/* the keys of this worker's configuration: the last one read may have failed
 * and be gone */
static ngx_int_t
vg_auth_start(ngx_cycle_t *cycle)
{
    vg_auth_issuers = vg_auth_conf(cycle);
    if (vg_auth_issuers == NULL || vg_host == NULL) {
        return NGX_OK;
    }
    vg_issuers_start(vg_auth_issuers);
    vg_tokens_start();
    if (ngx_process != NGX_PROCESS_WORKER) {
        return NGX_OK;
    }
    vg_revocations_start();
    if (ngx_worker == 0) {
        vg_auth_timer.handler = vg_auth_ticked;
        vg_auth_timer.data = &vg_nobody;
        vg_auth_timer.log = cycle->log;
        vg_auth_timer.cancelable = 1;
        ngx_add_timer(&vg_auth_timer, 1);
    }
    return NGX_OK;
}


vg_rc_t
vg_auth_refuse(vg_http_t *http, const char *why)
{
    http->challenge = why;
    return vg_refuse(http->call, "unauthorized");
}


vg_rc_t
vg_auth_away(vg_call_t *call, ngx_uint_t retry_after)
{
    call->retry_after = retry_after;
    return vg_refuse(call, "unavailable");
}


/* Who holds the key knows that it is one: that it is the place that is wrong
 * tells nobody anything. */
vg_rc_t
vg_proved_here(vg_http_t *http, const vg_proved_t *proved)
{
    ngx_connection_t *c = http->request->connection;

    return proved->count == 0
                   || vg_address_in(c->sockaddr, c->socklen, proved->networks,
                                    proved->count)
               ? VG_OK
               : vg_refuse_with(http->call, "forbidden",
                                VG_STR("{\"message\":\"the key may not be "
                                       "used from this address\"}"));
}


/* The header's value; NULL: it is not there. Twice is for nobody to choose
 * from: *twice. */
static ngx_str_t *
vg_auth_header(ngx_http_request_t *r, const char *name, ngx_uint_t *twice)
{
    ngx_str_t *value;
    ngx_uint_t count = 0;

    value = vg_http_headers(r, name, &count);
    *twice |= count > 1;
    return value;
}


ngx_uint_t
vg_auth_public(const vg_call_t *call)
{
    const char *scope = call->endpoint->row->scope;

    return scope != NULL && ngx_strcmp(scope, VG_PUBLIC) == 0;
}


ngx_uint_t
vg_auth_remembered(vg_http_t *http)
{
    ngx_uint_t  twice = 0;
    ngx_str_t  *key = vg_auth_header(http->request, "X-API-Key", &twice);
    ngx_str_t  *value = vg_auth_header(http->request, "Authorization", &twice);
    vg_str_t    text = { NULL, 0 };
    vg_proved_t proved;

    if (twice || (key != NULL) == (value != NULL)) {
        return 0;
    }
    if (key != NULL) {
        text = vg_of(*key);
    } else if (value->len >= 8
               && ngx_strncasecmp(value->data, (u_char *) "Bearer ", 7) == 0)
    {
        text = (vg_str_t){ (char *) value->data + 7, value->len - 7 };
    }
    return text.len && vg_tokens_find(http->call, text, &proved);
}


vg_rc_t
vg_auth_identify(vg_http_t *http)
{
    ngx_str_t *key, *value;
    vg_call_t *call = http->call;
    ngx_uint_t twice = 0;

    if (vg_auth_public(call)) {
        return VG_OK;
    }
    key = vg_auth_header(http->request, "X-API-Key", &twice);
    value = vg_auth_header(http->request, "Authorization", &twice);
    if (twice) {
        return vg_refuse_with(
            call, "malformed",
            VG_STR("{\"message\":\"X-API-Key or Authorization came twice\"}"));
    }
    if (key != NULL && value != NULL) {
        return vg_auth_refuse(http, "a key and a token came together");
    }
    if (key != NULL) {
        return vg_key_identify(http, vg_of(*key));
    }
    if (value == NULL) {
        return vg_auth_refuse(http, NULL);
    }
    if (value->len < 8
        || ngx_strncasecmp(value->data, (u_char *) "Bearer ", 7) != 0)
    {
        return vg_auth_refuse(http, "only Bearer is taken here");
    }
    return vg_bearer_identify(
        http, (vg_str_t){ (char *) value->data + 7, value->len - 7 });
}
