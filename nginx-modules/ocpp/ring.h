/*
 * ring.h: the flight recorder's file, a ring of bytes for each charge point.
 */

#ifndef VG_RING_H
#define VG_RING_H

#include "recorder.h"

typedef struct {
    uint64_t len; /* of the identity; 0: free                             */
    char     identity[VG_IDENTITY_MAX];
    uint64_t head; /* bytes written since ever, or a little fewer         */
    int64_t  at;   /* us: when the head was written last                  */
} vg_ring_t;

/* of the bytes of a ring; 0: there is no recorder */
size_t vg_ring_size(void);

/* VG_OK: *ring is the identity's, and its head is *head. VG_DECLINED: it has
 * none; then *ring is a free one of its neighbours, or the one that nobody
 * has written to for the longest. */
vg_rc_t vg_ring_find(vg_str_t identity, uint64_t *ring, vg_ring_t *head);

/* The same, and takes one where it has none: two workers never take one ring
 * for two identities. VG_ERROR: not now. */
vg_rc_t vg_ring_take(vg_str_t identity, uint64_t *ring, vg_ring_t *head);

vg_rc_t vg_ring_write(uint64_t ring, const vg_ring_t *head);

/* all vg_ring_size() bytes, from the ring's first place */
vg_rc_t vg_ring_bytes(uint64_t ring, u_char *bytes);

/* len bytes from position at on, counted since ever; 0: they could not be */
ngx_uint_t vg_ring_put(uint64_t ring, uint64_t at, const u_char *bytes,
                       size_t len);

#endif /* VG_RING_H */
