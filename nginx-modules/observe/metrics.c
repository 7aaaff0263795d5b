/*
 * metrics.c: counts and durations by route, in shared memory.
 *
 * Cardinality is fixed: a row for each endpoint, a column for each status
 * class and bucket. Words are added atomically; a crash leaves no lock.
 */

#include "cache.h"
#include "ocpp.h"
#include "outbound.h"

#define VG_BUCKETS 10

/* upper bounds in milliseconds; the last bucket has none */
static const ngx_msec_t vg_bounds[VG_BUCKETS] = { 1,  2,   5,   10,   25,
                                                  50, 100, 500, 2500, 10000 };

typedef struct {
    ngx_atomic_t route;    /* hash of the label; 0: free                */
    ngx_atomic_t count[6]; /* by status / 100; 0: none               */
    ngx_atomic_t bucket[VG_BUCKETS + 1];
    ngx_atomic_t ms;
    ngx_atomic_t units, unit_errors, unit_ms;
} vg_metric_t;

static vg_metric_t *vg_metrics;


size_t
vg_metrics_size(void)
{
    return VG_MAX_ENDPOINTS * sizeof(vg_metric_t) + vg_counters_size();
}


/* The zone outlives a reload that changes the set of routes: a route finds
 * its own row again by name. The last row is for those that found no room. */
static ngx_uint_t
vg_metrics_row(vg_endpoint_t *e)
{
    ngx_uint_t        i, at;
    ngx_str_t         parts[] = { e->plugin->name, e->label };
    ngx_atomic_uint_t h = vg_hash(parts, 2);

    for (i = 0; i < VG_MAX_ENDPOINTS - 1; i++) {
        at = (h + i) % (VG_MAX_ENDPOINTS - 1);
        if (vg_metrics[at].route == h
            || ngx_atomic_cmp_set(&vg_metrics[at].route, 0, h)
            || vg_metrics[at].route == h)
        {
            return at;
        }
    }
    return VG_MAX_ENDPOINTS - 1;
}


void
vg_metrics_init(void *shared)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = vg_host->endpoints.elts;

    vg_metrics = shared;
    vg_counters_init(vg_metrics + VG_MAX_ENDPOINTS);
    for (i = 0; i < vg_host->endpoints.nelts; i++) {
        e[i]->index = vg_metrics_row(e[i]);
    }
}


void
vg_metrics_call(vg_endpoint_t *endpoint, ngx_int_t status, ngx_msec_t ms)
{
    ngx_uint_t   i;
    vg_metric_t *m;

    if (endpoint == NULL || vg_metrics == NULL) {
        return;
    }
    m = &vg_metrics[endpoint->index];
    (void) ngx_atomic_fetch_add(&m->count[ngx_min(status / 100, 5)], 1);
    (void) ngx_atomic_fetch_add(&m->ms, ms);
    for (i = 0; i < VG_BUCKETS && ms > vg_bounds[i]; i++) { /* void */
    }
    (void) ngx_atomic_fetch_add(&m->bucket[i], 1);
}


void
vg_metrics_unit(vg_endpoint_t *endpoint, ngx_msec_t ms, ngx_uint_t ok)
{
    vg_metric_t *m;

    if (vg_metrics == NULL) {
        return;
    }
    m = &vg_metrics[endpoint->index];
    (void) ngx_atomic_fetch_add(&m->units, 1);
    (void) ngx_atomic_fetch_add(&m->unit_errors, !ok);
    (void) ngx_atomic_fetch_add(&m->unit_ms, ms);
}


static void
vg_metrics_line(vg_out_t *out, const char *name, vg_endpoint_t *e,
                const char *label, ngx_atomic_uint_t value)
{
    vg_str_t line;

    line = vg_printf(out->pool, "%s{route=\"%s\",plugin=\"%s\"%s} %lu\n", name,
                     e->label.data, e->plugin->name.data, label,
                     (unsigned long) value);
    out->comma = false;
    vg_out_raw(out, line);
}


static void
vg_metrics_seconds(vg_out_t *out, const char *name, vg_endpoint_t *e,
                   ngx_atomic_uint_t ms)
{
    out->comma = false;
    vg_out_raw(
        out, vg_printf(out->pool, "%s{route=\"%s\",plugin=\"%s\"} %lu.%03lu\n",
                       name, e->label.data, e->plugin->name.data,
                       (unsigned long) ms / 1000, (unsigned long) ms % 1000));
}


