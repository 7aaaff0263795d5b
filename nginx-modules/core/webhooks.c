/*
 * webhooks.c: the events that are published, as /openapi.json tells them: the
 * envelope once, and of each type its payload's schema and who hears it with
 * which fields. Printed from the same files and rows that publish and consume.
 */

#include "host.h"

static const vg_field_t vg_webhooks_metadata[] = {
    { VG_BODY, "eventId", VG_UUID, VG_REQUIRED,
      .about = "the same whenever it is sent again" },
    { VG_BODY, "timestamp", VG_TIME, VG_REQUIRED, .about = "of the commit" },
    { VG_BODY, "source", VG_TEXT, VG_REQUIRED,
      .about = "plugin that told it; kit: the gateway itself" },
    { VG_BODY, "correlationId", VG_TEXT, VG_REQUIRED,
      .about = "of the call that caused it" },
    { VG_BODY, "traceparent", VG_TEXT, VG_NULLABLE,
      .about = "W3C Trace Context" },
    { VG_BODY, "type", VG_TEXT, VG_REQUIRED, .about = "with its version" },
    { VG_BODY, "version", VG_TEXT, VG_REQUIRED, .about = "v1" },
    { VG_BODY, "aggregateId", VG_TEXT, VG_REQUIRED,
      .about = "of what it is about; events of one come in their order" },
    { VG_BODY, "sequence", VG_INT, VG_REQUIRED,
      .about = "position in the log, always rising" },
    { VG_BODY, "actorId", VG_TEXT, VG_REQUIRED,
      .about = "who caused it; empty: a charger or a timer" },
    VG_FIELDS_END
};

static const vg_field_t vg_webhooks_event[] = {
    { VG_BODY, "metadata", VG_OBJECT, VG_REQUIRED,
      .fields = vg_webhooks_metadata },
    { VG_BODY, "payload", VG_OBJECT, VG_REQUIRED,
      .about = "by the type; may have gained members since" },
    VG_FIELDS_END
};


void
vg_webhooks_envelope(vg_out_t *out)
{
    vg_out_key(out, "Event");
    vg_out_open(out, '{');
    vg_out_member(out, "type", VG_STR("object"));
    vg_openapi_object(out, vg_webhooks_event);
    vg_out_close(out, '}');
}


static void
vg_webhooks_consumer(vg_out_t *out, const vg_endpoint_t *e)
{
    static const vg_field_t none[] = { VG_FIELDS_END };

    vg_out_open(out, '{');
    vg_out_member(out, "plugin", vg_of(e->plugin->name));
    if (e->row->about != NULL) {
        vg_out_member(out, "summary", vg_str(e->row->about));
    }
    vg_out_key(out, "reads");
    vg_out_open(out, '{');
    vg_out_member(out, "type", VG_STR("object"));
    vg_openapi_object(out, e->row->fields ? e->row->fields : none);
    vg_out_close(out, '}');
    vg_out_close(out, '}');
}


static void
vg_webhooks_consumers(vg_out_t *out, vg_host_t *host, vg_str_t type)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = host->endpoints.elts;

    vg_out_key(out, "x-consumers");
    vg_out_open(out, '[');
    for (i = 0; i < host->endpoints.nelts; i++) {
        if (e[i]->row->method == VG_EVENT && vg_str_eq(type, e[i]->row->path)) {
            vg_webhooks_consumer(out, e[i]);
        }
    }
    vg_out_close(out, ']');
}


/* "reservation.due.v1" as reservation_due_v1: a name in code */
static vg_str_t
vg_webhooks_id(vg_pool_t *pool, vg_str_t type)
{
    size_t i;
    char  *id = vg_alloc(pool, type.len);

    for (i = 0; id != NULL && i < type.len; i++) {
        id[i] = type.data[i];
        if (id[i] == '.') {
            id[i] = '_';
        }
    }
    return (vg_str_t){ id, id ? type.len : 0 };
}


