/*
 * inquiry.c: another plugin's internal route as what a step asks: vg_inquire()
 * of vg.h. Unlike vg_ask() it waits, so the route may have a statement.
 *
 * The ask is a call of its own with a commit of its own, by the same caller.
 * It may outlive who asked, when it is overdue, so it has its own copies.
 */

#include "inquiry.h"

typedef struct {
    const char    *route;
    vg_endpoint_t *own; /* a statement of its handler's; NULL: see route */
    vg_str_t       args;
    vg_str_t       otherwise; /* data NULL: who cannot be asked is an error  */

    vg_call_t  *call; /* held by who asks until it is told             */
    vg_call_t  *ask;  /* what ended before there was time to wait      */
    vg_said_pt  said;
    void       *data;
    ngx_event_t told;
    unsigned    waiting:1;
} vg_inquiry_t;


/* An error that the asker does not know by name is one of the kit's of the
 * same status; a refusal of the arguments is a bug, and ours. */
static const char *
vg_inquiry_error(const vg_inquiry_t *q, const vg_call_t *ask)
{
    const vg_error_t *known =
        vg_registry_error(q->call->endpoint->plugin, ask->error->name,
                          ngx_strlen(ask->error->name));

    if (ask->error->status == NGX_HTTP_BAD_REQUEST) {
        vg_log(q->call, VG_LOG_ERROR, "%s refused what it was asked: %.*s",
               q->route, (int) ask->problems.len,
               ask->problems.len ? ask->problems.data : "");
        return "internal";
    }
    if (known == NULL || known->status != ask->error->status) {
        known = vg_kit_error_status(ask->error->status);
    }
    return known != NULL ? known->name : "internal";
}


static void
vg_inquiry_tell(const vg_inquiry_t *q, const vg_call_t *ask)
{
    vg_said_t said = { .result = VG_STR("null") };

    if (ask == NULL) {
        said.error = "plugin_out";
    } else if (ask->error != NULL) {
        said.error = vg_inquiry_error(q, ask);
        said.detail = ask->detail;
    } else if (ask->text.data != NULL) {
        said.result = ask->text;
    }
    if (q->otherwise.data != NULL
        && (ask == NULL || (ask->error != NULL && ask->error->status > 500)))
    {
        vg_log(q->call, VG_LOG_WARN, "%s cannot be asked: %s", q->route,
               said.error);
        said = (vg_said_t){ .result = q->otherwise };
    }
    q->said(q->data, &said);
}


static void
vg_inquiry_told(ngx_event_t *ev)
{
    vg_inquiry_t *q = ev->data;
    vg_call_t    *ask = q->ask;

    vg_inquiry_tell(q, ask); /* the asker, and q with it, may be gone then */
    if (ask != NULL) {
        vg_call_release(ask);
    }
}


static void
vg_inquiry_answered(vg_call_t *ask)
{
    vg_inquiry_t *q = ask->owner;

    if (q->waiting) {
        vg_inquiry_tell(q, ask);
    } else {
        vg_call_ref(ask);
        q->ask = ask;
    }
}


/* A change is made once, however often a job, or the same keyed call, asks: its
 * steps are told apart, since two may ask the same route. What a key was used
 * for is the call's: another body is refused, and a saga's are kept longer. */
static void
vg_inquiry_key(const vg_call_t *call, vg_call_t *ask)
{
    ngx_uint_t     nth = call->outgoing.nth;
    const char    *step;
    vg_endpoint_t *e = ask->endpoint;
    vg_str_t       key =
        call->in.job_id.data ? call->in.job_id : vg_of(call->key.key);

    if (key.len == 0 || e->statement == NULL || !e->statement->change) {
        return;
    }
    step = call->endpoint->steps[call->step].row->name;
    if (nth > 0) {
        step = vg_printf(&ask->arena, "%s.%lu", step, nth).data;
    }
    ask->key.key = vg_ngx(vg_printf(&ask->arena, "%s/%s/%.*s",
                                    (const char *) call->endpoint->label.data,
                                    step ? step : "", (int) key.len, key.data));
    if (call->in.job_id.data != NULL) {
        ngx_str_set(&ask->key.hash, "inquiry"); /* the key says it all */
    } else {
        ask->key.hash = vg_ngx(vg_str_copy(&ask->arena, vg_of(call->key.hash)));
    }
}


/* of what is left to who asks */
static ngx_msec_t
vg_inquiry_deadline(const vg_call_t *call, const vg_endpoint_t *e)
{
    ngx_msec_t     own = e->awaits ? VG_AWAIT_DEADLINE : VG_ASK_DEADLINE;
    ngx_msec_int_t left;

    if (!call->deadline.timer_set) {
        return own; /* its answer has left already */
    }
    left = call->deadline.timer.key - ngx_current_msec;
    return left <= 0 ? 1 : ngx_min(own, (ngx_msec_t) left);
}


