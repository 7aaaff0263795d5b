/*
 * replay.c: a plugin hears a part of the log again: POST /events/replay.
 *
 * Each log says first where the part begins and ends; then the plugin's
 * database gets a second cursor over it, up to where the plugin's own stands,
 * which rests meanwhile (consumer.c). So all is heard in order: what was heard
 * before, then what was told since.
 */

#include "events.h"
#include "fan.h"
#include "outcome.h"

typedef struct {
    vg_call_t        *call;
    vg_plugin_slot_t *plugin;
    ngx_uint_t        log; /* that is asked                              */
    ngx_uint_t        begun;
    vg_unit_t         unit;
    vg_out_t          out;
    const char       *values[8];
    char              first[24], last[24];
} vg_replay_t;

static vg_statement_t *vg_replay_part, *vg_replay_begin, *vg_replays;

static void vg_replay_next(vg_replay_t *replay);

#define VG_REPLAY                                                              \
    "json_build_object('id', r.id, 'consumer', r.consumer, 'log', r.log,"      \
    " 'position', r.pos, 'until', r.until_pos, 'types', r.types, 'askedBy',"   \
    " r.asked_by, 'askedAt', vg.z(r.asked_at), 'doneAt', vg.z(r.done_at)),"    \
    " r.id::text"


ngx_int_t
vg_replay_init(ngx_conf_t *cf)
{
    /* (first, last]: events that came into the log from, and up to, then */
    vg_statement_kit(
        cf, &vg_replay_part, "replay_part",
        "select coalesce((select e.pos from vg.event e where e.logged_at >="
        " $1::timestamptz order by e.pos limit 1), 9223372036854775807) - 1,"
        " coalesce((select e.pos from vg.event e where $2::text is null"
        " or e.logged_at <= $2::timestamptz order by e.pos desc limit 1), 0)",
        2);
    vg_statement_kit(
        cf, &vg_replay_begin, "replay_begin",
        "with c as (select c.consumer, c.log, least(c.pos, $4::bigint) as last"
        " from vg.cursor c where c.consumer = $1::text and c.log = $2::text),"
        " r as (insert into vg.replay (consumer, log, pos, until_pos, types,"
        " asked_by) select c.consumer, c.log, $3::bigint, c.last,"
        " (select array_agg(t) from jsonb_array_elements_text($5::jsonb) t),"
        " $6::text from c where c.last > $3::bigint on conflict do nothing"
        " returning *) select " VG_REPLAY " from r union all select null,"
        " 'running' from c join vg.replay o on o.consumer = c.consumer"
        " and o.log = c.log and o.done_at is null",
        6);
    vg_statement_kit(cf, &vg_replays, "replays",
                     "select " VG_REPLAY
                     " from vg.replay r where ($1::text is null"
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

    if (!call->finished && call->error == NULL) {
        vg_out_close(&replay->out, ']');
        vg_out_close(&replay->out, '}');
        if (replay->begun == 0) {
            (void) vg_refuse_with(
                call, "unprocessable",
                VG_STR("{\"message\":\"there is nothing that it has heard in "
                       "that time\"}"));
        } else {
            (void) vg_reply(call, vg_out_str(&replay->out));
            call->status = "accepted";
        }
    }
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


static void
vg_replay_begun(vg_unit_t *unit)
{
    vg_replay_t *replay = unit->data;
    vg_call_t   *call = replay->call;

    if (call->finished) {
        vg_replay_end(replay);
        return;
    }
    if (unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
    } else if (PQntuples(unit->rows) > 0 && PQgetisnull(unit->rows, 0, 0)) {
        (void) vg_refuse_with(
            call, "conflict",
            VG_STR("{\"message\":\"a replay is under way\"}"));
    } else if (PQntuples(unit->rows) > 0) {
        vg_out_raw(&replay->out, vg_outcome_text(call, unit->rows, 0, 0));
        replay->begun++;
    }
    if (call->error != NULL) {
        vg_replay_end(replay);
        return;
    }
    replay->log++;
    vg_replay_next(replay);
}


static void
vg_replay_parted(vg_unit_t *unit)
{
    const vg_json_t *types;
    vg_replay_t     *replay = unit->data;
    vg_call_t       *call = replay->call;
    vg_database_t   *db = vg_host->databases.elts;
    const char     **v = replay->values;

    if (call->finished || unit->result != VG_UNIT_OK) {
        if (!call->finished) {
            vg_outcome_error(call, unit);
        }
        vg_replay_end(replay);
        return;
    }
    (void) snprintf(replay->first, sizeof(replay->first), "%s",
                    PQgetvalue(unit->rows, 0, 0));
    (void) snprintf(replay->last, sizeof(replay->last), "%s",
                    PQgetvalue(unit->rows, 0, 1));
    types = vg_get(call, "types");
    v[0] = (const char *) replay->plugin->name.data;
    v[1] = (const char *) db[replay->log].name.data;
    v[2] = replay->first;
    v[3] = replay->last;
    v[4] = types ? vg_printf(&call->arena, "%.*s", (int) types->raw.len,
                             types->raw.data)
                       .data
                 : NULL;
    v[5] = vg_printf(&call->arena, "%.*s", (int) call->caller.id.len,
                     call->caller.id.data)
               .data;
    vg_replay_ask(replay, vg_replay_begin, VG_LANE_WRITE,
                  replay->plugin->database, vg_replay_begun);
}


static void
vg_replay_next(vg_replay_t *replay)
{
    const char *from;

    if (replay->log == vg_host->databases.nelts) {
        vg_replay_end(replay);
        return;
    }
    from = vg_fan_field(replay->call, "from");
    replay->values[0] = from ? from : "-infinity";
    replay->values[1] = vg_fan_field(replay->call, "to");
    vg_replay_ask(replay, vg_replay_part, VG_LANE_SLOW, replay->log,
                  vg_replay_parted);
}


/* the plugin, if it takes all of these types */
static vg_plugin_slot_t *
vg_replay_plugin(vg_call_t *call)
{
    vg_str_t           name = vg_get(call, "consumer")->text;
    ngx_uint_t         i;
    const vg_json_t   *types = vg_get(call, "types"), *type;
    vg_plugin_slot_t **p = vg_host->plugins.elts, *plugin = NULL;

    for (i = 0; i < vg_host->plugins.nelts; i++) {
        if (vg_str_eq(name, (const char *) p[i]->name.data)) {
            plugin = p[i];
        }
    }
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
    vg_out_init(&replay->out, &call->arena);
    vg_out_open(&replay->out, '{');
    vg_out_key(&replay->out, "replays");
    vg_out_open(&replay->out, '[');
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
