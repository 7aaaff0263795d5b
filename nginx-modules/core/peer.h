/*
 * peer.h: one SEQPACKET connection to another worker: bytes in, bytes out.
 * What the messages mean is link.c's.
 */

#ifndef VG_PEER_H
#define VG_PEER_H

#include "link.h"

#define VG_PEER_LAYOUT 0x76676c31 /* "vgl1": changes with the head         */

typedef enum { VG_PEER_ASK, VG_PEER_TELL, VG_PEER_ANSWER } vg_peer_what_t;

/* The head of each message, in this machine's byte order. */
typedef struct {
    uint32_t layout;
    uint16_t what;
    uint16_t kind;
    uint64_t id;
    uint64_t timeout; /* ms                                               */
} vg_peer_head_t;

typedef struct {
    ngx_queue_t       queue;
    uint64_t          number; /* never used twice in a process            */
    ngx_pid_t         pid;    /* we connected to it; 0: it connected to us */
    ngx_connection_t *connection;
    ngx_queue_t       out; /* what the socket would not take              */
    size_t            bytes;
    ngx_event_t       reaper; /* closes it when nobody is inside          */
    unsigned          broken:1;
} vg_peer_t;

/* link.c's: */
void vg_link_received(vg_peer_t *peer, const vg_peer_head_t *head,
                      vg_str_t bytes);
void vg_link_lost(vg_peer_t *peer);

/* NULL: not reachable. The one to pid, connecting when there is none. */
vg_peer_t *vg_peer_to(ngx_pid_t pid);
vg_peer_t *vg_peer_find(uint64_t number);
vg_rc_t    vg_peer_send(vg_peer_t *peer, const vg_peer_head_t *head,
                        vg_str_t bytes);

ngx_int_t vg_peer_listen(ngx_log_t *log);
void      vg_peer_stop(void);

#endif /* VG_PEER_H */
