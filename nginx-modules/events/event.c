/*
 * event.c: an event of a log, and the call that it becomes.
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


ngx_uint_t
vg_event_listens(const vg_plugin_slot_t *plugin)
{
    ngx_uint_t      i, n = 0;
    vg_endpoint_t **e = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        n += e[i]->row->method == VG_EVENT && !(e[i]->row->flags & VG_HERE);
    }
    return n > 0;
}


/* A JSON array of strings and PostgreSQL's text of an array differ in their
 * brackets, as long as no string has a character to be escaped. */
const char *
vg_event_types(vg_pool_t *pool, const ngx_array_t *endpoints, ngx_uint_t here)
{
    vg_out_t        out;
    vg_str_t        text;
    ngx_uint_t      i;
    vg_endpoint_t **e = endpoints->elts;

    vg_out_init(&out, pool);
    vg_out_open(&out, '[');
    for (i = 0; i < endpoints->nelts; i++) {
        if (e[i]->row->method == VG_EVENT
            && ((e[i]->row->flags & VG_HERE) != 0) == here)
        {
            vg_out_string(&out, vg_str(e[i]->row->path));
        }
    }
    vg_out_close(&out, ']');
    text = vg_out_str(&out);
    return text.len < 2
               ? NULL
               : vg_printf(pool, "{%.*s}", (int) text.len - 2, text.data + 1)
                     .data;
}


/* events and timers wait while their plugin is out, or paused */
ngx_uint_t
vg_event_may(vg_plugin_slot_t *plugin)
{
    return plugin->state == VG_PLUGIN_READY && !vg_versions_paused(plugin);
}


static vg_str_t
vg_event_copy(vg_pool_t *pool, const char *data, size_t len)
{
    char *copy = vg_alloc(pool, len + 1);

    if (copy == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    ngx_memcpy(copy, data, len);
    copy[len] = '\0';
    return (vg_str_t){ copy, len };
}


/* ten columns from this one on, as VG_EVENT_COLUMNS has them */
ngx_int_t
vg_event_read(vg_pool_t *pool, PGresult *rows, int row, int column,
              vg_event_t *event)
{
    int       i;
    vg_str_t *to[] = { &event->pos,         &event->id,
                       &event->type,        &event->aggregate,
                       &event->payload,     &event->correlation,
                       &event->traceparent, &event->actor,
                       &event->at,          &event->source };

    for (i = 0; i < VG_EVENT_NCOLUMNS; i++) {
        *to[i] = vg_event_copy(pool, PQgetvalue(rows, row, column + i),
                               PQgetlength(rows, row, column + i));
        if (to[i]->data == NULL) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}


static vg_str_t
vg_event_keep(vg_call_t *call, vg_str_t s)
{
    return vg_event_copy(&call->arena, s.data, s.len);
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
