/*
 * rooms.h: what the host asks of the other rooms, and these of each other,
 * where a room has no header of its own for that. Part of host.h.
 */

#ifndef VG_ROOMS_H
#define VG_ROOMS_H

#include "host.h"
#include "language.h"

/* core, owner.c: is it said whose rows a route shows; and whose, as OpenAPI has
 * it: NULL where no statement shows any */
ngx_int_t   vg_owner_row(vg_endpoint_t *e);
const char *vg_owner_of(const vg_endpoint_t *e);

/* observe: what happened, counted; and all of it as /metrics shows it */
void vg_metrics_call(vg_endpoint_t *endpoint, ngx_int_t status, ngx_msec_t ms);
void vg_metrics_unit(vg_endpoint_t *endpoint, ngx_msec_t ms, ngx_uint_t ok);
size_t   vg_metrics_size(void);
void     vg_metrics_init(void *shared);
vg_str_t vg_metrics_render(vg_pool_t *pool);

/* observe: what plugins count of themselves; NGX_ERROR: the plugin is out, since
 * its manifest has counters that cannot be */
size_t    vg_counters_size(void);
void      vg_counters_init(void *shared);
ngx_int_t vg_counters_fit(vg_plugin_slot_t *plugin);
void      vg_counters_metrics(vg_out_t *out);

/* events: consumers and timers go on with the new generation */
void vg_events_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to);

/* events: a change in that database told something; rings the clerk once a
 * turn */
void vg_events_bell(ngx_uint_t database);

/* events: a change of a plugin wrote jobs, which are its own; rings once a turn.
 * All are looked for now. How they ended. And they go on with the new
 * generation. */
void vg_jobs_bell(const vg_plugin_slot_t *plugin);
void vg_jobs_wake(void);
void vg_jobs_metrics(vg_out_t *out);
void vg_jobs_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to);

#define VG_SAGA_STATUS "RUNNING|UNDOING|COMPLETED|UNDONE|STUCK"

/* sagas: those that a change began, and those that it says may go on */
void      vg_sagas_told(vg_call_t *call, vg_str_t told);
ngx_int_t vg_sagas_check(vg_plugin_slot_t *plugin);
size_t    vg_sagas_shared_size(void);
void      vg_sagas_metrics(vg_out_t *out);
void      vg_sagas_show(vg_out_t *out, vg_plugin_slot_t *plugin);
void      vg_sagas_list(vg_call_t *call); /* what house.c's routes run     */
void      vg_sagas_get(vg_call_t *call);
void      vg_sagas_retry(vg_call_t *call);

/* transport: when certificates end */
void vg_certificate_metrics(vg_out_t *out);

/* stream: topics, parted by spaces, of a change that is durable: of one here,
 * told to other nodes too, or of one that is heard of */
void   vg_stream_moved(vg_str_t topics);
void   vg_stream_heard(vg_str_t topics);
void   vg_stream_others(ngx_uint_t others);
size_t vg_stream_shared_size(void);

/* events: what /metrics says of them */
size_t vg_events_shared_size(void);
void   vg_events_metrics(vg_out_t *out);

/* events: what house.c's routes run */
void vg_operator_letters(vg_call_t *call);
void vg_operator_retry(vg_call_t *call);
void vg_operator_retry_all(vg_call_t *call);
void vg_operator_consumers(vg_call_t *call);
void vg_operator_pause(vg_call_t *call);
void vg_operator_resume(vg_call_t *call);
void vg_operator_replay(vg_call_t *call);
void vg_operator_replays(vg_call_t *call);
void vg_events_feed(vg_call_t *call);

/* what streams of events wait for, their route's path: a log has grown */
#define VG_EVENTS_TOPIC "/events/stream"

/* events: a log may have grown, by another node */
void vg_events_heard(void);

/* relay, on the clerk: the log has grown. And what /metrics says of them. */
void   vg_relay_wake(void);
size_t vg_relay_shared_size(void);
void   vg_relay_metrics(vg_out_t *out);

/* limit: what /metrics says of it */
void vg_limit_metrics(vg_out_t *out);

/* audit: of a call that is over, before it is told; what the house did by
 * itself (VG_DONE: vg_call_awaited() comes again, when it is written down); who
 * acted, and on what (data NULL: no id). And what /metrics says. */
extern ngx_uint_t vg_audit_off; /* voltgate_audit off                      */
void              vg_audit_call(vg_call_t *call);
vg_rc_t           vg_audit_house(vg_call_t *call);
vg_str_t          vg_audit_actor(vg_call_t *call);
vg_str_t          vg_audit_object(vg_call_t *call);
void   vg_audit_list(vg_call_t *call); /* what house.c's route runs */
size_t vg_audit_shared_size(void);
void   vg_audit_metrics(vg_out_t *out);

/* nodes, on the clerk: the log has grown; what its follower read (payload data
 * NULL: nobody here wants it); and that it begins at the end, with what came
 * before not read */
void vg_nodes_bell(void);
void vg_nodes_followed(vg_str_t type, vg_str_t aggregate, vg_str_t payload);
void vg_nodes_unfollowed(void);

/* auth, on the clerk: the log told of a revocation, {id, before, until}; what
 * came before was not read. On any worker: is that a token that was revoked? */
#define VG_REVOKED_EVENT "identity.revoked.v1"
void       vg_revoked_heard(vg_str_t payload);
void       vg_revoked_unheard(void);
ngx_uint_t vg_revoked(const struct vg_proof_s *proof);
size_t     vg_revoked_shared_size(void);
size_t     vg_jwks_shared_size(void);

#endif /* VG_ROOMS_H */
