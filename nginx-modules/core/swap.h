/*
 * swap.h: another version of a plugin, taken into use while calls go on.
 */

#ifndef VG_SWAP_H
#define VG_SWAP_H

#include "host.h"

#define VG_SWAP_PLUGINS 64

typedef struct vg_swap_s vg_swap_t;

/* error NULL: it runs here, and on all workers but so many that are behind
 * and will follow; else the name of an error, and why. Called once. */
typedef void (*vg_swap_done_pt)(void *data, const char *error, const char *why,
                                ngx_uint_t behind);

/* Tries the installed version `hash` in place of old. NULL: done is called,
 * possibly at once; else the name of an error, and it is not. */
const char *vg_swap_start_one(vg_plugin_slot_t *old, const char *hash,
                              vg_swap_done_pt done, void *data);

#endif /* VG_SWAP_H */
