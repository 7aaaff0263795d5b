/*
 * gcra.c: see gcra.h.
 */

#include <string.h>

#include "gcra.h"

#define GCRA_TIME 44      /* bits */
#define GCRA_LATE 1000000 /* us */
#define GCRA_MASK ((UINT64_C(1) << GCRA_TIME) - 1)


void
vg_gcra_init(vg_gcra_t *table, void *memory, size_t size)
{
    table->words = memory;
    table->sets = size / (VG_GCRA_WAYS * sizeof(uint64_t));
}


/* the upper half chooses the set, the lower bits are the tag: 0 is free */
static uint64_t *
gcra_set(const vg_gcra_t *table, uint64_t hash)
{
    return table->words + ((hash >> 32) * table->sets >> 32) * VG_GCRA_WAYS;
}


static uint64_t
gcra_tag(uint64_t hash)
{
    uint64_t tag = hash << GCRA_TIME;

    return tag ? tag : UINT64_C(1) << GCRA_TIME;
}


/* us that a word is ahead of now; the difference has 44 bits and a sign */
static uint64_t
gcra_ahead(uint64_t word, uint64_t now)
{
    int64_t d = (int64_t) ((word - now) << (64 - GCRA_TIME));

    d >>= 64 - GCRA_TIME;
    return word == 0 || d < 0 || d > VG_GCRA_AHEAD ? 0 : (uint64_t) d;
}


void
vg_gcra_fetch(const vg_gcra_t *table, uint64_t hash)
{
    __builtin_prefetch(gcra_set(table, hash), 1, 3);
}


/* The key's word, or the one that may become it: a free one, or that which
 * loses least. *was: what stood there. */
static uint64_t *
gcra_find(uint64_t *set, uint64_t tag, uint64_t now, uint64_t *was, bool *own)
{
    int       i;
    uint64_t  word, ahead, least = UINT64_MAX;
    uint64_t *found = set;

    for (i = 0; i < VG_GCRA_WAYS; i++) {
        word = __atomic_load_n(&set[i], __ATOMIC_RELAXED);
        if ((word & ~GCRA_MASK) == tag) {
            *was = word;
            *own = true;
            return &set[i];
        }
        ahead = gcra_ahead(word, now);
        if (ahead < least) {
            least = ahead;
            found = &set[i];
            *was = word;
        }
    }
    *own = false;
    return found;
}


/* A word that is much further ahead than the rule has it (the clock went back,
 * or the rule was another) is cut to what it has. A little further it is when
 * somebody was held up after he had looked at the clock: then it is right. */
vg_gcra_end_t
vg_gcra_take(vg_gcra_t *table, uint64_t hash, const vg_gcra_rule_t *rule,
             uint64_t now)
{
    bool          own, far;
    uint64_t      was = 0, next, tag = gcra_tag(hash);
    uint64_t     *word, *set = gcra_set(table, hash);
    vg_gcra_end_t end;

    do {
        word = gcra_find(set, tag, now, &was, &own);
        end.ahead = gcra_ahead(was, now);
        end.displaced = !own && end.ahead > 0;
        end.ahead = own ? end.ahead : 0;
        far = end.ahead > rule->window + GCRA_LATE;
        end.ahead = end.ahead > rule->window ? rule->window : end.ahead;
        end.refused = end.ahead + rule->step > rule->window;
        if (end.refused && !far) {
            return end;
        }
        end.ahead += end.refused ? 0 : rule->step;
        next = tag | ((now + end.ahead) & GCRA_MASK);
    } while (!__atomic_compare_exchange_n(word, &was, next, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return end;
}


vg_gcra_end_t
vg_gcra_look(const vg_gcra_t *table, uint64_t hash, const vg_gcra_rule_t *rule,
             uint64_t now)
{
    bool          own;
    uint64_t      was = 0;
    vg_gcra_end_t end = { 0, false, false };

    (void) gcra_find(gcra_set(table, hash), gcra_tag(hash), now, &was, &own);
    if (own) {
        end.ahead = gcra_ahead(was, now);
        end.ahead = end.ahead > rule->window ? rule->window : end.ahead;
        end.refused = end.ahead + rule->step > rule->window;
    }
    return end;
}


/* Of a time that passed meanwhile it takes as well: then it is the past that
 * is further back, which is the same. */
void
vg_gcra_give(vg_gcra_t *table, uint64_t hash, const vg_gcra_rule_t *rule)
{
    int       i;
    uint64_t  was, tag = gcra_tag(hash);
    uint64_t *set = gcra_set(table, hash);

    for (i = 0; i < VG_GCRA_WAYS; i++) {
        was = __atomic_load_n(&set[i], __ATOMIC_RELAXED);
        while ((was & ~GCRA_MASK) == tag) {
            if (__atomic_compare_exchange_n(
                    &set[i], &was, tag | ((was - rule->step) & GCRA_MASK),
                    false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            {
                return;
            }
        }
    }
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
