/*
 * house.c: the kit's own routes: which plugins run, in which version; another
 * version, a pause. Those of other rooms stand in its tables, too.
 */

#include "install.h"
#include "swap.h"
#include "versions.h"

typedef struct {
    const char *path;
    void (*run)(vg_call_t *call);
} vg_house_run_t;

static const char *const vg_house_states[] = { "starting", "ready", "out" };


static vg_plugin_slot_t *
vg_house_plugin(vg_call_t *call)
{
    vg_plugin_slot_t *plugin = vg_plugin_named(vg_get(call, "name")->text);

    if (plugin == NULL) {
        (void) vg_refuse(call, "not_found");
    }
    return plugin;
}


static void
vg_house_hash(vg_out_t *out, const char *key, ngx_atomic_uint_t version)
{
    if (version != 0) {
        vg_out_member(out, key,
                      vg_printf(out->pool, "%016lx", (unsigned long) version));
    }
}


/* where it stands at routes of others; a hook that meets none is none */
static void
vg_house_hooks(vg_out_t *out, vg_plugin_slot_t *plugin)
{
    ngx_uint_t      i, n = 0;
    vg_endpoint_t **e = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        if (e[i]->row->method != VG_HOOK) {
            continue;
        }
        if (n++ == 0) {
            vg_out_key(out, "hooks");
            vg_out_open(out, '[');
        }
        vg_out_open(out, '{');
        vg_out_member(out, "at", vg_str(e[i]->row->path));
        if (e[i]->row->stands != NULL) {
            vg_out_member(out, "stands", vg_str(e[i]->row->stands));
        }
        vg_out_key(out, "routes");
        vg_out_int(out, (int64_t) e[i]->meets);
        vg_out_close(out, '}');
    }
    if (n) {
        vg_out_close(out, ']');
    }
}


static void
vg_house_show(vg_out_t *out, vg_plugin_slot_t *plugin)
{
    vg_version_t *row = vg_version_row(&plugin->name);

    vg_out_open(out, '{');
    vg_out_member(out, "name", vg_of(plugin->name));
    if (plugin->manifest != NULL) {
        vg_out_member(out, "version", vg_str(plugin->manifest->version));
    }
    vg_out_member(out, "hash", vg_str(plugin->hash));
    vg_out_member(out, "state",
                  row && row->paused ? VG_STR("paused")
                                     : vg_str(vg_house_states[plugin->state]));
    if (plugin->state == VG_PLUGIN_OUT) {
        vg_out_member(out, "why", vg_str(plugin->why));
    }
    if (row != NULL) {
        vg_house_hash(out, "previousHash", row->before);
        vg_house_hash(out, "quarantinedHash", row->bad);
    }
    vg_sagas_show(out, plugin);
    vg_house_hooks(out, plugin);
    if (plugin->spoken != NULL) {
        plugin->language->show(out, plugin);
    }
    vg_out_close(out, '}');
}


static vg_rc_t
vg_house_list(vg_call_t *call)
{
    vg_out_t           out;
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_key(&out, "items");
    vg_out_open(&out, '[');
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        vg_house_show(&out, p[i]);
    }
    vg_out_close(&out, ']');
    vg_out_key(&out, "nextCursor");
    vg_out_null(&out);
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}


static void
vg_house_pause(vg_call_t *call, ngx_uint_t paused)
{
    vg_out_t          out;
    vg_version_t     *row;
    vg_plugin_slot_t *plugin = vg_house_plugin(call);

    row = plugin ? vg_version_row(&plugin->name) : NULL;
    if (row != NULL) {
        row->paused = paused;
        vg_out_init(&out, vg_pool(call));
        vg_house_show(&out, plugin);
        (void) vg_reply(call, vg_out_str(&out));
    } else if (plugin != NULL) {
        (void) vg_refuse(call, "internal");
    }
    vg_call_awaited(call);
}


static void
vg_house_paused(vg_call_t *call)
{
    vg_house_pause(call, 1);
}


static void
vg_house_resumed(vg_call_t *call)
{
    vg_house_pause(call, 0);
}


static void
vg_house_reloaded(void *data, const char *error, const char *why,
                  ngx_uint_t behind)
{
    vg_out_t          out;
    vg_call_t        *call = data;
    vg_plugin_slot_t *plugin;

    if (!call->finished) {
        vg_out_init(&out, vg_pool(call));
        plugin = vg_house_plugin(call);
        if (error != NULL) {
            vg_out_open(&out, '{');
            vg_out_member(&out, "why", vg_str(why));
            vg_out_close(&out, '}');
            (void) vg_refuse_with(call, error, vg_out_str(&out));
        } else if (plugin != NULL) {
            vg_house_show(&out, plugin);
            (void) vg_reply(call, vg_out_str(&out));
        }
        if (behind) {
            vg_log(call, VG_LOG_WARN, "%d workers will follow later",
                   (int) behind);
        }
        vg_call_awaited(call);
    } else if (error == NULL) {
        (void) vg_audit_house(call); /* who asked was told that it is overdue */
    }
    vg_call_release(call);
}


