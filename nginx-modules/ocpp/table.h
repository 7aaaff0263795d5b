/*
 * table.h: which worker of this node holds which charge point's socket.
 */

#ifndef VG_TABLE_H
#define VG_TABLE_H

#include "link.h"

#define VG_TABLE_SLOTS 65536 /* a power of two                            */

#define VG_IDENTITY_MAX 48 /* bytes; OCPP 2.0.1's bound, 1.6 has none      */

typedef struct {
    ngx_pid_t pid;    /* 0: nobody                                        */
    uint64_t  number; /* of the connection, in that process               */
    int64_t   epoch;  /* of the connection, in the house                  */
} vg_holder_t;

typedef struct {
    vg_holder_t holder;
    size_t      len; /* 0: never used                                     */
    char        identity[VG_IDENTITY_MAX];
} vg_table_slot_t;

/* When this node's first worker started, in us of Unix time. */
int64_t vg_table_born(void);

/* VG_OK: mine now, *old held it before. VG_DECLINED: there was a newer one.
 * VG_ERROR: no room. */
vg_rc_t vg_table_claim(vg_str_t identity, const vg_holder_t *mine,
                       vg_holder_t *old);

/* A connection of another node has this epoch: none before it is let in any
 * more. Returns who held it, pid 0: nobody, or a newer one does. */
vg_holder_t vg_table_outdate(vg_str_t identity, int64_t epoch);

/* pid 0: not connected to this node */
vg_holder_t vg_table_find(vg_str_t identity);

/* Ends mine alone; a newer connection's entry stays. */
void vg_table_leave(vg_str_t identity, const vg_holder_t *mine);

/* Takes out one entry of a worker that died, from slot *next on; 0: there is
 * none. identity has room for VG_IDENTITY_MAX bytes. */
ngx_uint_t vg_table_sweep(ngx_uint_t *next, char *identity, size_t *len,
                          vg_holder_t *dead);

#endif /* VG_TABLE_H */
