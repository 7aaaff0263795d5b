/*
 * db.h: units of work for PostgreSQL.
 *
 * A unit is at most: role, lock, statement, under one Sync: one transaction.
 * Others may be chained before its own (an event's effects before the step of
 * the cursor): all happen or none. It is handed to a lane; done(unit) is
 * called once, from the event loop, never from vg_unit_submit(). When it is
 * firm (all changes are), done means durable.
 */

#ifndef VG_DB_H
#define VG_DB_H

#include <libpq-fe.h>

#include "host.h"

typedef enum {
    VG_LANE_READ,    /* all of a turn under one Sync                     */
    VG_LANE_WRITE,   /* a Sync each, one barrier a turn                  */
    VG_LANE_PATIENT, /* one at a time, waits for locks                   */
    VG_LANE_APPEND,  /* many rows, one Sync a turn                       */
    VG_LANE_SLOW,    /* one at a time, long                              */
    VG_LANE_LOG,     /* the log's: moves into it, who reads it           */
    VG_LANE_LISTEN,  /* the clerk's: what was told by NOTIFY is heard    */
    VG_LANES,
} vg_lane_t;

typedef enum {
    VG_UNIT_OK,
    VG_UNIT_REFUSED, /* the database said no: sqlstate, constraint       */
    VG_UNIT_LOST,    /* connection lost; a change may or may not be in   */
    VG_UNIT_AWAY,    /* no connection: nothing was sent                  */
    VG_UNIT_FULL,    /* queue is full: nothing was sent                  */
    VG_UNIT_UNDONE,  /* another of its transaction was refused           */
} vg_unit_result_t;

struct vg_unit_s {
    ngx_queue_t queue;
    void (*done)(vg_unit_t *unit);
    void          *data;
    vg_endpoint_t *endpoint; /* for metrics; may be NULL          */
    vg_lane_t      lane;
    ngx_uint_t     database; /* of the endpoint's plugin, if it has one   */

    const vg_statement_t *lock;
    const char          **lock_values;
    const vg_statement_t *statement;
    const char          **values;
    vg_unit_t            *chain; /* these before, each as its own role   */
    vg_unit_t            *last;  /* of them                              */
    vg_unit_t            *link;  /* the next in the chain that this is in */
    vg_unit_t            *head;  /* whose chain that is                  */

    vg_unit_result_t result;
    PGresult        *rows;       /* of statement; cleared after done()    */
    ngx_uint_t       row, calls; /* ours among those of all packed calls  */
    vg_unit_t       *packed;     /* the next of them; the last owns rows  */
    char             sqlstate[6];
    char             constraint[64];
    char             message[160]; /* for the log alone             */

    ngx_msec_t queued_at;
    unsigned   queued:1;
    unsigned   dropped:1; /* nobody wants the rows           */
    unsigned   probe:1;   /* is only prepared, not run       */
    unsigned   alone:1;   /* its batch failed: run singly    */
    unsigned   retried:1; /* moved to the patient lane       */
    unsigned   again:2;   /* times that its statement asked for it */
    unsigned   stale:2;   /* times that a plan was too old       */
    unsigned   lost:2;    /* times that its connection broke     */
    unsigned   failed:1;
    unsigned   aborted:1; /* by another of its batch         */
    unsigned   relaxed:1; /* commit need not be durable      */
};

/* Takes over the unit until done(). The unit and its values must live so
 * long. */
void vg_unit_submit(vg_unit_t *unit);

/* Puts unit behind what is chained to head already; it is not submitted. Its
 * done() is called before head's, in their order. */
void vg_unit_chain(vg_unit_t *head, vg_unit_t *unit);

/* head is not submitted after all: those in its chain are done, as away. */
void vg_unit_unchain(vg_unit_t *head);

/* Nobody waits any more: if it was not sent, done() is not called and VG_OK
 * is returned; else it is not sent again, and done() comes later as ever:
 * VG_DECLINED. */
vg_rc_t vg_unit_drop(vg_unit_t *unit);

/* What is to be told when a NOTIFY is heard on the listening lane, and that
 * its connection is gone, with what it listened to. */
void vg_db_hear(void (*heard)(const char *channel, const char *payload),
                void (*lost)(void));

/* That database answers, as far as this worker knows. */
ngx_uint_t vg_db_alive(ngx_uint_t database);

/* db.c, per worker */
ngx_int_t vg_db_start(ngx_cycle_t *cycle);
void      vg_db_stop(void);

/* check.c: every statement seen by the database, every migration there */
typedef enum {
    VG_CHECK_OK,
    VG_CHECK_PENDING, /* a migration is missing, or another than ours    */
    VG_CHECK_REFUSED, /* a statement cannot be prepared                  */
    VG_CHECK_AWAY,    /* the database did not answer                     */
} vg_check_verdict_t;

typedef struct vg_check_s vg_check_t;
struct vg_check_s {
    vg_plugin_slot_t *plugin;   /* held until done; NULL: the kit's own    */
    ngx_uint_t        database; /* then: there                           */
    void (*done)(vg_check_t *check);
    void              *data;
    vg_check_verdict_t verdict; /* plugin->why says more                 */
    ngx_uint_t         statement;
    vg_unit_t          unit;
};

/* done is called once, from the event loop */
void vg_check_run(vg_check_t *check);

/* all that are not ready, and again every few seconds until they are */
ngx_int_t vg_check_init(ngx_conf_t *cf);
void      vg_check_start(void);

/* In what the worker lacks to be ready: NULL when it is. */
const char *vg_check_lacks(void);


/* ---------------------------------------------- between db.c and conn.c */

typedef struct vg_conn_s vg_conn_t;

#define VG_LANE_CONNS 2

typedef struct {
    vg_lane_t   lane;
    ngx_uint_t  database;
    const char *options; /* of the session                              */
    ngx_uint_t  nconns;
    ngx_uint_t  batch;  /* units taken at once                        */
    ngx_msec_t  gather; /* so long half of the last batch is waited for */
    ngx_uint_t  last;   /* units of the last batch                    */
    ngx_event_t gathered;
    ngx_queue_t waiting;
    ngx_uint_t  length;
    ngx_uint_t  failures; /* connects in a row that failed               */
    void (*heard)(const char *channel, const char *payload);
    void (*lost)(void);
    vg_conn_t *conns[VG_LANE_CONNS];
} vg_lane_state_t;

vg_conn_t *vg_conn_create(vg_lane_state_t *lane);
void       vg_conn_open(vg_conn_t *conn);
void       vg_conn_close(vg_conn_t *conn);
ngx_uint_t vg_conn_idle(vg_conn_t *conn);
void       vg_conn_forget(vg_conn_t *conn, ngx_uint_t number);
ngx_uint_t vg_conn_up(vg_conn_t *conn);

/* send.c: takes what waits in the lane and sends it; conn must be idle */
void vg_conn_take(vg_conn_t *conn);

/* a unit is over: counts it, calls done() */
void vg_unit_end(vg_unit_t *unit, vg_unit_result_t result);

/* frees the rows, if they are its own */
void vg_unit_clear(vg_unit_t *unit);

/* back to the head of its lane, to be run by itself */
void vg_unit_again(vg_unit_t *unit);

/* this lane cannot connect: what waits is told so */
void vg_lane_away(vg_lane_state_t *lane);

/* one of a database's could connect: all may, and need not wait until then */
void vg_lanes_back(ngx_uint_t database);

/* wakes the lanes at the end of this turn of the loop */
void vg_db_flush(void);

#endif /* VG_DB_H */
