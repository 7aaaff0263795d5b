/*
 * count.c: what relays did, in /metrics. They write it down themselves
 * (vg.relay); worker 0 reads it now and then, of each database, into shared
 * memory, since a scrape may meet any worker and waits for nothing.
 */

#include "events.h"
#include "relay.h"

#define VG_RELAY_COUNTED 16   /* relays, over all databases                */
#define VG_RELAY_LOOK    5000 /* ms                                        */
#define VG_RELAY_FIRST   1000 /* ms after the start                        */
#define VG_RELAY_FIGURES 6

typedef struct {
    ngx_atomic_t log;
    ngx_atomic_t figures[VG_RELAY_FIGURES];
    char         name[48];
} vg_relay_row_t;

typedef struct {
    ngx_atomic_t   rows;
    vg_relay_row_t row[VG_RELAY_COUNTED];
} vg_relay_counts_t;

/* in the order of the statement's columns behind the name */
static const char *const vg_relay_figures[VG_RELAY_FIGURES][2] = {
    { "published_total", "counter" }, { "confirmed_total", "counter" },
    { "returned_total", "counter" },  { "refused_total", "counter" },
    { "failing", "gauge" },           { "lag", "gauge" },
};

static vg_statement_t *vg_relay_figures_read;
static vg_unit_t       vg_relay_unit;
static ngx_event_t     vg_relay_timer;
static ngx_uint_t      vg_relay_database, vg_relay_rows;
static const char     *vg_relay_values[1];


size_t
vg_relay_shared_size(void)
{
    return sizeof(vg_relay_counts_t);
}


ngx_int_t
vg_relay_count_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_relay_figures_read, "relay_figures",
        "select substr(r.name, 7), r.published, r.confirmed, r.returned,"
        " r.refused, (r.error is not null)::int, greatest(0, (select"
        " coalesce(max(e.pos), 0) from vg.event e) - c.pos)"
        " from vg.relay r join vg.cursor c on c.consumer = r.name"
        " and c.log = $1::text order by r.name limit 16",
        1);
    return vg_relay_figures_read ? NGX_OK : NGX_ERROR;
}


static void
vg_relay_take(vg_relay_row_t *row, PGresult *rows, int i)
{
    ngx_uint_t k;

    row->log = vg_relay_database;
    (void) snprintf(row->name, sizeof(row->name), "%s", PQgetvalue(rows, i, 0));
    for (k = 0; k < VG_RELAY_FIGURES; k++) {
        row->figures[k] = strtoull(PQgetvalue(rows, i, (int) k + 1), NULL, 10);
    }
}


static void
vg_relay_looked(vg_unit_t *unit)
{
    int                i;
    vg_relay_counts_t *counts = vg_shared(VG_SHARED_RELAYS);

    for (i = 0; vg_kit_ok(unit) && i < PQntuples(unit->rows)
                && vg_relay_rows < VG_RELAY_COUNTED;
         i++)
    {
        vg_relay_take(&counts->row[vg_relay_rows++], unit->rows, i);
    }
    if (ngx_exiting) {
        return;
    }
    if (++vg_relay_database < vg_host->databases.nelts) {
        vg_relay_timer.handler(&vg_relay_timer);
        return;
    }
    counts->rows = vg_relay_rows;
    vg_relay_database = vg_relay_rows = 0;
    ngx_add_timer(&vg_relay_timer, VG_RELAY_LOOK);
}


static void
vg_relay_look(ngx_event_t *ev)
{
    vg_database_t *db = vg_host->databases.elts;

    (void) ev;
    vg_relay_values[0] = (const char *) db[vg_relay_database].name.data;
    vg_kit_make(&vg_relay_unit, vg_relay_figures_read, vg_relay_values,
                VG_LANE_LOG, vg_relay_looked, NULL);
    vg_relay_unit.database = vg_relay_database;
    vg_unit_submit(&vg_relay_unit);
}


void
vg_relay_count_start(void)
{
    vg_relay_timer.handler = vg_relay_look;
    vg_relay_timer.data = &vg_nobody;
    vg_relay_timer.log = ngx_cycle->log;
    vg_relay_timer.cancelable = 1;
    ngx_add_timer(&vg_relay_timer, VG_RELAY_FIRST);
}


void
vg_relay_metrics(vg_out_t *out)
{
    ngx_uint_t         i, k;
    vg_database_t     *db = vg_host->databases.elts;
    vg_relay_counts_t *counts = vg_shared(VG_SHARED_RELAYS);
    vg_relay_row_t    *row = counts->row;

    for (k = 0; k < VG_RELAY_FIGURES && counts->rows > 0; k++) {
        out->comma = false;
        vg_out_raw(out,
                   vg_printf(out->pool, "# TYPE voltgate_relay_%s %s\n",
                             vg_relay_figures[k][0], vg_relay_figures[k][1]));
        for (i = 0; i < counts->rows && i < VG_RELAY_COUNTED; i++) {
            out->comma = false;
            vg_out_raw(
                out,
                vg_printf(out->pool,
                          "voltgate_relay_%s{relay=\"%s\",log=\"%s\"}"
                          " %lu\n",
                          vg_relay_figures[k][0], row[i].name,
                          db[row[i].log % vg_host->databases.nelts].name.data,
                          (unsigned long) row[i].figures[k]));
        }
    }
}