static void
vg_house_reload(vg_call_t *call)
{
    char              hash[VG_INSTALL_HASH + 1];
    const vg_json_t  *wanted = vg_get(call, "hash");
    const char       *error = NULL;
    vg_version_t     *row;
    vg_plugin_slot_t *plugin = vg_house_plugin(call);

    row = plugin ? vg_version_row(&plugin->name) : NULL;
    if (row == NULL) {
        (void) (plugin ? vg_refuse(call, "internal") : VG_ERROR);
        vg_call_awaited(call);
        return;
    }
    if (wanted != NULL) {
        (void) snprintf(hash, sizeof(hash), "%.*s", (int) wanted->text.len,
                        wanted->text.data);
    } else if (vg_installed((const char *) vg_host->installed.data,
                            (const char *) plugin->name.data, hash)
               != NULL)
    {
        error = "not_found";
    }
    if (error == NULL && row->bad != 0 && row->bad == strtoull(hash, NULL, 16))
    {
        error = "plugin_quarantined";
    }
    if (error == NULL) {
        vg_call_ref(call);
        call->changed = 1; /* from now on, whoever hangs up */
        error = vg_swap_start_one(plugin, hash, vg_house_reloaded, call);
        if (error == NULL) {
            return;
        }
        vg_call_release(call);
    }
    (void) vg_refuse(call, error);
    vg_call_awaited(call);
}


/* --------------------------------------------------------------- manifest */

