/*
 * nodes.h: the other gateways over the same database.
 *
 * A node asks another by a row of vg.call, at most once, and hears by NOTIFY,
 * which only wakes: what it wakes for is looked for each second anyway.
 * Worker 0, the clerk, does all of it but the asking.
 */

#ifndef VG_NODES_H
#define VG_NODES_H

#include "link.h"

/* ------------------------------------------------------------------ asking */

typedef enum {
    VG_FAR_CALL,  /* a CALL for a charge point of that node                */
    VG_FAR_CLOSE, /* a charge point has a newer connection elsewhere       */
    VG_FAR_KINDS,
} vg_far_kind_t;

/* of an answer; it has to go by the link with a few bytes more */
#define VG_FAR_MAX (VG_LINK_MAX - 64)

/* As vg_link_ask(): bytes are JSON, copied; timeout in ms, by the database's
 * clock there. done is called once, never from inside this. VG_DECLINED:
 * nothing was sent. VG_ERROR: it may have been done, nobody knows.
 * Returns VG_ERROR when there is no memory; done is not called then. */
vg_rc_t vg_far_ask(vg_str_t node, vg_far_kind_t kind, vg_str_t bytes,
                   ngx_msec_t timeout, vg_link_done_pt done, void *data);

/* Nobody waits for an answer. Tried for a while. */
void vg_far_tell(vg_str_t node, vg_far_kind_t kind, vg_str_t bytes);


/* --------------------------------------------------------------- answering */

/* On the clerk. id is of the question, NUL-terminated, to be copied; bytes
 * live until the handler returns; timeout is what is left of the asker's. */
typedef void (*vg_far_handler_pt)(const char *id, vg_str_t bytes,
                                  ngx_msec_t timeout);

/* in init_process; one handler a kind */
void vg_far_on(vg_far_kind_t kind, vg_far_handler_pt handler);
void vg_far_answer(const char *id, vg_str_t bytes);


/* ------------------------------------------------------ between these files */

const char *vg_far_kind(vg_far_kind_t kind); /* as vg.call has it */

/* this node's name, NUL-terminated */
const char *vg_node_name(void);

/* no other node was seen lately, as far as the clerk knows */
ngx_uint_t vg_node_alone(void);
void       vg_node_met(void);

/* what each file asks of the database, made while the conf is read */
ngx_int_t vg_node_init(ngx_conf_t *cf);
ngx_int_t vg_far_init(ngx_conf_t *cf);
ngx_int_t vg_near_init(ngx_conf_t *cf);
ngx_int_t vg_bell_init(ngx_conf_t *cf);

/* each worker; then the clerk alone: a tick a second */
void vg_far_start(void);
void vg_bell_start(void);
void vg_node_start(void);
void vg_near_tick(void);
void vg_bell_tick(void);

#endif /* VG_NODES_H */
