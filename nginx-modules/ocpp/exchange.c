/*
 * exchange.c: a charge point's calls, one at a time, in the order they came.
 */

#include "cards.h"
#include "charger.h"
#include "node.h"

/* A call that came in. It lies in a pool of its own, with its text and its
 * parsed payload; the call that answers it takes that pool over, since steps
 * may look at the payload when the charger is long gone. */
struct vg_exchange_s {
    ngx_queue_t   queue;
    ngx_pool_t   *pool;
    vg_pool_t     arena;
    vg_charger_t *charger; /* NULL: gone                                  */
    vg_frame_t    frame;

    vg_gate_guest_t guest; /* of the boots                                */
};

typedef struct {
    const char *name;
    vg_code_t   code;
} vg_exchange_error_t;

/* the kit's refusals, where they are more than "it did not work" */
static const vg_exchange_error_t vg_exchange_errors[] = {
    { "malformed", VG_CODE_FORMATION },   { "validation", VG_CODE_PROPERTY },
    { "unauthorized", VG_CODE_SECURITY }, { "forbidden", VG_CODE_SECURITY },
    { "not_found", VG_CODE_GENERIC },     { "conflict", VG_CODE_GENERIC },
    { "unprocessable", VG_CODE_GENERIC }, { NULL, VG_CODE_INTERNAL },
};

static const vg_code_t vg_exchange_faults[] = {
    [VG_FAULT_NONE] = VG_CODE_PROPERTY,
    [VG_FAULT_MISSING] = VG_CODE_OCCURENCE,
    [VG_FAULT_TYPE] = VG_CODE_TYPE,
    [VG_FAULT_VALUE] = VG_CODE_PROPERTY,
};

/* A fleet that comes back boots at once. What is under way is bounded, so
 * that the lanes stay free for those who charge; the rest waits a while. */
static vg_gate_t vg_boots;

#define VG_BOOT_AGAIN  10 /* s until who was told to wait boots again ...  */
#define VG_BOOT_SPREAD 10 /* ... or so much more                           */

static void vg_exchange_next(vg_charger_t *charger);


/* ---------------------------------------------------------------- answers */

static void
vg_exchange_refuse(vg_exchange_t *x, vg_code_t code, const char *why)
{
    vg_charger_complain(x->charger, why, x->frame.id);
    vg_charger_send(x->charger,
                    vg_frame_error(&x->arena, x->frame.id, code, why));
}


static vg_code_t
vg_exchange_code(const vg_call_t *call)
{
    const vg_exchange_error_t *e;

    if (call->nproblems) {
        return vg_exchange_faults[call->fault];
    }
    for (e = vg_exchange_errors; e->name != NULL; e++) {
        if (ngx_strcmp(e->name, call->error->name) == 0) {
            break;
        }
    }
    return e->code;
}


/* Accepted, Pending or Rejected decides what may be said from now on. */
static void
vg_exchange_booted(vg_exchange_t *x, vg_str_t answer)
{
    vg_str_t      status;
    vg_charger_t *charger = x->charger;

    status = vg_json_text(vg_json_parse(&x->arena, answer, NULL), "status");
    charger->triggered = 0;
    charger->boot = vg_str_eq(status, "Accepted")  ? VG_BOOT_ACCEPTED
                    : vg_str_eq(status, "Pending") ? VG_BOOT_PENDING
                                                   : VG_BOOT_REJECTED;
}


/* The transport's end of the call. */
static void
vg_exchange_answered(vg_call_t *call)
{
    vg_str_t           answer = VG_STR("{}");
    vg_exchange_t     *x = call->owner;
    vg_charger_t      *charger = x->charger;
    const vg_action_t *action = vg_action_find(x->frame.action);

    vg_gate_leave(&vg_boots, &x->guest);
    if (charger == NULL) {
        return;
    }
    if (call->error != NULL) {
        vg_exchange_refuse(x, vg_exchange_code(call), call->error->title);
    } else {
        answer = call->text.data != NULL ? call->text : answer;
        if (action != NULL && (action->flags & VG_ACTION_BOOT)) {
            vg_exchange_booted(x, answer);
        }
        vg_charger_send(charger,
                        vg_frame_result(&x->arena, x->frame.id, answer));
    }
    x->charger = NULL;
    charger->running = NULL;
    vg_exchange_next(charger);
}


/* ------------------------------------------------------------------ calls */

/* NULL: go on; else why not, and *code */
static const char *
vg_exchange_barred(vg_exchange_t *x, vg_endpoint_t *endpoint, vg_code_t *code)
{
    vg_charger_t      *charger = x->charger;
    const vg_action_t *action = vg_action_find(x->frame.action);

    if (action == NULL && endpoint == NULL) {
        *code = VG_CODE_NOT_IMPLEMENTED;
        return "unknown action";
    }
    if (charger->boot == VG_BOOT_ACCEPTED
        || (action != NULL
            && ((action->flags & VG_ACTION_BOOT)
                || (charger->triggered
                    & (uint64_t) 1 << (action - vg_actions)))))
    {
        return NULL;
    }
    *code = VG_CODE_SECURITY;
    return "not accepted by a BootNotification";
}


