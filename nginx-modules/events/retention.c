/*
 * retention.c: months of a log that are older than voltgate_events_keep are
 * dropped, once every consumer of every database, every relay and every replay
 * has passed them. Worker 0, once an hour; without the directive never.
 */

#include "events.h"

#define VG_RETENTION_FIRST 5000    /* ms after the start                   */
#define VG_RETENTION_EVERY 3600000 /* ms                                   */

typedef struct {
    ngx_uint_t  log; /* that is looked at                                */
    ngx_uint_t  database;
    int64_t     reached; /* by those that were asked                      */
    vg_unit_t   unit;
    const char *values[2];
    char        before[40], pos[24];
} vg_retention_t;

static vg_statement_t *vg_retention_reached, *vg_retention_drop;
static vg_retention_t  vg_retention;
static ngx_event_t     vg_retention_timer;
static time_t          vg_retention_keep;

static void vg_retention_ask(void);


ngx_int_t
vg_retention_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_retention_reached, "log_reached",
        "select min(p.pos) from (select c.pos from vg.cursor c"
        " where c.log = $1::text union all select r.pos from vg.replay r"
        " where r.log = $1::text and r.done_at is null) p",
        1);
    vg_statement_kit(cf, &vg_retention_drop, "event_retire",
                     "select vg.event_retire(now() - $1::interval, $2::bigint)",
                     2);
    return vg_retention_reached && vg_retention_drop ? NGX_OK : NGX_ERROR;
}


/* the next log, or the next hour */
static void
vg_retention_next(void)
{
    if (ngx_exiting) {
        return;
    }
    if (++vg_retention.log < vg_host->databases.nelts) {
        vg_retention.database = 0;
        vg_retention.reached = INT64_MAX;
        vg_retention_ask();
    } else {
        ngx_add_timer(&vg_retention_timer, VG_RETENTION_EVERY);
    }
}


static void
vg_retention_dropped(vg_unit_t *unit)
{
    vg_database_t *db = vg_host->databases.elts;

    if (vg_kit_ok(unit) && PQgetvalue(unit->rows, 0, 0)[0] != '0') {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "voltgate: %s months of the log of %V were dropped",
                      PQgetvalue(unit->rows, 0, 0), &db[vg_retention.log].name);
    }
    vg_retention_next();
}


/* a database that does not answer may have somebody who is behind */
static void
vg_retention_told(vg_unit_t *unit)
{
    vg_retention_t *r = &vg_retention;

    if (!vg_kit_ok(unit)) {
        vg_retention_next();
        return;
    }
    if (!PQgetisnull(unit->rows, 0, 0)) {
        r->reached = ngx_min(r->reached,
                             strtoll(PQgetvalue(unit->rows, 0, 0), NULL, 10));
    }
    if (++r->database < vg_host->databases.nelts) {
        vg_retention_ask();
        return;
    }
    (void) snprintf(r->before, sizeof(r->before), "%ld seconds",
                    (long) vg_retention_keep);
    (void) snprintf(r->pos, sizeof(r->pos), "%ld", (long) r->reached);
    r->values[0] = r->before;
    r->values[1] = r->pos;
    vg_kit_make(&r->unit, vg_retention_drop, r->values, VG_LANE_SLOW,
                vg_retention_dropped, NULL);
    r->unit.database = r->log;
    vg_unit_submit(&r->unit);
}


static void
vg_retention_ask(void)
{
    vg_database_t *db = vg_host->databases.elts;

    vg_retention.values[0] = (const char *) db[vg_retention.log].name.data;
    vg_kit_make(&vg_retention.unit, vg_retention_reached, vg_retention.values,
                VG_LANE_SLOW, vg_retention_told, NULL);
    vg_retention.unit.database = vg_retention.database;
    vg_unit_submit(&vg_retention.unit);
}


static void
vg_retention_due(ngx_event_t *ev)
{
    (void) ev;
    vg_retention.log = 0;
    vg_retention.database = 0;
    vg_retention.reached = INT64_MAX;
    vg_retention_ask();
}


void
vg_retention_start(time_t keep)
{
    vg_retention_keep = keep;
    if (keep == 0 || ngx_worker != 0) {
        return;
    }
    vg_retention_timer.handler = vg_retention_due;
    vg_retention_timer.data = &vg_nobody;
    vg_retention_timer.log = ngx_cycle->log;
    vg_retention_timer.cancelable = 1;
    ngx_add_timer(&vg_retention_timer, VG_RETENTION_FIRST);
}
