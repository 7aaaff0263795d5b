/*
 * link.h: the workers of this machine talk to each other.
 *
 * Each worker listens on <run>/<pid>.sock (SOCK_SEQPACKET) and connects to
 * others when it first has something to say. It spans reloads and binary
 * upgrades, since a worker is known by its pid alone. A message is a kind and
 * bytes; it is delivered whole and in order, or not at all.
 *
 * No handler and no done() is ever run from inside vg_link_ask(), _tell() or
 * _answer(); asking oneself takes the same road, without a socket.
 */

#ifndef VG_LINK_H
#define VG_LINK_H

#include "host.h"

#define VG_LINK_MAX     (65536 + 1024) /* bytes of one message            */
#define VG_LINK_WORKERS 256            /* whose pids are known            */

typedef enum {
    VG_LINK_CALL,  /* a CALL for a charge point of the asked worker       */
    VG_LINK_CLOSE, /* a charge point has a newer connection               */
    VG_LINK_WAKE,  /* there is something in the outbox, or in the log     */
    VG_LINK_DROP,  /* a revoked key's id; "": all that is remembered      */
    VG_LINK_FAR,   /* another node's answer, from the clerk               */
    VG_LINK_SWAP,  /* another version of a plugin runs; answered with it  */
    VG_LINK_MOVED, /* topics of which streams show the state              */
    VG_LINK_AFAR,  /* the same, to the clerk, for other nodes             */
    VG_LINK_KINDS,
} vg_link_kind_t;

/* whom to answer; may be kept, also beyond the asker's death */
typedef struct {
    uint64_t peer; /* 0: this process                                     */
    uint64_t id;   /* 0: nobody waits                                     */
} vg_link_ref_t;

/* bytes live until the handler returns; timeout in ms, 0 for a tell */
typedef void (*vg_link_handler_pt)(vg_link_ref_t ref, vg_str_t bytes,
                                   ngx_msec_t timeout);

/* VG_OK: bytes are the answer, until done returns. VG_DECLINED: nothing was
 * sent, since the worker is gone or has no room. VG_ERROR: it was sent, but
 * there is no answer, in time or because the worker died. */
typedef void (*vg_link_done_pt)(void *data, vg_rc_t rc, vg_str_t bytes);

typedef struct vg_link_ask_s vg_link_ask_t;

/* in init_module or init_process; one handler a kind */
void vg_link_on(vg_link_kind_t kind, vg_link_handler_pt handler);

/* done is called once, unless cancelled. NULL: no memory, done is not called. */
vg_link_ask_t *vg_link_ask(ngx_pid_t pid, vg_link_kind_t kind, vg_str_t bytes,
                           ngx_msec_t timeout, vg_link_done_pt done,
                           void *data);
void           vg_link_cancel(vg_link_ask_t *ask);

void vg_link_answer(vg_link_ref_t ref, vg_str_t bytes);

/* VG_OK: on its way, which is no promise that it arrives. */
vg_rc_t vg_link_tell(ngx_pid_t pid, vg_link_kind_t kind, vg_str_t bytes);

/* The pid of this node's worker n (0 is the clerk); 0: there is none. */
ngx_pid_t vg_link_worker(ngx_uint_t n);
#define vg_link_clerk() vg_link_worker(0)

/* init_process and exit_process of each worker */
ngx_int_t vg_link_start(ngx_cycle_t *cycle);
void      vg_link_stop(void);

/* the part VG_SHARED_LINK */
typedef struct {
    ngx_atomic_t pids[VG_LINK_WORKERS];
} vg_link_shared_t;

#endif /* VG_LINK_H */
