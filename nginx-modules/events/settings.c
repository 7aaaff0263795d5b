/*
 * settings.c: `voltgate_consumer plugin|default batch=100 tries=10 backoff=1s
 * longest=30s parked=block|pass;`: how a plugin goes along the logs.
 */

#include "events.h"

static const vg_consumer_conf_t vg_consumer_default = {
    .batch = 100,
    .tries = 10,
    .backoff = 1000,
    .longest = 30000,
};

static ngx_array_t *vg_consumer_confs; /* of vg_consumer_conf_t            */

typedef struct {
    const char *name;
    size_t      offset;
    ngx_uint_t  least, most;
    unsigned    ms:1;
} vg_consumer_key_t;

static const vg_consumer_key_t vg_consumer_keys[] = {
    { "batch", offsetof(vg_consumer_conf_t, batch), 1, 500, 0 },
    { "tries", offsetof(vg_consumer_conf_t, tries), 1, 100, 0 },
    { "backoff", offsetof(vg_consumer_conf_t, backoff), 10, 3600000, 1 },
    { "longest", offsetof(vg_consumer_conf_t, longest), 10, 86400000, 1 },
    { NULL, 0, 0, 0, 0 },
};


static const char *
vg_consumer_number(vg_consumer_conf_t *conf, const vg_consumer_key_t *key,
                   ngx_str_t *text)
{
    ngx_int_t n =
        key->ms ? ngx_parse_time(text, 0) : ngx_atoi(text->data, text->len);

    if (n == NGX_ERROR || n < (ngx_int_t) key->least
        || n > (ngx_int_t) key->most) {
        return "is out of its range";
    }
    *(ngx_uint_t *) ((u_char *) conf + key->offset) = n;
    return NULL;
}


static const char *
vg_consumer_key(vg_consumer_conf_t *conf, ngx_str_t *arg)
{
    size_t                   n;
    ngx_str_t                text;
    const vg_consumer_key_t *key;

    if (ngx_strcmp(arg->data, "parked=block") == 0
        || ngx_strcmp(arg->data, "parked=pass") == 0)
    {
        conf->pass = arg->data[7] == 'p';
        return NULL;
    }
    for (key = vg_consumer_keys; key->name != NULL; key++) {
        n = ngx_strlen(key->name);
        if (arg->len > n && arg->data[n] == '='
            && ngx_strncmp(arg->data, key->name, n) == 0)
        {
            text = (ngx_str_t){ arg->len - n - 1, arg->data + n + 1 };
            return vg_consumer_number(conf, key, &text);
        }
    }
    return "is none of batch, tries, backoff, longest, parked=block|pass";
}


char *
vg_set_consumer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t          *value = cf->args->elts;
    ngx_uint_t          i;
    const char         *wrong;
    ngx_array_t       **confs;
    vg_consumer_conf_t *slot;

    confs = (ngx_array_t **) ((u_char *) conf + cmd->offset);
    if (*confs == NULL) {
        *confs = ngx_array_create(cf->pool, 8, sizeof(vg_consumer_conf_t));
    }
    slot = *confs ? ngx_array_push(*confs) : NULL;
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }
    *slot = vg_consumer_default;
    slot->plugin = value[1];
    for (i = 2; i < cf->args->nelts; i++) {
        wrong = vg_consumer_key(slot, &value[i]);
        if (wrong != NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &value[i],
                               wrong);
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}


void
vg_consumer_confs_use(ngx_array_t *confs)
{
    vg_consumer_confs = confs;
}


/* the plugin's own, else the one named default, else the kit's */
const vg_consumer_conf_t *
vg_consumer_conf(const ngx_str_t *plugin)
{
    ngx_uint_t                i;
    const vg_consumer_conf_t *found = &vg_consumer_default, *c;

    for (i = 0; vg_consumer_confs && i < vg_consumer_confs->nelts; i++) {
        c = (vg_consumer_conf_t *) vg_consumer_confs->elts + i;
        if (c->plugin.len == plugin->len
            && ngx_strncmp(c->plugin.data, plugin->data, plugin->len) == 0)
        {
            return c;
        }
        if (ngx_strcmp(c->plugin.data, "default") == 0) {
            found = c;
        }
    }
    return found;
}