void
vg_inquiry_hurry(vg_call_t *call, const vg_endpoint_t *e)
{
    ngx_msec_t gone = ngx_current_msec - call->started;

    if (call->deadline.timer_set && call->endpoint->row->method <= VG_DELETE
        && !e->awaits && gone < VG_CALL_DEADLINE)
    {
        ngx_add_timer(&call->deadline, VG_CALL_DEADLINE - gone);
    }
}


static vg_call_t *
vg_inquiry_make(vg_inquiry_t *q, vg_endpoint_t *e)
{
    vg_str_t   args;
    vg_call_t *call = q->call, *ask = vg_call_create(e);

    if (ask == NULL) {
        return NULL;
    }
    args = vg_str_copy(&ask->arena, q->args);
    ask->body = vg_json_parse(&ask->arena, args, NULL);
    ask->caller = call->caller;
    ask->caller.id = vg_str_copy(&ask->arena, call->caller.id);
    ask->caller.role = vg_str_copy(&ask->arena, call->caller.role);
    ask->caller.company = vg_str_copy(&ask->arena, call->caller.company);
    ask->caller.scopes = vg_str_copy(&ask->arena, call->caller.scopes);
    ask->caller.session = vg_str_copy(&ask->arena, call->caller.session);
    ask->caller.plan = vg_str_copy(&ask->arena, call->caller.plan);
    ask->correlation = vg_str_copy(&ask->arena, call->correlation);
    ask->traceparent = vg_str_copy(&ask->arena, call->traceparent);
    ask->depth = call->depth + 1;
    ask->now = call->now;
    ask->finish = vg_inquiry_answered;
    ask->owner = q;
    vg_inquiry_key(call, ask);
    return ask;
}


static void
vg_inquiry_send(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    vg_call_t          *ask = NULL;
    vg_inquiry_t       *q;
    vg_endpoint_t      *e;
    vg_said_t           broken = { .error = "internal" };
    const vg_inquiry_t *bound = what;

    q = vg_alloc(&call->arena, sizeof(vg_inquiry_t));
    if (q == NULL) {
        said(data, &broken);
        return;
    }
    *q = *bound;
    q->call = call;
    q->said = said;
    q->data = data;
    q->told.handler = vg_inquiry_told;
    q->told.data = q;
    q->told.log = call->log;
    e = q->own ? q->own
               : vg_registry_find(VG_INTERNAL, q->route, ngx_strlen(q->route));
    if (e != NULL) {
        vg_inquiry_hurry(call, e);
        ask = vg_inquiry_make(q, e);
        if (ask == NULL) {
            said(data, &broken);
            return;
        }
        vg_call_run(ask, vg_inquiry_deadline(call, e));
        if (q->ask == NULL) {
            q->waiting = 1;
            return;
        }
    }
    /* it is over already: told when this is, as by any other way */
    ngx_post_event(&q->told, &ngx_posted_events);
}


static vg_rc_t
vg_inquiry_bind(vg_call_t *call, vg_endpoint_t *own, const char *route,
                vg_str_t args, vg_str_t otherwise)
{
    vg_inquiry_t *q;

    if (call->depth >= VG_ASK_DEPTH) {
        vg_log(call, VG_LOG_ERROR, "%s is asked too deep", route);
        return vg_refuse(call, "internal");
    }
    q = args.data ? vg_calloc(&call->arena, sizeof(vg_inquiry_t)) : NULL;
    if (q == NULL) {
        return vg_refuse(call, "internal");
    }
    q->route = route;
    q->own = own;
    q->args = args;
    q->otherwise = otherwise;
    call->outgoing.send = vg_inquiry_send;
    call->outgoing.what = q;
    return VG_OK;
}


vg_rc_t
vg_inquire_or(vg_call_t *call, const char *route, vg_str_t args,
              vg_str_t otherwise)
{
    return vg_inquiry_bind(call, NULL, route, args, otherwise);
}


vg_rc_t
vg_language_ask(vg_call_t *call, vg_endpoint_t *e, vg_str_t args)
{
    return vg_inquiry_bind(call, e, e->row->path, args, (vg_str_t){ NULL, 0 });
}


vg_rc_t
vg_inquire(vg_call_t *call, const char *route, vg_str_t args)
{
    return vg_inquire_or(call, route, args, (vg_str_t){ NULL, 0 });
}