static const vg_field_t vg_house_named[] = {
    { VG_PATH, "name", VG_TEXT, VG_REQUIRED, 1, 32, .about = "of the plugin" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_version[] = {
    { VG_PATH, "name", VG_TEXT, VG_REQUIRED, 1, 32, .about = "of the plugin" },
    { VG_BODY, "hash", VG_TEXT, 0, VG_INSTALL_HASH, VG_INSTALL_HASH,
      .about = "of an installed version; else the one installed last" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_consumer[] = {
    { VG_PATH, "name", VG_TEXT, VG_REQUIRED, 1, 64,
      .about = "of the plugin, or relay:…" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_of_consumer[] = {
    { VG_QUERY, "consumer", VG_TEXT, 0, 1, 64, .about = "of this one alone" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_letter[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "of the dead letter" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_type = {
    VG_BODY, "type", VG_TEXT, 0, 1, 100, .about = "of an event"
};

static const vg_field_t vg_house_replay[] = {
    { VG_BODY, "consumer", VG_TEXT, VG_REQUIRED, 1, 64,
      .about = "the plugin that is to hear it again" },
    { VG_BODY, "from", VG_TIME,
      .about = "when the log got the first; "
               "default: all that is kept" },
    { VG_BODY, "to", VG_TIME,
      .about = "when it got the last; default: up to "
               "where the plugin stands" },
    { VG_BODY, "types", VG_ARRAY, 0, 1, 32, .item = &vg_house_type,
      .about = "these alone; default: all that it takes" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_sagas[] = {
    { VG_QUERY, "status", VG_ENUM, 0, .values = VG_SAGA_STATUS,
      .about = "where they stand" },
    { VG_QUERY, "name", VG_TEXT, 0, 1, 64, .about = "of which kind" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_saga[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "of the saga" },
    VG_FIELDS_END
};

static const vg_field_t vg_house_audit[] = {
    { VG_QUERY, "userId", VG_TEXT, 0, 1, 200, .about = "who called" },
    { VG_QUERY, "from", VG_TIME, .about = "not before" },
    { VG_QUERY, "to", VG_TIME, .about = "before" },
    { VG_QUERY, "route", VG_TEXT, 0, 1, 200,
      .about = "as a row has it: POST /stations" },
    { VG_QUERY, "object", VG_TEXT, 0, 1, 200,
      .about = "the path's ids, and that of what was made" },
    { VG_QUERY, "status", VG_INT, 0, 0, 599, .about = "of HTTP" },
    VG_FIELDS_END
};

static const vg_route_t vg_house_routes[] = {
    { VG_GET, "/plugins", "plugins:read", .check = vg_house_list,
      .about = "Plugins, their versions and states" },
    { VG_POST, "/plugins/{name}/reload", "plugins:write", vg_house_version,
      .about = "Take an installed version into use" },
    { VG_POST, "/plugins/{name}/pause", "plugins:write", vg_house_named,
      .flags = VG_NO_BODY,
      .about = "Routes answer 503 and events wait; chargers go on" },
    { VG_POST, "/plugins/{name}/resume", "plugins:write", vg_house_named,
      .flags = VG_NO_BODY, .about = "End a pause" },
    { VG_GET, "/events/stream", "events:read", .flags = VG_STREAM,
      .about = "What happens to what one owns, as it happens; Last-Event-ID "
               "says from where, 0 is the beginning" },
    { VG_GET, "/events/consumers", "events:write", .flags = VG_LIST,
      .about = "Who goes along the logs, where each stands" },
    { VG_POST, "/events/consumers/{name}/pause", "events:write",
      vg_house_consumer, .flags = VG_NO_BODY,
      .about = "It rests, on all nodes; what is told waits" },
    { VG_POST, "/events/consumers/{name}/resume", "events:write",
      vg_house_consumer, .flags = VG_NO_BODY, .about = "It goes on" },
    { VG_GET, "/events/dead-letters", "events:write", vg_house_of_consumer,
      .flags = VG_LIST,
      .about = "Events whose tries are used up, the latest first" },
    { VG_POST, "/events/dead-letters/{id}/retry", "events:write",
      vg_house_letter, .flags = VG_NO_BODY, .about = "Try one again, now" },
    { VG_POST, "/events/dead-letters/retry", "events:write",
      vg_house_of_consumer, .flags = VG_NO_BODY,
      .about = "Try all of them again; how many" },
    { VG_POST, "/events/replay", "events:write", vg_house_replay,
      .about = "A plugin hears a part of the log again, in order; what is "
               "told meanwhile comes after it" },
    { VG_GET, "/events/replays", "events:write", vg_house_of_consumer,
      .flags = VG_LIST, .about = "Replays, the latest first" },
    { VG_GET, "/sagas", "sagas:read", vg_house_sagas, .flags = VG_LIST,
      .about = "Sagas of all plugins, the latest first" },
    { VG_GET, "/sagas/{id}", "sagas:read", vg_house_saga,
      .about = "One of them, with what its steps answered" },
    { VG_POST, "/sagas/{id}/retry", "sagas:write", vg_house_saga,
      .flags = VG_NO_BODY,
      .about = "Take up one that is stuck; one that runs or is undone goes on "
               "now" },
    { VG_GET, "/audit", "admin:read", vg_house_audit,
      .flags = VG_LIST | VG_AUDITED,
      .about = "Who changed what, and who was refused, the latest first" },
    VG_ROUTES_END
};

static const vg_plugin_t vg_house_manifest = {
    .abi = VG_ABI,
    .name = "voltgate",
    .version = "1",
    .routes = vg_house_routes,
};

static const vg_house_run_t vg_house_runs[] = {
    { "/plugins/{name}/reload", vg_house_reload },
    { "/plugins/{name}/pause", vg_house_paused },
    { "/plugins/{name}/resume", vg_house_resumed },
    { "/audit", vg_audit_list },
    { "/events/stream", vg_events_feed },
    { "/events/consumers", vg_operator_consumers },
    { "/events/consumers/{name}/pause", vg_operator_pause },
    { "/events/consumers/{name}/resume", vg_operator_resume },
    { "/events/dead-letters", vg_operator_letters },
    { "/events/dead-letters/{id}/retry", vg_operator_retry },
    { "/events/dead-letters/retry", vg_operator_retry_all },
    { "/events/replay", vg_operator_replay },
    { "/events/replays", vg_operator_replays },
    { "/sagas", vg_sagas_list },
    { "/sagas/{id}", vg_sagas_get },
    { "/sagas/{id}/retry", vg_sagas_retry },
    { NULL, NULL },
};


ngx_int_t
vg_house_open(ngx_conf_t *cf, vg_host_t *host)
{
    ngx_uint_t            i;
    vg_endpoint_t       **e;
    vg_plugin_slot_t     *house = ngx_pcalloc(cf->pool, sizeof(*house));
    const vg_house_run_t *r;

    if (house == NULL
        || ngx_array_init(&house->statements, cf->pool, 4, sizeof(void *))
        || ngx_array_init(&house->endpoints, cf->pool, 8, sizeof(void *)))
    {
        return NGX_ERROR;
    }
    ngx_str_set(&house->name, "voltgate");
    house->pool = cf->pool;
    house->manifest = &vg_house_manifest;
    house->state = VG_PLUGIN_READY;
    if (vg_plugin_rows(host, house) != NGX_OK) {
        return NGX_ERROR;
    }
    e = house->endpoints.elts;
    for (i = 0; i < house->endpoints.nelts; i++) {
        for (r = vg_house_runs; r->path != NULL; r++) {
            if (ngx_strcmp(r->path, e[i]->row->path) == 0) {
                e[i]->run = r->run;
            }
        }
    }
    host->house = house;
    return NGX_OK;
}
