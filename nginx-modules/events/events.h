/*
 * events.h: the clerk's work: outbox into log, consumers along the logs,
 * timers.
 */

#ifndef VG_EVENTS_H
#define VG_EVENTS_H

#include "db.h"

/* one plugin's way along one log; lives in the worker that runs it */
typedef struct vg_consumer_s vg_consumer_t;

#define VG_EVENT_DEADLINE 8000  /* ms, for one handler                    */
#define VG_KEEP_DEADLINE  25000 /* ms, less than the slow lane's statements */

/* what `voltgate_consumer` says; the defaults are in settings.c */
typedef struct {
    ngx_str_t  plugin;
    ngx_uint_t batch;   /* events of one commit                          */
    ngx_uint_t tries;   /* then it is dead                               */
    ngx_msec_t backoff; /* before the second try, doubling               */
    ngx_msec_t longest; /* up to this                                    */
    ngx_uint_t pass;    /* later ones of a parked one's aggregate go on  */
} vg_consumer_conf_t;

/* An event as it was read; the strings live as long as the batch's pool. */
typedef struct {
    vg_str_t pos, id, type, aggregate, payload, correlation, traceparent, actor,
        at, source;
    unsigned blocked:1; /* an earlier one of its aggregate is parked      */
    unsigned other:1;   /* not asked for: its place alone is known        */
} vg_event_t;

/* A call for one event; done() gets it with owner. NULL: no memory. */
vg_call_t     *vg_event_call(vg_endpoint_t *e, const vg_event_t *event,
                             void (*done)(vg_call_t *), void    *owner);
vg_endpoint_t *vg_event_endpoint(vg_plugin_slot_t *plugin, vg_str_t type);

/* does it take any? */
ngx_uint_t vg_event_listens(const vg_plugin_slot_t *plugin);

/* columns of vg_event_read(), from event e */
#define VG_EVENT_COLUMNS                                                       \
    "e.pos, e.event_id, e.type, e.aggregate_id, e.payload::text,"              \
    " e.correlation_id, e.traceparent, e.actor_id, vg.z(e.at), e.source"
#define VG_EVENT_NCOLUMNS 10
/* NGX_ERROR: no memory */
ngx_int_t vg_event_read(vg_pool_t *pool, PGresult *rows, int row, int column,
                        vg_event_t *event);

/* told.c: what this room publishes */
ngx_int_t vg_told_init(ngx_conf_t *cf);

/* The types that they take, as an array's text; here: those of VG_HERE.
 * NULL: no memory. */
const char *vg_event_types(vg_pool_t *pool, const ngx_array_t *endpoints,
                           ngx_uint_t here);

/* event.c: may this plugin's events and timers run now? */
ngx_uint_t vg_event_may(vg_plugin_slot_t *plugin);

/* A unit of the kit's own, for the home database; not submitted yet. Values
 * are copied by nobody and must live. */
void vg_kit_make(vg_unit_t *unit, const vg_statement_t *st, const char **values,
                 vg_lane_t lane, void (*done)(vg_unit_t *), void *data);
/* and submitted */
void vg_kit_unit(vg_unit_t *unit, const vg_statement_t *st, const char **values,
                 vg_lane_t lane, void (*done)(vg_unit_t *), void *data);
/* in its done(): is it done? What the database refused is logged. */
ngx_uint_t vg_kit_ok(const vg_unit_t *unit);

/* follower.c: the last position of a log; 0: it is empty */
extern vg_statement_t *vg_log_end;

/* what each file asks of the database, made while the conf is read */
ngx_int_t vg_clerk_init(ngx_conf_t *cf);
ngx_int_t vg_consumer_init(ngx_conf_t *cf);
ngx_int_t vg_batch_init(ngx_conf_t *cf);
ngx_int_t vg_parked_init(ngx_conf_t *cf);
ngx_int_t vg_timer_init(ngx_conf_t *cf);
ngx_int_t vg_follower_init(ngx_conf_t *cf);
ngx_int_t vg_operator_init(ngx_conf_t *cf);
ngx_int_t vg_replay_init(ngx_conf_t *cf);
ngx_int_t vg_retention_init(ngx_conf_t *cf);
ngx_int_t vg_feed_init(ngx_conf_t *cf);

/* settings.c */
char *vg_set_consumer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void  vg_consumer_confs_use(ngx_array_t *confs);
const vg_consumer_conf_t *vg_consumer_conf(const ngx_str_t *plugin);

/* in the worker */
void vg_clerk_start(ngx_msec_t look);
void vg_clerk_wake(ngx_uint_t databases); /* a bit for each              */
void vg_consumers_start(void);
void vg_consumers_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to);
void vg_consumers_wake(void);
void vg_follower_start(void);
void vg_follower_wake(void);
void vg_retention_start(time_t keep); /* s; 0: all is kept               */
/* keep.c: how long rows are kept; which the conf names are looked up when
 * plugins are there */
char      *vg_set_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t  vg_keep_use(ngx_conf_t *cf, ngx_array_t *confs);
vg_rc_t    vg_keep_bind(vg_call_t *call);
ngx_uint_t vg_keep_more(const vg_call_t *call);

void vg_timers_start(ngx_msec_t longest);
void vg_timers_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to);

/* count.c: what /metrics says */
void     vg_count_published(vg_str_t type, ngx_uint_t n);
void     vg_count_end(ngx_uint_t log, uint64_t pos);
uint64_t vg_count_known(ngx_uint_t log); /* its end, as far as is known      */

#endif /* VG_EVENTS_H */
