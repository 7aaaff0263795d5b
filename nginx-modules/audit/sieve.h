/*
 * sieve.h: which refusals are rows of their own, and which are counted.
 *
 * A row costs its disk for as long as the trail is kept, and who is refused
 * may ask as often as he likes. So each who has some rows at once and one a
 * second, all who are not known share some; what is beyond becomes a row for
 * many, by who and what. Pure C; one for each worker.
 */

#ifndef VG_AUDIT_SIEVE_H
#define VG_AUDIT_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VG_SIEVE_BURST 20 /* rows of one at once; then one a second   */
#define VG_SIEVE_ALL   64 /* of all who are not known, at once        */
#define VG_SIEVE_RATE  20 /* ... and a second                         */
#define VG_SIEVE_SLOTS                                                         \
    64 /* rows for many that are open; the last of
                                    them takes what finds no other           */
#define VG_SIEVE_SHORTEST                                                      \
    10000                       /* ms: so long a row for many counts, then
                                    twice that, while there are more, up to  */
#define VG_SIEVE_LONGEST 160000 /* this                                     */

#define VG_SIEVE_SETS 256
#define VG_SIEVE_WAYS 4

typedef struct {
    uint64_t who;   /* 0: free                                            */
    int64_t  spent; /* ms: until when all that it took is earned          */
} vg_sieve_bucket_t;

typedef struct {
    uint64_t what; /* 0: free                                             */
    uint64_t calls;
    int64_t  due, pause; /* ms                                            */
} vg_sieve_slot_t;

typedef struct {
    vg_sieve_bucket_t buckets[VG_SIEVE_SETS][VG_SIEVE_WAYS];
    vg_sieve_bucket_t all; /* of those who are not known                  */
    vg_sieve_slot_t   slots[VG_SIEVE_SLOTS];
} vg_sieve_t;

typedef enum {
    VG_SIEVE_ROW,     /* a row of its own                                 */
    VG_SIEVE_FIRST,   /* the first of many, in *slot: who, what and when are
                         to be kept; of the last slot only what           */
    VG_SIEVE_COUNTED, /* one more of *slot                                */
} vg_sieve_verdict_t;

/* who, what: hashes, what including who; now in ms. Zeroed is empty. */
vg_sieve_verdict_t vg_sieve_take(vg_sieve_t *sieve, int64_t now, uint64_t who,
                                 uint64_t what, bool known, size_t *slot);

/* The next row for many whose time has come, from *slot on (0 at first), and
 * how many it stands for; false: none is left. now INT64_MAX: all of them. */
bool vg_sieve_due(vg_sieve_t *sieve, int64_t now, size_t *slot,
                  uint64_t *calls);

/* Of an address as text the network that one caller has at will: the address
 * itself, or 64 bits of IPv6. */
uint64_t vg_sieve_network(const char *address);

#endif /* VG_AUDIT_SIEVE_H */
