/*
 * count.c: what /metrics says of the trail: in shared memory, of all workers.
 */

#include "audit.h"

typedef struct {
    ngx_atomic_t counts[VG_AUDIT_COUNTS];
    /* ngx_current_msec before which all is sealed; 0: never looked at */
    ngx_atomic_t sealed[VG_DATABASES];
} vg_audit_shared_t;

static const struct {
    const char *name, *help;
} vg_count_names[] = {
    [VG_AUDIT_CHANGE] = { "calls_total{kind=\"change\"}", NULL },
    [VG_AUDIT_REFUSAL] = { "calls_total{kind=\"refusal\"}", NULL },
    [VG_AUDIT_READ] = { "calls_total{kind=\"read\"}", NULL },
    [VG_AUDIT_APPENDED] = { "appended_rows_total",
                            "rows that go with no change" },
    [VG_AUDIT_DROPPED] = { "dropped_rows_total", "rows that found no room" },
    [VG_AUDIT_SEALED] = { "sealed_rows_total", "rows sealed by this node" },
};


size_t
vg_audit_shared_size(void)
{
    return sizeof(vg_audit_shared_t);
}


void
vg_audit_count(vg_audit_count_t what, uint64_t n)
{
    vg_audit_shared_t *shared = vg_shared(VG_SHARED_AUDIT);

    (void) ngx_atomic_fetch_add(&shared->counts[what], (ngx_atomic_int_t) n);
}


/* So it grows while sealing fails. */
void
vg_audit_behind(ngx_uint_t database, uint64_t ms)
{
    vg_audit_shared_t *shared = vg_shared(VG_SHARED_AUDIT);

    shared->sealed[database] = (ngx_atomic_uint_t) (ngx_current_msec - ms);
}


void
vg_audit_behind_begin(ngx_uint_t database)
{
    vg_audit_shared_t *shared = vg_shared(VG_SHARED_AUDIT);

    if (shared->sealed[database] == 0) {
        vg_audit_behind(database, 0);
    }
}


/* ms */
static unsigned long
vg_count_behind(const vg_audit_shared_t *shared, ngx_uint_t database)
{
    ngx_atomic_uint_t sealed = shared->sealed[database];
    ngx_msec_int_t    ms = (ngx_msec_int_t) (ngx_current_msec - sealed);

    return sealed && ms > 0 ? (unsigned long) ms : 0;
}


static void
vg_count_line(vg_out_t *out, vg_str_t text)
{
    out->comma = false; /* it is no JSON */
    if (text.data != NULL) {
        vg_out_raw(out, text);
    }
}


void
vg_audit_metrics(vg_out_t *out)
{
    ngx_uint_t         i;
    vg_database_t     *db = vg_host->databases.elts;
    vg_audit_shared_t *shared = vg_shared(VG_SHARED_AUDIT);

    vg_count_line(out, VG_STR("# TYPE voltgate_audit_calls_total counter\n"));
    for (i = 0; i < VG_AUDIT_COUNTS; i++) {
        if (vg_count_names[i].help != NULL) {
            vg_count_line(out, vg_printf(out->pool,
                                         "# HELP voltgate_audit_%s %s\n"
                                         "# TYPE voltgate_audit_%s counter\n",
                                         vg_count_names[i].name,
                                         vg_count_names[i].help,
                                         vg_count_names[i].name));
        }
        vg_count_line(out, vg_printf(out->pool, "voltgate_audit_%s %lu\n",
                                     vg_count_names[i].name,
                                     (unsigned long) shared->counts[i]));
    }
    vg_count_line(out,
                  VG_STR("# HELP voltgate_audit_unsealed_seconds how long"
                         " the oldest row without a seal has waited\n"
                         "# TYPE voltgate_audit_unsealed_seconds gauge\n"));
    for (i = 0; i < vg_host->databases.nelts; i++) {
        vg_count_line(
            out, vg_printf(out->pool,
                           "voltgate_audit_unsealed_seconds{database=\"%s\"}"
                           " %lu.%03lu\n",
                           (const char *) db[i].name.data,
                           vg_count_behind(shared, i) / 1000,
                           vg_count_behind(shared, i) % 1000));
    }
}
