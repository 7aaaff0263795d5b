/*
 * stream.c: the life of a stream: its first frame, reading anew, its end.
 *
 * What moved is queued and read by a call of its own, through the route as it
 * stands then: fields, statement and render of the present generation, with
 * the caller's identity, so that who may not see it any more does not. A
 * stream without room is not read at all: it gets the newest when it has.
 */

#include "inside.h"

#define VG_STREAM_READS 64   /* under way at once in one worker            */
#define VG_STREAM_SWEEP 1000 /* ms                                         */

static ngx_queue_t vg_streams, vg_stream_queue;
static ngx_uint_t  vg_stream_count, vg_stream_reads;
static ngx_event_t vg_stream_tick, vg_stream_sweep;


/* ---------------------------------------------------------------- the end */

void
vg_stream_leave(vg_stream_t *s)
{
    vg_call_t *call = s->call;

    if (!s->listed) {
        return;
    }
    s->listed = 0;
    vg_stream_count--;
    ngx_queue_remove(&s->all);
    vg_topic_part(s);
    if (s->queued) {
        ngx_queue_remove(&s->moved);
    }
    if (call != NULL) {
        s->call = NULL;
        call->owner = NULL;
        vg_stream_reads--;
        vg_call_abandon(call);
    }
    vg_trust_leave(s);
}


void
vg_stream_cleanup(void *data)
{
    vg_stream_t *s = data;

    vg_stream_leave(s);
    if (s->out != NULL) {
        ngx_free(s->out);
        s->out = NULL;
    }
}


/* s may be gone after it */
static void
vg_stream_end(vg_stream_t *s, vg_stream_why_t why)
{
    ngx_int_t           rc;
    ngx_connection_t   *c = s->request->connection;
    ngx_http_request_t *r = s->request;

    vg_stream_leave(s);
    rc = s->way->close(s, why);
    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        ngx_http_run_posted_requests(c);
    }
}


/* --------------------------------------------------------------- to queue */

/* Nothing is read before its pace; what waits for others to be read goes on
 * when they are. */
static void
vg_stream_arm(void)
{
    vg_stream_t   *s;
    ngx_msec_int_t wait;

    if (ngx_queue_empty(&vg_stream_queue) || vg_stream_tick.timer_set
        || vg_stream_reads >= VG_STREAM_READS)
    {
        return;
    }
    s = ngx_queue_data(ngx_queue_head(&vg_stream_queue), vg_stream_t, moved);
    wait = s->lost ? 1
                   : (ngx_msec_int_t) (s->read + vg_stream_conf()->pace
                                       - ngx_current_msec);
    ngx_add_timer(&vg_stream_tick, (ngx_msec_t) ngx_max(wait, 1));
}


void
vg_stream_rouse(vg_stream_t *s)
{
    if (!s->listed || s->queued) {
        return;
    }
    if (s->call != NULL) {
        s->again = 1;
        return;
    }
    s->queued = 1;
    ngx_queue_insert_tail(&vg_stream_queue, &s->moved);
    vg_stream_arm();
}


void
vg_stream_drained(vg_stream_t *s)
{
    s->sent = ngx_current_msec;
    if (s->behind) {
        s->behind = 0;
        vg_stream_rouse(s);
    }
}


void
vg_stream_lose(vg_stream_t *s)
{
    s->lost = 1;
    vg_stream_rouse(s);
}


/* --------------------------------------------------------------- to read */

/* Those of the call, each once; when there are more they are read at once. */
static void
vg_stream_feed(vg_stream_t *s, vg_call_t *call)
{
    (void) snprintf(s->id, sizeof(s->id), "%.*s", (int) call->frame.len,
                    call->frame.data);
    if (call->frames->nelts > 0) {
        s->way->frames(s, call->frames->elts, call->frames->nelts);
        s->sent = ngx_current_msec;
    }
    if (call->more) {
        s->again = 1;
        s->read = ngx_current_msec - vg_stream_conf()->pace;
    }
}


