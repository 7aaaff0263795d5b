/*
 * count.c: what /metrics says of the logs and of those that go along them: in
 * shared memory, a row for each type, log and consumer. Words are added
 * atomically or written by one worker; a crash leaves no lock.
 */

#include "consumer.h"

#define VG_COUNT_TYPES     256
#define VG_COUNT_CONSUMERS 256
#define VG_COUNT_NAME      64

typedef struct {
    ngx_atomic_t hash; /* of the name; 0: free                           */
    ngx_atomic_t published;
    char         name[VG_COUNT_NAME];
} vg_count_type_t;

typedef struct {
    ngx_atomic_t hash; /* of plugin and log; 0: free                     */
    ngx_atomic_t handled, failed, retried, died, replayed;
    ngx_atomic_t place;        /* it has seen all up to here             */
    ngx_atomic_t logged;       /* ms of Unix time: when that came        */
    ngx_atomic_t parked, dead; /* rows, when it last looked              */
    ngx_atomic_t paused;
} vg_count_consumer_t;

typedef struct {
    ngx_atomic_t        ends[VG_DATABASES]; /* of each log, as far as known */
    vg_count_type_t     types[VG_COUNT_TYPES];
    vg_count_consumer_t consumers[VG_COUNT_CONSUMERS];
} vg_counts_t;


size_t
vg_events_shared_size(void)
{
    return sizeof(vg_counts_t);
}


static vg_counts_t *
vg_counts(void)
{
    return vg_shared(VG_SHARED_EVENTS);
}


/* What finds no room is not counted. Whoever takes a row writes its name, which
 * may be seen half written once, in a scrape. */
void
vg_count_published(vg_str_t type, ngx_uint_t n)
{
    ngx_str_t         name = vg_ngx(type);
    ngx_uint_t        i, at;
    vg_count_type_t  *row = vg_counts()->types;
    ngx_atomic_uint_t h = vg_hash(&name, 1);

    for (i = 0; i < VG_COUNT_TYPES; i++) {
        at = (h + i) % VG_COUNT_TYPES;
        if (ngx_atomic_cmp_set(&row[at].hash, 0, h)) {
            (void) snprintf(row[at].name, VG_COUNT_NAME, "%.*s", (int) type.len,
                            type.data);
        }
        if (row[at].hash == h) {
            (void) ngx_atomic_fetch_add(&row[at].published, n);
            return;
        }
    }
}


/* a log reaches so far; two workers may know it, the later one counts */
void
vg_count_end(ngx_uint_t log, uint64_t pos)
{
    ngx_atomic_t *end = &vg_counts()->ends[log];

    if (*end < pos) {
        *end = pos;
    }
}


uint64_t
vg_count_known(ngx_uint_t log)
{
    return vg_counts()->ends[log];
}


/* of more than there is room for, some share a row */
static vg_count_consumer_t *
vg_count_row(vg_plugin_slot_t *plugin, ngx_uint_t log)
{
    ngx_uint_t           i, at;
    vg_database_t       *db = vg_host->databases.elts;
    ngx_str_t            parts[] = { plugin->name, db[log].name };
    ngx_atomic_uint_t    h = vg_hash(parts, 2);
    vg_count_consumer_t *row = vg_counts()->consumers;

    for (i = 0; i < VG_COUNT_CONSUMERS; i++) {
        at = (h + i) % VG_COUNT_CONSUMERS;
        if (row[at].hash == h || ngx_atomic_cmp_set(&row[at].hash, 0, h)
            || row[at].hash == h)
        {
            return &row[at];
        }
    }
    return &row[h % VG_COUNT_CONSUMERS];
}


void
vg_count_consumer(vg_consumer_t *c, vg_count_what_t what, ngx_uint_t n)
{
    vg_count_consumer_t *row = vg_count_row(c->plugin, c->log);
    ngx_atomic_t        *words[] = {
               [VG_COUNT_HANDLED] = &row->handled,   [VG_COUNT_FAILED] = &row->failed,
               [VG_COUNT_RETRIED] = &row->retried,   [VG_COUNT_DIED] = &row->died,
               [VG_COUNT_REPLAYED] = &row->replayed,
    };

    (void) ngx_atomic_fetch_add(words[what], n);
}


void
vg_count_place(vg_consumer_t *c)
{
    vg_count_consumer_t *row = vg_count_row(c->plugin, c->log);

    row->place = strtoull(c->ahead, NULL, 10);
    row->logged = c->logged;
}


