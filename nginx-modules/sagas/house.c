/*
 * house.c: what operators see of sagas, and that one that is stuck is taken
 * up again. The routes stand in core/house.c.
 */

#include "outcome.h"
#include "sagas.h"

#define VG_SAGA_JSON                                                           \
    "'id', s.id, 'name', s.name, 'plugin', s.plugin, 'status', s.status,"      \
    " 'step', s.step, 'error', s.error, 'problem', s.problem,"                 \
    " 'tries', s.tries, 'startedAt', vg.z(s.started_at),"                      \
    " 'movedAt', vg.z(s.moved_at), 'nextAt', case when s.status in"            \
    " ('RUNNING', 'UNDOING') then vg.z(s.next_at) end, 'callerId',"            \
    " s.caller_id, 'correlationId', s.correlation_id"

/* the same question to each database; the last answer ends the call */
typedef struct vg_saga_house_s vg_saga_house_t;

typedef struct {
    vg_unit_t        unit;
    vg_saga_house_t *all;
} vg_saga_question_t;

typedef struct {
    vg_str_t id, body;
} vg_saga_found_t;

struct vg_saga_house_s {
    vg_call_t         *call;
    const char        *values[4];
    ngx_uint_t         open;
    ngx_array_t        found; /* of vg_saga_found_t                       */
    unsigned           list:1;
    vg_saga_question_t questions[VG_DATABASES];
};

static vg_statement_t *vg_saga_listing, *vg_saga_getting, *vg_saga_retrying;


ngx_int_t
vg_saga_house_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_saga_listing, "saga_list",
        "select json_build_object(" VG_SAGA_JSON "), s.id::text"
        " from vg.saga s where ($1::text is null or s.status = $1::text)"
        " and ($2::text is null or s.name = $2::text)"
        " and ($3::text is null or s.id < vg.cursor_id($3::text))"
        " order by s.id desc limit $4::bigint",
        4);
    vg_statement_kit(cf, &vg_saga_getting, "saga_get",
                     "select json_build_object(" VG_SAGA_JSON
                     ", 'data', s.data), s.id::text from vg.saga s"
                     " where s.id = $1::uuid",
                     1);
    vg_statement_kit(
        cf, &vg_saga_retrying, "saga_retry",
        "with moved as (update vg.saga t set next_at = now(), moved_at = now(),"
        " tries = case t.status when 'STUCK' then 0 else t.tries end,"
        " status = case when t.status <> 'STUCK' then t.status"
        " when t.error is null then 'RUNNING' else 'UNDOING' end,"
        " step_at = case t.status when 'STUCK' then now() else t.step_at end,"
        " version = t.version + 1 where t.id = $1::uuid and t.pid is null"
        " and t.status in ('RUNNING', 'UNDOING', 'STUCK') returning t.*)"
        " select json_build_object(" VG_SAGA_JSON ", 'data', s.data),"
        " s.id::text from moved s union all select null, o.id::text"
        " from vg.saga o where o.id = $1::uuid"
        " and not exists (select from moved)",
        1);
    return vg_saga_listing && vg_saga_getting && vg_saga_retrying ? NGX_OK
                                                                  : NGX_ERROR;
}


/* the latest first, as ids of version 7 sort */
static int ngx_libc_cdecl
vg_saga_order(const void *a, const void *b)
{
    const vg_saga_found_t *x = a, *y = b;

    return ngx_strcmp(y->id.data, x->id.data);
}


