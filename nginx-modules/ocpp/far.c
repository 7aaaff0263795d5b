/*
 * far.c: charge points of other nodes: commands to them, and the close of a
 * connection that a newer one elsewhere replaces.
 *
 * Whose socket it is, the stations know; the way there and back is the room
 * nodes'. What is asked is [identity, epoch, action, payload] or
 * [identity, epoch]; the answer is order.c's.
 */

#include "charger.h"
#include "module.h"
#include "nodes.h"

typedef struct {
    vg_link_done_pt done;
    void           *data;
    vg_str_t        identity, payload; /* the asker's, until done         */
    const char     *action;
    ngx_msec_t      timeout, begun;
    ngx_event_t     nobody;
} vg_far_command_t;

/* a command of another node, at work here */
typedef struct {
    ngx_pool_t *pool;
    char        id[24];
} vg_far_order_t;

#define VG_FAR_GONE   "[\"gone\",\"\",\"\",{}]"
#define VG_FAR_SILENT "[\"silent\",\"\",\"\",{}]"
#define VG_FAR_LONG                                                            \
    "[\"error\",\"InternalError\",\"the answer is too long\",{}]"


/* -------------------------------------------------------------- commands out */

static vg_str_t
vg_far_message(vg_pool_t *arena, vg_far_command_t *command,
               const vg_json_t *where)
{
    vg_out_t out;

    vg_out_init(&out, arena);
    vg_out_open(&out, '[');
    vg_out_string(&out, command->identity);
    vg_out_raw(&out, vg_json_get(where, "epoch")->raw);
    vg_out_string(&out, vg_str(command->action));
    vg_out_raw(&out, command->payload);
    vg_out_close(&out, ']');
    return vg_out_str(&out);
}


/* VG_ERROR: it cannot be asked there */
static vg_rc_t
vg_far_send(vg_far_command_t *command, vg_call_t *call)
{
    vg_str_t         node;
    ngx_msec_t       gone = ngx_current_msec - command->begun;
    const vg_json_t *where;

    if (call->error != NULL || gone >= command->timeout) {
        return VG_ERROR;
    }
    where = vg_json_parse(&call->arena, call->text, NULL);
    node = vg_json_text(where, "node");
    if (node.data == NULL || vg_json_get(where, "epoch") == NULL
        || vg_str_eq(node, (const char *) vg_host->node.data))
    {
        return VG_ERROR; /* ours, and we looked: it has just gone */
    }
    return vg_far_ask(node, VG_FAR_CALL,
                      vg_far_message(&call->arena, command, where),
                      command->timeout - gone, command->done, command->data);
}


static void
vg_far_nobody(ngx_event_t *ev)
{
    vg_far_command_t *command = ev->data;

    command->done(command->data, VG_DECLINED, (vg_str_t){ NULL, 0 });
}


/* perhaps before who asked has gone on, so a no is an event */
static void
vg_far_found(vg_call_t *call)
{
    vg_far_command_t *command = call->owner;

    if (vg_far_send(command, call) != VG_OK) {
        ngx_post_event(&command->nobody, &ngx_posted_events);
    }
}


vg_rc_t
vg_far_command(ngx_pool_t *pool, vg_str_t identity, const char *action,
               vg_str_t payload, ngx_msec_t timeout, vg_link_done_pt done,
               void *data)
{
    size_t            len = ngx_strlen(action) + 1;
    char             *copy;
    vg_out_t          out;
    vg_pool_t         arena = vg_charger_arena(pool);
    vg_far_command_t *command = ngx_pcalloc(pool, sizeof(vg_far_command_t));

    copy = ngx_pnalloc(pool, len + payload.len);
    if (command == NULL || copy == NULL) {
        return VG_ERROR;
    }
    ngx_memcpy(copy, action, len);
    ngx_memcpy(copy + len, payload.data, payload.len);
    command->action = copy;
    command->payload = (vg_str_t){ copy + len, payload.len };
    command->identity = identity;
    command->timeout = timeout;
    command->begun = ngx_current_msec;
    command->nobody.handler = vg_far_nobody;
    command->nobody.data = command;
    command->nobody.log = ngx_cycle->log;
    command->done = done;
    command->data = data;

    vg_out_init(&out, &arena);
    vg_out_open(&out, '{');
    vg_out_member(&out, "chargePoint", identity);
    vg_out_close(&out, '}');
    return vg_ask_start("charge_point.where", vg_out_str(&out),
                        (vg_str_t){ "", 0 }, vg_far_found, command)
                   != NULL
               ? VG_OK
               : VG_ERROR;
}


