/*
 * refusal.c: refused calls as rows, and floods of them as few.
 */

#include "audit.h"
#include "sieve.h"

#define VG_REFUSAL_TICK 1000 /* ms */

/* of whom and what a row for many is; what is not known of all is empty */
typedef struct {
    int64_t    at;
    ngx_uint_t database;
    ngx_int_t  status;
    char       caller_id[VG_AUDIT_TEXT + 1], caller_role[32];
    char       company_id[VG_AUDIT_TEXT + 1], error[64], plugin[64];
    char       route[VG_AUDIT_TEXT + 1], correlation[65], address[64];
} vg_refusal_t;

static vg_sieve_t   vg_refusal_sieve;
static vg_refusal_t vg_refusal_many[VG_SIEVE_SLOTS];
static ngx_event_t  vg_refusal_timer;


static void
vg_refusal_told(size_t slot, uint64_t calls)
{
    vg_refusal_t  *many = &vg_refusal_many[slot];
    vg_audit_row_t row = {
        .at = many->at,
        .caller_id = many->caller_id,
        .caller_role = many->caller_role,
        .company_id = many->company_id,
        .route = many->route,
        .status = many->status,
        .error = many->error,
        .calls = calls,
        .correlation_id = many->correlation,
        .address = many->address,
        .plugin = many->plugin,
    };

    vg_audit_append(many->database, &row);
    many->at = vg_time_now(); /* of those that come now */
}


static void
vg_refusal_due(ngx_event_t *ev)
{
    size_t   slot = 0;
    uint64_t calls;

    while (vg_sieve_due(&vg_refusal_sieve, (int64_t) ngx_current_msec, &slot,
                        &calls))
    {
        vg_refusal_told(slot, calls);
    }
    if (!ngx_exiting) {
        ngx_add_timer(ev, VG_REFUSAL_TICK);
    }
}


static void
vg_refusal_put(char *to, size_t size, const char *from)
{
    (void) snprintf(to, size, "%s", from);
}


static void
vg_refusal_first(size_t slot, ngx_uint_t database, const vg_audit_row_t *row)
{
    vg_refusal_t *many = &vg_refusal_many[slot];

    ngx_memzero(many, sizeof(*many));
    many->at = row->at;
    many->database = database;
    many->status = row->status;
    vg_refusal_put(many->correlation, sizeof(many->correlation),
                   row->correlation_id);
    if (slot == VG_SIEVE_SLOTS - 1) { /* of all that find no other */
        many->database = VG_HOME;
        many->status = 0;
        vg_refusal_put(many->route, sizeof(many->route), "*");
        vg_refusal_put(many->error, sizeof(many->error), "many");
        vg_refusal_put(many->plugin, sizeof(many->plugin), "voltgate");
        return;
    }
    vg_refusal_put(many->caller_id, sizeof(many->caller_id), row->caller_id);
    vg_refusal_put(many->caller_role, sizeof(many->caller_role),
                   row->caller_role);
    vg_refusal_put(many->company_id, sizeof(many->company_id), row->company_id);
    vg_refusal_put(many->route, sizeof(many->route), row->route);
    vg_refusal_put(many->error, sizeof(many->error), row->error);
    vg_refusal_put(many->address, sizeof(many->address), row->address);
    vg_refusal_put(many->plugin, sizeof(many->plugin), row->plugin);
}


/* Who is not known chose his path himself: it is not told. */
void
vg_audit_refused(vg_call_t *call)
{
    char           network[24];
    size_t         slot;
    vg_str_t       actor = vg_audit_actor(call), object = { NULL, 0 };
    vg_pool_t     *pool = &call->arena;
    ngx_uint_t     database = call->endpoint->plugin->database;
    vg_audit_row_t row = {
        .at = vg_time_now(),
        .caller_id = vg_audit_clean(pool, actor),
        .caller_role = vg_audit_clean(pool, call->caller.role),
        .company_id = vg_audit_clean(pool, call->caller.company),
        .route = (const char *) call->endpoint->label.data,
        .status = call->error->status,
        .error = call->error->name,
        .calls = 1,
        .correlation_id = vg_audit_clean(pool, call->correlation),
        .address = vg_audit_clean(pool, call->address),
        .plugin = (const char *) call->endpoint->plugin->name.data,
    };
    ngx_uint_t known = call->caller.id.len > 0;
    ngx_str_t  parts[] = { known ? vg_ngx(call->caller.id)
                                 : (ngx_str_t){ 0, (u_char *) network },
                          call->endpoint->label,
                          { ngx_strlen(row.error), (u_char *) row.error } };

    if (known) {
        object = vg_audit_object(call);
    } else {
        parts[0].len =
            (size_t) snprintf(network, sizeof(network), "%016lx",
                              (unsigned long) vg_sieve_network(row.address));
    }
    row.object = object.len ? object.data : NULL;
    vg_audit_count(VG_AUDIT_REFUSAL, 1);
    switch (vg_sieve_take(&vg_refusal_sieve, (int64_t) ngx_current_msec,
                          vg_hash(parts, 1), vg_hash(parts, 3), known, &slot))
    {
    case VG_SIEVE_ROW:
        vg_audit_append(database, &row);
        break;
    case VG_SIEVE_FIRST:
        vg_refusal_first(slot, database, &row);
        break;
    case VG_SIEVE_COUNTED:
        break;
    }
}


void
vg_audit_refusal_start(void)
{
    vg_refusal_timer.handler = vg_refusal_due;
    vg_refusal_timer.data = &vg_nobody;
    vg_refusal_timer.log = ngx_cycle->log;
    vg_refusal_timer.cancelable = 1;
    ngx_add_timer(&vg_refusal_timer, VG_REFUSAL_TICK);
}


/* the worker ends: what is counted still was not written */
ngx_uint_t
vg_audit_refusal_stop(void)
{
    size_t     slot = 0;
    uint64_t   calls;
    ngx_uint_t n = 0;

    while (vg_sieve_due(&vg_refusal_sieve, INT64_MAX, &slot, &calls)) {
        n++;
    }
    return n;
}
