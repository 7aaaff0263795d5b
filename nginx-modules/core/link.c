/*
 * link.c: asks, answers and tells between workers. The sockets are peer.c's.
 */

#include "peer.h"

struct vg_link_ask_s {
    ngx_rbtree_node_t node; /* by id                                      */
    uint64_t          peer; /* 0: this process                            */
    vg_link_done_pt   done;
    void             *data;
    ngx_event_t       timer;
    ngx_event_t       failed; /* posted when no answer can come           */
    unsigned          sent:1;
};

/* a message to oneself, or what stands for it, until the loop turns */
typedef struct {
    ngx_event_t    event;
    vg_peer_head_t head;
    size_t         len;
    char           data[];
} vg_link_note_t;

static vg_link_handler_pt vg_link_handlers[VG_LINK_KINDS];
static ngx_rbtree_t       vg_link_asks;
static ngx_rbtree_node_t  vg_link_sentinel;
static uint64_t           vg_link_last;
static ngx_uint_t         vg_link_up;


static vg_link_ask_t *
vg_link_find(uint64_t id)
{
    ngx_rbtree_node_t *node = vg_link_asks.root;

    while (node != &vg_link_sentinel) {
        if (node->key == id) {
            return (vg_link_ask_t *) ((u_char *) node
                                      - offsetof(vg_link_ask_t, node));
        }
        node = id < node->key ? node->left : node->right;
    }
    return NULL;
}


void
vg_link_cancel(vg_link_ask_t *ask)
{
    ngx_rbtree_delete(&vg_link_asks, &ask->node);
    if (ask->timer.timer_set) {
        ngx_del_timer(&ask->timer);
    }
    if (ask->failed.posted) {
        ngx_delete_posted_event(&ask->failed);
    }
    ngx_free(ask);
}


static void
vg_link_end(vg_link_ask_t *ask, vg_rc_t rc, vg_str_t bytes)
{
    void           *data = ask->data;
    vg_link_done_pt done = ask->done;

    vg_link_cancel(ask);
    done(data, rc, bytes);
}


static void
vg_link_overdue(ngx_event_t *ev)
{
    vg_link_end(ev->data, VG_ERROR, (vg_str_t){ NULL, 0 });
}


static void
vg_link_failed(ngx_event_t *ev)
{
    vg_link_ask_t *ask = ev->data;

    vg_link_end(ask, ask->sent ? VG_ERROR : VG_DECLINED, (vg_str_t){ NULL, 0 });
}


/* -------------------------------------------------------------------- in */

static void
vg_link_deliver(uint64_t peer, const vg_peer_head_t *head, vg_str_t bytes)
{
    vg_link_ref_t  ref = { peer, head->what == VG_PEER_ASK ? head->id : 0 };
    vg_link_ask_t *ask;

    if (head->what == VG_PEER_ANSWER) {
        ask = vg_link_find(head->id);
        if (ask != NULL && ask->peer == peer) { /* else it came too late */
            vg_link_end(ask, VG_OK, bytes);
        }
        return;
    }
    if (head->kind < VG_LINK_KINDS && vg_link_handlers[head->kind]) {
        vg_link_handlers[head->kind](ref, bytes, (ngx_msec_t) head->timeout);
        return;
    }
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: a message of unknown kind %ui came by the link",
                  (ngx_uint_t) head->kind);
}


void
vg_link_received(vg_peer_t *peer, const vg_peer_head_t *head, vg_str_t bytes)
{
    vg_link_deliver(peer->number, head, bytes);
}


/* Ends what was asked there; done() may ask anew, so events do it. */
void
vg_link_lost(vg_peer_t *peer)
{
    vg_link_ask_t     *ask;
    ngx_rbtree_node_t *node;

    if (vg_link_asks.root == &vg_link_sentinel) {
        return;
    }
    node = ngx_rbtree_min(vg_link_asks.root, &vg_link_sentinel);
    for (; node != NULL; node = ngx_rbtree_next(&vg_link_asks, node)) {
        ask =
            (vg_link_ask_t *) ((u_char *) node - offsetof(vg_link_ask_t, node));
        if (ask->peer == peer->number) {
            ngx_post_event(&ask->failed, &ngx_posted_events);
        }
    }
}


static void
vg_link_noted(ngx_event_t *ev)
{
    vg_link_note_t *note = ev->data;

    vg_link_deliver(0, &note->head, (vg_str_t){ note->data, note->len });
    ngx_free(note);
}


/* ------------------------------------------------------------------- out */