ngx_uint_t
vg_stream_show(vg_stream_t *s, vg_call_t *call)
{
    vg_stream_frame_t frame;
    vg_str_t          id = call->frame;

    if (id.data == NULL || id.len > VG_STREAM_ID) {
        id = VG_STR("");
    }
    if (id.len > 0 && vg_str_eq(id, s->id)) {
        return 1;
    }
    if (call->frames != NULL && call->frames->nelts == 0) {
        vg_stream_feed(s, call); /* the place alone, which needs no room */
        return 1;
    }
    if (!s->way->room(s)) { /* a sign of life went out meanwhile */
        s->behind = 1;
        return 0;
    }
    if (call->frames != NULL) {
        vg_stream_feed(s, call);
        return 1;
    }
    (void) snprintf(s->id, sizeof(s->id), "%.*s", (int) id.len, id.data);
    frame = (vg_stream_frame_t){ vg_str(s->id), call->text };
    s->way->frames(s, &frame, 1);
    s->sent = ngx_current_msec;
    return 1;
}


static void
vg_stream_done(vg_call_t *call)
{
    vg_stream_t *s = call->owner;

    if (s == NULL) {
        return; /* the stream has ended */
    }
    s->call = NULL;
    vg_stream_reads--;
    vg_stream_arm();
    if (call->error != NULL) {
        s->stale = call->error->status >= NGX_HTTP_INTERNAL_SERVER_ERROR;
        if (!s->stale) {
            vg_stream_end(s, VG_STREAM_HIDDEN);
        }
        return;
    }
    s->stale = 0;
    if (vg_stream_show(s, call) && call->over) {
        vg_stream_end(s, VG_STREAM_OVER);
    } else if (s->again || s->lost) {
        s->again = 0;
        vg_stream_rouse(s);
    }
}


/* s may be gone after it: a call may be over at once */
static void
vg_stream_read(vg_stream_t *s)
{
    ngx_uint_t     i;
    vg_call_t     *call;
    vg_endpoint_t *e;

    e = vg_registry_find(VG_GET, s->path, ngx_strlen(s->path));
    if (e == NULL || !(e->row->flags & VG_STREAM)) {
        s->stale = 1; /* its plugin is out, perhaps for a moment */
        return;
    }
    call = vg_call_create(e);
    if (call == NULL) {
        s->stale = 1;
        return;
    }
    vg_stream_copies(&call->arena, &call->caller, &s->caller);
    call->correlation = vg_stream_copy(&call->arena, s->correlation);
    call->traceparent = vg_stream_copy(&call->arena, s->traceparent);
    call->query = vg_stream_copy(&call->arena, s->query);
    for (i = 0; i < VG_PATH_VALUES; i++) {
        call->path[i] = vg_stream_copy(&call->arena, s->values[i]);
    }
    call->in.since = vg_stream_copy(&call->arena, vg_str(s->id));
    call->streams = 1;
    call->finish = vg_stream_done;
    call->owner = s;
    s->call = call;
    vg_stream_reads++;
    vg_call_run(call, VG_CALL_DEADLINE);
}


static void
vg_stream_ticked(ngx_event_t *ev)
{
    ngx_msec_t   pace = vg_stream_conf()->pace;
    vg_stream_t *s;

    (void) ev;
    while (!ngx_queue_empty(&vg_stream_queue)
           && vg_stream_reads < VG_STREAM_READS) {
        s = ngx_queue_data(ngx_queue_head(&vg_stream_queue), vg_stream_t,
                           moved);
        if (!s->lost
            && (ngx_msec_int_t) (s->read + pace - ngx_current_msec) > 0) {
            break;
        }
        ngx_queue_remove(&s->moved);
        s->queued = 0;
        s->read = ngx_current_msec;
        if (s->lost) {
            vg_stream_end(s, VG_STREAM_LOST);
        } else if (!s->way->room(s)) {
            s->behind = 1;
        } else {
            vg_stream_read(s);
        }
    }
    vg_stream_arm();
}


