/*
 * inside.h: what the files of this room share.
 *
 * A stream lies in its request's pool. Between two frames it holds no call
 * and points at nothing of a plugin.
 */

#ifndef VG_STREAM_INSIDE_H
#define VG_STREAM_INSIDE_H

#include "http.h"
#include "socket.h"

#define VG_STREAM_ID  176 /* bytes of a frame's id; a longer one is none   */
#define VG_TOPIC_MAX  128 /* bytes                                         */
#define VG_TOPIC_MARK 1024

typedef struct {
    ngx_uint_t max; /* of one worker                                 */
    ngx_uint_t max_caller;
    ngx_msec_t heartbeat; /* of silence; also: until it is read anyway     */
    ngx_msec_t pace;      /* between two frames                            */
} vg_stream_conf_t;

extern ngx_module_t ngx_http_voltgate_stream_module;

/* of the running cycle */
const vg_stream_conf_t *vg_stream_conf(void);

typedef enum {
    VG_STREAM_OVER,    /* what it shows has come to its end              */
    VG_STREAM_EXPIRED, /* its caller's token                             */
    VG_STREAM_HIDDEN,  /* gone, or not the caller's any more             */
    VG_STREAM_RESTART, /* the worker leaves: come again                  */
    VG_STREAM_LOST,    /* nobody is there                                */
} vg_stream_why_t;

typedef struct vg_stream_s vg_stream_t;

/* How frames travel: sse.c, ws.c. */
typedef struct {
    /* Sends the head. NGX_OK, or what a handler gives. */
    ngx_int_t (*open)(vg_stream_t *s);
    /* All that was sent before has left. */
    ngx_uint_t (*room)(vg_stream_t *s);
    /* One at least; an id may have data NULL. Ends nothing: who cannot go on
     * says so by lost. */
    void (*frames)(vg_stream_t *s, const vg_stream_frame_t *frames,
                   ngx_uint_t n);
    void (*beat)(vg_stream_t *s);
    /* Says goodbye. NGX_DONE: it ends later, by itself; else what the
     * request is to be finalized with. */
    ngx_int_t (*close)(vg_stream_t *s, vg_stream_why_t why);
} vg_stream_way_t;

extern const vg_stream_way_t vg_sse, vg_ws;

struct vg_stream_s {
    ngx_queue_t            all;
    ngx_queue_t            same;  /* of topics with the same mark          */
    ngx_queue_t            moved; /* to be read                            */
    ngx_http_request_t    *request;
    const vg_stream_way_t *way;

    char       *path; /* of the route                                  */
    vg_str_t    values[VG_PATH_VALUES];
    vg_str_t    query;
    vg_caller_t caller;
    vg_str_t    correlation, traceparent;
    int64_t     expires; /* microseconds; 0: never                      */
    vg_str_t    key;     /* prefix of the API key it came by; len 0: none */
    vg_call_t  *trust;   /* asks for that key again: trust.c              */
    ngx_uint_t  drops;   /* revocations heard before                      */
    struct vg_proof_s *proof; /* of a token, what it is revoked by; or NULL */

    vg_str_t   topic;
    ngx_uint_t mark;
    char       id[VG_STREAM_ID + 1]; /* of the last frame; "" none      */
    vg_call_t *call;                 /* reads                           */
    ngx_msec_t read, sent;           /* when, last                      */

    vg_socket_t *socket; /* ws.c                                        */
    u_char      *out;    /* sse.c: what has not left                     */
    ngx_buf_t    buf;
    ngx_chain_t  chain;

    unsigned listed:1;
    unsigned queued:1;
    unsigned again:1;  /* it moved while it was read                   */
    unsigned behind:1; /* it moved while there was no room             */
    unsigned stale:1;  /* reading failed, for the moment               */
    unsigned asking:1; /* for its key                                  */
    unsigned lost:1;
};

/* stream.c: what has left makes room, and who is lost ends soon */
void vg_stream_drained(vg_stream_t *s);
void vg_stream_lose(vg_stream_t *s);

/* Off all lists, and its call dropped. The request is left alone. */
void vg_stream_leave(vg_stream_t *s);

/* The same, and what did not leave is freed: the request's cleanup. */
void vg_stream_cleanup(void *data);

/* It moved, or may have: it is read soon. */
void vg_stream_rouse(vg_stream_t *s);

/* Sends what the call gave, unless it is what was sent last. 0: there was no
 * room, and it is read anew when there is. */
ngx_uint_t vg_stream_show(vg_stream_t *s, vg_call_t *call);

/* trust.c: may its caller still be trusted? Asks for a key again, when it is
 * time. */
ngx_uint_t vg_trust(vg_stream_t *s);
void       vg_trust_leave(vg_stream_t *s);

/* VG_ERROR: there are too many, of all or of this caller; refused. */
vg_rc_t vg_stream_admit(vg_call_t *call);

/* From here on it hears what moves. */
void vg_stream_list(vg_stream_t *s);

/* open.c: strings into a pool, between a call and its stream */
vg_str_t vg_stream_copy(vg_pool_t *pool, vg_str_t from);
void     vg_stream_copies(vg_pool_t *pool, vg_caller_t *to,
                          const vg_caller_t *from);

void vg_stream_start(void);
void vg_stream_stop(void);

/* topic.c: who waits for what, here and in other workers */
void vg_topic_start(void);
void vg_topic_stop(void);
void vg_topic_join(vg_stream_t *s);
void vg_topic_part(vg_stream_t *s);

#endif /* VG_STREAM_INSIDE_H */
