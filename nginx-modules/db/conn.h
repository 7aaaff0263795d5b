/*
 * conn.h: the inside of one connection, shared by conn.c (its life), send.c
 * (what goes out) and receive.c (what comes back).
 */

#ifndef VG_CONN_H
#define VG_CONN_H

#include "db.h"

typedef enum {
    VG_CONN_DOWN,       /* timer: when to try again                      */
    VG_CONN_CONNECTING, /* timer: until when                             */
    VG_CONN_IDLE,       /* no timer                                      */
    VG_CONN_BUSY,       /* timer: the database answers until then        */
} vg_conn_state_t;

/* what the next result is about, in the order sent */
typedef enum {
    VG_OP_SETUP, /* session's own statements                         */
    VG_OP_ROLE,  /* begins a unit, or a seam of a batch              */
    VG_OP_PREPARE,
    VG_OP_LOCK,
    VG_OP_STATEMENT,
    VG_OP_BARRIER,
    VG_OP_SYNC,      /* ends what was for unit, or only preparation      */
    VG_OP_SYNC_LAST, /* ends the batch                                   */
} vg_op_kind_t;

typedef struct {
    vg_op_kind_t          kind;
    vg_unit_t            *unit;
    const vg_statement_t *statement;
} vg_op_t;

struct vg_conn_s {
    vg_lane_state_t  *lane;
    PGconn           *pg;
    ngx_connection_t *c;
    ino_t             inode; /* of the socket that c stands for          */
    vg_conn_state_t   state;
    ngx_event_t       timer;
    u_char            prepared[VG_STATEMENTS / 8]; /* a bit each         */
    ngx_uint_t        left;  /* prepared there, and no longer wanted     */
    ngx_queue_t       units; /* of the batch, in the order sent          */
    vg_op_t          *ops;
    size_t            nops, at, size;
    ngx_uint_t        attempts;
    unsigned          shared:1;  /* the batch is one transaction         */
    unsigned          barrier:1; /* the batch ends in one                */
    unsigned          broken:1;  /* a barrier failed                     */
    unsigned          stale:1;   /* plans are old: reconnect after       */
};

#define VG_CONN_LEFT       256
#define VG_CONN_CONNECT_MS 5000
#define VG_CONN_ANSWER_MS  40000 /* beyond every statement_timeout       */

/* conn.c: the only assignment to state */
void      vg_conn_move(vg_conn_t *conn, vg_conn_state_t state);
void      vg_conn_lost(vg_conn_t *conn);
ngx_int_t vg_conn_flush(vg_conn_t *conn);

/* send.c */
ngx_int_t vg_conn_setup(vg_conn_t *conn);

/* pack.c: units of one :each statement, linked by unit->packed from the first */
ngx_int_t    vg_pack_order(const ngx_queue_t *a, const ngx_queue_t *b);
ngx_queue_t *vg_pack_link(vg_conn_t *conn, ngx_queue_t *q);
const char **vg_pack_values(ngx_pool_t *pool, const vg_unit_t *first);
void         vg_pack_rows(vg_unit_t *first, PGresult *rows);
void         vg_pack_abort(vg_unit_t *first);

/* is anything in it to be durable before it is told? */
ngx_uint_t vg_unit_firm(const vg_unit_t *unit);

/* receive.c: handles all results that are there. NGX_ERROR: conn is lost */
ngx_int_t vg_conn_receive(vg_conn_t *conn);

#endif /* VG_CONN_H */
