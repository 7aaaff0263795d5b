/*
 * threads.h: pools of nginx's threads, for what a library does not do without
 * waiting.
 */

#ifndef VG_THREADS_H
#define VG_THREADS_H

#include <ngx_config.h>
#include <ngx_core.h>

#include <ngx_thread_pool.h>

/* As if the conf said `thread_pool NAME threads=N max_queue=M;`. name is a
 * string constant, a pool of each worker. */
ngx_int_t vg_threads_add(ngx_conf_t *cf, const char *name, ngx_uint_t threads,
                         ngx_uint_t queue);

/* of this worker; NULL: it was not added */
ngx_thread_pool_t *vg_threads_get(const char *name);

#endif /* VG_THREADS_H */
