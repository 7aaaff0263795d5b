/*
 * inquiry.h: what asks of a call have in common.
 */

#ifndef VG_INQUIRY_H
#define VG_INQUIRY_H

#include "host.h"

/* a caller who waits for e waits for no charger: its deadline is a short one */
void vg_inquiry_hurry(vg_call_t *call, const vg_endpoint_t *e);

#endif /* VG_INQUIRY_H */
