/*
 * guard.h: who comes again too soon. One row of words for each identity and
 * address: whoever knows an identity, but comes from elsewhere, does not keep
 * its charge point out.
 *
 * Pure C: the rows and the time are the caller's. Two processes that write
 * one row at once lose a step of a count, and nothing else.
 */

#ifndef VG_GUARD_H
#define VG_GUARD_H

#include <stdint.h>

#define VG_GUARD_SLOTS 16384 /* a power of two                            */

typedef struct {
    uint64_t key;   /* 0: free                                            */
    int64_t  due;   /* ms: when all that was done is paid for             */
    int64_t  until; /* ms: refused before                                 */
    uint64_t level; /* of refusals in a row                               */
} vg_guard_slot_t;

typedef struct {
    int64_t step;  /* ms that one connection costs                        */
    int64_t burst; /* connections that are free; 0: no guard              */
    int64_t most;  /* ms of the longest wait                              */
} vg_guard_conf_t;

#define VG_GUARD_FAULT 4 /* a wrong password costs so many connections more */

/* One that comes: 0, or the ms it has to wait. Waits double while they are
 * met by more of the same, and begin anew when all was paid for. */
int64_t vg_guard_come(vg_guard_slot_t *slots, const vg_guard_conf_t *conf,
                      uint64_t key, int64_t now);

/* What it did costs so many connections more; below 0: less. */
void vg_guard_charge(vg_guard_slot_t *slots, const vg_guard_conf_t *conf,
                     uint64_t key, int64_t now, int64_t count);

#endif /* VG_GUARD_H */
