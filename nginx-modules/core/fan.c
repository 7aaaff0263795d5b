/*
 * fan.c: one question of the house to each database; see fan.h.
 */

#include "fan.h"
#include "outcome.h"

typedef struct vg_fan_s vg_fan_t;

typedef struct {
    vg_unit_t unit;
    vg_fan_t *fan;
} vg_fan_question_t;

typedef struct {
    vg_str_t body, id;
} vg_fan_row_t;

struct vg_fan_s {
    vg_call_t        *call;
    vg_fan_kind_t     kind;
    ngx_uint_t        open; /* questions that are not answered            */
    int64_t           sum;
    ngx_array_t       rows; /* of vg_fan_row_t                            */
    vg_fan_question_t questions[VG_DATABASES];
};


static int ngx_libc_cdecl
vg_fan_by_name(const void *a, const void *b)
{
    const vg_fan_row_t *x = a, *y = b;

    return ngx_strcmp(x->id.data, y->id.data);
}


/* the latest first, as ids of version 7 sort */
static int ngx_libc_cdecl
vg_fan_by_age(const void *a, const void *b)
{
    return vg_fan_by_name(b, a);
}


static vg_str_t
vg_fan_page(vg_fan_t *fan)
{
    vg_out_t      out;
    ngx_uint_t    i, limit = fan->call->in.limit;
    vg_fan_row_t *row = fan->rows.elts;

    ngx_qsort(row, fan->rows.nelts, sizeof(*row),
              fan->kind == VG_FAN_LIST ? vg_fan_by_age : vg_fan_by_name);
    vg_out_init(&out, &fan->call->arena);
    vg_out_open(&out, '{');
    vg_out_key(&out, "items");
    vg_out_open(&out, '[');
    for (i = 0; i < fan->rows.nelts && i < limit; i++) {
        vg_out_raw(&out, row[i].body);
    }
    vg_out_close(&out, ']');
    vg_out_member(&out, "nextCursor",
                  fan->rows.nelts > limit ? row[limit - 1].id
                                          : (vg_str_t){ NULL, 0 });
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static vg_rc_t
vg_fan_reply(vg_fan_t *fan)
{
    vg_fan_row_t *row = fan->rows.elts;

    if (fan->kind == VG_FAN_LIST || fan->kind == VG_FAN_NAMES) {
        return vg_reply(fan->call, vg_fan_page(fan));
    }
    if (fan->kind == VG_FAN_SUM) {
        return vg_reply(
            fan->call,
            vg_printf(&fan->call->arena, "{\"count\":%ld}", (long) fan->sum));
    }
    if (fan->rows.nelts == 0) {
        return vg_refuse(fan->call, "not_found");
    }
    if (row->body.data == NULL) {
        return vg_refuse(fan->call, "conflict");
    }
    return vg_reply(fan->call, row->body);
}


static void
vg_fan_take(vg_fan_t *fan, PGresult *rows)
{
    int           i;
    vg_fan_row_t *row;

    if (fan->kind == VG_FAN_SUM) {
        fan->sum += strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
        return;
    }
    for (i = 0; i < PQntuples(rows); i++) {
        row = ngx_array_push(&fan->rows);
        if (row == NULL) {
            (void) vg_refuse(fan->call, "internal");
            return;
        }
        row->body = vg_outcome_text(fan->call, rows, i, 0);
        row->id = vg_outcome_text(fan->call, rows, i, 1);
    }
}


/* a part of the truth is none */
static void
vg_fan_answered(vg_unit_t *unit)
{
    vg_fan_question_t *question = unit->data;
    vg_fan_t          *fan = question->fan;
    vg_call_t         *call = fan->call;

    if (!call->finished && unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
    } else if (!call->finished) {
        vg_fan_take(fan, unit->rows);
    }
    if (--fan->open > 0) {
        return;
    }
    if (!call->finished && call->error == NULL) {
        (void) vg_fan_reply(fan);
    }
    vg_call_awaited(call);
    vg_call_release(call);
}


void
vg_fan_run(vg_call_t *call, vg_fan_kind_t kind, const vg_statement_t *st,
           const char **values, vg_lane_t lane)
{
    ngx_uint_t i;
    vg_unit_t *unit;
    vg_fan_t  *fan = ngx_pcalloc(call->pool, sizeof(vg_fan_t));

    if (fan == NULL || values == NULL
        || ngx_array_init(&fan->rows, call->pool, 8, sizeof(vg_fan_row_t)))
    {
        (void) vg_refuse(call, "internal");
        vg_call_awaited(call);
        return;
    }
    fan->call = call;
    fan->kind = kind;
    fan->open = vg_host->databases.nelts;
    call->changed |= lane != VG_LANE_READ;
    vg_call_ref(call);
    for (i = 0; i < vg_host->databases.nelts; i++) {
        fan->questions[i].fan = fan;
        unit = &fan->questions[i].unit;
        unit->statement = st;
        unit->values = values;
        unit->lane = lane;
        unit->database = i;
        unit->done = vg_fan_answered;
        unit->data = &fan->questions[i];
        vg_unit_submit(unit);
    }
}


const char *
vg_fan_text(vg_call_t *call, vg_str_t s)
{
    return s.data ? vg_printf(&call->arena, "%.*s", (int) s.len, s.data).data
                  : NULL;
}


const char *
vg_fan_field(vg_call_t *call, const char *name)
{
    const vg_json_t *value = vg_get(call, name);

    return value ? vg_fan_text(call, value->text) : NULL;
}


const char *
vg_fan_cursor(vg_call_t *call)
{
    return vg_fan_text(call, call->in.cursor);
}


const char *
vg_fan_limit(vg_call_t *call)
{
    return vg_printf(&call->arena, "%d", (int) call->in.limit + 1).data;
}
