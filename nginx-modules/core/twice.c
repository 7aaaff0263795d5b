/*
 * twice.c: nothing that a plugin says is there twice.
 *
 * Who looks a row up takes the first of its name, so a second would be silent:
 * an event that is not heard, a setting that nobody reads. Names are those of
 * the manifest's tables, of a row's fields and steps, and of rows themselves;
 * what is the house's (paths, asks, actions of chargers) another plugin may
 * have as well.
 */

#include "endpoint.h"

/* their rows have their name at a place */
static const struct {
    const char *what;
    size_t      table, row;
} vg_twice_tables[] = {
    { "error", offsetof(vg_plugin_t, errors), sizeof(vg_error_t) },
    { "setting", offsetof(vg_plugin_t, settings), sizeof(vg_setting_t) },
    { "type", offsetof(vg_plugin_t, publishes), sizeof(const char *) },
    { "saga", offsetof(vg_plugin_t, sagas), sizeof(vg_saga_t) },
    { "counter", offsetof(vg_plugin_t, counters), sizeof(vg_counter_t) },
};

#define VG_TWICE_TABLES (sizeof(vg_twice_tables) / sizeof(vg_twice_tables[0]))


static const char *
vg_twice_at(const char *row, size_t at)
{
    const char *name = NULL;

    if (row != NULL) {
        ngx_memcpy(&name, row + at, sizeof(name));
    }
    return name;
}


/* of rows so long, whose name is at that place; NULL: each is there once */
static const char *
vg_twice_name(const void *rows, size_t size, size_t at)
{
    const char *name, *row, *other;

    for (row = rows; (name = vg_twice_at(row, at)) != NULL; row += size) {
        for (other = rows; other < row; other += size) {
            if (ngx_strcmp(name, vg_twice_at(other, at)) == 0) {
                return name;
            }
        }
    }
    return NULL;
}


static const char *
vg_twice_field(const vg_field_t *fields)
{
    const char       *name;
    const vg_field_t *f, *item;

    name =
        vg_twice_name(fields, sizeof(vg_field_t), offsetof(vg_field_t, name));
    for (f = fields; name == NULL && f != NULL && f->name != NULL; f++) {
        name = vg_twice_field(f->fields);
        for (item = f->item; name == NULL && item; item = item->item) {
            name = vg_twice_field(item->fields);
        }
    }
    return name;
}


/* what their values are called does not tell paths apart */
static ngx_uint_t
vg_twice_path(const char *a, const char *b)
{
    for (/* void */; *a != '\0' && *a == *b; a++, b++) {
        if (*a == '{') {
            a = strchr(a, '}');
            b = strchr(b, '}');
        }
    }
    return *a == *b;
}


static ngx_uint_t
vg_twice_same(const vg_endpoint_t *a, const vg_endpoint_t *b)
{
    const vg_route_t *x = a->row, *y = b->row;

    if (x->method != y->method || ((x->flags ^ y->flags) & VG_HERE)) {
        return 0;
    }
    return x->method <= VG_DELETE
               ? vg_twice_path(x->path, y->path)
               : ngx_strcmp(a->label.data, b->label.data) == 0;
}


static ngx_uint_t
vg_twice_has(const vg_plugin_slot_t *plugin, const vg_endpoint_t *e)
{
    ngx_uint_t      i;
    vg_endpoint_t **own = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts && own[i] != e; i++) {
        if (vg_twice_same(own[i], e)) {
            return 1;
        }
    }
    return 0;
}


/* the plugin that has such a row already, itself or another; NULL: none */
static const vg_plugin_slot_t *
vg_twice_owner(const vg_host_t *host, const vg_endpoint_t *e)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = host->plugins.elts;

    if (vg_twice_has(e->plugin, e)) {
        return e->plugin;
    }
    if (e->row->method > VG_OCPP16) {
        return NULL; /* each plugin's own */
    }
    if (host->house != NULL && vg_twice_has(host->house, e)) {
        return host->house;
    }
    for (i = 0; i < host->plugins.nelts; i++) {
        if (ngx_strcmp(p[i]->name.data, e->plugin->name.data) != 0
            && vg_twice_has(p[i], e))
        {
            return p[i];
        }
    }
    return NULL;
}


static ngx_int_t
vg_twice_row(const vg_host_t *host, vg_plugin_slot_t *plugin, vg_endpoint_t *e)
{
    const char *label = (const char *) e->label.data;
    const char *field = vg_twice_field(e->row->fields);
    const char *step = vg_twice_name(e->row->steps, sizeof(vg_step_t), 0);
    const vg_plugin_slot_t *owner = vg_twice_owner(host, e);

    if (owner != NULL && owner != plugin) {
        vg_plugin_out(plugin, "%s is there twice: %s has it", label,
                      owner->name.data);
    } else if (owner != NULL) {
        vg_plugin_out(plugin, "%s is there twice", label);
    } else if (field != NULL || step != NULL) {
        vg_plugin_out(plugin, "%s: %s %s is there twice", label,
                      field ? "field" : "step", field ? field : step);
    } else {
        return NGX_OK;
    }
    return NGX_ERROR;
}


ngx_int_t
vg_twice_check(const vg_host_t *host, vg_plugin_slot_t *plugin)
{
    size_t           n;
    ngx_uint_t       i;
    const char      *name = NULL;
    vg_endpoint_t  **e = plugin->endpoints.elts;
    const vg_saga_t *saga = plugin->manifest->sagas;

    for (n = 0; n < VG_TWICE_TABLES; n++) {
        name = vg_twice_name(vg_twice_at((const char *) plugin->manifest,
                                         vg_twice_tables[n].table),
                             vg_twice_tables[n].row, 0);
        if (name != NULL) {
            vg_plugin_out(plugin, "%s %s is there twice",
                          vg_twice_tables[n].what, name);
            return NGX_ERROR;
        }
    }
    for (/* void */; saga != NULL && saga->name != NULL; saga++) {
        name = vg_twice_name(saga->steps, sizeof(vg_saga_step_t), 0);
        if (name != NULL) {
            vg_plugin_out(plugin, "saga %s: step %s is there twice", saga->name,
                          name);
            return NGX_ERROR;
        }
    }
    for (i = 0; i < plugin->endpoints.nelts; i++) {
        if (vg_twice_row(host, plugin, e[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}
