/*
 * setting.c: the settings of plugins, as the conf has them, or else as their
 * manifests do.
 *
 *   voltgate_setting PLUGIN.NAME VALUE;
 *
 * One that is there twice, that the plugin has not or whose type does not take
 * the value is told when the conf is read: it would be without effect, in
 * silence.
 */

#include "http.h"
#include "language.h"
#include "value.h"


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


/* ------------------------------------------------------------- their types */

static ngx_uint_t
vg_setting_typed(const vg_setting_t *s)
{
    return s->type == VG_TEXT || s->type == VG_INT || s->type == VG_DECIMAL
           || s->type == VG_BOOL || (s->type == VG_ENUM && s->values != NULL);
}


/* NULL, or what is wrong with a value, as the end of "it ..." */
static const char *
vg_setting_wrong(const vg_setting_t *s, const char *value)
{
    unsigned    fault;
    const char *wrong;
    vg_json_t   node = { .type = VG_JSON_STRING, .text = vg_str(value) };
    vg_field_t  field = { .in = VG_SETTING,
                          .name = s->name,
                          .type = s->type,
                          .min = s->min,
                          .max = s->max,
                          .values = s->values };

    if (s->type == VG_BOOL) {
        return vg_str_eq(node.text, "on") || vg_str_eq(node.text, "off")
                   ? NULL
                   : "must be on or off";
    }
    wrong = vg_value_check(&field, &node, &fault);
    return wrong == NULL && s->wrong != NULL ? s->wrong(value) : wrong;
}


/* what it takes, for who is told that it does not */
static const char *
vg_setting_takes(const vg_setting_t *s, char *text, size_t size)
{
    text[0] = '\0';
    if (s->type == VG_ENUM) {
        (void) snprintf(text, size, ": %s", s->values);
    } else if (s->type != VG_TEXT && (s->min || s->max)) {
        (void) snprintf(text, size, ": %lld to %lld", (long long) s->min,
                        (long long) s->max);
    }
    return text;
}


/* a field's "holdAhead" is the setting "hold_ahead" */
static ngx_uint_t
vg_setting_named(const char *setting, const char *field)
{
    while (*setting != '\0' && *field != '\0') {
        if (*setting == '_') {
            if (ngx_toupper(setting[1]) != *field) {
                return 0;
            }
            setting++;
        } else if (*setting != *field) {
            return 0;
        }
        setting++;
        field++;
    }
    return *setting == *field;
}


static ngx_uint_t
vg_setting_same(const char *setting, const char *name)
{
    return ngx_strcmp(setting, name) == 0;
}


static const vg_setting_t *
vg_setting_row(const vg_plugin_slot_t *plugin, const char *name,
               ngx_uint_t (*is)(const char *setting, const char *name))
{
    const vg_setting_t *s = plugin->manifest->settings;

    while (s != NULL && s->name != NULL && !is(s->name, name)) {
        s++;
    }
    return s != NULL && s->name != NULL ? s : NULL;
}


static const vg_setting_t *
vg_setting_of(const vg_plugin_slot_t *plugin, const char *field)
{
    return vg_setting_row(plugin, field, vg_setting_named);
}


const vg_setting_t *
vg_setting_find(const vg_plugin_slot_t *plugin, const char *name)
{
    return vg_setting_row(plugin, name, vg_setting_same);
}


const char *
vg_setting_field_wrong(const vg_plugin_slot_t *plugin, const vg_field_t *field)
{
    const vg_setting_t *s = vg_setting_of(plugin, field->name);

    return s == NULL ? "a field names a setting that is none"
           : s->type != field->type
               ? "a field is of another type than its setting"
               : NULL;
}


/* ----------------------------------------------------- when they are looked at */

