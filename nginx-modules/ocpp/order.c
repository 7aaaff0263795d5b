/*
 * order.c: CALLs to a charge point, on the worker that holds its socket: a
 * queue, one outstanding, each with a deadline. Who asked for them and waits
 * is command.c's; it hears by the link, also in the same process.
 *
 * What is told is [status, code, description, result].
 */

#include "charger.h"

struct vg_order_s {
    ngx_queue_t   queue;
    ngx_pool_t   *pool;
    vg_pool_t     arena;
    vg_link_ref_t ref;
    ngx_msec_t    deadline; /* in ngx_current_msec                        */
    vg_str_t      id, action, payload;
};

static void vg_order_next(vg_charger_t *charger);


/* ---------------------------------------------------------------- telling */

static void
vg_order_tell(vg_pool_t *arena, vg_link_ref_t ref, const char *status,
              vg_str_t code, vg_str_t description, vg_str_t result)
{
    vg_out_t out;

    vg_out_init(&out, arena);
    vg_out_open(&out, '[');
    vg_out_string(&out, vg_str(status));
    vg_out_string(&out, code);
    vg_out_string(&out, description);
    vg_out_raw(&out, result);
    vg_out_close(&out, ']');
    if (vg_out_str(&out).len > VG_LINK_MAX) {
        vg_order_tell(arena, ref, "error", VG_STR("InternalError"),
                      VG_STR("the answer is too long"), VG_STR("{}"));
        return;
    }
    vg_link_answer(ref, vg_out_str(&out));
}


static void
vg_order_end(vg_order_t *order, const char *status)
{
    vg_order_tell(&order->arena, order->ref, status, VG_STR(""), VG_STR(""),
                  VG_STR("{}"));
    ngx_destroy_pool(order->pool);
}


static void
vg_order_refuse(vg_link_ref_t ref, const char *status)
{
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(256, ngx_cycle->log);

    if (pool != NULL) { /* else the asker's timer tells him */
        arena = vg_charger_arena(pool);
        vg_order_tell(&arena, ref, status, VG_STR(""), VG_STR(""),
                      VG_STR("{}"));
        ngx_destroy_pool(pool);
    }
}


/* ---------------------------------------------------------------- sending */

static void
vg_order_awaits(vg_charger_t *charger, vg_str_t name)
{
    const vg_action_t *action = vg_action_find(name);

    if (action != NULL) {
        charger->triggered |= (uint64_t) 1 << (action - vg_actions);
    }
}


/* While it is not accepted, a charger may say only what it was asked for. The
 * security whitepaper asks for some of its messages by other names. */
static void
vg_order_triggers(vg_charger_t *charger, vg_order_t *order)
{
    vg_str_t name;

    if (charger->boot == VG_BOOT_ACCEPTED
        || (!vg_str_eq(order->action, "TriggerMessage")
            && !vg_str_eq(order->action, "ExtendedTriggerMessage")))
    {
        return;
    }
    name = vg_json_text(vg_json_parse(&order->arena, order->payload, NULL),
                        "requestedMessage");
    vg_order_awaits(charger, name);
    if (vg_str_eq(name, "SignChargePointCertificate")) {
        vg_order_awaits(charger, VG_STR("SignCertificate"));
    } else if (vg_str_eq(name, "FirmwareStatusNotification")) {
        vg_order_awaits(charger, VG_STR("SignedFirmwareStatusNotification"));
    }
}


static void
vg_order_send(vg_charger_t *charger, vg_order_t *order)
{
    vg_str_t frame;

    order->id =
        vg_printf(&order->arena, "%lld-%llu", (long long) charger->holder.epoch,
                  (unsigned long long) ++charger->last_id);
    frame =
        vg_frame_call(&order->arena, order->id, order->action, order->payload);
    if (order->id.data == NULL || frame.data == NULL
        || vg_socket_closing(charger->socket))
    {
        vg_order_end(order, "gone");
        return;
    }
    vg_order_triggers(charger, order);
    charger->sent = order;
    ngx_add_timer(&charger->silent, order->deadline - ngx_current_msec);
    vg_charger_send(charger, frame);
}


static void
vg_order_next(vg_charger_t *charger)
{
    vg_order_t  *order;
    ngx_queue_t *q;

    while (charger->sent == NULL && !ngx_queue_empty(&charger->orders)) {
        q = ngx_queue_head(&charger->orders);
        ngx_queue_remove(q);
        charger->norders--;
        order = ngx_queue_data(q, vg_order_t, queue);
        if ((ngx_msec_int_t) (order->deadline - ngx_current_msec) <= 0) {
            vg_order_end(order, "silent");
        } else {
            vg_order_send(charger, order);
        }
    }
}


static void
vg_order_silent(ngx_event_t *ev)
{
    vg_charger_t *charger = ev->data;
    vg_order_t   *order = charger->sent;

    charger->sent = NULL;
    vg_charger_complain(charger, "did not answer", order->action);
    vg_order_end(order, "silent");
    vg_order_next(charger);
}


/* -------------------------------------------------------------- receiving */

