/*
 * repeat.h: the Idempotency-Key of a call that is many units.
 */

#ifndef VG_REPEAT_H
#define VG_REPEAT_H

#include "http.h"

typedef void (*vg_repeat_pt)(void *data);

ngx_int_t vg_repeat_init(ngx_conf_t *cf);

/* Takes the call's key for this body; go(data) when it is the first, else the
 * call is finished: replayed, or refused. */
void vg_repeat_begin(vg_call_t *call, ngx_chain_t *body, vg_repeat_pt go,
                     void *data);

/* Stores the answer of a call that went well, then finishes it. */
void vg_repeat_end(vg_call_t *call);

#endif /* VG_REPEAT_H */
