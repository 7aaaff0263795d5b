/*
 * check.c: does the database know what the plugins need?
 *
 * Each worker, once it has a connection: every migration file is there with
 * its checksum, every statement can be prepared under its role. A plugin that
 * fails is out until it passes: it is looked at again every few seconds, so
 * that `voltgate migrate` heals a running gateway. A version that is to be
 * swapped in goes the same way before it is taken into use.
 */

#include "db.h"
#include "statement.h"

#define VG_CHECK_AGAIN 2000 /* ms */

static vg_statement_t *vg_check_applied;
static vg_check_t      vg_check_house; /* one after the other              */
static ngx_event_t     vg_check_timer;
static ngx_uint_t      vg_check_at, vg_check_running;
static ngx_uint_t      vg_check_passed[VG_DATABASES];
static const char     *vg_check_no_values[VG_STATEMENT_PARAMS];

static void vg_check_next(vg_check_t *check);


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


/* ---------------------------------------------------------- one of them */

static void
vg_check_end(vg_check_t *check, vg_check_verdict_t verdict)
{
    vg_plugin_slot_t *plugin = check->plugin;

    check->verdict = verdict;
    if (plugin != NULL) {
        if (verdict == VG_CHECK_OK && !vg_versions_barred(plugin)) {
            plugin->state = VG_PLUGIN_READY;
            plugin->why[0] = '\0';
        }
        vg_plugin_release(plugin);
    }
    check->done(check);
}


/* out for what the database lacks: may come back, unlike vg_plugin_out() */
static void
vg_check_refuse(vg_check_t *check, vg_check_verdict_t verdict, const char *what,
                const char *name)
{
    char              text[sizeof(check->plugin->why)];
    vg_plugin_slot_t *plugin = check->plugin;

    if (plugin != NULL) {
        (void) snprintf(text, sizeof(text), "%s %s", what, name);
        if (ngx_strcmp(plugin->why, text) == 0) {
            plugin->state = VG_PLUGIN_OUT; /* said before */
        } else {
            plugin->state = VG_PLUGIN_STARTING;
            vg_plugin_out(plugin, "%s", text);
        }
    }
    vg_check_end(check, verdict);
}