/* s may be gone after it */
static void
vg_stream_swept(vg_stream_t *s)
{
    ngx_msec_t heartbeat = vg_stream_conf()->heartbeat;

    if (!vg_trust(s)) {
        vg_stream_end(s, VG_STREAM_EXPIRED);
        return;
    }
    if (ngx_exiting && s->way == &vg_sse) {
        vg_stream_end(s, VG_STREAM_RESTART); /* sockets leave in waves */
        return;
    }
    if (ngx_current_msec - s->sent >= heartbeat && s->way->room(s)) {
        s->sent = ngx_current_msec;
        s->way->beat(s);
    }
    /* another node may have moved it */
    if (s->stale || ngx_current_msec - s->read >= heartbeat) {
        vg_stream_rouse(s);
    }
}


/* Each takes its turn at the head, so that one that ends takes no other's
 * place with it. */
static void
vg_stream_sweeps(ngx_event_t *ev)
{
    ngx_uint_t   n = vg_stream_count;
    vg_stream_t *s;

    while (n-- > 0 && !ngx_queue_empty(&vg_streams)) {
        s = ngx_queue_data(ngx_queue_head(&vg_streams), vg_stream_t, all);
        ngx_queue_remove(&s->all);
        ngx_queue_insert_tail(&vg_streams, &s->all);
        vg_stream_swept(s);
    }
    if (vg_stream_count > 0) {
        ngx_add_timer(ev, VG_STREAM_SWEEP);
    }
}


/* -------------------------------------------------------------- the start */

static ngx_uint_t
vg_stream_same(vg_str_t a, vg_str_t b)
{
    return a.len == b.len
           && (a.len == 0 || ngx_memcmp(a.data, b.data, a.len) == 0);
}


vg_rc_t
vg_stream_admit(vg_call_t *call)
{
    ngx_uint_t   n = 0;
    ngx_queue_t *q;
    vg_stream_t *s;

    if (ngx_exiting || vg_stream_count >= vg_stream_conf()->max) {
        call->retry_after = 5;
        return vg_refuse(call, ngx_exiting ? "unavailable" : "busy");
    }
    for (q = ngx_queue_head(&vg_streams); q != ngx_queue_sentinel(&vg_streams);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, vg_stream_t, all);
        n += vg_stream_same(s->caller.id, call->caller.id)
             && vg_stream_same(s->caller.role, call->caller.role);
    }
    if (n >= vg_stream_conf()->max_caller) {
        call->retry_after = 5;
        return vg_refuse(call, "limited");
    }
    return VG_OK;
}


/* It is read once more, for it may have moved before it was listed. */
void
vg_stream_list(vg_stream_t *s)
{
    s->listed = 1;
    s->read = s->sent = ngx_current_msec;
    ngx_queue_insert_tail(&vg_streams, &s->all);
    vg_topic_join(s);
    if (vg_stream_count++ == 0 && !vg_stream_sweep.timer_set) {
        ngx_add_timer(&vg_stream_sweep, VG_STREAM_SWEEP);
    }
    vg_stream_rouse(s);
}


void
vg_stream_start(void)
{
    ngx_queue_init(&vg_streams);
    ngx_queue_init(&vg_stream_queue);
    vg_stream_tick.handler = vg_stream_ticked;
    vg_stream_tick.data = &vg_nobody;
    vg_stream_tick.log = ngx_cycle->log;
    vg_stream_sweep.handler = vg_stream_sweeps;
    vg_stream_sweep.data = &vg_stream_sweep;
    vg_stream_sweep.log = ngx_cycle->log;
    vg_topic_start();
}


void
vg_stream_stop(void)
{
    vg_topic_stop();
}
