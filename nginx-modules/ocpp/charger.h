/*
 * charger.h: one connected charge point: calls in (exchange.c), calls
 * out (order.c). It lives in its request's pool, until its socket closes.
 */

#ifndef VG_CHARGER_H
#define VG_CHARGER_H

#include "frame.h"
#include "gate.h"
#include "link.h"
#include "recorder.h"
#include "socket.h"
#include "table.h"

#define VG_CHARGER_QUEUE 16 /* commands that wait, the one sent included  */
#define VG_CHARGER_CALLS 8  /* calls that wait, above which none is read  */

/* what the last BootNotification was answered with */
typedef enum {
    VG_BOOT_NONE,
    VG_BOOT_ACCEPTED,
    VG_BOOT_PENDING,
    VG_BOOT_REJECTED,
} vg_boot_t;

typedef struct vg_exchange_s vg_exchange_t;
typedef struct vg_order_s    vg_order_t;

typedef struct {
    ngx_rbtree_node_t   node; /* of this worker's, by number                */
    vg_socket_t        *socket;
    vg_str_t            identity;
    vg_recorder_place_t recorded;
    vg_holder_t         holder; /* as the table has it                      */
    vg_boot_t           boot;
    uint64_t            triggered;  /* actions that we asked for, by index   */
    time_t              complained; /* in the log, at most once a second    */

    vg_exchange_t *running;
    ngx_queue_t    waiting; /* of vg_exchange_t                        */
    ngx_uint_t     nwaiting;
    unsigned       looping:1;

    vg_order_t *sent;
    ngx_queue_t orders; /* of vg_order_t, not sent yet              */
    ngx_uint_t  norders;
    uint64_t    last_id;
    ngx_event_t silent; /* sent is overdue                          */
} vg_charger_t;

/* After 101. VG_ERROR: no memory or a newer connection exists; the request is
 * then still the caller's. booted: it was accepted on an earlier connection,
 * so it need not boot again. */
vg_rc_t vg_charger_open(ngx_http_request_t *r, const vg_socket_conf_t *conf,
                        vg_str_t identity, int64_t epoch, ngx_uint_t booted);

/* one of this worker's, by the connection's number */
vg_charger_t *vg_charger_find(uint64_t number, vg_str_t identity);

/* a line in the log, not more often than once a second for each charger */
void vg_charger_complain(vg_charger_t *charger, const char *what,
                         vg_str_t about);

/* at the start and at the end of each worker */
void vg_charger_init(void);
void vg_charger_stop(void);

/* Sends it, and notes that. */
void vg_charger_send(vg_charger_t *charger, vg_str_t text);

/* exchange.c; boots that are under way at once, and how long others wait */
void vg_exchange_start(ngx_uint_t boots, ngx_msec_t wait);
void vg_exchange_text(void *owner, vg_str_t message);
void vg_exchange_close(vg_charger_t *charger);

/* order.c */
void vg_order_init(void);
void vg_order_open(vg_charger_t *charger);
void vg_order_take(vg_charger_t *charger, const vg_frame_t *frame,
                   ngx_uint_t good);
void vg_order_close(vg_charger_t *charger);

/* farewell.c: tells the stations that a connection is over, or all that this
 * node had before it started, and tells again while the database is away */
void vg_farewell(vg_str_t identity, int64_t epoch);
void vg_farewell_all(int64_t started);

/* A connection of it has that epoch, but not in this node's table: whoever holds
 * the identity with an older one is told to close. */
void vg_charger_outdate(vg_str_t identity, int64_t epoch);

/* The same, of a connection that was over before it was one: its end is told,
 * too. The older one's charger comes again, and is known again. */
void vg_charger_missed(vg_str_t identity, int64_t epoch);

/* far.c: a command for a charge point that no worker of this node holds: done
 * as vg_link_ask()'s, with what order.c tells. pool and identity live until
 * then. VG_ERROR: nobody can be asked, done is not called. */
vg_rc_t vg_far_command(ngx_pool_t *pool, vg_str_t identity, const char *action,
                       vg_str_t payload, ngx_msec_t timeout,
                       vg_link_done_pt done, void *data);

/* far.c: the older connection is another node's; epoch is the newer's */
void vg_far_replace(vg_str_t node, vg_str_t identity, int64_t epoch);
void vg_far_chargers_start(void);

/* arena over a pool of nginx */
vg_pool_t vg_charger_arena(ngx_pool_t *pool);

#endif /* VG_CHARGER_H */
