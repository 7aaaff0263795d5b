/*
 * relay.h: relays to brokers as this node runs them: processes of
 * `voltgate relay`, held by worker 0.
 */

#ifndef VG_RELAY_ROOM_H
#define VG_RELAY_ROOM_H

#include "host.h"

#define VG_RELAY_WORDS 32  /* of a command                                 */
#define VG_RELAY_LINE  640 /* bytes of what it says at once                */

/* A voltgate_relay line over one database's log: a process of its own. Lives
 * in the cycle's pool. */
typedef struct {
    ngx_str_t  kind;
    ngx_str_t  name;
    char      *words[VG_RELAY_WORDS]; /* its argv; ends in NULL       */
    ngx_uint_t nwords;
    ngx_fd_t   command;     /* the program, opened by the master         */
    char      *database;    /* DATABASE_URL=…, for its environment       */
    ngx_connection_t *held; /* our end of its 0, 1 and 2; NULL: none     */
    ngx_event_t       again;
    ngx_msec_t        pause;
    ngx_msec_t        began;
    u_char            line[VG_RELAY_LINE];
    size_t            len;
} vg_relay_t;

/* process.c: in worker 0 */
void vg_relay_start(vg_relay_t *relay);

/* count.c: what they did, for /metrics */
ngx_int_t vg_relay_count_init(ngx_conf_t *cf);
void      vg_relay_count_start(void);

#endif /* VG_RELAY_ROOM_H */
