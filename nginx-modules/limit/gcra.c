/*
 * gcra.c: see gcra.h.
 */

#include <string.h>

#include "gcra.h"

#define GCRA_TIME 42      /* bits */
#define GCRA_LATE 1000000 /* us */
#define GCRA_MASK ((UINT64_C(1) << GCRA_TIME) - 1)


void
vg_gcra_init(vg_gcra_t *table, void *memory, size_t size)
{
    table->words = memory;
    table->sets = size / (VG_GCRA_WAYS * sizeof(uint64_t));
    table->near = table->sets / VG_GCRA_NEAR;
}


/* the upper half of the hash chooses the sets, the lower bits are the tag */
static uint64_t *
gcra_near(const vg_gcra_t *table, uint64_t hash)
{
    return table->words + ((hash >> 32) * table->near >> 32) * VG_GCRA_WAYS;
}


static uint64_t *
gcra_far(const vg_gcra_t *table, uint64_t hash)
{
    return table->words
           + (table->near + ((hash >> 32) * (table->sets - table->near) >> 32))
                 * VG_GCRA_WAYS;
}


/* 0 is a free word's */
static uint64_t
gcra_tag(uint64_t hash)
{
    uint64_t tag = hash << GCRA_TIME;

    return tag ? tag : UINT64_C(1) << GCRA_TIME;
}


/* us that a word is ahead of now, less than 0 when it has passed; a free one
 * is older than any. The difference has 42 bits and a sign. */
static int64_t
gcra_ahead(uint64_t word, uint64_t now)
{
    int64_t d = (int64_t) ((word - now) << (64 - GCRA_TIME));

    d >>= 64 - GCRA_TIME;
    return word == 0 ? INT64_MIN : d > VG_GCRA_AHEAD ? -VG_GCRA_AHEAD : d;
}


void
vg_gcra_fetch(const vg_gcra_t *table, uint64_t hash)
{
    __builtin_prefetch(
        table->near ? gcra_near(table, hash) : gcra_far(table, hash), 1, 3);
}


typedef struct {
    uint64_t *word;
    uint64_t  was;
    int64_t   ahead;
    bool      own; /* it is the key's, not one that may become it         */
} gcra_found_t;


/* The key's word in this set, or the oldest. Where in its set a word is nobody
 * can guess, least of all the processor: no branch for each. */
static gcra_found_t
gcra_look(uint64_t *set, uint64_t tag, uint64_t now)
{
    int          i;
    unsigned     mine = 0;
    int64_t      ahead;
    uint64_t     words[VG_GCRA_WAYS];
    gcra_found_t found = { set, 0, INT64_MAX, false };

    for (i = 0; i < VG_GCRA_WAYS; i++) {
        words[i] = __atomic_load_n(&set[i], __ATOMIC_RELAXED);
        mine |= (unsigned) ((words[i] & ~GCRA_MASK) == tag) << i;
    }
    if (mine) {
        i = __builtin_ctz(mine);
        return (gcra_found_t){ &set[i], words[i], gcra_ahead(words[i], now),
                               true };
    }
    for (i = 0; i < VG_GCRA_WAYS; i++) {
        ahead = gcra_ahead(words[i], now);
        if (ahead < found.ahead) {
            found = (gcra_found_t){ &set[i], words[i], ahead, false };
        }
    }
    return found;
}


static gcra_found_t
gcra_find(const vg_gcra_t *table, uint64_t hash, uint64_t now)
{
    uint64_t     tag = gcra_tag(hash);
    gcra_found_t far, near = { NULL, 0, INT64_MAX, false };

    if (table->near) {
        near = gcra_look(gcra_near(table, hash), tag, now);
        if (near.own) {
            return near;
        }
    }
    far = gcra_look(gcra_far(table, hash), tag, now);
    return far.own || far.ahead < near.ahead ? far : near;
}


