/*
 * count.c: sagas in the metrics: begun, how they ended, how long they took,
 * and how many there are now. Rows of shared memory, found by the name's
 * hash, so that a reload keeps them.
 */

#include "sagas.h"

#define VG_SAGA_KINDS 64

typedef struct {
    ngx_atomic_t name; /* hash; 0: free                                  */
    ngx_atomic_t begun, over[VG_SAGA_STATES];
    ngx_atomic_t ms; /* of those that are over                           */
    ngx_atomic_t now[VG_SAGA_STATES]; /* when worker 0 looked last       */
} vg_saga_count_t;

static vg_saga_count_t *vg_saga_counts;


size_t
vg_sagas_shared_size(void)
{
    return VG_SAGA_KINDS * sizeof(vg_saga_count_t);
}


void
vg_saga_counts_init(void *shared)
{
    vg_saga_counts = shared;
}


/* the last is for those that found no room */
static vg_saga_count_t *
vg_saga_kind(vg_str_t name)
{
    ngx_str_t         part = vg_ngx(name);
    ngx_uint_t        i;
    vg_saga_count_t  *c;
    ngx_atomic_uint_t h = vg_hash(&part, 1);

    for (i = 0; i < VG_SAGA_KINDS - 1; i++) {
        c = &vg_saga_counts[(h + i) % (VG_SAGA_KINDS - 1)];
        if (c->name == h || ngx_atomic_cmp_set(&c->name, 0, h) || c->name == h)
        {
            return c;
        }
    }
    return &vg_saga_counts[VG_SAGA_KINDS - 1];
}


void
vg_saga_count_begun(vg_str_t name)
{
    (void) ngx_atomic_fetch_add(&vg_saga_kind(name)->begun, 1);
}


void
vg_saga_count_over(vg_str_t name, vg_saga_state_t state, ngx_msec_t age)
{
    vg_saga_count_t *c = vg_saga_kind(name);

    (void) ngx_atomic_fetch_add(&c->over[state], 1);
    if (state != VG_SAGA_STUCK) {
        (void) ngx_atomic_fetch_add(&c->ms, age);
    }
}


void
vg_saga_count_none(ngx_uint_t database)
{
    ngx_uint_t         i, state;
    vg_saga_count_t   *c;
    const vg_saga_t   *saga;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    for (i = 0; i < vg_host->plugins.nelts; i++) {
        saga = p[i]->manifest ? p[i]->manifest->sagas : NULL;
        for (/* void */; saga && saga->name != NULL; saga++) {
            c = vg_saga_kind(vg_str(saga->name));
            for (state = 0; state < VG_SAGA_STATES; state++) {
                c->now[state] *= p[i]->database != database;
            }
        }
    }
}


void
vg_saga_count_now(vg_str_t name, vg_saga_state_t state, ngx_uint_t n)
{
    vg_saga_kind(name)->now[state] = n;
}


static void
vg_saga_line(vg_out_t *out, const char *metric, const char *name,
             const char *state, ngx_atomic_uint_t value)
{
    char  word[16];
    char *p = word;

    while (*state != '\0' && p < word + sizeof(word) - 1) {
        *p++ = (char) ngx_tolower(*state);
        state++;
    }
    *p = '\0';
    out->comma = false;
    vg_out_raw(out, vg_printf(out->pool, "voltgate_%s{saga=\"%s\"%s%s%s} %lu\n",
                              metric, name, word[0] ? ",status=\"" : "", word,
                              word[0] ? "\"" : "", (unsigned long) value));
}


static void
vg_saga_kind_metrics(vg_out_t *out, const char *name)
{
    ngx_uint_t       i;
    vg_saga_count_t *c = vg_saga_kind(vg_str(name));

    vg_saga_line(out, "sagas_begun_total", name, "", c->begun);
    for (i = VG_SAGA_COMPLETED; i < VG_SAGA_STATES; i++) {
        vg_saga_line(out, "sagas_over_total", name, vg_saga_states[i],
                     c->over[i]);
    }
    for (i = 0; i < VG_SAGA_STATES; i++) {
        if (i < VG_SAGA_COMPLETED || i == VG_SAGA_STUCK) {
            vg_saga_line(out, "sagas", name, vg_saga_states[i], c->now[i]);
        }
    }
    vg_saga_line(out, "saga_duration_seconds_count", name, "",
                 c->over[VG_SAGA_COMPLETED] + c->over[VG_SAGA_UNDONE]);
    out->comma = false;
    vg_out_raw(out, vg_printf(out->pool,
                              "voltgate_saga_duration_seconds_sum{saga=\"%s\"}"
                              " %lu.%03lu\n",
                              name, (unsigned long) c->ms / 1000,
                              (unsigned long) c->ms % 1000));
}


void
vg_sagas_metrics(vg_out_t *out)
{
    ngx_uint_t         i;
    const vg_saga_t   *saga;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    out->comma = false;
    vg_out_raw(out, VG_STR("# TYPE voltgate_sagas_begun_total counter\n"
                           "# TYPE voltgate_sagas_over_total counter\n"
                           "# TYPE voltgate_sagas gauge\n"
                           "# TYPE voltgate_saga_duration_seconds summary\n"));
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        saga = p[i]->manifest && p[i]->state != VG_PLUGIN_OUT
                   ? p[i]->manifest->sagas
                   : NULL;
        for (/* void */; saga && saga->name != NULL; saga++) {
            vg_saga_kind_metrics(out, saga->name);
        }
    }
}
