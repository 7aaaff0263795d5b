/*
 * scarce.h: an arena in which memory ends, for unit tests.
 *
 *     scarce_t  scarce = { pool, 3 };
 *     vg_pool_t small = { scarce_alloc, &scarce };
 */

#ifndef SCARCE_H
#define SCARCE_H

#include "vg_json.h"

/* an arena with room for so many allocations */
typedef struct {
    vg_pool_t *arena;
    size_t     left;
} scarce_t;


static inline void *
scarce_alloc(void *data, size_t size)
{
    scarce_t *scarce = data;

    if (scarce->left == 0) {
        return NULL;
    }
    scarce->left--;
    return vg_alloc(scarce->arena, size);
}

#endif
