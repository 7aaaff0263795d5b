/*
 * replay.c: a plugin hears a part of the logs again: POST /events/replay.
 *
 * Each log says where the part begins and ends; then the plugin's database
 * gets a second cursor over each, up to where the plugin's own stands, which
 * rests meanwhile (consumer.c). So all is heard in order: what was heard
 * before, then what was told since.
 */

#include "events.h"
#include "fan.h"
#include "outcome.h"

typedef struct {
    vg_call_t        *call;
    vg_plugin_slot_t *plugin;
    ngx_uint_t        log; /* that is asked                              */
    vg_unit_t         unit;
    vg_out_t          parts; /* [{log, first, last}]                     */
    const char       *values[4];
} vg_replay_t;

static vg_statement_t *vg_replay_part, *vg_replay_begin, *vg_replays;

static void vg_replay_next(vg_replay_t *replay);

#define VG_REPLAY                                                              \
    "json_build_object('id', r.id, 'consumer', r.consumer, 'log', r.log,"      \
    " 'position', r.pos, 'until', r.until_pos, 'types', r.types, 'askedBy',"   \
    " r.asked_by, 'askedAt', vg.z(r.asked_at), 'doneAt', vg.z(r.done_at))"


ngx_int_t
vg_replay_init(ngx_conf_t *cf)
{
    /* (first, last]: events that came into the log from, and up to, then */
    vg_statement_kit(cf, &vg_replay_part, "replay_part",
                     "select vg.event_place($1::timestamptz, false) - 1,"
                     " vg.event_place($2::timestamptz, true) - 1",
                     2);
    /* all of them or none; the cursors are held, so none moves meanwhile */
    vg_statement_kit(
        cf, &vg_replay_begin, "replay_begin",
        "with p as (select * from jsonb_to_recordset($2::jsonb)"
        " as p(log text, first bigint, last bigint)), c as materialized"
        " (select c.consumer, c.log, c.pos from vg.cursor c"
        " where c.consumer = $1::text order by c.log for update),"
        " w as (select c.consumer, c.log, p.first, least(c.pos, p.last) as last"
        " from c join p on p.log = c.log where least(c.pos, p.last) > p.first),"
        " busy as (select count(*) as n from vg.replay o"
        " where o.consumer = $1::text and o.done_at is null),"
        " r as (insert into vg.replay (consumer, log, pos, until_pos, types,"
        " asked_by) select w.consumer, w.log, w.first, w.last,"
        " (select array_agg(t) from jsonb_array_elements_text($3::jsonb) t),"
        " $4::text from w, busy where busy.n = 0 on conflict do nothing"
        " returning *) select json_agg(" VG_REPLAY "),"
        " (select count(*) from w) from r",
        4);
    vg_statement_kit(cf, &vg_replays, "replays",
                     "select " VG_REPLAY
                     ", r.id::text from vg.replay r where ($1::text is null"
                     " or r.consumer = $1::text) and ($2::text is null"
                     " or r.id < vg.cursor_id($2::text)) order by r.id desc"
                     " limit $3::bigint",
                     3);
    if (vg_replay_part == NULL || vg_replay_begin == NULL || vg_replays == NULL)
    {
        return NGX_ERROR;
    }
    vg_replay_begin->change = vg_replay_begin->firm = 1;
    return NGX_OK;
}


static void
vg_replay_end(vg_replay_t *replay)
{
    vg_call_t *call = replay->call;

    vg_call_awaited(call);
    vg_call_release(call);
}


static void
vg_replay_ask(vg_replay_t *replay, const vg_statement_t *st, vg_lane_t lane,
              ngx_uint_t database, void (*done)(vg_unit_t *))
{
    vg_kit_make(&replay->unit, st, replay->values, lane, done, replay);
    replay->unit.database = database;
    vg_unit_submit(&replay->unit);
}


/* what began, as an array; and whether there was something to begin */
static void
vg_replay_answer(vg_call_t *call, PGresult *rows)
{
    if (!PQgetisnull(rows, 0, 0)) {
        (void) vg_reply(call, vg_printf(&call->arena, "{\"replays\":%s}",
                                        PQgetvalue(rows, 0, 0)));
        call->status = "accepted";
    } else if (PQgetvalue(rows, 0, 1)[0] == '0') {
        (void) vg_refuse_with(
            call, "unprocessable",
            VG_STR("{\"message\":\"there is nothing that it has heard in that "
                   "time\"}"));
    } else {
        (void) vg_refuse_with(
            call, "conflict",
            VG_STR("{\"message\":\"a replay is under way\"}"));
    }
}


