/*
 * endpoint.c: one row of a plugin's tables made ready to be called: its
 * statements, its steps, its label and its period. What is wrong with it by
 * itself keeps its plugin out; what is there twice is twice.c's.
 */

#include "around.h"
#include "cache.h"
#include "endpoint.h"


static ngx_int_t
vg_endpoint_statement(vg_plugin_slot_t *plugin, const vg_route_t *row,
                      const char *name, vg_statement_t **st)
{
    if (name == NULL) {
        return NGX_OK;
    }
    *st = vg_statement_load(plugin, row, name);
    return *st ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
vg_endpoint_steps(vg_endpoint_t *e)
{
    ngx_uint_t       i, n = 0;
    const vg_step_t *step;

    for (step = e->row->steps; step && step->name != NULL; step++) {
        n++;
    }
    if (n == 0) {
        return NGX_OK;
    }
    e->steps =
        ngx_pcalloc(e->plugin->pool, (n + 1) * sizeof(vg_endpoint_step_t));
    if (e->steps == NULL) {
        return NGX_ERROR;
    }
    for (i = 0; i < n; i++) {
        step = &e->row->steps[i];
        e->steps[i].row = step;
        if (vg_endpoint_statement(e->plugin, e->row, step->done,
                                  &e->steps[i].done)
                != NGX_OK
            || vg_endpoint_statement(e->plugin, e->row, step->undo,
                                     &e->steps[i].undo)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
    e->awaits = (e->row->flags & VG_AWAIT) || e->row->method == VG_JOB;
    return NGX_OK;
}


static ngx_int_t
vg_endpoint_statements(vg_endpoint_t *e)
{
    char              name[128];
    const vg_route_t *row = e->row;
    vg_plugin_slot_t *plugin = e->plugin;

    if (vg_endpoint_statement(plugin, row, row->load, &e->load) != NGX_OK
        || vg_endpoint_statement(plugin, row, row->lock, &e->lock) != NGX_OK
        || vg_endpoint_statement(plugin, row, row->statement, &e->statement)
               != NGX_OK)
    {
        return NGX_ERROR;
    }
    e->matches = vg_statement_binds(e->statement, VG_BIND_IF_MATCH);
    if (row->flags & VG_TRANSACTION) {
        (void) snprintf(name, sizeof(name), "%s_quarantine", row->statement);
        return vg_endpoint_statement(plugin, row, name, &e->quarantine);
    }
    return NGX_OK;
}


/* NULL, or what is wrong with a step; what it says and nobody looks at is */
static const char *
vg_endpoint_step(const vg_endpoint_t *e, ngx_uint_t i)
{
    const vg_step_t *step = e->steps[i].row;

    if (step->command == NULL) {
        return "a step has no command";
    }
    if (!e->awaits) {
        return step->told ? "a step that is told is awaited" : NULL;
    }
    if (step->done != NULL) {
        return "what is done behind an awaited step is the statement";
    }
    return step->undo != NULL && (i > 0 || e->row->method != VG_JOB)
               ? "of awaited steps a job's first alone has an undo"
               : NULL;
}


static const vg_field_t *
vg_endpoint_value(const vg_field_t *f)
{
    while (f != NULL && f->name != NULL && f->in != VG_PATH) {
        f++;
    }
    return f != NULL && f->name != NULL ? f : NULL;
}


/* NULL, or what is wrong with a path: its values are the fields' in their
 * order */
static const char *
vg_endpoint_path(const vg_route_t *row)
{
    size_t            len;
    ngx_uint_t        n = 0;
    const char       *p;
    const vg_field_t *f = vg_endpoint_value(row->fields);

    for (p = row->path; *p != '\0'; p++) {
        if (*p != '{') {
            continue;
        }
        len = strcspn(++p, "}");
        if (p[len] == '\0' || ++n > VG_PATH_VALUES) {
            return "not a path";
        }
        if (f == NULL || ngx_strlen(f->name) != len
            || ngx_strncmp(f->name, p, len) != 0)
        {
            return "the path's values are no fields in its order";
        }
        f = vg_endpoint_value(f + 1);
        p += len;
    }
    if (f != NULL) {
        return "a field is of the path, which has no such value";
    }
    return row->path[0] == '/' ? NULL : "not a path";
}


/* NULL, or what is wrong with a row by itself */
static const char *
vg_endpoint_wrong(const vg_endpoint_t *e)
{
    ngx_uint_t        i;
    const char       *wrong = NULL;
    const vg_route_t *row = e->row;
    const vg_field_t *f;

    if (row->method <= VG_DELETE) {
        wrong = vg_endpoint_path(row);
    }
    for (f = row->fields; wrong == NULL && f && f->name != NULL; f++) {
        if (f->in == VG_SETTING) {
            wrong = vg_setting_field_wrong(e->plugin, f);
        }
    }
    if (wrong != NULL) {
        return wrong;
    }
    if (row->flags & VG_HERE) {
        if (row->method != VG_EVENT || e->statement || e->load || e->lock) {
            return "only an event is told here, and it asks no database";
        }
    } else if (row->method >= VG_EVENT && row->method != VG_HOOK
               && (e->statement == NULL || !e->statement->change))
    {
        return "an event, a timer or a job must end in a change";
    }
    if ((row->flags & VG_STREAM)
        && (row->method != VG_GET || (row->flags & VG_LIST)
            || (e->statement ? e->statement->change
                             : e->plugin->folder != NULL)))
    {
        return "a stream is a GET that reads one row";
    }
    if ((row->flags & VG_RAW)
        && (row->method != VG_POST || row->load != NULL || e->steps != NULL))
    {
        return "a raw body is of a POST without load or steps";
    }
    if ((e->lock && e->lock->change) || (e->load && e->load->change)) {
        return "a lock or load must not be a change";
    }
    wrong = vg_around_wrong(e);
    for (i = 0; wrong == NULL && e->steps && e->steps[i].row != NULL; i++) {
        wrong = vg_endpoint_step(e, i);
    }
    return wrong;
}


/* timers of one period are told apart by what they do, hooks at one route by
 * where they stand */
static ngx_int_t
vg_endpoint_label(vg_endpoint_t *e)
{
    vg_pool_t   arena = vg_arena_of(e->plugin->pool);
    const char *does = e->row->method == VG_EVERY  ? e->row->statement
                       : e->row->method == VG_HOOK ? e->row->stands
                                                   : NULL;

    e->label =
        vg_ngx(vg_printf(&arena, "%s %s%s%s", vg_method_name(e->row->method),
                         e->row->path, does ? " " : "", does ? does : ""));
    return e->label.data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
vg_endpoint_period(vg_endpoint_t *e)
{
    ngx_str_t text = { ngx_strlen(e->row->path), (u_char *) e->row->path };

    e->period = 60000; /* VG_KEEP */
    if (e->row->method != VG_EVERY) {
        return NGX_OK;
    }
    e->period = ngx_parse_time(&text, 0);
    if (e->period == (ngx_msec_t) NGX_ERROR || e->period < 1000) {
        vg_plugin_out(e->plugin, "not a period: %s", e->row->path);
        return NGX_ERROR;
    }
    return NGX_OK;
}


static ngx_int_t
vg_endpoint_make(vg_endpoint_t *e, vg_plugin_slot_t *plugin,
                 const vg_route_t *row)
{
    const char *wrong;

    e->row = row;
    e->plugin = plugin;
    while (row->fields && row->fields[e->nfields].name != NULL) {
        e->nfields++;
    }
    if (vg_endpoint_label(e) != NGX_OK || vg_endpoint_period(e) != NGX_OK
        || vg_endpoint_statements(e) != NGX_OK
        || vg_endpoint_steps(e) != NGX_OK)
    {
        return NGX_ERROR;
    }
    wrong = vg_endpoint_wrong(e);
    if (wrong != NULL) {
        vg_plugin_out(plugin, "%s: %s", row->path, wrong);
        return NGX_ERROR;
    }
    return NGX_OK;
}


ngx_int_t
vg_endpoint_add(vg_plugin_slot_t *plugin, const vg_route_t *row)
{
    vg_endpoint_t  *e = ngx_pcalloc(plugin->pool, sizeof(vg_endpoint_t));
    vg_endpoint_t **slot = ngx_array_push(&plugin->endpoints);

    if (e == NULL || slot == NULL) {
        return NGX_ERROR;
    }
    *slot = e;
    return vg_endpoint_make(e, plugin, row) == NGX_OK
                   && vg_owner_row(e) == NGX_OK
               ? vg_cache_row(e)
               : NGX_ERROR;
}


/* what counts it is the row of those that have none */
vg_endpoint_t *
vg_language_statement(vg_plugin_slot_t *plugin, const vg_route_t *row)
{
    vg_endpoint_t *e = ngx_pcalloc(plugin->pool, sizeof(vg_endpoint_t));

    if (e == NULL || vg_endpoint_make(e, plugin, row) != NGX_OK) {
        return NULL;
    }
    e->index = VG_MAX_ENDPOINTS - 1;
    e->all = !e->statement->change;
    return e;
}
