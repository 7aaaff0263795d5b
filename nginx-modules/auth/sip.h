/*
 * sip.h: SipHash-2-4 of 128 bits (Aumasson, Bernstein): a keyed hash of short
 * texts. Who does not know the key cannot make two texts that meet. Pure C.
 */

#ifndef VG_SIP_H
#define VG_SIP_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t one, two;
} vg_sip_t;

vg_sip_t vg_sip(const vg_sip_t *key, const void *data, size_t len);

#endif /* VG_SIP_H */
