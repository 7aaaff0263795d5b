/*
 * calls.h: one call, from its route to its answer, as the kit's rooms have it.
 * Part of host.h, which includes it.
 */

#ifndef VG_CALLS_H
#define VG_CALLS_H

typedef struct {
    ngx_str_t key; /* Idempotency-Key; len 0: none                       */
    ngx_str_t hash;
    ngx_int_t slot; /* in the table of running keys, or -1               */
    vg_str_t  correlation, at; /* of the stored answer                   */
    unsigned  replayed:1;
    unsigned  looked:1;
    unsigned  unasked:1; /* nobody can have used it: no look before it     */
} vg_key_t;

typedef struct {
    vg_str_t  event_id, type, aggregate_id, time; /* VG_EVENT            */
    vg_str_t  charge_point, payload;              /* VG_OCPP16           */
    vg_str_t  outcome, reason;                    /* steps               */
    vg_str_t  job_id;                             /* VG_JOB              */
    unsigned  job_try;                            /* VG_JOB              */
    vg_str_t  cursor;                             /* VG_LIST             */
    vg_str_t  if_match; /* versions, as an array; data NULL: any           */
    vg_str_t  since;    /* VG_STREAM: the id of the last frame that was seen */
    ngx_int_t limit;
} vg_input_t;

#define VG_PATH_VALUES 4

/* of a stream whose answers are several, each shown once */
typedef struct {
    vg_str_t id, body;
} vg_stream_frame_t;

struct vg_call_s {
    ngx_pool_t    *pool;
    vg_pool_t      arena;
    ngx_log_t     *log;
    ngx_uint_t     refs;
    vg_endpoint_t *endpoint;

    vg_caller_t caller;
    int64_t     quota;   /* calls a month that its key has; -1: no bound  */
    int64_t     expires; /* microseconds: until when caller is who it says;
                            0: for good                                   */
    const struct vg_proof_s *proof; /* what its token is revoked by, or NULL */
    vg_str_t                 correlation;
    vg_str_t                 traceparent;
    vg_str_t   address, actor; /* data NULL: not by HTTP; see vg_acts()     */
    int64_t    now;            /* microseconds                                */
    char       new_id[37];     /* see vg_call_new_id()                        */
    ngx_uint_t depth;          /* of asks                                   */

    const vg_json_t  *body;
    const vg_json_t **values; /* per field                               */
    vg_str_t         *bound;  /* per field                                */
    vg_str_t          path[VG_PATH_VALUES];
    vg_str_t          query;
    vg_input_t        in;
    vg_key_t          key;

    vg_str_t         loaded; /* body of load's row                       */
    const vg_json_t *row;    /* parsed, when a hook asked for it         */

    /* the answer: error, or word and text */
    const vg_error_t *error;
    vg_str_t          detail;   /* object with members for the problem    */
    vg_out_t          problems; /* field errors; problems.len 0: none     */
    ngx_uint_t        nproblems;
    const char       *status; /* ok, created, accepted, empty           */
    vg_str_t          frame;  /* VG_STREAM: the id of what text shows    */
    ngx_array_t *frames; /* of vg_stream_frame_t, up to that id; NULL: text */
    vg_str_t     text, file, drawn; /* file: its name; drawn: see vg_paper() */
    const char  *type;              /* of text; NULL: JSON                */
    vg_str_t     tagged;  /* what the text follows from, and its tag, too; data
                            NULL: the tag is the text's own              */
    unsigned     fault:2; /* of the first field: see VG_FAULT_*      */
    unsigned     answered:1, finished:1;
    unsigned     running:1; /* a unit is out                         */
    unsigned     changed:1; /* ... and it changes something          */
    unsigned     quarantine:1;
    unsigned     away:1;         /* the database was not there, or full   */
    unsigned     committed:1;    /* the statement's one row is in         */
    unsigned     abandoned:1;    /* nobody waits any more               */
    unsigned     over:1, more:1; /* VG_STREAM: the last frame; more are there */
    unsigned     streams:1;      /* VG_STREAM: nobody wants the text     */
    unsigned     kept:1;         /* the text is out of the cache        */
    unsigned     fresh:1;        /* Cache-Control: no-cache             */
    unsigned     noted:1;        /* the audit trail has it              */
    void        *cache;          /* cache.c: where it is or may be kept */
    ngx_uint_t   retry_after;    /* seconds; 0: none                    */

    ngx_event_t deadline;
    ngx_msec_t  started;
    void (*finish)(vg_call_t *call); /* the transport          */
    void *owner;

    vg_unit_t *unit;
    void (*unit_submit)(vg_call_t *call, vg_unit_t *unit); /* NULL: as is */
    ngx_uint_t step;
    struct {
        vg_way_pt   send; /* NULL: command() bound nothing */
        const void *what;
        ngx_uint_t  nth;     /* of the same step, from 1 on; 0: its only one */
        unsigned    reads:1; /* nobody acts on it: who hangs up ends it       */
    } outgoing;
};

