/*
 * revoked.h: what was revoked and is not forgotten yet: a table of a fixed
 * size in memory that workers share. Pure C.
 *
 * An entry says that every token of an id (a subject, a session, a token) that
 * was issued before a moment is void. It is forgotten when the last such token
 * has expired. Readers take no lock.
 */

#ifndef VG_REVOKED_H
#define VG_REVOKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Many to a set: of entries that fill half of it none gives way. */
#define VG_REVOKED_SETS 512 /* a power of two */
#define VG_REVOKED_WAYS 64

/* times in microseconds since 1970 */
typedef struct {
    uint64_t id; /* a hash                                              */
    int64_t  before;
    int64_t  until; /* 0: free                                          */
} vg_revoked_slot_t;

/* Zero is its empty state. */
typedef struct {
    uint32_t lock;  /* pid of who writes                                */
    uint64_t moved; /* one more with each entry                         */
    uint64_t known; /* what was revoked before the start is in it       */
    uint64_t word;  /* secret: so nobody can tell who shares a set      */
    int64_t  floor; /* where there was no room: all before this is void */
    int64_t  floor_until;
    vg_revoked_slot_t slot[VG_REVOKED_SETS * VG_REVOKED_WAYS];
} vg_revoked_t;

/* What a token can be revoked by: hashes of its subject, session and own id, 0
 * for what it has not, and when it was issued (0: it does not say). */
#define VG_REVOKED_IDS 3
typedef struct vg_proof_s vg_proof_t;
struct vg_proof_s {
    uint64_t id[VG_REVOKED_IDS];
    int64_t  iat;
};

/* Takes a random word for what chooses the sets, unless there is one: to be
 * called before anything is added. */
void vg_revoked_seed(vg_revoked_t *table, uint64_t word);

/* the set that an id lies in */
size_t vg_revoked_set(const vg_revoked_t *table, uint64_t id);

/* Adds one, or makes what there is of that id later. The entry that gives way
 * where a set is full raises the floor, to now at most: of all that was issued
 * so far more is void than was revoked, never less, and what is issued from
 * then on is good. */
void vg_revoked_add(vg_revoked_t *table, uint64_t id, int64_t before,
                    int64_t until, int64_t now);

bool vg_revoked_is(const vg_revoked_t *table, const vg_proof_t *proof,
                   int64_t now);

/* Has anything been added since? */
uint64_t vg_revoked_moved(const vg_revoked_t *table);

#endif /* VG_REVOKED_H */
