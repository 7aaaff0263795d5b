/*
 * counts.c: limits in /metrics. Labels are plans of the conf and the words of
 * this room: nothing that a caller chose.
 */

#include "limit.h"

static const char *const vg_redis_ends[VG_REDIS_ENDS] = {
    [VG_REDIS_ALLOWED] = "allowed",
    [VG_REDIS_REFUSED] = "refused",
    [VG_REDIS_LOCAL] = "local",
    [VG_REDIS_LATE] = "late",
};


static void
vg_limit_plan_lines(vg_out_t *out, const vg_plan_t *plan)
{
    vg_limit_end_t end;

    for (end = 0; end < VG_LIMIT_ENDS; end++) {
        if (plan->refused[end]) {
            out->comma = false;
            vg_out_raw(out, vg_printf(out->pool,
                                      "voltgate_limited_total{plan=\"%.*s\","
                                      "reason=\"%s\"} %lu\n",
                                      (int) plan->name.len, plan->name.data,
                                      vg_limit_words[end],
                                      (unsigned long) plan->refused[end]));
        }
    }
}


static void
vg_limit_line(vg_out_t *out, const char *name, ngx_atomic_uint_t value)
{
    out->comma = false;
    vg_out_raw(out, vg_printf(out->pool,
                              "# TYPE voltgate_limit_%s counter\n"
                              "voltgate_limit_%s %lu\n",
                              name, name, (unsigned long) value));
}


static void
vg_limit_redis_lines(vg_out_t *out, const vg_limit_counts_t *c)
{
    vg_redis_end_t end;

    out->comma = false;
    vg_out_raw(out, VG_STR("# TYPE voltgate_limit_redis_total counter\n"));
    for (end = 0; end < VG_REDIS_ENDS; end++) {
        out->comma = false;
        vg_out_raw(
            out, vg_printf(out->pool,
                           "voltgate_limit_redis_total{result=\"%s\"} %lu\n",
                           vg_redis_ends[end], (unsigned long) c->redis[end]));
    }
    vg_limit_line(out, "redis_connections_total", c->redis_opened);
    vg_limit_line(out, "redis_lost_total", c->redis_lost);
    out->comma = false;
    vg_out_raw(out, vg_printf(out->pool,
                              "# TYPE voltgate_limit_redis_up gauge\n"
                              "voltgate_limit_redis_up %d\n",
                              (int) vg_redis_up()));
}


void
vg_limit_metrics(vg_out_t *out)
{
    ngx_uint_t               i;
    vg_plan_t               *plan;
    const vg_limit_counts_t *c;

    if (vg_limit_conf == NULL) {
        return;
    }
    c = &vg_limit_shared->counts;
    plan = vg_limit_conf->plans.elts;
    out->comma = false;
    vg_out_raw(out, VG_STR("# TYPE voltgate_limited_total counter\n"));
    for (i = 0; i < vg_limit_conf->plans.nelts; i++) {
        vg_limit_plan_lines(out, &plan[i]);
    }
    vg_limit_line(out, "displaced_total", c->displaced);
    vg_limit_line(out, "uncounted_total", c->uncounted);
    vg_limit_line(out, "quota_writes_total", c->quota_writes);
    vg_limit_line(out, "quota_failed_total", c->quota_failed);
    if (vg_limit_conf->redis != NULL) {
        vg_limit_redis_lines(out, c);
    }
}
