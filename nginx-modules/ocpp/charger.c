/*
 * charger.c: the charge points that are connected to this worker.
 */

#include "charger.h"
#include "pan.h"
#include "node.h"

static ngx_rbtree_t      vg_chargers;
static ngx_rbtree_node_t vg_chargers_sentinel;
static uint64_t          vg_charger_last;


vg_pool_t
vg_charger_arena(ngx_pool_t *pool)
{
    return vg_arena_of(pool);
}


void
vg_charger_complain(vg_charger_t *charger, const char *what, vg_str_t about)
{
    u_char text[VG_FRAME_ID_ECHO];
    size_t i, len = ngx_min(about.len, sizeof(text));

    if (charger->complained == ngx_time()) {
        return;
    }
    charger->complained = ngx_time();
    for (i = 0; i < len; i++) { /* it may be hostile: one line stays one */
        text[i] =
            about.data[i] < ' ' || about.data[i] > '~' ? '?' : about.data[i];
    }
    (void) vg_pan_mask((char *) text, len); /* an id is the charger's to make */
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: charge point \"%*s\": %s \"%*s\"",
                  charger->identity.len, charger->identity.data, what,
                  ngx_min(len, 64), text);
}


void
vg_charger_send(vg_charger_t *charger, vg_str_t text)
{
    vg_ocpp_count(VG_COUNT_OUT);
    vg_recorder_note(&charger->recorded, charger->identity, VG_RECORD_OUT,
                     text);
    vg_socket_send(charger->socket, text);
}


/* ------------------------------------------------------------- its socket */

/* wslay may hold a buffer of whole frames more when reading stops, so the
 * queue is bounded by this and by 4 KiB of frames. */
static ngx_uint_t
vg_charger_full(void *owner)
{
    vg_charger_t *charger = owner;

    return charger->nwaiting >= VG_CHARGER_CALLS;
}


static ngx_uint_t
vg_charger_busy(void *owner)
{
    vg_charger_t *charger = owner;

    return charger->running != NULL || charger->sent != NULL;
}


/* A worker that must go at once has no loop any more to tell the stations by:
 * the one after it finds what stands in the table, see vg_charger_sweep(). */
static void
vg_charger_closed(void *owner)
{
    vg_charger_t *charger = owner;

    ngx_rbtree_delete(&vg_chargers, &charger->node);
    if (!ngx_terminate) {
        vg_table_leave(charger->identity, &charger->holder);
        vg_farewell(charger->identity, charger->holder.epoch);
    }
    vg_order_close(charger);
    vg_exchange_close(charger);
    vg_ocpp_count(VG_COUNT_CLOSED);
    vg_recorder_note(&charger->recorded, charger->identity, VG_RECORD_CLOSED,
                     VG_STR(""));
}


static const vg_socket_owner_t vg_charger_hooks = {
    vg_exchange_text, vg_charger_closed, vg_charger_full, vg_charger_busy, NULL,
};


/* ------------------------------------------------------------ connections */

/* [identity, number]: a newer connection of it exists. */
static void
vg_charger_replaced(vg_link_ref_t ref, vg_str_t bytes, ngx_msec_t timeout)
{
    vg_pool_t        arena;
    ngx_pool_t      *pool = ngx_create_pool(512, ngx_cycle->log);
    vg_charger_t    *charger = NULL;
    const vg_json_t *message, *number;

    (void) ref;
    (void) timeout;

    if (pool == NULL) {
        return;
    }
    arena = vg_charger_arena(pool);
    message = vg_json_parse(&arena, bytes, NULL);
    if (message != NULL && message->count == 2) {
        number = message->first->next;
        charger = vg_charger_find(
            ngx_atoof((u_char *) number->text.data, number->text.len),
            message->first->text);
    }
    if (charger != NULL) {
        vg_socket_close(charger->socket, VG_CLOSE_POLICY,
                        "a newer connection took over");
    }
    ngx_destroy_pool(pool);
}


/* A worker that died, or had to go at once, said no farewells; the one after it
 * does. When all of the node died, so did the table. */
static void
vg_charger_sweep(void)
{
    char        identity[VG_IDENTITY_MAX];
    size_t      len;
    ngx_uint_t  next = 0;
    vg_holder_t dead;

    while (vg_table_sweep(&next, identity, &len, &dead)) {
        vg_farewell((vg_str_t){ identity, len }, dead.epoch);
    }
    if (ngx_worker == 0) {
        vg_farewell_all(vg_table_born());
    }
}


