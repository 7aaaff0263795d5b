/*
 * node.h: what the workers of one node know together: who is connected, how
 * often who came, how many of each kind.
 *
 * It lies in a mapped file of the run folder, not in nginx's zone, since a
 * binary upgrade begins with zones that are empty, while the old workers go
 * on. A node that starts by itself begins with an empty one; a reload and an
 * upgrade keep it. Fresh memory is zero: every table's empty state.
 */

#ifndef VG_NODE_H
#define VG_NODE_H

#include "guard.h"
#include "table.h"

/* names in meter.c */
typedef enum {
    VG_COUNT_OPENED,  /* handshakes that became connections               */
    VG_COUNT_REFUSED, /* unknown, or with a wrong password                */
    VG_COUNT_BACKOFF, /* came again too soon                              */
    VG_COUNT_FULL,    /* too many others waited                           */
    VG_COUNT_AWAY,    /* the stations could not be asked                  */
    VG_COUNT_QUEUED,  /* had to wait for their turn                       */
    VG_COUNT_CLOSED,  /* connections that ended                           */
    VG_COUNT_HELD,    /* boots that had to wait                           */
    VG_COUNT_PENDING, /* ... and were told to come again                  */
    VG_COUNT_IN,      /* messages                                         */
    VG_COUNT_OUT,
    VG_COUNTS,
} vg_count_t;

typedef struct {
    uint64_t        layout; /* of another kit: not to be read             */
    ngx_atomic_t    born;   /* us: when this node started                 */
    ngx_atomic_t    lock;   /* of the table: the owner's pid              */
    ngx_atomic_t    bucket; /* ms: when the next handshake is due         */
    ngx_atomic_t    counts[VG_COUNTS];
    vg_guard_slot_t guard[VG_GUARD_SLOTS];
    vg_table_slot_t slots[VG_TABLE_SLOTS];
} vg_node_t;

vg_node_t *vg_node(void);

/* in the master, before workers are forked */
ngx_int_t vg_node_open(ngx_cycle_t *cycle);

static inline void
vg_ocpp_count(vg_count_t what)
{
    (void) ngx_atomic_fetch_add(&vg_node()->counts[what], 1);
}

#endif /* VG_NODE_H */
