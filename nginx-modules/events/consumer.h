/*
 * consumer.h: the inside of a consumer, shared by consumer.c (its turns),
 * batch.c (what it commits) and parked.c (what it tries again).
 */

#ifndef VG_CONSUMER_H
#define VG_CONSUMER_H

#include "events.h"

#define VG_CONSUMER_READ 500  /* rows at once                            */
#define VG_EVENT_TYPES   4096 /* bytes of their names, as an array        */

/* what became of an event's call */
typedef enum {
    VG_EVENT_RUNNING, /* its load is out                                 */
    VG_EVENT_CHAINED, /* its statement is in the batch                   */
    VG_EVENT_OVER,    /* it ended without one, or its batch did          */
} vg_event_state_t;

typedef struct {
    vg_consumer_t    *consumer;
    vg_event_state_t  state;
    const vg_error_t *error;
    unsigned          away:1; /* not its own fault                       */
} vg_event_run_t;

struct vg_consumer_s {
    vg_plugin_slot_t         *plugin;
    const vg_consumer_conf_t *conf;
    ngx_uint_t                log; /* whose: index of the database           */
    ngx_event_t               timer;
    vg_unit_t                 unit;
    const char               *values[16];

    ngx_pool_t     *pool; /* of what was read                            */
    vg_event_t     *events;
    vg_event_run_t *runs; /* beside events                               */
    ngx_uint_t      count;

    char pos[24];    /* where the cursor stands, or that of the replay      */
    char ahead[24];  /* seen up to here: none behind pos was for us         */
    char since[40];  /* logged_at of that one; else '-infinity'             */
    char read[40];   /* logged_at of the last that was read               */
    uint64_t logged; /* the same in ms of Unix time, of the last read       */
    char replay[40], until[24]; /* a replay that is under way; else empty  */
    char last[24];              /* where the cursor goes to catch up      */
    char types[VG_EVENT_TYPES]; /* of the replay, as an array; else empty */

    /* batch.c: events[at .. next) are in the commit that is put together */
    vg_unit_t  head;
    ngx_uint_t at, next, links;
    ngx_uint_t suspect; /* index + 1 of the event to be tried alone; 0    */
    ngx_uint_t tries;   /* of the event that is `failed`                  */
    char       failed[24];
    void (*done)(vg_consumer_t *consumer);

    ngx_uint_t tried; /* parked ones of this turn                        */
    ngx_msec_t began;
    ngx_uint_t trouble; /* commits in a row that came to nothing, with nobody
                           to blame, from here on: */
    char       troubled[24];

    unsigned busy:1;
    unsigned again:1;
    unsigned rests:1;  /* and is not to be woken                         */
    unsigned opened:1; /* pos is what the cursor says, as far as is known */
    unsigned parked:1; /* there may be parked ones                       */
    unsigned waits:1;  /* for a load                                     */
    unsigned polled:1; /* nobody woke it                                 */
    unsigned hurried:1;
    unsigned beyond:1; /* the log's clock is far ahead                   */
};

/* consumer.c: the turn ends; later, or after a while in which nothing wakes */
void vg_consumer_rest(vg_consumer_t *consumer, ngx_msec_t ms);
void vg_consumer_fenced(vg_consumer_t *consumer);
void vg_consumer_away(vg_consumer_t *consumer);

/* vg_kit_unit() in the consumer's own database */
void vg_consumer_unit(vg_consumer_t *consumer, vg_unit_t *unit,
                      const vg_statement_t *st, const char **values,
                      vg_lane_t lane, void (*done)(vg_unit_t *));

/* batch.c: handles what was read; then done(consumer). If it cannot go on, it
 * ends the consumer's turn instead. */
void vg_batch_run(vg_consumer_t *consumer, void (*done)(vg_consumer_t *));

/* the cursor goes to where nothing was for us; then done(consumer) */
void vg_batch_catch_up(vg_consumer_t *consumer, const char *to,
                       void (*done)(vg_consumer_t *));

/* parked.c: tries what is parked and due, then done(consumer) */
void vg_parked_run(vg_consumer_t *consumer, void (*done)(vg_consumer_t *));

/* parked.c: the unit that parks an event; NULL: no memory */
vg_unit_t *vg_parked_unit(vg_consumer_t *consumer, const vg_event_t *event,
                          const char *why, void (*done)(vg_unit_t *),
                          void       *data);

/* count.c */
typedef enum {
    VG_COUNT_HANDLED,
    VG_COUNT_FAILED,
    VG_COUNT_RETRIED,
    VG_COUNT_DIED,
    VG_COUNT_REPLAYED,
} vg_count_what_t;

void vg_count_consumer(vg_consumer_t *consumer, vg_count_what_t what,
                       ngx_uint_t n);
void vg_count_place(vg_consumer_t *consumer);
void vg_count_rows(vg_consumer_t *consumer, ngx_uint_t parked, ngx_uint_t dead,
                   ngx_uint_t paused);

#endif /* VG_CONSUMER_H */
