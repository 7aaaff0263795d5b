/*
 * counts.c: how posts ended, and how long they took. A row for each target of
 * the conf, one for all hosts that users named: who names hosts must not make
 * metrics.
 */

#include "outbound.h"

/* upper bounds in ms; the last bucket has none */
static const ngx_msec_t vg_counts_bounds[VG_OUTBOUND_BUCKETS] = {
    5, 10, 25, 50, 100, 250, 1000, 2500, 10000, 30000
};

const char *const vg_end_words[VG_ENDS] = {
    [VG_END_OK] = "ok",
    [VG_END_UNREACHABLE] = "unreachable",
    [VG_END_SILENT] = "silent",
    [VG_END_TLS] = "tls",
    [VG_END_UPSTREAM] = "upstream",
    [VG_END_REJECTED] = "rejected",
    [VG_END_ANSWER_TOO_LARGE] = "answer_too_large",
    [VG_END_BREAKER_OPEN] = "breaker_open",
    [VG_END_RATE] = "rate",
    [VG_END_BUSY] = "busy",
    [VG_END_REFUSED_URL] = "refused_url",
    [VG_END_REFUSED_ADDRESS] = "refused_address",
    [VG_END_INTERNAL] = "internal",
};


void
vg_target_count(vg_target_t *target, vg_end_t end, ngx_msec_t ms)
{
    ngx_uint_t          i = 0;
    vg_target_counts_t *counts = target->counts;

    (void) ngx_atomic_fetch_add(&counts->ends[end], 1);
    (void) ngx_atomic_fetch_add(&counts->ms, ms);
    while (i < VG_OUTBOUND_BUCKETS && ms > vg_counts_bounds[i]) {
        i++;
    }
    (void) ngx_atomic_fetch_add(&counts->bucket[i], 1);
}


void
vg_counts_heads(vg_out_t *out)
{
    out->comma = false;
    vg_out_raw(out,
               VG_STR("# TYPE voltgate_outbound_calls_total counter\n"
                      "# TYPE voltgate_outbound_tries_total counter\n"
                      "# TYPE voltgate_outbound_retries_total counter\n"
                      "# TYPE voltgate_outbound_retries_spared_total counter\n"
                      "# TYPE voltgate_outbound_duration_seconds histogram\n"
                      "# TYPE voltgate_outbound_breaker_state gauge\n"
                      "# TYPE voltgate_outbound_running gauge\n"));
}


static void
vg_counts_line(vg_out_t *out, const char *name, const vg_target_t *target,
               const char *label, ngx_atomic_uint_t value)
{
    out->comma = false;
    vg_out_raw(
        out, vg_printf(out->pool, "voltgate_outbound_%s{target=\"%s\"%s} %lu\n",
                       name, target->name.data, label, (unsigned long) value));
}


static void
vg_counts_duration(vg_out_t *out, const vg_target_t *target)
{
    ngx_uint_t          i;
    const char         *label;
    ngx_atomic_uint_t   sum = 0;
    vg_target_counts_t *counts = target->counts;

    for (i = 0; i <= VG_OUTBOUND_BUCKETS; i++) {
        sum += counts->bucket[i];
        label = i == VG_OUTBOUND_BUCKETS
                    ? ",le=\"+Inf\""
                    : vg_printf(out->pool, ",le=\"%d.%03d\"",
                                (int) vg_counts_bounds[i] / 1000,
                                (int) vg_counts_bounds[i] % 1000)
                          .data;
        vg_counts_line(out, "duration_seconds_bucket", target,
                       label ? label : "", sum);
    }
    vg_counts_line(out, "duration_seconds_count", target, "", sum);
    out->comma = false;
    vg_out_raw(out,
               vg_printf(out->pool,
                         "voltgate_outbound_duration_seconds_sum"
                         "{target=\"%s\"} %lu.%03lu\n",
                         target->name.data, (unsigned long) counts->ms / 1000,
                         (unsigned long) counts->ms % 1000));
}


/* ends that never came are left out */
void
vg_counts_render(vg_out_t *out, const vg_target_t *target)
{
    ngx_uint_t          i;
    vg_str_t            label;
    vg_target_counts_t *counts = target->counts;

    for (i = 0; i < VG_ENDS; i++) {
        if (i == VG_END_OK || counts->ends[i]) {
            label = vg_printf(out->pool, ",outcome=\"%s\"", vg_end_words[i]);
            vg_counts_line(out, "calls_total", target,
                           label.data ? label.data : "", counts->ends[i]);
        }
    }
    vg_counts_line(out, "tries_total", target, "", counts->tries);
    vg_counts_line(out, "retries_total", target, "", counts->retries);
    vg_counts_line(out, "retries_spared_total", target, "", counts->unpaid);
    vg_counts_duration(out, target);
}
