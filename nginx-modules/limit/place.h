/*
 * place.h: how many at once, of each key, over all workers of a node. Pure C.
 *
 * An entry of shared memory has a column for each worker, which that worker
 * alone writes; the sum is how many are under way. A worker that dies leaves
 * its column, and who takes its place clears it: nothing is leaked, and nobody
 * has to remember what the dead one had.
 */

#ifndef VG_PLACE_H
#define VG_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VG_PLACE_WORKERS 122   /* also of the conf before                    */
#define VG_PLACE_MOST    10000 /* of one key                                 */
#define VG_PLACE_WAYS    8

typedef struct {
    uint64_t key; /* 0: free                                             */
    uint16_t columns[VG_PLACE_WORKERS];
    uint16_t rest[2];
} vg_place_entry_t; /* 256 bytes */

typedef struct {
    uint32_t         pids[VG_PLACE_WORKERS]; /* whose column it is; 0: none  */
    uint32_t         used;                   /* columns that ever were       */
    uint32_t         rest[5];
    vg_place_entry_t entries[];
} vg_place_shared_t;

typedef struct {
    vg_place_shared_t *shared;
    size_t             sets;
    int                column; /* this process'; -1: it has none             */
} vg_places_t;

typedef bool (*vg_place_alive_pt)(uint32_t pid);

/* so many bytes at memory, which is zero when it is new */
void vg_places_init(vg_places_t *places, void *memory, size_t size);

/* This process counts from now on; what the dead had is given back. */
void vg_places_join(vg_places_t *places, uint32_t pid, vg_place_alive_pt alive);

/* it ends, whatever it still has */
void vg_places_leave(vg_places_t *places);

#define VG_PLACE_FULL (-1) /* as many as may be                             */
#define VG_PLACE_NONE (-2) /* it cannot be counted                          */

/* The number to give it back by, or one of the two above. Two who come for the
 * last one in the same moment may both be refused; never are both let in. */
int  vg_place_take(vg_places_t *places, uint64_t key, unsigned most);
void vg_place_give(vg_places_t *places, int place);

unsigned vg_place_taken(const vg_places_t *places, uint64_t key);

#endif /* VG_PLACE_H */
