/*
 * trail.c: which calls are in the trail, and as what.
 *
 * A change by HTTP brings its row itself (core/tail.c); here are those that
 * have no commit to go with: refusals, what the house does, some reads.
 */

#include "audit.h"
#include "outcome.h"

ngx_uint_t vg_audit_off;

static vg_statement_t *vg_audit_note;

/* Refusals that are told; the others are of form, or of the moment. */
static const struct {
    ngx_int_t  status;
    ngx_uint_t reads; /* as well                                          */
} vg_audit_refusals[] = {
    { NGX_HTTP_UNAUTHORIZED, 1 },
    { 402, 0 },
    { NGX_HTTP_FORBIDDEN, 1 },
    { NGX_HTTP_NOT_FOUND, 0 },
    { NGX_HTTP_CONFLICT, 0 },
    { NGX_HTTP_PRECONDITION_FAILED, 0 },
    { 422, 0 },
    { NGX_HTTP_TOO_MANY_REQUESTS, 1 },
    { 0, 0 },
};


ngx_int_t
vg_audit_trail_init(ngx_conf_t *cf)
{
    static const vg_bind_t binds[] = {
        VG_BIND_ACTOR,   VG_BIND_CALLER_ROLE, VG_BIND_CALLER_COMPANY,
        VG_BIND_ROUTE,   VG_BIND_OBJECT,      VG_BIND_CORRELATION_ID,
        VG_BIND_ADDRESS, VG_BIND_NODE,        VG_BIND_PLUGIN
    };
    ngx_uint_t i, n = sizeof(binds) / sizeof(binds[0]);

    vg_statement_kit(
        cf, &vg_audit_note, "audit_note",
        "insert into vg.audit (caller_id, caller_role, company_id, route,"
        " object, status, correlation_id, address, node, plugin)"
        " values ($1::text, $2::text, $3::text, $4::text, $5::text, 200,"
        " $6::text, $7::text, $8::text, $9::text)",
        n);
    if (vg_audit_note == NULL) {
        return NGX_ERROR;
    }
    vg_audit_note->firm = 1;
    for (i = 0; i < n; i++) {
        vg_audit_note->params[i].what = binds[i];
    }
    return NGX_OK;
}


const char *
vg_audit_clean(vg_pool_t *pool, vg_str_t value)
{
    size_t i;

    for (i = 0; i < value.len; i++) {
        if ((u_char) value.data[i] < 0x20 || value.data[i] == 0x7f) {
            return "";
        }
    }
    if (!vg_str_utf8(value)) {
        return "";
    }
    if (value.len > VG_AUDIT_TEXT) {
        value.len = VG_AUDIT_TEXT;
        while (value.len > 0 && (value.data[value.len] & 0xc0) == 0x80) {
            value.len--; /* not in the midst of a character */
        }
    }
    value = vg_printf(pool, "%.*s", (int) value.len, value.data);
    return value.data ? value.data : "";
}


vg_str_t
vg_audit_actor(vg_call_t *call)
{
    vg_str_t id = call->actor.len ? call->actor : call->caller.id;

    return id.data ? id : VG_STR("");
}


/* the path's values, but for those that are secret, by a slash between them */
vg_str_t
vg_audit_object(vg_call_t *call)
{
    vg_str_t          all = { NULL, 0 };
    ngx_uint_t        i = 0;
    const char       *value;
    const vg_field_t *f;

    for (f = call->endpoint->row->fields; f && f->name != NULL; f++) {
        if (f->in != VG_PATH || i == VG_PATH_VALUES) {
            continue;
        }
        value = vg_audit_clean(&call->arena, call->path[i++]);
        if ((f->flags & VG_SECRET) || value[0] == '\0') {
            continue;
        }
        all = vg_printf(&call->arena, "%.*s%s%s", (int) all.len,
                        all.data ? all.data : "", all.len ? "/" : "", value);
    }
    return all;
}


static ngx_uint_t
vg_audit_refusal(const vg_call_t *call)
{
    ngx_int_t         status = call->error->status;
    ngx_uint_t        i;
    const vg_route_t *row = call->endpoint->row;

    if (row->flags & VG_OAUTH) { /* a login that failed is 400 there */
        return status < 500;
    }
    for (i = 0; vg_audit_refusals[i].status; i++) {
        if (vg_audit_refusals[i].status == status) {
            return vg_audit_refusals[i].reads || row->method != VG_GET;
        }
    }
    return 0;
}


static void
vg_audit_done(vg_call_t *call, vg_audit_count_t what)
{
    vg_pool_t     *pool = &call->arena;
    vg_str_t       object = vg_audit_object(call);
    vg_audit_row_t row = {
        .at = vg_time_now(),
        .caller_id = vg_audit_clean(pool, vg_audit_actor(call)),
        .caller_role = vg_audit_clean(pool, call->caller.role),
        .company_id = vg_audit_clean(pool, call->caller.company),
        .route = (const char *) call->endpoint->label.data,
        .object = object.len ? object.data : NULL,
        .status = vg_call_status(call),
        .calls = 1,
        .correlation_id = vg_audit_clean(pool, call->correlation),
        .address = vg_audit_clean(pool, call->address),
        .plugin = (const char *) call->endpoint->plugin->name.data,
    };

    vg_audit_append(call->endpoint->plugin->database, &row);
    vg_audit_count(what, 1);
}


void
vg_audit_call(vg_call_t *call)
{
    vg_endpoint_t    *e = call->endpoint;
    const vg_route_t *row = e ? e->row : NULL;

    if (vg_audit_off || row == NULL || row->method > VG_DELETE
        || call->key.replayed)
    {
        return;
    }
    if (call->noted || (call->committed && call->status != NULL)) {
        if (row->method != VG_GET) {
            vg_audit_count(VG_AUDIT_CHANGE, 1);
        }
    } else if (call->depth > 0) {
        return; /* one of many rows, or an ask: who called is refused or not */
    } else if (call->error != NULL) {
        if (vg_audit_refusal(call)) {
            vg_audit_refused(call);
        }
    } else if (row->flags & VG_AUDITED) {
        vg_audit_done(call, VG_AUDIT_READ);
    } else if (row->method != VG_GET && e->awaits) {
        vg_audit_done(call, VG_AUDIT_CHANGE); /* a charger was told something */
    }
}


/* -------------------------------------------------- what the house does */

static void
vg_audit_noted(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    call->running = 0;
    call->unit = NULL;
    if (!call->finished) {
        if (unit->result != VG_UNIT_OK) {
            call->noted = 0;
            vg_outcome_error(call, unit);
        }
        vg_call_awaited(call);
    }
    vg_call_release(call);
}


/* It is done, and has no commit of its own, or several, or none at all; so it
 * is answered when the trail has it. */
vg_rc_t
vg_audit_house(vg_call_t *call)
{
    vg_unit_t *unit;

    if (vg_audit_off || call->noted || call->endpoint->row->method == VG_GET) {
        return VG_OK;
    }
    unit = vg_calloc(&call->arena, sizeof(vg_unit_t));
    if (unit != NULL) {
        unit->values = vg_bind_values(call, vg_audit_note);
    }
    if (unit == NULL || unit->values == NULL) {
        return VG_OK;
    }
    call->noted = 1;
    unit->statement = vg_audit_note;
    unit->lane = VG_LANE_WRITE;
    unit->done = vg_audit_noted;
    unit->data = call;
    unit->endpoint = call->endpoint;
    call->unit = unit;
    call->running = 1;
    call->changed = 1;
    vg_call_ref(call);
    vg_unit_submit(unit);
    return VG_DONE;
}
