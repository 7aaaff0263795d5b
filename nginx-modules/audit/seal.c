/*
 * seal.c: each second what is committed is sealed, in each database; and once
 * an hour months are dropped that are older than voltgate_audit_keep.
 *
 * Runs in worker 0. What a seal is, and that one is made at a time, is SQL's
 * (sql/007_audit.sql): vg.audit_seal_next().
 */

#include "audit.h"
#include "events.h"

#define VG_SEAL_EVERY  1000    /* ms                                         */
#define VG_SEAL_MOST   20000   /* rows of one seal; then the next at once    */
#define VG_SEAL_MONTHS 3600000 /* ms                                         */
#define VG_SEAL_FIRST  5000    /* ms after the start                         */
#define VG_SEAL_AGAIN  1000    /* ms, while there is more to retire          */
#define VG_SEAL_LOCKED 60000   /* ms: somebody else was at the table         */

#define VG_SEAL_BUSY "55P03" /* a lock was not to be had in time */

#define VG_SEAL_STR_(x) #x
#define VG_SEAL_STR(x)  VG_SEAL_STR_(x)

typedef struct {
    ngx_uint_t  database;
    vg_unit_t   seal, retire;
    ngx_event_t next, month;
} vg_seal_t;

static vg_statement_t *vg_seal_make, *vg_seal_retire;
static vg_seal_t       vg_seals[VG_DATABASES];
static char            vg_seal_keep[40];
static const char     *vg_seal_none[1];
static const char     *vg_seal_kept[] = { vg_seal_keep };


ngx_int_t
vg_audit_seal_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_seal_make, "audit_seal",
        "select s.sealed, s.behind"
        " from vg.audit_seal_next(" VG_SEAL_STR(VG_SEAL_MOST) ") as s",
        0);
    vg_statement_kit(cf, &vg_seal_retire, "audit_retire",
                     "select r.months, r.seals"
                     " from vg.audit_retire(now() - $1::interval) as r",
                     1);
    return vg_seal_make && vg_seal_retire ? NGX_OK : NGX_ERROR;
}


static void
vg_seal_unit(vg_seal_t *seal, vg_unit_t *unit, const vg_statement_t *st,
             const char **values, void (*done)(vg_unit_t *))
{
    vg_kit_make(unit, st, values, VG_LANE_SLOW, done, seal);
    unit->database = seal->database;
    vg_unit_submit(unit);
}


static void
vg_seal_made(vg_unit_t *unit)
{
    uint64_t   rows = 0;
    vg_seal_t *seal = unit->data;

    /* without a number another node is at it */
    if (vg_kit_ok(unit) && !PQgetisnull(unit->rows, 0, 0)) {
        rows = strtoull(PQgetvalue(unit->rows, 0, 0), NULL, 10);
        vg_audit_count(VG_AUDIT_SEALED, rows);
        vg_audit_behind(seal->database,
                        strtoull(PQgetvalue(unit->rows, 0, 1), NULL, 10));
    }
    if (!ngx_exiting) {
        ngx_add_timer(&seal->next, rows >= VG_SEAL_MOST ? 1 : VG_SEAL_EVERY);
    }
}


static void
vg_seal_due(ngx_event_t *ev)
{
    vg_seal_t *seal = ev->data;

    vg_seal_unit(seal, &seal->seal, vg_seal_make, vg_seal_none, vg_seal_made);
}


/* one month a time, then their seals */
static void
vg_seal_retired(vg_unit_t *unit)
{
    vg_seal_t  *seal = unit->data;
    ngx_msec_t  next = VG_SEAL_LOCKED;
    const char *months;

    if (unit->result != VG_UNIT_REFUSED
        || strcmp(unit->sqlstate, VG_SEAL_BUSY) != 0)
    {
        (void) vg_kit_ok(unit);
    }
    if (unit->result == VG_UNIT_OK) {
        next = VG_SEAL_MONTHS;
        months = PQgetvalue(unit->rows, 0, 0);
        if (months[0] != '0') {
            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "voltgate: %s months of the audit trail were dropped",
                          months);
        }
        if (months[0] != '0' || PQgetvalue(unit->rows, 0, 1)[0] != '0') {
            next = VG_SEAL_AGAIN;
        }
    }
    if (!ngx_exiting) {
        ngx_add_timer(&seal->month, next);
    }
}


static void
vg_seal_month(ngx_event_t *ev)
{
    vg_seal_t *seal = ev->data;

    vg_seal_unit(seal, &seal->retire, vg_seal_retire, vg_seal_kept,
                 vg_seal_retired);
}


static void
vg_seal_timer(ngx_event_t *ev, vg_seal_t *seal, void (*handler)(ngx_event_t *),
              ngx_msec_t first)
{
    ev->handler = handler;
    ev->data = seal;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;
    ngx_add_timer(ev, first);
}


void
vg_audit_seal_start(time_t keep)
{
    ngx_uint_t i;

    if (ngx_worker != 0) {
        return;
    }
    (void) snprintf(vg_seal_keep, sizeof(vg_seal_keep), "%ld seconds",
                    (long) keep);
    for (i = 0; i < vg_host->databases.nelts; i++) {
        vg_seals[i].database = i;
        vg_audit_behind_begin(i);
        vg_seal_timer(&vg_seals[i].next, &vg_seals[i], vg_seal_due,
                      VG_SEAL_EVERY);
        if (keep > 0) {
            vg_seal_timer(&vg_seals[i].month, &vg_seals[i], vg_seal_month,
                          VG_SEAL_FIRST);
        }
    }
}
