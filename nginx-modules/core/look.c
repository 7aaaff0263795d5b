/*
 * look.c: a statement of its own that a handler asks, and that reads: one more
 * unit of its call, with the call's caller, arena and deadline. One that changes
 * is a call of its own (inquiry.c), for it has a key and a commit.
 *
 * It is not the call's unit: who hangs up is seen when it is told.
 */

#include "db.h"
#include "inquiry.h"
#include "language.h"
#include "outcome.h"

typedef struct {
    vg_call_t   as;   /* the call as the statement's row sees it: a copy, in
                       which nothing lives but fields and what came of them */
    vg_call_t  *call; /* held by who asks until it is told               */
    vg_unit_t   unit;
    vg_said_pt  said;
    void       *data;
    ngx_event_t told;
} vg_look_t;


static void
vg_look_tell(vg_look_t *look)
{
    vg_said_t said = { .result = look->as.text };

    if (look->as.nproblems) {
        vg_log(look->call, VG_LOG_ERROR, "%s refused what it was asked: %.*s",
               look->as.endpoint->row->path, (int) look->as.problems.len,
               look->as.problems.data);
        said.error = "internal";
    } else if (look->as.error != NULL) {
        said.error = look->as.error->name;
        said.detail = look->as.detail;
    }
    look->said(look->data, &said);
}


static void
vg_look_told(ngx_event_t *ev)
{
    vg_look_tell(ev->data);
}


static void
vg_look_done(vg_unit_t *unit)
{
    vg_look_t *look = unit->data;

    if (unit->result != VG_UNIT_OK) {
        vg_outcome_error(&look->as, unit);
    } else {
        vg_outcome_rows(&look->as, unit->rows);
    }
    vg_look_tell(look);
}


static void
vg_look_send(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    vg_look_t     *look = (vg_look_t *) what;
    vg_endpoint_t *e = look->as.endpoint;

    look->said = said;
    look->data = data;
    vg_inquiry_hurry(call, e);
    if (vg_fields_check(&look->as) == VG_OK) {
        look->unit.statement = e->statement;
        look->unit.values = vg_bind_values(&look->as, e->statement);
        if (look->unit.values == NULL) {
            (void) vg_refuse(&look->as, "internal");
        }
    }
    if (look->unit.values == NULL) {
        /* told when this is, as by any other way */
        look->told.handler = vg_look_told;
        look->told.data = look;
        look->told.log = call->log;
        ngx_post_event(&look->told, &ngx_posted_events);
        return;
    }
    look->unit.lane = e->statement->firm ? VG_LANE_WRITE : VG_LANE_READ;
    look->unit.endpoint = e;
    look->unit.done = vg_look_done;
    look->unit.data = look;
    vg_unit_submit(&look->unit);
}


vg_rc_t
vg_language_look(vg_call_t *call, vg_endpoint_t *e, const vg_json_t *args)
{
    vg_look_t *look = args ? vg_calloc(&call->arena, sizeof(vg_look_t)) : NULL;
    size_t     size = e->nfields * sizeof(vg_json_t *);

    if (look == NULL) {
        return vg_refuse(call, "internal");
    }
    look->call = call;
    (void) vg_call_new_id(call); /* one for both */
    look->as = *call;
    look->as.endpoint = e;
    look->as.body = args;
    look->as.bound = NULL; /* no field is */
    look->as.values = vg_calloc(&call->arena, size + 1);
    if (look->as.values == NULL) {
        return vg_refuse(call, "internal");
    }
    look->as.error = NULL;
    look->as.detail = look->as.text = (vg_str_t){ NULL, 0 };
    look->as.nproblems = 0;
    vg_out_init(&look->as.problems, &call->arena);
    call->outgoing.send = vg_look_send;
    call->outgoing.what = look;
    return VG_OK;
}
