/*
 * around.c: hooks run around a call of another plugin's route.
 *
 * A hook is a call of its own, of its plugin's generation and role, that the
 * kit makes of the one it stands at: so fields, reads, steps, deadlines and
 * blame are what they are for any row. It shares what came with that call, and
 * holds it as long as it lives.
 */

#include "around.h"

typedef struct {
    vg_call_t        *call;
    vg_around_place_t place;
    void (*next)(vg_call_t *);
    vg_endpoint_t **hooks; /* a copy, each one's plugin held: others may stand
                              there before the last has run */
    ngx_uint_t      i, n;
    unsigned        looping:1; /* vg_around_go() is on the stack */
    unsigned        told:1;    /* ... and what it waits for is over          */
} vg_around_run_t;

static void vg_around_go(vg_around_run_t *run);


/* ------------------------------------------------------- what a hook said */

/* its plugin may be gone before the answer is */
static const vg_error_t *
vg_around_error(vg_call_t *call, const vg_error_t *error)
{
    vg_error_t *copy = vg_alloc(&call->arena, sizeof(vg_error_t));

    if (copy == NULL) {
        return vg_kit_error("internal", 8);
    }
    *copy = *error;
    copy->name = vg_str_copy(&call->arena, vg_str(error->name)).data;
    copy->title = vg_str_copy(&call->arena, vg_str(error->title)).data;
    return copy->name && copy->title ? copy : vg_kit_error("internal", 8);
}


static void
vg_around_refused(vg_call_t *call, vg_call_t *hook)
{
    vg_str_t problems;

    call->error = vg_around_error(call, hook->error);
    call->retry_after = hook->retry_after;
    call->fault = hook->fault;
    if (hook->detail.data != NULL) {
        call->detail = vg_str_copy(&call->arena, hook->detail);
    }
    if (hook->nproblems) {
        problems = vg_out_str(&hook->problems);
        vg_out_init(&call->problems, &call->arena);
        vg_out_raw(&call->problems, problems);
        call->nproblems = hook->nproblems;
    }
}


static void
vg_around_changed(vg_around_run_t *run, vg_call_t *hook)
{
    vg_str_t         text;
    vg_call_t       *call = run->call;
    const vg_json_t *body;

    text = vg_str_copy(&call->arena, hook->text);
    switch (run->place) {

    case VG_AROUND_FIELDS:
        body = text.data ? vg_json_parse(&call->arena, text, NULL) : NULL;
        if (body == NULL) {
            (void) vg_refuse(call, "internal");
            return;
        }
        call->body = body;
        return;

    case VG_AROUND_ANSWER:
        if (text.data == NULL) {
            (void) vg_refuse(call, "internal");
            return;
        }
        call->text = text;
        call->tagged = (vg_str_t){ NULL, 0 };
        return;

    default:
        vg_log(hook, VG_LOG_ERROR,
               "%s answers, where it may only look: that is not heard",
               hook->endpoint->label.data);
    }
}


/* of one that is over; whose plugin is broken may be gone on without */
static void
vg_around_took(vg_around_run_t *run, vg_call_t *hook)
{
    vg_call_t *call = run->call;

    if (call->finished) {
        return;
    }
    if (hook->error == NULL) {
        if (hook->answered && hook->text.data != NULL) {
            vg_around_changed(run, hook);
        }
    } else if (hook->error->status < 500
               || !(hook->endpoint->row->flags & VG_OPTIONAL))
    {
        vg_around_refused(call, hook);
    } else {
        vg_log(hook, VG_LOG_WARN, "%s: %s goes on without it: %s",
               hook->endpoint->label.data, call->endpoint->label.data,
               hook->error->name);
    }
}


static void
vg_around_over(vg_call_t *hook)
{
    vg_around_run_t *run = hook->owner;

    vg_around_took(run, hook);
    run->told = 1;
    if (!run->looping) {
        vg_around_go(run);
    }
}


/* ------------------------------------------------------------- what it gets */

static void
vg_around_release(void *data)
{
    vg_call_release(data);
}


