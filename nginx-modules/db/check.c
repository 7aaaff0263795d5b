/*
 * check.c: does the database know what the plugins need?
 *
 * Each worker, once it has a connection: every migration file is there with
 * its checksum, every statement can be prepared under its role. A plugin that
 * fails is out until it passes: it is looked at again every few seconds, so
 * that `voltgate migrate` heals a running gateway.
 */

#include "db.h"

#define VG_CHECK_AGAIN 2000 /* ms */

static vg_statement_t *vg_check_applied;
static vg_unit_t       vg_check_unit;
static ngx_event_t     vg_check_timer;
static ngx_uint_t      vg_check_plugin, vg_check_statement;
static ngx_uint_t      vg_check_passed, vg_check_kit_ok;
static const char     *vg_check_no_values[VG_MAX_ENDPOINTS];

static void vg_check_next(void);


ngx_int_t
vg_check_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_check_applied, "migrations",
                     "select plugin, file, checksum from vg.migration", 0);
    if (vg_check_applied == NULL) {
        return NGX_ERROR;
    }
    vg_check_applied->role = "vg_kit";
    return NGX_OK;
}


static void
vg_check_later(void)
{
    if (!vg_check_timer.timer_set && !ngx_exiting) {
        ngx_add_timer(&vg_check_timer, VG_CHECK_AGAIN);
    }
}


static void
vg_check_send(const vg_statement_t *st, void (*done)(vg_unit_t *))
{
    ngx_memzero(&vg_check_unit, sizeof(vg_unit_t));
    vg_check_unit.statement = st;
    vg_check_unit.values = vg_check_no_values;
    vg_check_unit.lane = VG_LANE_SLOW;
    vg_check_unit.probe = done != NULL && st != vg_check_applied;
    vg_check_unit.done = done;
    vg_unit_submit(&vg_check_unit);
}


/* out for what the database lacks: may come back, unlike vg_plugin_out() */
static void
vg_check_refuse(vg_plugin_slot_t *plugin, const char *what, const char *name)
{
    char text[256];

    (void) snprintf(text, sizeof(text), "%s %s", what, name);
    if (plugin->why.len == ngx_strlen(text)
        && ngx_strncmp(plugin->why.data, text, plugin->why.len) == 0)
    {
        plugin->state = VG_PLUGIN_OUT;
        return; /* said before */
    }
    if (plugin->why.data != NULL) {
        ngx_free(plugin->why.data);
        plugin->why.data = NULL;
    }
    plugin->state = VG_PLUGIN_STARTING;
    vg_plugin_out(plugin, "%s", text);
}


static ngx_uint_t
vg_check_has(PGresult *rows, const char *plugin, vg_migration_t *m)
{
    int i;

    for (i = 0; i < PQntuples(rows); i++) {
        if (ngx_strcmp(PQgetvalue(rows, i, 0), plugin) == 0
            && ngx_strcmp(PQgetvalue(rows, i, 1), m->file.data) == 0)
        {
            return ngx_strncmp(PQgetvalue(rows, i, 2), m->checksum.data, 64)
                           == 0
                       ? 1
                       : 2;
        }
    }
    return 0;
}


static const char *const vg_check_says[] = { "migration is pending:", "",
                                             "migration was changed:" };


static ngx_uint_t
vg_check_migrations(PGresult *rows, vg_plugin_slot_t *plugin)
{
    ngx_uint_t   i, has;
    const char  *name = plugin ? (const char *) plugin->name.data : "";
    ngx_array_t *list = plugin ? &plugin->migrations : &vg_host->kit_migrations;
    vg_migration_t *m = list->elts;

    for (i = 0; i < list->nelts; i++) {
        has = vg_check_has(rows, name, &m[i]);
        if (has != 1) {
            if (plugin != NULL) {
                vg_check_refuse(plugin, vg_check_says[has],
                                (const char *) m[i].file.data);
            }
            return 0;
        }
    }
    return 1;
}


/* a plugin that failed while it was loaded stays out; others get a chance */
static ngx_uint_t
vg_check_may(vg_plugin_slot_t *plugin)
{
    return plugin->manifest != NULL
           && (plugin->state != VG_PLUGIN_OUT || plugin->endpoints.nelts)
           && plugin->state != VG_PLUGIN_READY;
}


static void
vg_check_applied_done(vg_unit_t *unit)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    if (unit->result != VG_UNIT_OK) {
        vg_check_kit_ok = 0;
        vg_check_later();
        return;
    }
    vg_check_kit_ok = vg_check_migrations(unit->rows, NULL);
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (vg_check_may(p[i]) && vg_check_migrations(unit->rows, p[i])) {
            p[i]->state = VG_PLUGIN_STARTING;
        }
    }
    vg_check_plugin = vg_check_statement = 0;
    vg_check_next();
}


static void
vg_check_prepared(vg_unit_t *unit)
{
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    if (unit->result == VG_UNIT_REFUSED) {
        vg_check_refuse(p[vg_check_plugin], unit->statement->name,
                        unit->message);
    } else if (unit->result != VG_UNIT_OK) {
        vg_check_later();
        return;
    }
    vg_check_next();
}


static void
vg_check_next(void)
{
    ngx_uint_t         again = !vg_check_kit_ok;
    vg_statement_t   **st;
    vg_plugin_slot_t **p = vg_host->plugins.elts, *plugin;

    for (;;) {
        if (vg_check_plugin == vg_host->plugins.nelts) {
            break;
        }
        plugin = p[vg_check_plugin];
        st = plugin->statements.elts;
        if (plugin->state == VG_PLUGIN_STARTING
            && vg_check_statement < plugin->statements.nelts)
        {
            vg_check_send(st[vg_check_statement++], vg_check_prepared);
            return;
        }
        if (plugin->state == VG_PLUGIN_STARTING) {
            plugin->state = VG_PLUGIN_READY;
            plugin->why.len = 0;
        }
        vg_check_plugin++;
        vg_check_statement = 0;
    }
    vg_check_passed = vg_check_kit_ok;
    for (vg_check_plugin = 0; vg_check_plugin < vg_host->plugins.nelts;
         vg_check_plugin++)
    {
        again |= p[vg_check_plugin]->state != VG_PLUGIN_READY
                 && vg_check_may(p[vg_check_plugin]);
    }
    if (again) {
        vg_check_later();
    }
}


static void
vg_check_fired(ngx_event_t *ev)
{
    (void) ev;
    vg_check_send(vg_check_applied, vg_check_applied_done);
}


void
vg_check_start(void)
{
    vg_check_timer.handler = vg_check_fired;
    vg_check_timer.log = ngx_cycle->log;
    vg_check_timer.data = &vg_check_unit;
    vg_check_timer.cancelable = 1;
    vg_check_fired(&vg_check_timer);
}


const char *
vg_check_lacks(void)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    if (!vg_db_alive()) {
        return "database";
    }
    if (!vg_check_passed) {
        return "migrations";
    }
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (p[i]->state != VG_PLUGIN_READY) {
            return (const char *) p[i]->name.data;
        }
    }
    return NULL;
}