/* what is wrong with a field, for OCPP-J's error codes */
enum { VG_FAULT_NONE, VG_FAULT_MISSING, VG_FAULT_TYPE, VG_FAULT_VALUE };

#define VG_CALL_DEADLINE  10000 /* ms, for people and partners           */
#define VG_AWAIT_DEADLINE 45000 /* ms, where they wait for a charger     */
#define VG_ASK_DEADLINE   5000  /* ms, for one plugin asking another     */
#define VG_ASK_DEPTH      8

/* A call in a pool of its own, one reference; NULL: no memory. */
vg_call_t *vg_call_create(vg_endpoint_t *endpoint);
void       vg_call_ref(vg_call_t *call);
void       vg_call_release(vg_call_t *call);

/* Runs fields, load, check, unit, render; then finish(call), exactly once,
 * possibly before it returns. With a deadline in ms. */
void vg_call_run(vg_call_t *call, ngx_msec_t deadline);

/* The client is gone: a read is dropped, a change is finished unseen. */
void vg_call_abandon(vg_call_t *call);

/* Ends the call now with an error of the kit. */
void vg_call_fail(vg_call_t *call, const char *error);
void vg_call_finish(vg_call_t *call);

/* what check() left to a step or to run() is over: the call goes on */
void      vg_call_awaited(vg_call_t *call);
ngx_int_t vg_call_status(vg_call_t *call); /* of HTTP */

/* steps.c */
void vg_steps_run(vg_call_t *call);

/* fields.c: what each list takes beside its own */
extern const vg_field_t vg_field_limit, vg_field_cursor;

/* fields.c: fills call->values; adds what is wrong to the call. */
vg_rc_t vg_fields_check(vg_call_t *call);

/* bind.c: the text of each parameter; a NULL element binds NULL */
const char **vg_bind_values(vg_call_t *call, const vg_statement_t *statement);
vg_str_t     vg_setting_bound(vg_call_t *call, const vg_field_t *field);

/* problem.c: the document for call->error */
vg_str_t          vg_problem_render(vg_pool_t *pool, const vg_error_t *error,
                                    vg_str_t detail, vg_str_t errors, ngx_uint_t count,
                                    vg_str_t timestamp, vg_str_t correlation);
const vg_error_t *vg_kit_error(const char *name, size_t len);
const vg_error_t *vg_kit_error_status(ngx_int_t status);

/* arena.c: frees with pool */
vg_pool_t vg_arena_of(ngx_pool_t *pool);

/* time and ids */
#define VG_TRACEPARENT 55 /* characters */
void     vg_trace_make(char *text56, const ngx_str_t *given);
int64_t  vg_time_now(void); /* microseconds              */
vg_str_t vg_time_text(vg_pool_t *pool, int64_t us);
void     vg_uuid7(char *text37, int64_t us);
void     vg_random(void *data, size_t size);
void     vg_random_id(void *id, size_t size);

static inline vg_str_t
vg_of(ngx_str_t s)
{
    return (vg_str_t){ (const char *) s.data, s.len };
}

static inline ngx_str_t
vg_ngx(vg_str_t s)
{
    return (ngx_str_t){ s.len, (u_char *) s.data };
}

/* openapi.c */
ngx_int_t vg_openapi_render(vg_host_t *host);
void      vg_openapi_object(vg_out_t *out, const vg_field_t *fields);

/* webhooks.c: what is published, as parts of that document; a type of the
 * kit's own, by the room that tells it */
void      vg_webhooks_render(vg_out_t *out, vg_host_t *host);
void      vg_webhooks_envelope(vg_out_t *out);
ngx_int_t vg_webhooks_kit(ngx_conf_t *cf, const char *type, const char *text);

/* versions.c: which version runs, on all workers of this node; a hook run so
 * that a crash is laid at its version's door; what waits while paused, and
 * what is in quarantine */
size_t     vg_versions_size(void);
void       vg_versions_init(void *shared);
void       vg_versions_publish(vg_host_t *host);
void       vg_versions_prune(vg_host_t *host);
void       vg_blame_start(void);
ngx_uint_t vg_versions_paused(const vg_plugin_slot_t *plugin);
ngx_uint_t vg_versions_barred(const vg_plugin_slot_t *plugin);

/* swap.c: each call holds the generation that it began with */
void vg_plugin_hold(vg_plugin_slot_t *plugin);
void vg_plugin_release(vg_plugin_slot_t *plugin);
void vg_swap_start(void);

/* house.c: routes of the kit itself */
ngx_int_t vg_house_open(ngx_conf_t *cf, vg_host_t *host);

/* An ask of another plugin's internal route, also one with a statement:
 * done is called once, with the finished call; data is call->owner. The kit's
 * own (auth, OCPP); hooks use vg_ask(). args: a JSON object. */
vg_call_t *vg_ask_start(const char *route, vg_str_t args, vg_str_t correlation,
                        void (*done)(vg_call_t *), void *owner);

#endif /* VG_CALLS_H */
