/*
 * sagas.h: what the files of this room share. A run is one saga in the hands
 * of this worker: a copy of its row, and where it stands. The row decides:
 * each move is fenced by its version, and a run whose move finds another
 * version is dropped.
 */

#ifndef VG_SAGAS_H
#define VG_SAGAS_H

#include "events.h"

#define VG_SAGA_STEPS   32
#define VG_SAGA_TIMEOUT 30000 /* ms, of a step that names none       */
/* ms, of all steps: their answers live for 8 days, see clerk.c */
#define VG_SAGA_LONGEST 21600000
/* ms: a run whose worker is silent so long, beyond what it waits for, is taken
 * over; and the same of a new row, see 003_saga.sql */
#define VG_SAGA_LEASE  10000
#define VG_SAGA_BEGUN  60000
#define VG_SAGA_ASK    5000  /* ms, for one ask                          */
#define VG_SAGA_LATER  1000  /* ms, doubling to ...                      */
#define VG_SAGA_LATEST 30000 /* ms                                       */
#define VG_SAGA_UNDOES 20    /* tries of an undo, then it is stuck       */

typedef enum {
    VG_SAGA_RUNNING,
    VG_SAGA_UNDOING,
    VG_SAGA_COMPLETED,
    VG_SAGA_UNDONE,
    VG_SAGA_STUCK,
    VG_SAGA_STATES,
} vg_saga_state_t;

extern const char *const vg_saga_states[VG_SAGA_STATES + 1];

typedef struct {
    ngx_queue_t     queue; /* of those that wait for the bell              */
    ngx_pool_t     *pool;
    vg_pool_t       arena;
    ngx_uint_t      database; /* where the row is                          */
    vg_str_t        plugin, id, name, step, data, error, version;
    vg_caller_t     caller;
    vg_str_t        correlation, traceparent;
    vg_saga_state_t state;
    ngx_uint_t      tries;
    vg_str_t        asking;  /* the step that is asked, or undone         */
    vg_str_t        found;   /* its answer, when it was settled as done   */
    ngx_msec_t      since;   /* it is at this step                        */
    ngx_msec_t      leased;  /* until when nobody else takes it            */
    ngx_msec_t      age;     /* ms, when the row was read                  */
    unsigned        fresh:1; /* nobody asked this step before              */
    unsigned        rests:1; /* nobody holds the row: a wait is read so    */
    unsigned        known:1; /* else only plugin and id are                */
    vg_unit_t       unit;
    const char     *values[16];
} vg_saga_run_t;

/* what a row becomes; what is NULL stays */
typedef struct {
    vg_saga_state_t state;
    const char     *step;
    const char     *answered; /* the step whose answer this is            */
    vg_str_t        answer;   /* JSON                                     */
    const char     *error;
    const char     *problem;
    ngx_uint_t      tries;
    ngx_msec_t      wait;    /* until it is tried, or the lease's length   */
    unsigned        rests:1; /* it is held by nobody                      */
} vg_saga_move_t;

/* table.c: the manifest's */
const vg_saga_t *vg_saga_find(vg_plugin_slot_t *plugin, vg_str_t name);
ngx_int_t        vg_saga_step(const vg_saga_t *saga, vg_str_t name);
/* run->asking as it is now; NULL: this version does not know it */
const vg_saga_step_t *vg_saga_asking(vg_saga_run_t    *run,
                                     const vg_saga_t **saga);
vg_endpoint_t        *vg_saga_route(const char *path); /* NULL: not there now */
/* its statement reads: the step waits for a row */
ngx_uint_t vg_saga_waits(const vg_endpoint_t *e);
ngx_uint_t vg_saga_outside(const vg_endpoint_t *e); /* it asks the world    */
ngx_msec_t vg_saga_time(const vg_saga_step_t *step);
/* so long one ask may take, and a lease that outlasts it */
ngx_msec_t vg_saga_ask_time(const vg_endpoint_t *e);
#define vg_saga_lease(e) (vg_saga_ask_time(e) + VG_SAGA_LEASE)

