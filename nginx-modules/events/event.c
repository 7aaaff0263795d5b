/*
 * event.c: an event of the log, and the call that it becomes.
 */

#include "events.h"


vg_endpoint_t *
vg_event_endpoint(vg_plugin_slot_t *plugin, vg_str_t type)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        if (e[i]->row->method == VG_EVENT && !(e[i]->row->flags & VG_HERE)
            && vg_str_eq(type, e[i]->row->path))
        {
            return e[i];
        }
    }
    return NULL;
}


/* events and timers wait while their plugin is out, or paused */
ngx_uint_t
vg_event_may(vg_plugin_slot_t *plugin)
{
    return plugin->state == VG_PLUGIN_READY && !vg_versions_paused(plugin);
}


static vg_str_t
vg_event_text(vg_pool_t *pool, PGresult *rows, int row, int column)
{
    return vg_printf(pool, "%.*s", PQgetlength(rows, row, column),
                     PQgetvalue(rows, row, column));
}


/* ten columns from this one on: pos, id, type ... , blocked */
void
vg_event_read(vg_pool_t *pool, PGresult *rows, int row, int column,
              vg_event_t *event)
{
    ngx_uint_t i;
    vg_str_t  *to[] = { &event->pos,         &event->id,
                        &event->type,        &event->aggregate,
                        &event->payload,     &event->correlation,
                        &event->traceparent, &event->actor,
                        &event->at };

    for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        *to[i] = vg_event_text(pool, rows, row, column + (int) i);
    }
    event->blocked = PQgetvalue(rows, row, column + (int) i)[0] == 't';
}


static vg_str_t
vg_event_keep(vg_call_t *call, vg_str_t s)
{
    return vg_printf(&call->arena, "%.*s", (int) s.len, s.data);
}


/* A call that is overdue ends before its unit does, and the batch's pool with
 * it: the call has copies of all. */
vg_call_t *
vg_event_call(vg_endpoint_t *e, const vg_event_t *event,
              void (*done)(vg_call_t *), void    *owner)
{
    vg_call_t *call = vg_call_create(e);

    if (call == NULL) {
        return NULL;
    }
    call->body =
        vg_json_parse(&call->arena, vg_event_keep(call, event->payload), NULL);
    call->in.event_id = vg_event_keep(call, event->id);
    call->in.type = vg_event_keep(call, event->type);
    call->in.aggregate_id = vg_event_keep(call, event->aggregate);
    call->in.time = vg_event_keep(call, event->at);
    call->correlation = vg_event_keep(call, event->correlation);
    call->traceparent = event->traceparent.len
                            ? vg_event_keep(call, event->traceparent)
                            : (vg_str_t){ NULL, 0 };
    call->caller.id = vg_event_keep(call, event->actor);
    call->caller.role = VG_STR("system");
    call->finish = done;
    call->owner = owner;
    return call;
}


/* Without memory they are NULL, which moves nothing and rolls back. */
const char **
vg_event_after(vg_call_t *call, const char **values, ngx_uint_t count)
{
    ngx_uint_t   i;
    const char **own = vg_calloc(&call->arena, count * sizeof(const char *));

    for (i = 0; own != NULL && i < count; i++) {
        own[i] = vg_event_keep(call, vg_str(values[i])).data;
    }
    return own;
}