static void
vg_metrics_calls(vg_out_t *out, vg_endpoint_t *e, vg_metric_t *m)
{
    ngx_uint_t        i;
    ngx_atomic_uint_t sum = 0;

    for (i = 1; i < 6; i++) {
        vg_metrics_line(out, "voltgate_requests_total", e,
                        vg_printf(out->pool, ",status=\"%dxx\"", (int) i).data,
                        m->count[i]);
    }
    for (i = 0; i <= VG_BUCKETS; i++) {
        sum += m->bucket[i];
        vg_metrics_line(out, "voltgate_request_duration_seconds_bucket", e,
                        i < VG_BUCKETS ? vg_printf(out->pool, ",le=\"%d.%03d\"",
                                                   (int) vg_bounds[i] / 1000,
                                                   (int) vg_bounds[i] % 1000)
                                             .data
                                       : ",le=\"+Inf\"",
                        sum);
    }
    vg_metrics_line(out, "voltgate_request_duration_seconds_count", e, "", sum);
    vg_metrics_seconds(out, "voltgate_request_duration_seconds_sum", e, m->ms);
}


static void
vg_metrics_queries(vg_out_t *out, vg_endpoint_t *e, vg_metric_t *m)
{
    vg_metrics_line(out, "voltgate_queries_total", e, ",result=\"ok\"",
                    m->units - m->unit_errors);
    vg_metrics_line(out, "voltgate_queries_total", e, ",result=\"error\"",
                    m->unit_errors);
    vg_metrics_seconds(out, "voltgate_query_duration_seconds_sum", e,
                       m->unit_ms);
    vg_metrics_line(out, "voltgate_query_duration_seconds_count", e, "",
                    m->units);
}


static void
vg_metrics_cache(vg_out_t *out)
{
    vg_shelf_weight_t w = vg_shelf_weigh(ngx_current_msec);

    out->comma = false;
    vg_out_raw(
        out, vg_printf(
                 out->pool,
                 "# TYPE voltgate_cache_reads_total counter\n"
                 "voltgate_cache_reads_total{result=\"hit\"} %lu\n"
                 "voltgate_cache_reads_total{result=\"miss\"} %lu\n"
                 "# TYPE voltgate_cache_kept_total counter\n"
                 "voltgate_cache_kept_total %lu\n"
                 "# TYPE voltgate_cache_too_large_total counter\n"
                 "voltgate_cache_too_large_total %lu\n"
                 "# TYPE voltgate_cache_drops_total counter\n"
                 "voltgate_cache_drops_total %lu\n"
                 "# TYPE voltgate_cache_answers gauge\n"
                 "voltgate_cache_answers %zu\n"
                 "# TYPE voltgate_cache_bytes gauge\n"
                 "voltgate_cache_bytes %zu\n"
                 "# TYPE voltgate_cache_bytes_limit gauge\n"
                 "voltgate_cache_bytes_limit %zu\n",
                 (unsigned long) w.counts.hits, (unsigned long) w.counts.misses,
                 (unsigned long) w.counts.kept, (unsigned long) w.counts.large,
                 (unsigned long) w.counts.drops, w.answers, w.bytes, w.room));
}


/* routes that were never called are left out */
vg_str_t
vg_metrics_render(vg_pool_t *pool)
{
    vg_out_t        out;
    ngx_uint_t      i;
    vg_metric_t    *m;
    vg_endpoint_t **e = vg_host->endpoints.elts;

    vg_out_init(&out, pool);
    vg_out_raw(&out,
               VG_STR("# TYPE voltgate_requests_total counter\n"
                      "# TYPE voltgate_request_duration_seconds histogram\n"
                      "# TYPE voltgate_queries_total counter\n"
                      "# TYPE voltgate_query_duration_seconds summary\n"));
    for (i = 0; i < vg_host->endpoints.nelts; i++) {
        m = &vg_metrics[e[i]->index];
        if (m->count[1] | m->count[2] | m->count[3] | m->count[4] | m->count[5])
        {
            vg_metrics_calls(&out, e[i], m);
        }
        if (m->units) {
            vg_metrics_queries(&out, e[i], m);
        }
    }
    vg_metrics_cache(&out);
    vg_events_metrics(&out);
    vg_ocpp_metrics(&out);
    vg_outbound_metrics(&out);
    vg_limit_metrics(&out);
    vg_jobs_metrics(&out);
    vg_sagas_metrics(&out);
    if (vg_host->language != NULL) {
        vg_host->language->metrics(&out, vg_host->plugins.elts,
                                   vg_host->plugins.nelts);
    }
    vg_relay_metrics(&out);
    vg_certificate_metrics(&out);
    vg_audit_metrics(&out);
    vg_counters_metrics(&out);
    return vg_out_str(&out);
}
