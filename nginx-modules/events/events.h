/*
 * events.h: the clerk's work: outbox into log, consumers along the log,
 * timers.
 */

#ifndef VG_EVENTS_H
#define VG_EVENTS_H

#include "db.h"

/* one plugin's way along the log; lives in the worker that runs it */
typedef struct vg_consumer_s vg_consumer_t;

/* An event as it was read; the strings live as long as the batch's pool. */
typedef struct {
    vg_str_t pos, id, type, aggregate, payload, correlation, traceparent, actor,
        at;
    ngx_uint_t blocked; /* an earlier one of its aggregate is parked      */
} vg_event_t;

/* A call for one event; done() gets it with owner. NULL: no memory. */
vg_call_t *vg_event_call(vg_endpoint_t *e, const vg_event_t *event,
                         void (*done)(vg_call_t *), void    *owner);
/* Values for a unit's after, copied into the call: an overdue call's unit may
 * be sent when its consumer has gone on, and must not move it then. */
const char   **vg_event_after(vg_call_t *call, const char **values,
                              ngx_uint_t count);
vg_endpoint_t *vg_event_endpoint(vg_plugin_slot_t *plugin, vg_str_t type);
void vg_event_read(vg_pool_t *pool, PGresult *rows, int row, int column,
                   vg_event_t *event);

/* a unit of the kit's own; values are copied by nobody and must live */
void vg_kit_unit(vg_unit_t *unit, const vg_statement_t *st, const char **values,
                 vg_lane_t lane, void (*done)(vg_unit_t *), void *data);
/* in its done(): is it done? What the database refused is logged. */
ngx_uint_t vg_kit_ok(const vg_unit_t *unit);

#define VG_EVENT_DEADLINE 8000 /* ms, for one handler                    */
#define VG_EVENT_TRIES    10   /* then it is dead                        */

/* what each file asks of the database, made while the conf is read */
ngx_int_t vg_clerk_init(ngx_conf_t *cf);
ngx_int_t vg_consumer_init(ngx_conf_t *cf);
ngx_int_t vg_parked_init(ngx_conf_t *cf);
ngx_int_t vg_timer_init(ngx_conf_t *cf);
ngx_int_t vg_follower_init(ngx_conf_t *cf);

/* in the worker */
void vg_clerk_start(void);
void vg_clerk_wake(void);
void vg_consumers_start(void);
void vg_consumers_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to);
void vg_consumers_wake(void);
void vg_follower_start(void);
void vg_follower_wake(void);
void vg_follower_back(void);
void vg_timers_start(void);
void vg_timers_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to);

/* event.c: may this plugin's events and timers run now? */
ngx_uint_t vg_event_may(vg_plugin_slot_t *plugin);

/* Tries what is parked and due of one plugin; calls back when none is left
 * for now. One at a time for each consumer. */
typedef struct {
    vg_plugin_slot_t *plugin;
    void (*done)(void *data);
    void          *data;
    ngx_pool_t    *pool;
    vg_event_t     event;
    vg_endpoint_t *endpoint;
    vg_unit_t      unit;
    const char    *values[8];
    char           why[160];
    unsigned       moves:1; /* the handler's commit deletes the row      */
} vg_parked_t;

void vg_parked_run(vg_parked_t *parked);

#endif /* VG_EVENTS_H */