/* the conf's value, or NULL */
static const char *
vg_setting_given(const vg_host_t *host, const ngx_str_t *plugin,
                 const char *name)
{
    ngx_uint_t    i;
    ngx_keyval_t *set = host->settings.elts;

    for (i = 0; i < host->settings.nelts; i++) {
        if (vg_setting_is(&set[i], plugin, name)) {
            return (const char *) set[i].value.data;
        }
    }
    return NULL;
}


ngx_int_t
vg_settings_fit(const vg_host_t *host, vg_plugin_slot_t *plugin)
{
    char                takes[256];
    const char         *wrong, *given;
    const vg_setting_t *s;

    for (s = plugin->manifest->settings; s != NULL && s->name != NULL; s++) {
        wrong = vg_setting_typed(s) ? vg_setting_wrong(s, s->value)
                                    : "is of no type that settings have";
        given = vg_setting_given(host, &plugin->name, s->name);
        if (wrong != NULL) {
            vg_plugin_out(plugin, "setting %s: its default %s%s", s->name,
                          wrong, vg_setting_takes(s, takes, sizeof(takes)));
            return NGX_ERROR;
        }
        wrong = host == vg_host && given ? vg_setting_wrong(s, given) : NULL;
        if (wrong != NULL) {
            vg_plugin_out(plugin, "setting %s: what the conf says %s%s",
                          s->name, wrong,
                          vg_setting_takes(s, takes, sizeof(takes)));
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


static ngx_int_t
vg_setting_check(ngx_conf_t *cf, const vg_plugin_slot_t *plugin,
                 const ngx_keyval_t *set)
{
    char                takes[256];
    const char         *wrong;
    const vg_setting_t *s = vg_setting_find(plugin, (const char *) set->key.data
                                                        + plugin->name.len + 1);

    if (s == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "voltgate_setting: there is no \"%V\"", &set->key);
        return NGX_ERROR;
    }
    wrong = vg_setting_wrong(s, (const char *) set->value.data);
    if (wrong != NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "voltgate_setting: \"%V\" %s%s", &set->key, wrong,
                      vg_setting_takes(s, takes, sizeof(takes)));
        return NGX_ERROR;
    }
    return NGX_OK;
}


/* A plugin that is off, or out, may have any. */
ngx_int_t
vg_settings_check(ngx_conf_t *cf, vg_host_t *host)
{
    ngx_uint_t         i, n;
    ngx_keyval_t      *set = host->settings.elts;
    vg_plugin_slot_t **p = host->plugins.elts;

    for (i = 0; i < host->settings.nelts; i++) {
        for (n = 0; n < host->plugins.nelts; n++) {
            if (p[n]->state != VG_PLUGIN_OUT
                && vg_setting_is(&set[i], &p[n]->name, NULL)
                && vg_setting_check(cf, p[n], &set[i]) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }
    return NGX_OK;
}


/* ------------------------------------------------------------------- of a call */

static const char *
vg_setting_value(const vg_plugin_slot_t *plugin, const vg_setting_t *s)
{
    const char *given;

    if (s == NULL) {
        return "";
    }
    given = vg_setting_given(vg_host, &plugin->name, s->name);
    return given != NULL ? given : s->value;
}


const char *
vg_setting(vg_call_t *call, const char *name)
{
    const vg_plugin_slot_t *plugin = call->endpoint->plugin;

    return vg_setting_value(plugin, vg_setting_find(plugin, name));
}


int64_t
vg_setting_int(vg_call_t *call, const char *name)
{
    return strtoll(vg_setting(call, name), NULL, 10);
}


vg_str_t
vg_setting_bound(vg_call_t *call, const vg_field_t *field)
{
    const vg_plugin_slot_t *plugin = call->endpoint->plugin;
    const vg_setting_t     *s = vg_setting_of(plugin, field->name);
    vg_str_t                value = vg_str(vg_setting_value(plugin, s));

    if (field->type != VG_BOOL) {
        return value;
    }
    return vg_str_eq(value, "on") ? VG_STR("true") : VG_STR("false");
}
