/*
 * gcra.h: how often, as one 64-bit word of shared memory for each key: the
 * generic cell rate algorithm. Pure C; the clock is the caller's.
 *
 * A word is 22 bits of the key's hash and 42 bits of a time in us. It changes
 * by compare-and-set alone, so a process that dies leaves nothing half done.
 * Zero is free, and a time that has passed is as good as free: forgetting one
 * loses nothing. So the oldest gives way, and only where 16 keys of one
 * place are all in use somebody's use is forgotten.
 *
 * A key has a set of eight words among the near ones, a sixteenth of all, and
 * another among the rest, for when that is full: so what is in use lies close
 * together, and in the processor's cache.
 */

#ifndef VG_GCRA_H
#define VG_GCRA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VG_GCRA_WAYS 8  /* a set is one line of the cache */
#define VG_GCRA_NEAR 16 /* of so many sets one is near   */

/* The most that a rule may let come at once, as a time. A word that is further
 * ahead is none of ours: the clock jumped, or it is weeks old. */
#define VG_GCRA_AHEAD 3600000000 /* us */

typedef struct {
    uint64_t *words; /* on a line of the cache                           */
    size_t    sets;
    size_t    near; /* of them                                           */
} vg_gcra_t;

typedef struct {
    uint64_t step;   /* us from one to the next, on average              */
    uint64_t window; /* us: so many steps as may come at once            */
} vg_gcra_rule_t;

/* Where a key stands: us until all that may come at once may come again. */
typedef struct {
    uint64_t ahead;
    bool     refused;
    bool     displaced; /* another key that was in use is forgotten      */
} vg_gcra_end_t;

/* so many bytes at memory, which is zero when it is new */
void vg_gcra_init(vg_gcra_t *table, void *memory, size_t size);

/* SipHash-1-3: who chooses keys must not choose whom they meet */
uint64_t vg_gcra_hash(const uint64_t seed[2], const void *data, size_t len);

/* that word will be asked for: its line is fetched meanwhile */
void vg_gcra_fetch(const vg_gcra_t *table, uint64_t hash);

/* One more, if the rule lets it; a refusal counts nothing. */
vg_gcra_end_t vg_gcra_take(vg_gcra_t *table, uint64_t hash,
                           const vg_gcra_rule_t *rule, uint64_t now_us);

/* the same, and nothing is counted */
vg_gcra_end_t vg_gcra_look(const vg_gcra_t *table, uint64_t hash,
                           const vg_gcra_rule_t *rule, uint64_t now_us);

/* what was taken was not used */
void vg_gcra_give(vg_gcra_t *table, uint64_t hash, const vg_gcra_rule_t *rule,
                  uint64_t now_us);

/* how many more may come now; in how many us the next one may */
uint64_t vg_gcra_left(const vg_gcra_rule_t *rule, uint64_t ahead);
uint64_t vg_gcra_wait(const vg_gcra_rule_t *rule, uint64_t ahead);

#endif /* VG_GCRA_H */
