/*
 * far.c: what this worker asks of other nodes, and waits for.
 *
 * A question is a row; its answer comes back over the clerk and the link. It
 * is written once: a connection that breaks while it is sent leaves it open
 * whether it was, so nothing is sent again and the asker's timer decides.
 */

#include "events.h"
#include "nodes.h"

#define VG_FAR_TELL_MS    30000 /* that a tell is worth something         */
#define VG_FAR_TELL_TRIES 10
#define VG_FAR_TELL_PAUSE 1000 /* ms between them                         */

typedef struct {
    ngx_rbtree_node_t node; /* by number, while somebody waits            */
    ngx_pool_t       *pool;
    vg_unit_t         unit;
    const char       *values[7];
    char              pid[24], number[24], timeout[24];
    ngx_event_t       timer;
    ngx_uint_t        tries;
    vg_link_done_pt   done; /* NULL: a tell                               */
    void             *data;
    unsigned          waiting:1; /* in the tree, with its timer           */
    unsigned          out:1;     /* the unit is under way                 */
} vg_far_t;

static const char *const vg_far_words[VG_FAR_KINDS] = { "call", "close" };

static vg_statement_t   *vg_far_write;
static ngx_rbtree_t      vg_fars;
static ngx_rbtree_node_t vg_fars_sentinel;
static uint64_t          vg_far_last;


ngx_int_t
vg_far_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_far_write, "far_write",
        "with asked as (insert into vg.call (node, from_node, asker_pid,"
        " asker_number, kind, bytes, deadline) values ($1::text, $2::text,"
        " $3::int, $4::bigint, $5::text, $6::text,"
        " now() + $7::bigint * interval '1 millisecond') returning node)"
        " select pg_notify(vg.node_channel(a.node), '') from asked as a",
        7);
    if (vg_far_write == NULL) {
        return NGX_ERROR;
    }
    vg_far_write->change = 1; /* never sent a second time by itself */
    return NGX_OK;
}


const char *
vg_far_kind(vg_far_kind_t kind)
{
    return vg_far_words[kind];
}


/* -------------------------------------------------------------------- end */

static void
vg_far_free(vg_far_t *far)
{
    if (!far->out && !far->waiting) {
        ngx_destroy_pool(far->pool);
    }
}


/* Tells who waits; the unit may be out longer than that. */
static void
vg_far_end(vg_far_t *far, vg_rc_t rc, vg_str_t bytes)
{
    ngx_rbtree_delete(&vg_fars, &far->node);
    if (far->timer.timer_set) {
        ngx_del_timer(&far->timer);
    }
    far->waiting = 0;
    far->done(far->data, rc, bytes);
    vg_far_free(far);
}


static void
vg_far_overdue(ngx_event_t *ev)
{
    vg_rc_t   rc = VG_ERROR;
    vg_far_t *far = ev->data;

    if (far->out && vg_unit_drop(&far->unit) == VG_OK) {
        far->out = 0;
        rc = VG_DECLINED;
    }
    vg_far_end(far, rc, (vg_str_t){ NULL, 0 });
}


/* ----------------------------------------------------------------- sending */

static void
vg_far_written(vg_unit_t *unit)
{
    vg_far_t *far = unit->data;

    far->out = 0;
    if (!far->waiting) {
        vg_far_free(far); /* too late */
        return;
    }
    if (unit->result != VG_UNIT_OK && unit->result != VG_UNIT_LOST) {
        vg_far_end(far, VG_DECLINED, (vg_str_t){ NULL, 0 });
    }
}


/* Closing twice is closing once, so a tell may be repeated. */
static void
vg_far_told(vg_unit_t *unit)
{
    vg_far_t *far = unit->data;

    far->out = 0;
    if (unit->result == VG_UNIT_OK || ++far->tries == VG_FAR_TELL_TRIES
        || ngx_exiting)
    {
        vg_far_free(far);
        return;
    }
    ngx_add_timer(&far->timer, VG_FAR_TELL_PAUSE);
}


static void
vg_far_send(vg_far_t *far)
{
    far->out = 1;
    vg_kit_unit(&far->unit, vg_far_write, far->values, VG_LANE_WRITE,
                far->done != NULL ? vg_far_written : vg_far_told, far);
}


static void
vg_far_again(ngx_event_t *ev)
{
    vg_far_send(ev->data);
}