static ngx_msec_t
vg_around_deadline(const vg_call_t *call)
{
    ngx_msec_int_t left = call->deadline.timer.key - ngx_current_msec;

    return left <= 0 ? 1 : ngx_min((ngx_msec_t) left, VG_ASK_DEADLINE);
}


static ngx_int_t
vg_around_start(vg_around_run_t *run, vg_endpoint_t *e)
{
    vg_call_t          *call = run->call, *hook = vg_call_create(e);
    ngx_pool_cleanup_t *held;

    held = hook ? ngx_pool_cleanup_add(hook->pool, 0) : NULL;
    if (held == NULL) {
        if (hook != NULL) {
            vg_call_release(hook);
        }
        return NGX_ERROR;
    }
    vg_call_ref(call);
    held->handler = vg_around_release;
    held->data = call;
    hook->caller = call->caller;
    hook->correlation = call->correlation;
    hook->traceparent = call->traceparent;
    hook->address = call->address;
    hook->now = call->now;
    hook->depth = call->depth + 1;
    hook->body = call->body;
    hook->query = call->query;
    ngx_memcpy(hook->path, call->path, sizeof(call->path));
    hook->in.charge_point = call->in.charge_point;
    hook->in.payload = call->in.payload;
    if (run->place == VG_AROUND_ANSWER) {
        hook->loaded = call->text;
    }
    hook->finish = vg_around_over;
    hook->owner = run;
    vg_call_run(hook, vg_around_deadline(call));
    return NGX_OK;
}


/* ------------------------------------------------------------------ the way */

static void
vg_around_end(vg_around_run_t *run)
{
    ngx_uint_t i;
    vg_call_t *call = run->call;

    for (i = 0; i < run->n; i++) {
        vg_plugin_release(run->hooks[i]->plugin);
    }
    if (!call->finished) {
        run->next(call);
    }
    vg_call_release(call);
}


static void
vg_around_go(vg_around_run_t *run)
{
    vg_call_t *call = run->call;

    run->looping = 1;
    while (run->i < run->n && !call->finished && call->error == NULL) {
        run->told = 0;
        if (vg_around_start(run, run->hooks[run->i++]) != NGX_OK) {
            (void) vg_refuse(call, "internal");
        } else if (!run->told) {
            run->looping = 0;
            return;
        }
    }
    vg_around_end(run);
}


/* those of the present generation: a call may be of one before */
static const vg_around_t *
vg_around_of(const vg_endpoint_t *e)
{
    if (e->plugin->retired) {
        e = vg_registry_find(e->row->method, e->row->path,
                             ngx_strlen(e->row->path));
    }
    return e ? e->around : NULL;
}


/* a text that is one piece of JSON; a frame of a stream is one of many */
static ngx_uint_t
vg_around_has_answer(const vg_call_t *call)
{
    return call->text.data != NULL && call->type == NULL
           && !(call->endpoint->row->flags & VG_STREAM);
}


void
vg_around_run(vg_call_t *call, vg_around_place_t place,
              void (*next)(vg_call_t *))
{
    ngx_uint_t         i, n;
    vg_around_run_t   *run;
    const vg_around_t *around = vg_around_of(call->endpoint);

    n = around ? around->first[place + 1] - around->first[place] : 0;
    if (n == 0 || (place == VG_AROUND_ANSWER && !vg_around_has_answer(call))) {
        next(call);
        return;
    }
    run = vg_calloc(&call->arena,
                    sizeof(vg_around_run_t) + n * sizeof(vg_endpoint_t *));
    if (run == NULL) {
        (void) vg_refuse(call, "internal");
        next(call);
        return;
    }
    run->call = call;
    run->place = place;
    run->next = next;
    run->n = n;
    run->hooks = (vg_endpoint_t **) (run + 1);
    for (i = 0; i < n; i++) {
        run->hooks[i] = around->hooks[around->first[place] + i];
        vg_plugin_hold(run->hooks[i]->plugin);
    }
    vg_call_ref(call);
    vg_around_go(run);
}