static void
vg_exchange_drop_pool(void *data)
{
    ngx_destroy_pool(data);
}


/* NULL: no memory, and x is still the caller's */
static vg_call_t *
vg_exchange_call(vg_exchange_t *x, vg_endpoint_t *endpoint)
{
    vg_call_t          *call = vg_call_create(endpoint);
    ngx_pool_cleanup_t *cln;

    if (call == NULL) {
        return NULL;
    }
    call->in.charge_point.data =
        ngx_palloc(call->pool, x->charger->identity.len);
    cln = ngx_pool_cleanup_add(call->pool, 0);
    call->body = x->frame.body ? x->frame.body
                               : vg_json_parse(&x->arena, VG_STR("{}"), NULL);
    if (call->in.charge_point.data == NULL || cln == NULL || call->body == NULL)
    {
        vg_call_release(call);
        return NULL;
    }
    cln->handler = vg_exchange_drop_pool;
    cln->data = x->pool;
    call->in.charge_point.len = x->charger->identity.len;
    ngx_memcpy((char *) call->in.charge_point.data, x->charger->identity.data,
               x->charger->identity.len);
    call->in.payload = x->frame.payload;
    call->caller.role = VG_STR("charger");
    call->correlation = vg_call_new_id(call);
    call->finish = vg_exchange_answered;
    call->owner = x;
    return call;
}


static void
vg_exchange_run(vg_exchange_t *x)
{
    vg_code_t      code = VG_CODE_NONE;
    vg_call_t     *call;
    const char    *why;
    vg_charger_t  *charger = x->charger;
    vg_endpoint_t *endpoint;

    endpoint =
        vg_registry_find(VG_OCPP16, x->frame.action.data, x->frame.action.len);
    why = vg_exchange_barred(x, endpoint, &code);
    if (why == NULL && endpoint == NULL) {
        code = VG_CODE_NOT_SUPPORTED;
        why = "action is not supported";
    }
    if (why == NULL) {
        call = vg_exchange_call(x, endpoint);
        if (call != NULL) {
            charger->running = x;
            vg_call_run(call, VG_CALL_DEADLINE);
            return;
        }
        code = VG_CODE_INTERNAL;
        why = "no memory";
    }
    vg_exchange_refuse(x, code, why);
    charger->running = NULL;
    vg_gate_leave(&vg_boots, &x->guest);
    ngx_destroy_pool(x->pool);
}


static void
vg_exchange_begin(vg_exchange_t *x)
{
    const vg_action_t *action = vg_action_find(x->frame.action);

    if (action == NULL || !(action->flags & VG_ACTION_BOOT)) {
        vg_exchange_run(x);
        return;
    }
    x->charger->running = x;
    if (vg_boots.waiting > 0 || vg_boots.inside >= vg_boots.room) {
        vg_ocpp_count(VG_COUNT_HELD);
    }
    vg_gate_come(&vg_boots, &x->guest);
}


static void
vg_boot_go(vg_gate_guest_t *guest)
{
    vg_exchange_t *x = ngx_queue_data(guest, vg_exchange_t, guest);
    vg_charger_t  *charger = x->charger;

    vg_exchange_run(x);
    vg_exchange_next(charger); /* when it was refused at once */
}


/* Whoever was accepted before has sessions: nothing keeps it from telling of
 * them, so it boots late. Others are pending, by OCPP 1.6, 4.2. */
static void
vg_boot_late(vg_gate_guest_t *guest)
{
    u_char         text[128], *end;
    ngx_tm_t       tm;
    vg_exchange_t *x = ngx_queue_data(guest, vg_exchange_t, guest);
    vg_charger_t  *charger = x->charger;

    if (charger->boot == VG_BOOT_ACCEPTED || ngx_exiting) {
        vg_boot_go(guest);
        return;
    }
    ngx_gmtime(ngx_time(), &tm);
    end = ngx_snprintf(text, sizeof(text),
                       "{\"currentTime\":\"%4d-%02d-%02dT%02d:%02d:%02dZ\","
                       "\"interval\":%ui,\"status\":\"Pending\"}",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec,
                       VG_BOOT_AGAIN
                           + (ngx_uint_t) ngx_random() % VG_BOOT_SPREAD);
    charger->boot = VG_BOOT_PENDING;
    charger->triggered = 0;
    vg_charger_send(charger,
                    vg_frame_result(&x->arena, x->frame.id,
                                    (vg_str_t){ (char *) text, end - text }));
    vg_ocpp_count(VG_COUNT_PENDING);
    charger->running = NULL;
    ngx_destroy_pool(x->pool);
    vg_exchange_next(charger);
}


void
vg_exchange_start(ngx_uint_t boots, ngx_msec_t wait)
{
    vg_boots.room = boots;
    vg_boots.wait = wait;
    vg_boots.go = vg_boot_go;
    vg_boots.late = vg_boot_late;
    vg_gate_init(&vg_boots);
}


