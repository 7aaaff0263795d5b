/*
 * arena.c: vg_pool_t over an nginx pool. nginx aligns to a word; plugins'
 * exact arithmetic wants 16 bytes.
 */

#include "host.h"

#define VG_ALIGNMENT 16


static void *
vg_arena_alloc(void *data, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
    return ngx_pmemalign(data, size, VG_ALIGNMENT); /* a red zone each */
#else
    u_char *p = ngx_pnalloc(data, size + VG_ALIGNMENT - 1);

    return p ? ngx_align_ptr(p, VG_ALIGNMENT) : NULL;
#endif
}


vg_pool_t
vg_arena_of(ngx_pool_t *pool)
{
    return (vg_pool_t){ vg_arena_alloc, pool };
}