void
vg_charger_init(void)
{
    vg_charger_sweep();
    ngx_rbtree_init(&vg_chargers, &vg_chargers_sentinel,
                    ngx_rbtree_insert_value);
    vg_link_on(VG_LINK_CLOSE, vg_charger_replaced);
}


void
vg_charger_stop(void)
{
    vg_charger_t *charger;

    while (vg_chargers.root != vg_chargers.sentinel) {
        charger = ngx_rbtree_data(vg_chargers.root, vg_charger_t, node);
        vg_socket_abort(charger->socket, VG_CLOSE_RESTART,
                        "the server restarts");
    }
}


vg_charger_t *
vg_charger_find(uint64_t number, vg_str_t identity)
{
    vg_charger_t      *charger;
    ngx_rbtree_node_t *node = vg_chargers.root;

    while (node != &vg_chargers_sentinel && node->key != number) {
        node = number < node->key ? node->left : node->right;
    }
    if (node == &vg_chargers_sentinel) {
        return NULL;
    }
    charger = ngx_rbtree_data(node, vg_charger_t, node);
    return charger->identity.len == identity.len
                   && ngx_memcmp(charger->identity.data, identity.data,
                                 identity.len)
                          == 0
               ? charger
               : NULL;
}


static void
vg_charger_replace(vg_str_t identity, const vg_holder_t *holder)
{
    vg_out_t    out;
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(512, ngx_cycle->log);

    if (pool == NULL) {
        return; /* its pings end it */
    }
    arena = vg_charger_arena(pool);
    vg_out_init(&out, &arena);
    vg_out_open(&out, '[');
    vg_out_string(&out, identity);
    vg_out_int(&out, (int64_t) holder->number);
    vg_out_close(&out, ']');
    (void) vg_link_tell(holder->pid, VG_LINK_CLOSE, vg_out_str(&out));
    ngx_destroy_pool(pool);
}


void
vg_charger_outdate(vg_str_t identity, int64_t epoch)
{
    vg_holder_t old = vg_table_outdate(identity, epoch);

    if (old.pid != 0) {
        vg_charger_replace(identity, &old);
    }
}


void
vg_charger_missed(vg_str_t identity, int64_t epoch)
{
    vg_charger_outdate(identity, epoch);
    vg_farewell(identity, epoch);
}


/* The newest connection wins: whoever held the identity is told to close. */
static vg_rc_t
vg_charger_register(vg_charger_t *charger)
{
    vg_rc_t     rc;
    vg_holder_t old;

    rc = vg_table_claim(charger->identity, &charger->holder, &old);
    if (rc == VG_ERROR) {
        vg_charger_complain(charger, "there is no room for", charger->identity);
    }
    if (rc == VG_OK && old.pid != 0) {
        vg_charger_replace(charger->identity, &old);
    }
    return rc;
}


vg_rc_t
vg_charger_open(ngx_http_request_t *r, const vg_socket_conf_t *conf,
                vg_str_t identity, int64_t epoch, ngx_uint_t booted)
{
    vg_charger_t *charger = ngx_pcalloc(r->pool, sizeof(vg_charger_t));

    if (charger == NULL) {
        return VG_ERROR;
    }
    charger->identity = identity;
    charger->boot = booted ? VG_BOOT_ACCEPTED : VG_BOOT_NONE;
    charger->node.key = ++vg_charger_last;
    charger->holder = (vg_holder_t){ ngx_pid, charger->node.key, epoch };
    ngx_queue_init(&charger->waiting);
    vg_order_open(charger);

    if (vg_charger_register(charger) != VG_OK) {
        return VG_ERROR;
    }
    charger->socket = vg_socket_open(r, conf, &vg_charger_hooks, charger);
    if (charger->socket == NULL) {
        vg_table_leave(identity, &charger->holder);
        return VG_ERROR;
    }
    ngx_rbtree_insert(&vg_chargers, &charger->node);
    vg_ocpp_count(VG_COUNT_OPENED);
    vg_recorder_note(&charger->recorded, charger->identity, VG_RECORD_OPENED,
                     VG_STR(""));
    return VG_OK;
}