static void
vg_check_send(vg_check_t *check, const vg_statement_t *st,
              void (*done)(vg_unit_t *))
{
    ngx_memzero(&check->unit, sizeof(vg_unit_t));
    check->unit.statement = st;
    check->unit.values = vg_check_no_values;
    check->unit.lane = VG_LANE_SLOW;
    check->unit.database =
        check->plugin ? check->plugin->database : check->database;
    check->unit.probe = st != vg_check_applied;
    check->unit.done = done;
    check->unit.data = check;
    vg_unit_submit(&check->unit);
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


static void
vg_check_migrations(vg_unit_t *unit)
{
    static const char *const says[] = { "migration is pending:", "",
                                        "migration was changed:" };
    vg_check_t              *check = unit->data;
    ngx_uint_t               i, has;
    const char              *name;
    ngx_array_t             *list;
    vg_migration_t          *m;

    if (unit->result != VG_UNIT_OK) {
        vg_check_end(check, VG_CHECK_AWAY);
        return;
    }
    name = check->plugin ? (const char *) check->plugin->name.data : "";
    list =
        check->plugin ? &check->plugin->migrations : &vg_host->kit_migrations;
    m = list->elts;
    for (i = 0; i < list->nelts; i++) {
        has = vg_check_has(unit->rows, name, &m[i]);
        if (has != 1) {
            vg_check_refuse(check, VG_CHECK_PENDING, says[has],
                            (const char *) m[i].file.data);
            return;
        }
    }
    check->statement = 0;
    vg_check_next(check);
}


static void
vg_check_prepared(vg_unit_t *unit)
{
    vg_check_t *check = unit->data;

    if (unit->result == VG_UNIT_REFUSED) {
        vg_check_refuse(check, VG_CHECK_REFUSED, unit->statement->name,
                        unit->message);
    } else if (unit->result != VG_UNIT_OK) {
        vg_check_end(check, VG_CHECK_AWAY);
    } else {
        vg_check_next(check);
    }
}


static void
vg_check_next(vg_check_t *check)
{
    vg_statement_t **st;

    if (check->plugin == NULL
        || check->statement == check->plugin->statements.nelts)
    {
        vg_check_end(check, VG_CHECK_OK);
        return;
    }
    st = check->plugin->statements.elts;
    vg_check_send(check, st[check->statement++], vg_check_prepared);
}


void
vg_check_run(vg_check_t *check)
{
    if (check->plugin != NULL) {
        vg_plugin_hold(check->plugin);
    }
    vg_check_send(check, vg_check_applied, vg_check_migrations);
}


/* ---------------------------------------------------------- all of them */

static void
vg_check_later(void)
{
    if (!vg_check_timer.timer_set && !ngx_exiting) {
        ngx_add_timer(&vg_check_timer, VG_CHECK_AGAIN);
    }
}


/* a plugin that failed while it was loaded stays out, and so does what is in
 * quarantine; others get a chance */
static ngx_uint_t
vg_check_may(vg_plugin_slot_t *plugin)
{
    return plugin->manifest != NULL && plugin->state != VG_PLUGIN_READY
           && !vg_versions_barred(plugin)
           && (plugin->state != VG_PLUGIN_OUT || plugin->endpoints.nelts);
}


/* after the last: is there one to look at again? */
static void
vg_check_over(void)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_check_running = 0;
    for (i = 0; i < vg_host->databases.nelts; i++) {
        if (!vg_check_passed[i]) {
            vg_check_later();
        }
    }
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (vg_check_may(p[i])) {
            vg_check_later();
        }
    }
}


/* the kit's own in each database, then the plugins whose database has it */
static void
vg_check_house_next(void)
{
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    if (vg_check_house.plugin == NULL
        && vg_check_house.database + 1 < vg_host->databases.nelts)
    {
        vg_check_house.database++;
        vg_check_run(&vg_check_house);
        return;
    }
    for (; vg_check_at < vg_host->plugins.nelts; vg_check_at++) {
        if (vg_check_may(p[vg_check_at])
            && vg_check_passed[p[vg_check_at]->database]) {
            vg_check_house.plugin = p[vg_check_at++];
            vg_check_run(&vg_check_house);
            return;
        }
    }
    vg_check_over();
}


static void
vg_check_house_done(vg_check_t *check)
{
    if (check->plugin == NULL) {
        vg_check_passed[check->database] = check->verdict == VG_CHECK_OK;
    } else if (check->verdict == VG_CHECK_AWAY) {
        vg_check_passed[check->plugin->database] = 0;
    }
    vg_check_house_next();
}


static void
vg_check_fired(ngx_event_t *ev)
{
    (void) ev;
    if (vg_check_running) {
        vg_check_later();
        return;
    }
    vg_check_running = 1;
    vg_check_at = 0;
    vg_check_house.plugin = NULL; /* the kit's own migrations first */
    vg_check_house.database = 0;
    vg_check_house.done = vg_check_house_done;
    vg_check_run(&vg_check_house);
}


void
vg_check_start(void)
{
    vg_check_timer.handler = vg_check_fired;
    vg_check_timer.log = ngx_cycle->log;
    vg_check_timer.data = &vg_check_timer;
    vg_check_timer.cancelable = 1;
    vg_check_fired(&vg_check_timer);
}


const char *
vg_check_lacks(void)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    for (i = 0; i < vg_host->databases.nelts; i++) {
        if (!vg_db_alive(i)) {
            return "database";
        }
        if (!vg_check_passed[i]) {
            return "migrations";
        }
    }
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (p[i]->state != VG_PLUGIN_READY) {
            return (const char *) p[i]->name.data;
        }
    }
    return NULL;
}