/* A word that is much further ahead than the rule has it (the clock went back,
 * or the rule was another) is cut to what it has. A little further it is when
 * somebody was held up after he had looked at the clock: then it is right. */
vg_gcra_end_t
vg_gcra_take(vg_gcra_t *table, uint64_t hash, const vg_gcra_rule_t *rule,
             uint64_t now)
{
    bool          late;
    uint64_t      next;
    gcra_found_t  found;
    vg_gcra_end_t end;

    do {
        found = gcra_find(table, hash, now);
        end.displaced = !found.own && found.ahead > 0;
        end.ahead = found.own && found.ahead > 0 ? (uint64_t) found.ahead : 0;
        late = end.ahead > rule->window + GCRA_LATE;
        end.ahead = end.ahead > rule->window ? rule->window : end.ahead;
        end.refused = end.ahead + rule->step > rule->window;
        if (end.refused && !late) {
            return end;
        }
        end.ahead += end.refused ? 0 : rule->step;
        next = gcra_tag(hash) | ((now + end.ahead) & GCRA_MASK);
    } while (!__atomic_compare_exchange_n(found.word, &found.was, next, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return end;
}


vg_gcra_end_t
vg_gcra_look(const vg_gcra_t *table, uint64_t hash, const vg_gcra_rule_t *rule,
             uint64_t now)
{
    gcra_found_t  found = gcra_find(table, hash, now);
    vg_gcra_end_t end = { 0, false, false };

    if (found.own && found.ahead > 0) {
        end.ahead = (uint64_t) found.ahead;
        end.ahead = end.ahead > rule->window ? rule->window : end.ahead;
        end.refused = end.ahead + rule->step > rule->window;
    }
    return end;
}


/* Of a time that passed meanwhile it takes as well: then it is the past that
 * is further back, which is the same. */
void
vg_gcra_give(vg_gcra_t *table, uint64_t hash, const vg_gcra_rule_t *rule,
             uint64_t now)
{
    uint64_t     next;
    gcra_found_t found;

    do {
        found = gcra_find(table, hash, now);
        if (!found.own) {
            return; /* forgotten meanwhile */
        }
        next = gcra_tag(hash) | ((found.was - rule->step) & GCRA_MASK);
    } while (!__atomic_compare_exchange_n(found.word, &found.was, next, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}


uint64_t
vg_gcra_left(const vg_gcra_rule_t *rule, uint64_t ahead)
{
    return ahead >= rule->window ? 0 : (rule->window - ahead) / rule->step;
}


uint64_t
vg_gcra_wait(const vg_gcra_rule_t *rule, uint64_t ahead)
{
    return ahead + rule->step > rule->window ? ahead + rule->step - rule->window
                                             : 0;
}


/* ------------------------------------------------------------- SipHash */

static inline uint64_t
sip_turn(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}


static inline void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = sip_turn(v[1], 13) ^ v[0];
    v[3] = sip_turn(v[3], 16) ^ v[2];
    v[0] = sip_turn(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = sip_turn(v[1], 17) ^ v[2];
    v[3] = sip_turn(v[3], 21) ^ v[0];
    v[2] = sip_turn(v[2], 32);
}


uint64_t
vg_gcra_hash(const uint64_t seed[2], const void *data, size_t len)
{
    size_t      left = len;
    uint64_t    m, v[4] = { seed[0] ^ UINT64_C(0x736f6d6570736575),
                            seed[1] ^ UINT64_C(0x646f72616e646f6d),
                            seed[0] ^ UINT64_C(0x6c7967656e657261),
                            seed[1] ^ UINT64_C(0x7465646279746573) };
    const char *p = data;

    for (; left >= 8; left -= 8, p += 8) {
        memcpy(&m, p, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    m = 0;
    memcpy(&m, p, left);
    m |= (uint64_t) len << 56;
    v[3] ^= m;
    sip_round(v);
    v[0] ^= m;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