void
vg_count_rows(vg_consumer_t *c, ngx_uint_t parked, ngx_uint_t dead,
              ngx_uint_t paused)
{
    vg_count_consumer_t *row = vg_count_row(c->plugin, c->log);

    row->parked = parked;
    row->dead = dead;
    row->paused = paused;
}


/* --------------------------------------------------------------- the page */

typedef struct {
    const char *name, *type, *help;
    size_t      offset;
} vg_count_column_t;

#define COLUMN(name, type, field, help)                                        \
    {                                                                          \
        name, type, help, offsetof(vg_count_consumer_t, field)                 \
    }

/* clang-format off */
static const vg_count_column_t vg_count_columns[] = {
    COLUMN("handled_total", "counter", handled, "events"),
    COLUMN("failed_total", "counter", failed, "events that were parked"),
    COLUMN("retries_total", "counter", retried, "of parked ones, that failed"),
    COLUMN("dead_total", "counter", died, "events given up"),
    COLUMN("replayed_total", "counter", replayed, "events heard again"),
    COLUMN("parked", "gauge", parked, "that wait for their next try"),
    COLUMN("dead_letters", "gauge", dead, "that wait for an operator"),
    COLUMN("paused", "gauge", paused, "1: it rests"),
    { NULL, NULL, NULL, 0 }
};
/* clang-format on */


static void
vg_count_line(vg_out_t *out, vg_str_t line)
{
    out->comma = false;
    vg_out_raw(out, line);
}


static void
vg_count_lag(vg_out_t *out, const char *labels, ngx_uint_t log,
             const vg_count_consumer_t *row)
{
    ngx_time_t *now = ngx_timeofday();
    uint64_t    end = vg_counts()->ends[log], ms = 0;

    if (end > row->place && row->logged != 0) {
        ms = (uint64_t) now->sec * 1000 + now->msec;
        ms = ms > row->logged ? ms - row->logged : 0;
    }
    vg_count_line(
        out,
        vg_printf(
            out->pool,
            "voltgate_events_lag{%s} %lu\n"
            "voltgate_events_lag_seconds{%s} %lu.%03lu\n",
            labels, (unsigned long) (end > row->place ? end - row->place : 0),
            labels, (unsigned long) ms / 1000, (unsigned long) ms % 1000));
}


static void
vg_count_of(vg_out_t *out, vg_plugin_slot_t *plugin, ngx_uint_t log)
{
    vg_str_t                 labels;
    vg_database_t           *db = vg_host->databases.elts;
    vg_count_consumer_t     *row = vg_count_row(plugin, log);
    const vg_count_column_t *c;

    labels = vg_printf(out->pool, "consumer=\"%s\",log=\"%s\"",
                       plugin->name.data, db[log].name.data);
    for (c = vg_count_columns; c->name != NULL; c++) {
        vg_count_line(
            out, vg_printf(out->pool, "voltgate_events_%s{%s} %lu\n", c->name,
                           labels.data,
                           (unsigned long) *(ngx_atomic_t *) ((u_char *) row
                                                              + c->offset)));
    }
    vg_count_lag(out, labels.data, log, row);
}


static void
vg_count_heads(vg_out_t *out)
{
    const vg_count_column_t *c;

    vg_count_line(out, VG_STR("# TYPE voltgate_events_published_total counter\n"
                              "# TYPE voltgate_events_lag gauge\n"
                              "# TYPE voltgate_events_lag_seconds gauge\n"));
    for (c = vg_count_columns; c->name != NULL; c++) {
        vg_count_line(out, vg_printf(out->pool,
                                     "# HELP voltgate_events_%s %s\n"
                                     "# TYPE voltgate_events_%s %s\n",
                                     c->name, c->help, c->name, c->type));
    }
}


void
vg_events_metrics(vg_out_t *out)
{
    ngx_uint_t         i, log;
    vg_count_type_t   *t = vg_counts()->types;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    vg_count_heads(out);
    for (i = 0; i < VG_COUNT_TYPES; i++) {
        if (t[i].hash != 0) {
            vg_count_line(
                out, vg_printf(out->pool,
                               "voltgate_events_published_total{type=\"%s\"}"
                               " %lu\n",
                               t[i].name, (unsigned long) t[i].published));
        }
    }
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        for (log = 0; log < vg_host->databases.nelts; log++) {
            if (vg_event_listens(p[i])) {
                vg_count_of(out, p[i], log);
            }
        }
    }
}
