/*
 * gate.h: a queue in which those wait who may not go on yet, first come,
 * first served. It knows how many are inside at most, how long one waits, and
 * how many come in a second; what they want is their owner's.
 *
 * Neither go() nor late() is ever run from inside of vg_gate_come().
 */

#ifndef VG_GATE_H
#define VG_GATE_H

#include "host.h"

typedef struct vg_gate_s vg_gate_t;

typedef struct {
    ngx_queue_t queue;
    ngx_msec_t  since; /* it waits                                        */
    unsigned    waiting:1;
    unsigned    inside:1;
} vg_gate_guest_t;

struct vg_gate_s {
    ngx_queue_t guests;
    ngx_event_t timer;
    ngx_uint_t  waiting, inside;

    ngx_uint_t room; /* inside at once                                   */
    ngx_msec_t wait; /* at most                                          */
    ngx_msec_t (*turn)(void); /* NULL, or ms until another one may; 0: it
                                 was counted                              */
    void (*go)(vg_gate_guest_t *guest);   /* it is inside                 */
    void (*late)(vg_gate_guest_t *guest); /* it has left, having waited   */
};

void vg_gate_init(vg_gate_t *gate);

/* Waits for its turn. */
void vg_gate_come(vg_gate_t *gate, vg_gate_guest_t *guest);

/* It waits no more, or is no longer inside; harmless when it was neither. */
void vg_gate_leave(vg_gate_t *gate, vg_gate_guest_t *guest);

#endif /* VG_GATE_H */