static char *
vg_far_copy(ngx_pool_t *pool, vg_str_t s)
{
    char *copy = ngx_pnalloc(pool, s.len + 1);

    if (copy != NULL) {
        ngx_memcpy(copy, s.data, s.len);
        copy[s.len] = '\0';
    }
    return copy;
}


/* NULL: no memory */
static vg_far_t *
vg_far_create(vg_str_t node, vg_far_kind_t kind, vg_str_t bytes,
              ngx_msec_t timeout)
{
    vg_far_t   *far = NULL;
    ngx_pool_t *pool = ngx_create_pool(2048, ngx_cycle->log);

    if (pool != NULL && bytes.data != NULL) {
        far = ngx_pcalloc(pool, sizeof(vg_far_t));
    }
    if (far != NULL) {
        far->pool = pool;
        far->values[0] = vg_far_copy(pool, node);
        far->values[5] = vg_far_copy(pool, bytes);
    }
    if (far == NULL || far->values[0] == NULL || far->values[5] == NULL) {
        if (pool != NULL) {
            ngx_destroy_pool(pool);
        }
        return NULL;
    }
    far->values[1] = vg_node_name();
    far->values[2] = far->pid;
    far->values[3] = far->number;
    far->values[4] = vg_far_kind(kind);
    far->values[6] = far->timeout;
    (void) snprintf(far->timeout, sizeof(far->timeout), "%lu",
                    (unsigned long) timeout);
    far->timer.data = far;
    far->timer.log = ngx_cycle->log;
    return far;
}


vg_rc_t
vg_far_ask(vg_str_t node, vg_far_kind_t kind, vg_str_t bytes,
           ngx_msec_t timeout, vg_link_done_pt done, void *data)
{
    vg_far_t *far = vg_far_create(node, kind, bytes, timeout);

    if (far == NULL) {
        return VG_ERROR;
    }
    far->done = done;
    far->data = data;
    far->node.key = ++vg_far_last;
    (void) snprintf(far->pid, sizeof(far->pid), "%d", (int) ngx_pid);
    (void) snprintf(far->number, sizeof(far->number), "%llu",
                    (unsigned long long) far->node.key);
    far->timer.handler = vg_far_overdue;
    far->waiting = 1;
    ngx_rbtree_insert(&vg_fars, &far->node);
    ngx_add_timer(&far->timer, timeout);
    vg_far_send(far);
    return VG_OK;
}


void
vg_far_tell(vg_str_t node, vg_far_kind_t kind, vg_str_t bytes)
{
    vg_far_t *far = vg_far_create(node, kind, bytes, VG_FAR_TELL_MS);

    if (far == NULL) {
        return;
    }
    (void) snprintf(far->pid, sizeof(far->pid), "0");
    (void) snprintf(far->number, sizeof(far->number), "0");
    far->timer.handler = vg_far_again;
    far->timer.cancelable = 1;
    vg_far_send(far);
}


/* --------------------------------------------------------------- answers in */

/* [number, answer] of the clerk; what came too late finds nobody */
static void
vg_far_answered(vg_link_ref_t ref, vg_str_t bytes, ngx_msec_t timeout)
{
    uint64_t           number;
    vg_pool_t          arena;
    ngx_pool_t        *pool = ngx_create_pool(1024, ngx_cycle->log);
    const vg_json_t   *message;
    ngx_rbtree_node_t *node = vg_fars.root;

    (void) ref;
    (void) timeout;
    if (pool == NULL) {
        return;
    }
    arena = vg_arena_of(pool);
    message = vg_json_parse(&arena, bytes, NULL);
    if (message != NULL && message->count == 2) {
        number = (uint64_t) ngx_atoof((u_char *) message->first->text.data,
                                      message->first->text.len);
        while (node != &vg_fars_sentinel && node->key != number) {
            node = number < node->key ? node->left : node->right;
        }
        if (node != &vg_fars_sentinel) {
            vg_far_end(ngx_rbtree_data(node, vg_far_t, node), VG_OK,
                       message->first->next->raw);
        }
    }
    ngx_destroy_pool(pool);
}


/* Numbers begin anywhere: an answer to a worker of this pid that is dead must
 * not find another question. 52 bits, for JSON. */
void
vg_far_start(void)
{
    ngx_rbtree_init(&vg_fars, &vg_fars_sentinel, ngx_rbtree_insert_value);
    vg_random(&vg_far_last, sizeof(vg_far_last));
    vg_far_last &= 0xfffffffffffffu;
    vg_link_on(VG_LINK_FAR, vg_far_answered);
}