static void
vg_webhooks_type(vg_out_t *out, vg_host_t *host, vg_plugin_slot_t *plugin,
                 const vg_schema_t *schema)
{
    vg_str_t audience = vg_json_text(schema->root, "x-audience");

    vg_out_name(out, schema->type);
    vg_out_open(out, '{');
    vg_out_key(out, "post");
    vg_out_open(out, '{');
    vg_out_member(out, "operationId", vg_webhooks_id(out->pool, schema->type));
    vg_out_key(out, "tags");
    vg_out_open(out, '[');
    vg_out_string(out, vg_of(plugin->name));
    vg_out_close(out, ']');
    vg_out_member(out, "summary", vg_json_text(schema->root, "description"));
    vg_out_member_raw(
        out, "requestBody",
        vg_printf(out->pool,
                  "{\"required\":true,\"content\":{\"application/json\":"
                  "{\"schema\":{\"allOf\":[{\"$ref\":\"#/components/schemas/"
                  "Event\"}],\"properties\":{\"payload\":%.*s}}}}}",
                  (int) schema->text.len, schema->text.data));
    vg_out_member_raw(out, "responses",
                      VG_STR("{\"2XX\":{\"description\":\"heard\"}}"));
    if (audience.data != NULL) {
        vg_out_member(out, "x-audience", audience);
    }
    vg_webhooks_consumers(out, host, schema->type);
    vg_out_close(out, '}');
    vg_out_close(out, '}');
}


/* what several tell is shown as the first of them has it */
static ngx_uint_t
vg_webhooks_shown(vg_host_t *host, vg_plugin_slot_t *plugin, vg_str_t type)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = host->plugins.elts;

    if (plugin == host->house) {
        return 0;
    }
    for (i = 0; i < host->plugins.nelts && p[i] != plugin; i++) {
        if (vg_schemas_find(&p[i]->schemas, type) != NULL) {
            return 1;
        }
    }
    return 0;
}


static void
vg_webhooks_of(vg_out_t *out, vg_host_t *host, vg_plugin_slot_t *plugin)
{
    size_t             i;
    const vg_schema_t *all = plugin->schemas.all;

    for (i = 0; i < plugin->schemas.count; i++) {
        if (!vg_webhooks_shown(host, plugin, all[i].type)) {
            vg_webhooks_type(out, host, plugin, &all[i]);
        }
    }
}


static ngx_uint_t
vg_webhooks_told(vg_host_t *host, const char *type)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = host->plugins.elts;

    for (i = 0; i < host->plugins.nelts; i++) {
        if (vg_schemas_find(&p[i]->schemas, vg_str(type)) != NULL) {
            return 1;
        }
    }
    return vg_schemas_find(&host->house->schemas, vg_str(type)) != NULL;
}


/* x-untold: what a plugin listens for and nobody here publishes */
void
vg_webhooks_render(vg_out_t *out, vg_host_t *host)
{
    ngx_uint_t         i;
    vg_endpoint_t    **e = host->endpoints.elts;
    vg_plugin_slot_t **p = host->plugins.elts;

    vg_out_key(out, "webhooks");
    vg_out_open(out, '{');
    vg_webhooks_of(out, host, host->house);
    for (i = 0; i < host->plugins.nelts; i++) {
        vg_webhooks_of(out, host, p[i]);
    }
    vg_out_close(out, '}');
    vg_out_key(out, "x-untold");
    vg_out_open(out, '[');
    for (i = 0; i < host->endpoints.nelts; i++) {
        if (e[i]->row->method == VG_EVENT
            && !vg_webhooks_told(host, e[i]->row->path)) {
            vg_out_string(out,
                          vg_printf(out->pool, "%s %s", e[i]->plugin->name.data,
                                    e[i]->row->path));
        }
    }
    vg_out_close(out, ']');
}


/* the document was made before the rooms came up: it is made anew */
ngx_int_t
vg_webhooks_kit(ngx_conf_t *cf, const char *type, const char *text)
{
    vg_host_t *host = vg_host_conf(cf);
    vg_pool_t  pool = vg_arena_of(cf->pool);

    if (!vg_schemas_add(&host->house->schemas, &pool, vg_str(type),
                        vg_str(text))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "voltgate: event %s",
                           host->house->schemas.wrong);
        return NGX_ERROR;
    }
    return vg_openapi_render(host);
}
