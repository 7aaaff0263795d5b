/*
 * versions.h: which version of each plugin runs on this node, in shared
 * memory. Fixed rows of words, each written by compare and swap, so that a
 * worker that dies leaves no lock.
 */

#ifndef VG_VERSIONS_H
#define VG_VERSIONS_H

#include "host.h"

typedef struct {
    ngx_atomic_t name;    /* hash of the plugin's name; 0: free            */
    ngx_atomic_t version; /* that all workers follow                       */
    ngx_atomic_t before;  /* that ran before it; 0: none                   */
    ngx_atomic_t bad;     /* that kept crashing; 0: none                   */
    ngx_atomic_t paused;
    ngx_atomic_t swapper; /* pid of the worker that tries another one      */
    ngx_atomic_t crashed; /* version that crashes are counted of           */
    ngx_atomic_t crashes;
    ngx_atomic_t since; /* second of the first of them                     */
} vg_version_t;

/* The row of a plugin; NULL: there is no room for one. */
vg_version_t *vg_version_row(const ngx_str_t *name);

/* One worker at a time tries another version. VG_DECLINED: somebody does. */
vg_rc_t vg_version_begin(vg_version_t *row);
void    vg_version_end(vg_version_t *row);

/* All shall run this from now on. */
void vg_version_set(vg_version_t *row, ngx_atomic_uint_t version);

/* A worker that runs a plugin's code says whose it is, before and after. */
void vg_blame_enter(const vg_plugin_slot_t *plugin);
void vg_blame_leave(void);

#endif /* VG_VERSIONS_H */