static void
vg_replay_begun(vg_unit_t *unit)
{
    vg_replay_t *replay = unit->data;
    vg_call_t   *call = replay->call;

    if (!call->finished && unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
    } else if (!call->finished) {
        vg_replay_answer(call, unit->rows);
    }
    vg_replay_end(replay);
}


static void
vg_replay_start(vg_replay_t *replay)
{
    vg_call_t       *call = replay->call;
    const char     **v = replay->values;
    const vg_json_t *types = vg_get(call, "types");

    vg_out_close(&replay->parts, ']');
    v[0] = (const char *) replay->plugin->name.data;
    v[1] = vg_fan_text(call, vg_out_str(&replay->parts));
    v[2] = types ? vg_fan_text(call, types->raw) : NULL;
    v[3] = vg_fan_text(call, call->caller.id);
    vg_replay_ask(replay, vg_replay_begin, VG_LANE_WRITE,
                  replay->plugin->database, vg_replay_begun);
}


static void
vg_replay_parted(vg_unit_t *unit)
{
    vg_replay_t   *replay = unit->data;
    vg_call_t     *call = replay->call;
    vg_out_t      *out = &replay->parts;
    vg_database_t *db = vg_host->databases.elts;

    if (!call->finished && unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
    }
    if (call->finished || call->error != NULL) {
        vg_replay_end(replay);
        return;
    }
    vg_out_open(out, '{');
    vg_out_member(out, "log", vg_of(db[replay->log].name));
    vg_out_member_raw(out, "first", vg_outcome_text(call, unit->rows, 0, 0));
    vg_out_member_raw(out, "last", vg_outcome_text(call, unit->rows, 0, 1));
    vg_out_close(out, '}');
    replay->log++;
    vg_replay_next(replay);
}


/* each log says where the part is; then it begins in all of them */
static void
vg_replay_next(vg_replay_t *replay)
{
    const char *from, *to;

    if (replay->log == vg_host->databases.nelts) {
        vg_replay_start(replay);
        return;
    }
    from = vg_fan_field(replay->call, "from");
    to = vg_fan_field(replay->call, "to");
    replay->values[0] = from ? from : "-infinity";
    replay->values[1] = to ? to : "infinity";
    vg_replay_ask(replay, vg_replay_part, VG_LANE_READ, replay->log,
                  vg_replay_parted);
}


/* the plugin, if it takes all of these types */
static vg_plugin_slot_t *
vg_replay_plugin(vg_call_t *call)
{
    const vg_json_t  *types = vg_get(call, "types"), *type;
    vg_plugin_slot_t *plugin = vg_plugin_named(vg_get(call, "consumer")->text);

    if (plugin == NULL) {
        (void) vg_refuse_field(call, "consumer", "is no plugin");
        return NULL;
    }
    for (type = types ? types->first : NULL; type; type = type->next) {
        if (vg_event_endpoint(plugin, type->text) == NULL) {
            (void) vg_refuse_field(call, "types",
                                   "has one that it does not take");
            return NULL;
        }
    }
    return plugin;
}


void
vg_operator_replay(vg_call_t *call)
{
    vg_replay_t      *replay;
    vg_plugin_slot_t *plugin = vg_replay_plugin(call);

    replay = plugin ? vg_calloc(&call->arena, sizeof(vg_replay_t)) : NULL;
    if (replay == NULL) {
        if (plugin != NULL) {
            (void) vg_refuse(call, "internal");
        } else {
            call->error = vg_kit_error("validation", 10);
        }
        vg_call_awaited(call);
        return;
    }
    vg_call_ref(call);
    call->changed = 1;
    replay->call = call;
    replay->plugin = plugin;
    vg_out_init(&replay->parts, &call->arena);
    vg_out_open(&replay->parts, '[');
    vg_replay_next(replay);
}


void
vg_operator_replays(vg_call_t *call)
{
    const char **v = vg_calloc(&call->arena, 3 * sizeof(const char *));

    if (v != NULL) {
        v[0] = vg_fan_field(call, "consumer");
        v[1] = vg_fan_cursor(call);
        v[2] = vg_fan_limit(call);
    }
    vg_fan_run(call, VG_FAN_LIST, vg_replays, v, VG_LANE_READ);
}