static vg_rc_t
vg_link_note(const vg_peer_head_t *head, vg_str_t bytes)
{
    vg_link_note_t *note;

    if (bytes.len > VG_LINK_MAX) {
        return VG_DECLINED;
    }
    note = ngx_calloc(sizeof(*note) + bytes.len, ngx_cycle->log);
    if (note == NULL) {
        return VG_DECLINED;
    }
    note->head = *head;
    note->len = bytes.len;
    if (bytes.len) {
        ngx_memcpy(note->data, bytes.data, bytes.len);
    }
    note->event.handler = vg_link_noted;
    note->event.data = note;
    note->event.log = ngx_cycle->log;
    ngx_post_event(&note->event, &ngx_posted_events);
    return VG_OK;
}


vg_link_ask_t *
vg_link_ask(ngx_pid_t pid, vg_link_kind_t kind, vg_str_t bytes,
            ngx_msec_t timeout, vg_link_done_pt done, void *data)
{
    vg_rc_t        rc = VG_DECLINED;
    vg_peer_t     *peer = NULL;
    vg_link_ask_t *ask;
    vg_peer_head_t head = { .layout = VG_PEER_LAYOUT,
                            .what = VG_PEER_ASK,
                            .kind = kind,
                            .timeout = timeout };

    ask = ngx_calloc(sizeof(vg_link_ask_t), ngx_cycle->log);
    if (ask == NULL) {
        return NULL;
    }
    head.id = ask->node.key = ++vg_link_last;
    ask->done = done;
    ask->data = data;
    ask->timer.handler = vg_link_overdue;
    ask->failed.handler = vg_link_failed;
    ask->timer.data = ask->failed.data = ask;
    ask->timer.log = ask->failed.log = ngx_cycle->log;
    ngx_rbtree_insert(&vg_link_asks, &ask->node);
    ngx_add_timer(&ask->timer, timeout);

    if (pid == ngx_pid) {
        rc = vg_link_note(&head, bytes);
    } else if ((peer = vg_peer_to(pid)) != NULL) {
        ask->peer = peer->number;
        rc = vg_peer_send(peer, &head, bytes);
    }
    ask->sent = rc == VG_OK;
    if (rc != VG_OK) {
        ngx_post_event(&ask->failed, &ngx_posted_events);
    }
    return ask;
}


void
vg_link_answer(vg_link_ref_t ref, vg_str_t bytes)
{
    vg_rc_t        rc = VG_DECLINED;
    vg_peer_t     *peer;
    vg_peer_head_t head = { .layout = VG_PEER_LAYOUT,
                            .what = VG_PEER_ANSWER,
                            .id = ref.id };

    if (ref.id == 0) {
        return;
    }
    if (ref.peer == 0) {
        rc = vg_link_note(&head, bytes);
    } else if ((peer = vg_peer_find(ref.peer)) != NULL) {
        rc = vg_peer_send(peer, &head, bytes);
    }
    if (rc != VG_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "voltgate: an answer by the link found nobody");
    }
}


vg_rc_t
vg_link_tell(ngx_pid_t pid, vg_link_kind_t kind, vg_str_t bytes)
{
    vg_peer_t     *peer;
    vg_peer_head_t head = { .layout = VG_PEER_LAYOUT,
                            .what = VG_PEER_TELL,
                            .kind = kind };

    if (pid == ngx_pid) {
        return vg_link_note(&head, bytes);
    }
    peer = pid > 0 ? vg_peer_to(pid) : NULL;
    return peer ? vg_peer_send(peer, &head, bytes) : VG_DECLINED;
}


/* -------------------------------------------------------- start and stop */

void
vg_link_on(vg_link_kind_t kind, vg_link_handler_pt handler)
{
    vg_link_handlers[kind] = handler;
}


ngx_pid_t
vg_link_worker(ngx_uint_t n)
{
    vg_link_shared_t *shared = vg_shared(VG_SHARED_LINK);

    return n < VG_LINK_WORKERS ? (ngx_pid_t) shared->pids[n] : 0;
}


ngx_int_t
vg_link_start(ngx_cycle_t *cycle)
{
    vg_link_shared_t *shared = vg_shared(VG_SHARED_LINK);

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }
    ngx_rbtree_init(&vg_link_asks, &vg_link_sentinel, ngx_rbtree_insert_value);
    if (vg_peer_listen(cycle->log) != NGX_OK) {
        return NGX_ERROR;
    }
    vg_link_up = 1;
    if (ngx_worker < VG_LINK_WORKERS) {
        shared->pids[ngx_worker] = ngx_pid; /* an old worker's is replaced */
    }
    return NGX_OK;
}


void
vg_link_stop(void)
{
    vg_link_shared_t *shared = vg_shared(VG_SHARED_LINK);

    if (!vg_link_up) {
        return;
    }
    vg_link_up = 0;
    if (ngx_worker < VG_LINK_WORKERS) {
        (void) ngx_atomic_cmp_set(&shared->pids[ngx_worker],
                                  (ngx_atomic_uint_t) ngx_pid, 0);
    }
    vg_peer_stop();
}