/* --------------------------------------------------------------- commands in */

static void
vg_far_ordered(void *data, vg_rc_t rc, vg_str_t bytes)
{
    vg_far_order_t *order = data;

    if (rc == VG_DECLINED) {
        bytes = VG_STR(VG_FAR_GONE);
    } else if (rc != VG_OK) {
        bytes = VG_STR(VG_FAR_SILENT);
    } else if (bytes.len > VG_FAR_MAX) {
        bytes = VG_STR(VG_FAR_LONG);
    }
    vg_far_answer(order->id, bytes);
    ngx_destroy_pool(order->pool);
}


/* The holder's worker gets what it gets from command.c. VG_ERROR: none. */
static vg_rc_t
vg_far_order(vg_far_order_t *order, vg_str_t bytes, ngx_msec_t timeout)
{
    vg_out_t         out;
    vg_pool_t        arena = vg_charger_arena(order->pool);
    vg_holder_t      holder;
    const vg_json_t *identity, *action, *message;

    message = vg_json_parse(&arena, bytes, NULL);
    if (message == NULL || message->count != 4) {
        return VG_ERROR;
    }
    identity = message->first;
    action = identity->next->next;
    holder = vg_table_find(identity->text);
    if (holder.pid == 0) {
        return VG_ERROR;
    }
    vg_out_init(&out, &arena);
    vg_out_open(&out, '[');
    vg_out_string(&out, identity->text);
    vg_out_int(&out, (int64_t) holder.number);
    vg_out_string(&out, action->text);
    vg_out_raw(&out, action->next->raw);
    vg_out_close(&out, ']');
    return vg_out_str(&out).data != NULL
                   && vg_link_ask(holder.pid, VG_LINK_CALL, vg_out_str(&out),
                                  timeout, vg_far_ordered, order)
                          != NULL
               ? VG_OK
               : VG_ERROR;
}


static void
vg_far_called(const char *id, vg_str_t bytes, ngx_msec_t timeout)
{
    ngx_pool_t     *pool = ngx_create_pool(1024, ngx_cycle->log);
    vg_far_order_t *order;

    order = pool != NULL ? ngx_pcalloc(pool, sizeof(vg_far_order_t)) : NULL;
    if (order == NULL) {
        vg_far_answer(id, VG_STR(VG_FAR_GONE));
        if (pool != NULL) {
            ngx_destroy_pool(pool);
        }
        return;
    }
    order->pool = pool;
    (void) snprintf(order->id, sizeof(order->id), "%s", id);
    if (vg_far_order(order, bytes, timeout) != VG_OK) {
        vg_far_ordered(order, VG_DECLINED, (vg_str_t){ NULL, 0 });
    }
}


/* ------------------------------------------------------------------- closing */

void
vg_far_replace(vg_str_t node, vg_str_t identity, int64_t epoch)
{
    vg_out_t    out;
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(512, ngx_cycle->log);

    if (pool == NULL) {
        return;
    }
    arena = vg_charger_arena(pool);
    vg_out_init(&out, &arena);
    vg_out_open(&out, '[');
    vg_out_string(&out, identity);
    vg_out_int(&out, epoch);
    vg_out_close(&out, ']');
    vg_far_tell(node, VG_FAR_CLOSE, vg_out_str(&out));
    ngx_destroy_pool(pool);
}


/* [identity, epoch of the newer one] */
static void
vg_far_replaced(const char *id, vg_str_t bytes, ngx_msec_t timeout)
{
    int64_t          epoch;
    vg_pool_t        arena;
    ngx_pool_t      *pool = ngx_create_pool(512, ngx_cycle->log);
    const vg_json_t *message;

    (void) id;
    (void) timeout;
    if (pool == NULL) {
        return;
    }
    arena = vg_charger_arena(pool);
    message = vg_json_parse(&arena, bytes, NULL);
    if (message != NULL && message->count == 2) {
        epoch = ngx_atoof((u_char *) message->first->next->text.data,
                          message->first->next->text.len);
        /* commands from here go there at once, not to what is closing; and
         * an older handshake that is not over yet finds that it is late */
        vg_charger_outdate(message->first->text, epoch);
    }
    ngx_destroy_pool(pool);
}


void
vg_far_chargers_start(void)
{
    vg_far_on(VG_FAR_CALL, vg_far_called);
    vg_far_on(VG_FAR_CLOSE, vg_far_replaced);
}