/* row.c: rows of vg.saga */
ngx_int_t      vg_saga_row_init(ngx_conf_t *cf);
vg_saga_run_t *vg_saga_create(ngx_uint_t database);
void           vg_saga_free(vg_saga_run_t *run);
vg_str_t       vg_saga_keep(vg_saga_run_t *run, vg_str_t s);
void           vg_saga_read(vg_saga_run_t *run, PGresult *rows, int row);
void           vg_saga_submit(vg_saga_run_t *run, const vg_statement_t *st,
                              vg_lane_t lane, void (*done)(vg_unit_t *));
/* goes on by vg_saga_go() when it is done, if it was this run's to move */
void vg_saga_move(vg_saga_run_t *run, const vg_saga_move_t *to);
/* a row that rests, read: vg_saga_go() if there is one */
void vg_saga_wake(vg_saga_run_t *run);
#define VG_SAGA_COLUMNS                                                        \
    " s.plugin, s.id, s.name, s.status, s.step, s.data::text, s.error,"        \
    " s.tries, s.version, s.caller_id, s.caller_role, s.caller_company,"       \
    " s.correlation_id, s.traceparent,"                                        \
    " (extract(epoch from clock_timestamp() - s.step_at) * 1000)::bigint,"     \
    " (extract(epoch from clock_timestamp() - s.started_at) * 1000)::bigint,"  \
    " greatest(0, (extract(epoch from s.next_at - clock_timestamp())"          \
    " * 1000)::bigint)"

/* run.c: the way forward */
void vg_saga_go(vg_saga_run_t *run);
/* Asks a route with the run's arguments, under a key when it changes. */
void vg_saga_ask(vg_saga_run_t *run, vg_endpoint_t *e, const char *undo,
                 ngx_msec_t deadline, void (*done)(vg_call_t *));
/* the row as it is, with a lease that outlasts an ask of e; VG_DECLINED: it
 * does so already */
vg_rc_t    vg_saga_hold(vg_saga_run_t *run, const vg_endpoint_t *e);
ngx_msec_t vg_saga_backoff(ngx_uint_t tries);
void       vg_saga_stuck(vg_saga_run_t *run, const char *why);

/* undo.c: the way back */
ngx_int_t vg_saga_undo_init(ngx_conf_t *cf);
void      vg_saga_undo(vg_saga_run_t *run);
/* A step that may have run is not asked again: what stands under its key,
 * taken for good, says how it went. done: rows (status, body). */
void vg_saga_settle(vg_saga_run_t *run, vg_endpoint_t *e,
                    void (*done)(vg_unit_t *));

typedef enum {
    VG_SAGA_UNKNOWN, /* the database did not say                          */
    VG_SAGA_CLAIMED, /* it never ran, and never will                      */
    VG_SAGA_REFUSED,
    VG_SAGA_DONE,
} vg_saga_stands_t;

/* how a step of e went, by what its settling found */
vg_saga_stands_t vg_saga_stands(const vg_unit_t *unit, const vg_endpoint_t *e);

/* told.c: those that a change of this worker told of */
void vg_saga_told_start(void);

/* poll.c: worker 0 */
ngx_int_t vg_saga_poll_init(ngx_conf_t *cf);
void      vg_saga_poll_start(void);

/* house.c */
ngx_int_t vg_saga_house_init(ngx_conf_t *cf);

/* count.c */
void vg_saga_counts_init(void *shared);
void vg_saga_count_begun(vg_str_t name);
void vg_saga_count_over(vg_str_t name, vg_saga_state_t state, ngx_msec_t age);
/* how many there are now: none of those in a database, but for these */
void vg_saga_count_none(ngx_uint_t database);
void vg_saga_count_now(vg_str_t name, vg_saga_state_t state, ngx_uint_t n);

#endif /* VG_SAGAS_H */