/* A call may be answered before it returns: a loop, not a recursion. */
static void
vg_exchange_next(vg_charger_t *charger)
{
    ngx_queue_t *q;

    if (charger->looping) {
        return;
    }
    charger->looping = 1;
    while (charger->running == NULL && !ngx_queue_empty(&charger->waiting)) {
        q = ngx_queue_head(&charger->waiting);
        ngx_queue_remove(q);
        charger->nwaiting--;
        vg_exchange_begin(ngx_queue_data(q, vg_exchange_t, queue));
    }
    charger->looping = 0;
    vg_socket_resume(charger->socket);
}


/* --------------------------------------------------------------- messages */

static ngx_uint_t
vg_exchange_handles(vg_charger_t *charger, vg_str_t id)
{
    ngx_queue_t   *q;
    vg_exchange_t *x = charger->running;

    if (x != NULL && x->frame.id.len == id.len
        && ngx_memcmp(x->frame.id.data, id.data, id.len) == 0)
    {
        return 1;
    }
    for (q = ngx_queue_head(&charger->waiting);
         q != ngx_queue_sentinel(&charger->waiting); q = ngx_queue_next(q))
    {
        x = ngx_queue_data(q, vg_exchange_t, queue);
        if (x->frame.id.len == id.len
            && ngx_memcmp(x->frame.id.data, id.data, id.len) == 0)
        {
            return 1;
        }
    }
    return 0;
}


/* NULL: no memory */
static vg_exchange_t *
vg_exchange_create(vg_charger_t *charger, vg_str_t message, vg_str_t *copy)
{
    ngx_pool_t    *pool = ngx_create_pool(1024, ngx_cycle->log);
    vg_exchange_t *x;

    if (pool == NULL) {
        return NULL;
    }
    x = ngx_pcalloc(pool, sizeof(vg_exchange_t));
    copy->data = ngx_pnalloc(pool, message.len + 1);
    if (x == NULL || copy->data == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }
    if (message.len > 0) { /* an empty one may be nowhere */
        ngx_memcpy((char *) copy->data, message.data, message.len);
    }
    copy->len = message.len;
    x->pool = pool;
    x->arena = vg_charger_arena(pool);
    x->charger = charger;
    return x;
}


/* VG_OK: x was kept; else it is to be freed */
static vg_rc_t
vg_exchange_sort(vg_exchange_t *x, vg_verdict_t verdict)
{
    vg_frame_t   *frame = &x->frame;
    vg_charger_t *charger = x->charger;

    if (verdict == VG_FRAME_IGNORED || verdict == VG_FRAME_UNREADABLE) {
        vg_charger_complain(charger,
                            "sent what is no frame:", vg_str(frame->why));
        return VG_DONE;
    }
    if (frame->type != VG_FRAME_CALL) {
        vg_order_take(charger, frame, verdict == VG_FRAME_GOOD);
        return VG_DONE;
    }
    if (verdict == VG_FRAME_REFUSED) {
        vg_exchange_refuse(x, frame->code, frame->why);
        return VG_DONE;
    }
    if (vg_exchange_handles(charger, frame->id)) {
        vg_exchange_refuse(x, VG_CODE_PROTOCOL, "message id is being handled");
        return VG_DONE;
    }
    ngx_queue_insert_tail(&charger->waiting, &x->queue);
    charger->nwaiting++;
    return VG_OK;
}


void
vg_exchange_text(void *owner, vg_str_t message)
{
    vg_str_t       text;
    vg_verdict_t   verdict;
    vg_charger_t  *charger = owner;
    vg_exchange_t *x = vg_exchange_create(charger, message, &text);

    vg_ocpp_count(VG_COUNT_IN);
    vg_recorder_note(&charger->recorded, charger->identity, VG_RECORD_IN,
                     message);
    if (x == NULL) {
        vg_charger_complain(charger, "no memory for a message of",
                            charger->identity);
        return;
    }
    verdict = vg_frame_parse(&x->arena, text, &x->frame);
    vg_cards_mask(&x->arena, &x->frame);
    if (vg_exchange_sort(x, verdict) != VG_OK) {
        ngx_destroy_pool(x->pool);
        return;
    }
    vg_exchange_next(charger);
}


void
vg_exchange_close(vg_charger_t *charger)
{
    ngx_queue_t   *q;
    vg_exchange_t *x;

    x = charger->running;
    charger->running = NULL;
    if (x != NULL && x->guest.waiting) {
        vg_gate_leave(&vg_boots, &x->guest);
        ngx_destroy_pool(x->pool);
    } else if (x != NULL) {
        x->charger = NULL; /* a change is finished unseen */
    }
    while (!ngx_queue_empty(&charger->waiting)) {
        q = ngx_queue_head(&charger->waiting);
        /* the analyzer does not see that what waits was inserted */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        ngx_queue_remove(q);
        x = ngx_queue_data(q, vg_exchange_t, queue);
        ngx_destroy_pool(x->pool);
    }
}
