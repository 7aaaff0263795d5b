/*
 * operator.c: what operators see of consumers and dead letters, and what they
 * may do: try again, pause. The routes stand in core/house.c.
 */

#include "events.h"
#include "fan.h"

static vg_statement_t *vg_letters, *vg_letter_retry, *vg_letters_retry;
static vg_statement_t *vg_cursors, *vg_cursor_pause;

#define VG_CURSOR                                                              \
    "json_build_object('consumer', c.consumer, 'log', c.log, 'position',"      \
    " c.pos, 'paused', c.paused, 'movedAt', vg.z(c.moved_at), 'parked',"       \
    " (select count(*) from vg.parked p where p.consumer = c.consumer"         \
    " and p.log = c.log and p.dead_at is null), 'dead', (select count(*)"      \
    " from vg.parked p where p.consumer = c.consumer and p.log = c.log"        \
    " and p.dead_at is not null)), c.consumer || '/' || c.log"


/* an operator's change is durable before it is answered */
static vg_statement_t *
vg_operator_firm(vg_statement_t *st)
{
    if (st != NULL) {
        st->change = st->firm = 1;
    }
    return st;
}


ngx_int_t
vg_operator_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_letters, "dead_letters",
                     "select l.body, l.id::text from vg.dead_letter l"
                     " where ($1::text is null or l.consumer = $1::text)"
                     " and ($2::text is null or l.id < vg.cursor_id($2::text))"
                     " order by l.id desc limit $3::bigint",
                     3);
    vg_statement_kit(
        cf, &vg_letter_retry, "dead_letter_retry",
        "with was as (select l.body from vg.dead_letter l where l.id ="
        " $1::uuid), moved as (select vg.letters_retry($1::uuid, null) as n)"
        " select case when m.n > 0 then w.body end, $1::uuid::text"
        " from moved m left join was w on true where m.n > 0"
        " or exists (select from vg.parked p where p.id = $1::uuid)"
        " or exists (select from vg.job j where j.id = $1::uuid)",
        1);
    vg_statement_kit(cf, &vg_letters_retry, "dead_letters_retry",
                     "select vg.letters_retry(null, $1::text)", 1);
    vg_statement_kit(
        cf, &vg_cursors, "consumers",
        "select " VG_CURSOR " from vg.cursor c where ($1::text is null"
        " or (c.consumer || '/' || c.log) collate \"C\" > $1::text)"
        " order by (c.consumer || '/' || c.log) collate \"C\""
        " limit $2::bigint",
        2);
    vg_statement_kit(cf, &vg_cursor_pause, "consumer_pause",
                     "with c as (update vg.cursor set paused = $2::boolean"
                     " where consumer = $1::text returning *) select " VG_CURSOR
                     " from c limit 1",
                     2);
    return vg_letters && vg_operator_firm(vg_letter_retry)
                   && vg_operator_firm(vg_letters_retry) && vg_cursors
                   && vg_operator_firm(vg_cursor_pause)
               ? NGX_OK
               : NGX_ERROR;
}


/* room for them, or NULL */
static const char **
vg_operator_values(vg_call_t *call)
{
    return vg_calloc(&call->arena, 4 * sizeof(const char *));
}


void
vg_operator_letters(vg_call_t *call)
{
    const char **v = vg_operator_values(call);

    if (v != NULL) {
        v[0] = vg_fan_field(call, "consumer");
        v[1] = vg_fan_cursor(call);
        v[2] = vg_fan_limit(call);
    }
    vg_fan_run(call, VG_FAN_LIST, vg_letters, v, VG_LANE_READ);
}


void
vg_operator_retry(vg_call_t *call)
{
    const char **v = vg_operator_values(call);

    if (v != NULL) {
        v[0] = vg_fan_field(call, "id");
    }
    vg_fan_run(call, VG_FAN_ONE, vg_letter_retry, v, VG_LANE_WRITE);
}


void
vg_operator_retry_all(vg_call_t *call)
{
    const char **v = vg_operator_values(call);

    if (v != NULL) {
        v[0] = vg_fan_field(call, "consumer");
    }
    vg_fan_run(call, VG_FAN_SUM, vg_letters_retry, v, VG_LANE_WRITE);
}


void
vg_operator_consumers(vg_call_t *call)
{
    const char **v = vg_operator_values(call);

    if (v != NULL) {
        v[0] = vg_fan_cursor(call);
        v[1] = vg_fan_limit(call);
    }
    vg_fan_run(call, VG_FAN_NAMES, vg_cursors, v, VG_LANE_READ);
}


static void
vg_operator_rest(vg_call_t *call, const char *paused)
{
    const char **v = vg_operator_values(call);

    if (v != NULL) {
        v[0] = vg_fan_field(call, "name");
        v[1] = paused;
    }
    vg_fan_run(call, VG_FAN_ONE, vg_cursor_pause, v, VG_LANE_WRITE);
}


void
vg_operator_pause(vg_call_t *call)
{
    vg_operator_rest(call, "t");
}


void
vg_operator_resume(vg_call_t *call)
{
    vg_operator_rest(call, "f");
}