static vg_str_t
vg_saga_page(vg_saga_house_t *all)
{
    vg_out_t         out;
    ngx_uint_t       i, limit = all->call->in.limit;
    vg_saga_found_t *found = all->found.elts;

    ngx_qsort(found, all->found.nelts, sizeof(*found), vg_saga_order);
    vg_out_init(&out, &all->call->arena);
    vg_out_open(&out, '{');
    vg_out_key(&out, "items");
    vg_out_open(&out, '[');
    for (i = 0; i < all->found.nelts && i < limit; i++) {
        vg_out_raw(&out, found[i].body);
    }
    vg_out_close(&out, ']');
    vg_out_member(&out, "nextCursor",
                  all->found.nelts > limit ? found[limit - 1].id
                                           : (vg_str_t){ NULL, 0 });
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static void
vg_saga_answered(vg_saga_house_t *all)
{
    vg_call_t       *call = all->call;
    vg_saga_found_t *found = all->found.elts;

    if (!call->finished && call->error == NULL) {
        if (all->list) {
            (void) vg_reply(call, vg_saga_page(all));
        } else if (all->found.nelts && found[0].body.data == NULL) {
            (void) vg_refuse(call, "conflict"); /* over, or under way */
        } else if (all->found.nelts) {
            (void) vg_reply(call, found[0].body);
        } else {
            (void) vg_refuse(call, "not_found");
        }
    }
    vg_call_awaited(call);
    vg_call_release(call);
}


static void
vg_saga_told_one(vg_unit_t *unit)
{
    int                 i, n = 0;
    vg_saga_found_t    *found;
    vg_saga_question_t *q = unit->data;
    vg_saga_house_t    *all = q->all;

    if (unit->result == VG_UNIT_OK) {
        n = PQntuples(unit->rows);
    } else if (!all->call->finished) {
        vg_outcome_error(all->call, unit); /* a part of the truth is none */
    }
    for (i = 0; i < n; i++) {
        found = ngx_array_push(&all->found);
        if (found != NULL) {
            found->body = vg_outcome_text(all->call, unit->rows, i, 0);
            found->id = vg_outcome_text(all->call, unit->rows, i, 1);
        }
    }
    if (--all->open == 0) {
        vg_saga_answered(all);
    }
}


static const char *
vg_saga_value(vg_call_t *call, vg_str_t s)
{
    return s.data ? vg_printf(&call->arena, "%.*s", (int) s.len, s.data).data
                  : NULL;
}


static const char *
vg_saga_named(vg_call_t *call, const char *field)
{
    const vg_json_t *value = vg_get(call, field);

    return value ? vg_saga_value(call, value->text) : NULL;
}


static vg_saga_house_t *
vg_saga_house(vg_call_t *call)
{
    vg_saga_house_t *all = ngx_pcalloc(call->pool, sizeof(*all));

    if (all == NULL
        || ngx_array_init(&all->found, call->pool, 8, sizeof(vg_saga_found_t)))
    {
        (void) vg_refuse(call, "internal");
        vg_call_awaited(call);
        return NULL;
    }
    all->call = call;
    return all;
}


static void
vg_saga_house_ask(vg_saga_house_t *all, vg_statement_t *st, vg_lane_t lane)
{
    ngx_uint_t i;

    vg_call_ref(all->call);
    all->open = vg_host->databases.nelts;
    for (i = 0; i < vg_host->databases.nelts; i++) {
        all->questions[i].all = all;
        vg_kit_make(&all->questions[i].unit, st, all->values, lane,
                    vg_saga_told_one, &all->questions[i]);
        all->questions[i].unit.database = i;
        vg_unit_submit(&all->questions[i].unit);
    }
}


void
vg_sagas_list(vg_call_t *call)
{
    vg_saga_house_t *all = vg_saga_house(call);

    if (all != NULL) {
        all->list = 1;
        all->values[0] = vg_saga_named(call, "status");
        all->values[1] = vg_saga_named(call, "name");
        all->values[2] = vg_saga_value(call, call->in.cursor);
        all->values[3] =
            vg_printf(&call->arena, "%d", (int) call->in.limit + 1).data;
        vg_saga_house_ask(all, vg_saga_listing, VG_LANE_READ);
    }
}


static void
vg_saga_one(vg_call_t *call, vg_statement_t *st, vg_lane_t lane)
{
    vg_saga_house_t *all = vg_saga_house(call);

    if (all != NULL) {
        all->values[0] = vg_saga_named(call, "id");
        vg_saga_house_ask(all, st, lane);
    }
}


void
vg_sagas_get(vg_call_t *call)
{
    vg_saga_one(call, vg_saga_getting, VG_LANE_READ);
}


/* not durable by itself: whoever sees it lost asks again */
void
vg_sagas_retry(vg_call_t *call)
{
    vg_saga_one(call, vg_saga_retrying, VG_LANE_WRITE);
}


static void
vg_saga_show(vg_out_t *out, const vg_saga_t *saga)
{
    vg_endpoint_t        *e;
    const vg_saga_step_t *step;

    vg_out_open(out, '{');
    vg_out_member(out, "name", vg_str(saga->name));
    vg_out_key(out, "steps");
    vg_out_open(out, '[');
    for (step = saga->steps; step->name != NULL; step++) {
        e = step->ask ? vg_saga_route(step->ask) : NULL;
        vg_out_open(out, '{');
        vg_out_member(out, "name", vg_str(step->name));
        if (step->ask != NULL) {
            vg_out_member(out, "ask", vg_str(step->ask));
            vg_out_key(out, "timeoutMs");
            vg_out_int(out, (int64_t) vg_saga_time(step));
        }
        if (step->undo != NULL) {
            vg_out_member(out, "undo", vg_str(step->undo));
        }
        vg_out_key(out, "waits");
        vg_out_bool(out, e && vg_saga_waits(e));
        vg_out_close(out, '}');
    }
    vg_out_close(out, ']');
    vg_out_close(out, '}');
}


/* the plugin's sagas, as its manifest has them */
void
vg_sagas_show(vg_out_t *out, vg_plugin_slot_t *plugin)
{
    const vg_saga_t *saga = plugin->state != VG_PLUGIN_OUT && plugin->manifest
                                ? plugin->manifest->sagas
                                : NULL;

    if (saga == NULL) {
        return;
    }
    vg_out_key(out, "sagas");
    vg_out_open(out, '[');
    for (/* void */; saga->name != NULL; saga++) {
        vg_saga_show(out, saga);
    }
    vg_out_close(out, ']');
}
