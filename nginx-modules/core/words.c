/*
 * words.c: small numbers by name, of this node, for answers out of the cache
 * whose parts change more often than the rest.
 *
 * A word is one number of 64 bits: when it was so (microseconds, 52 bits) and
 * what (12 bits). The later one wins, whoever brings it in whichever order:
 * who changed it, a query that began before, the log. So a fill cannot bring
 * back what was. A name keeps its place until the zone is gone.
 */

#include "cache.h"

#define VG_WORDS       131072 /* a power of two */
#define VG_WORDS_PROBE 32

typedef struct {
    ngx_atomic_t name; /* hash; 0: free   */
    ngx_atomic_t word; /* 0: none so far  */
} vg_word_slot_t;

static vg_word_slot_t *vg_words;


size_t
vg_words_size(void)
{
    return VG_WORDS * sizeof(vg_word_slot_t);
}


void
vg_words_init(void *shared)
{
    vg_words = shared;
}


/* NULL: there is none, and with make: no room either */
static vg_word_slot_t *
vg_words_slot(vg_call_t *call, vg_str_t name, ngx_uint_t make)
{
    uint64_t        h;
    ngx_str_t       parts[2];
    ngx_uint_t      i;
    vg_word_slot_t *slot;

    parts[0] = call->endpoint->plugin->name;
    parts[1] = vg_ngx(name);
    h = vg_hash(parts, 2);
    for (i = 0; i < VG_WORDS_PROBE; i++) {
        slot = &vg_words[((h ^ h >> 32) + i) & (VG_WORDS - 1)];
        if (slot->name == h) {
            return slot;
        }
        if (slot->name == 0) {
            if (!make) {
                return NULL;
            }
            if (ngx_atomic_cmp_set(&slot->name, 0, h) || slot->name == h) {
                return slot;
            }
        }
    }
    return NULL;
}


int
vg_word_put(vg_call_t *call, vg_str_t name, int64_t at, int word)
{
    vg_word_slot_t   *slot = vg_words_slot(call, name, 1);
    ngx_atomic_uint_t now, put;

    if (slot == NULL || at < 0 || at >= 1LL << 52 || word < 0
        || word >= VG_WORD_MAX)
    {
        return -1;
    }
    /* one more than asked: 0 is none so far */
    put = (ngx_atomic_uint_t) at << 12 | (ngx_atomic_uint_t) (word + 1);
    do {
        now = slot->word;
        if (now != 0 && now >> 12 >= put >> 12) {
            return (int) (now & 0xfff) - 1;
        }
    } while (!ngx_atomic_cmp_set(&slot->word, now, put));
    return word;
}


int
vg_word(vg_call_t *call, vg_str_t name)
{
    vg_word_slot_t *slot = vg_words_slot(call, name, 0);

    return slot == NULL || slot->word == 0 ? -1
                                           : (int) (slot->word & 0xfff) - 1;
}