void
vg_order_take(vg_charger_t *charger, const vg_frame_t *frame, ngx_uint_t good)
{
    vg_order_t *order = charger->sent;

    if (order == NULL || order->id.len != frame->id.len
        || ngx_memcmp(order->id.data, frame->id.data, frame->id.len) != 0)
    {
        vg_charger_complain(charger, "answered late or to nothing", frame->id);
        return;
    }
    charger->sent = NULL;
    ngx_del_timer(&charger->silent);
    if (!good) {
        vg_order_tell(&order->arena, order->ref, "error",
                      VG_STR("FormationViolation"), vg_str(frame->why),
                      VG_STR("{}"));
    } else if (frame->type == VG_FRAME_ERROR) {
        vg_order_tell(&order->arena, order->ref, "error", frame->error_code,
                      frame->description, VG_STR("{}"));
    } else {
        vg_order_tell(&order->arena, order->ref, "ok", VG_STR(""), VG_STR(""),
                      frame->payload);
    }
    ngx_destroy_pool(order->pool);
    vg_order_next(charger);
}


/* A pending charger takes no remote start or stop, a rejected one nothing. */
static ngx_uint_t
vg_order_barred(vg_charger_t *charger, vg_str_t action)
{
    const vg_action_t *known = vg_action_find(action);

    switch (charger->boot) {
    case VG_BOOT_ACCEPTED:
        return 0;
    case VG_BOOT_REJECTED:
        return 1;
    default:
        return known != NULL && (known->flags & VG_ACTION_REMOTE);
    }
}


/* NULL: no memory */
static vg_order_t *
vg_order_create(const vg_json_t *action, vg_link_ref_t ref, ngx_msec_t timeout)
{
    u_char     *p;
    ngx_pool_t *pool = ngx_create_pool(512, ngx_cycle->log);
    vg_order_t *order;
    vg_str_t    payload = action->next->raw;

    if (pool == NULL) {
        return NULL;
    }
    order = ngx_pcalloc(pool, sizeof(vg_order_t));
    p = ngx_pnalloc(pool, action->text.len + payload.len + 1);
    if (order == NULL || p == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }
    order->pool = pool;
    order->arena = vg_charger_arena(pool);
    order->ref = ref;
    order->deadline = ngx_current_msec + timeout;
    order->action = (vg_str_t){ (char *) p, action->text.len };
    p = ngx_cpymem(p, action->text.data, action->text.len);
    order->payload = (vg_str_t){ (char *) p, payload.len };
    ngx_memcpy(p, payload.data, payload.len);
    return order;
}


/* [identity, number, action, payload] of command.c */
static void
vg_order_place(vg_link_ref_t ref, const vg_json_t *message, ngx_msec_t timeout)
{
    vg_order_t      *order;
    vg_charger_t    *charger;
    const vg_json_t *identity, *number, *action;

    if (message == NULL || message->count != 4) {
        return;
    }
    identity = message->first;
    number = identity->next;
    action = number->next;
    charger = vg_charger_find(
        ngx_atoof((u_char *) number->text.data, number->text.len),
        identity->text);

    if (charger == NULL || vg_order_barred(charger, action->text)) {
        vg_order_refuse(ref, "gone");
        return;
    }
    if (charger->norders + (charger->sent != NULL) >= VG_CHARGER_QUEUE) {
        vg_order_refuse(ref, "full");
        return;
    }
    order = vg_order_create(action, ref, timeout);
    if (order == NULL) {
        vg_order_refuse(ref, "full");
        return;
    }
    ngx_queue_insert_tail(&charger->orders, &order->queue);
    charger->norders++;
    vg_order_next(charger);
}


static void
vg_order_received(vg_link_ref_t ref, vg_str_t bytes, ngx_msec_t timeout)
{
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(1024, ngx_cycle->log);

    if (pool == NULL) {
        return;
    }
    arena = vg_charger_arena(pool);
    vg_order_place(ref, vg_json_parse(&arena, bytes, NULL), timeout);
    ngx_destroy_pool(pool);
}


/* ------------------------------------------------------------------ life */

void
vg_order_init(void)
{
    vg_link_on(VG_LINK_CALL, vg_order_received);
}


void
vg_order_open(vg_charger_t *charger)
{
    ngx_queue_init(&charger->orders);
    charger->silent.handler = vg_order_silent;
    charger->silent.data = charger;
    charger->silent.log = ngx_cycle->log;
}


/* What was sent may have been done: nobody may take that for a no. */
void
vg_order_close(vg_charger_t *charger)
{
    ngx_queue_t *q;

    if (charger->silent.timer_set) {
        ngx_del_timer(&charger->silent);
    }
    if (charger->sent != NULL) {
        vg_order_end(charger->sent, "silent");
        charger->sent = NULL;
    }
    while (!ngx_queue_empty(&charger->orders)) {
        q = ngx_queue_head(&charger->orders);
        ngx_queue_remove(q);
        vg_order_end(ngx_queue_data(q, vg_order_t, queue), "gone");
    }
    charger->norders = 0;
}
