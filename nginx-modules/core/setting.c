/*
 * setting.c: the settings of plugins, as the conf has them, or else as their
 * manifests do.
 *
 *   voltgate_setting PLUGIN.NAME VALUE;
 *
 * One that is there twice, or that the plugin has not, is told when the conf is
 * read: it would be without effect, in silence.
 */

#include "http.h"


/* is it what the conf calls plugin.name */
static ngx_uint_t
vg_setting_is(const ngx_keyval_t *set, const ngx_str_t *plugin,
              const char *name)
{
    return set->key.len > plugin->len && set->key.data[plugin->len] == '.'
           && ngx_strncmp(set->key.data, plugin->data, plugin->len) == 0
           && (name == NULL
               || ngx_strcmp(set->key.data + plugin->len + 1, name) == 0);
}


char *
vg_setting_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    vg_host_t    *host = conf;
    ngx_str_t    *value = cf->args->elts;
    ngx_uint_t    i;
    ngx_keyval_t *slot = host->settings.elts;

    (void) cmd;
    if (ngx_strchr(value[1].data, '.') == NULL) {
        return "wants plugin.name and a value";
    }
    for (i = 0; i < host->settings.nelts; i++) {
        if (ngx_strcmp(slot[i].key.data, value[1].data) == 0) {
            return "is there twice";
        }
    }
    slot = ngx_array_push(&host->settings);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }
    slot->key = value[1];
    slot->value = value[2];
    return NGX_CONF_OK;
}


static const vg_setting_t *
vg_setting_find(const vg_plugin_slot_t *plugin, const char *name)
{
    const vg_setting_t *s = plugin->manifest->settings;

    while (s != NULL && s->name != NULL && ngx_strcmp(s->name, name) != 0) {
        s++;
    }
    return s != NULL && s->name != NULL ? s : NULL;
}


/* A plugin that is off, or out, may have it. */
static ngx_uint_t
vg_setting_known(const vg_host_t *host, const ngx_keyval_t *set)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = host->plugins.elts;

    for (i = 0; i < host->plugins.nelts; i++) {
        if (p[i]->state != VG_PLUGIN_OUT
            && vg_setting_is(set, &p[i]->name, NULL)) {
            return vg_setting_find(p[i], (const char *) set->key.data
                                             + p[i]->name.len + 1)
                   != NULL;
        }
    }
    return 1;
}


ngx_int_t
vg_settings_check(ngx_conf_t *cf, vg_host_t *host)
{
    ngx_uint_t    i;
    ngx_keyval_t *set = host->settings.elts;

    for (i = 0; i < host->settings.nelts; i++) {
        if (!vg_setting_known(host, &set[i])) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "voltgate_setting: there is no \"%V\"", &set[i].key);
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


const char *
vg_setting(vg_call_t *call, const char *name)
{
    ngx_uint_t              i;
    ngx_keyval_t           *set = vg_host->settings.elts;
    const vg_setting_t     *own;
    const vg_plugin_slot_t *plugin = call->endpoint->plugin;

    for (i = 0; i < vg_host->settings.nelts; i++) {
        if (vg_setting_is(&set[i], &plugin->name, name)) {
            return (const char *) set[i].value.data;
        }
    }
    own = vg_setting_find(plugin, name);
    return own != NULL ? own->value : "";
}
