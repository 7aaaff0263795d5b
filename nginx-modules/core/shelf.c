/*
 * shelf.c: answers in shared memory, under tags.
 *
 * A tag is a number, its generation, in a table that is never emptied; two
 * tags in one place are dropped together, which costs a query. A drop adds
 * one. An answer holds the generations that were noted before its query, and
 * is served while they stand: whether a fill was overtaken by a change is
 * seen when it is read, however late it was written.
 *
 * Slots are of three sizes, four to a set. A slot's state is one word, writer
 * and version: a reader copies and looks whether the word is what it was; a
 * writer takes it by compare and swap. A dead writer's slot is taken over.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "shelf.h"

#define GENERATIONS 65536 /* a power of two */
#define WAYS        4

#define LOAD(word) __atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#define ADD(word)  (void) __atomic_fetch_add(&(word), 1, __ATOMIC_SEQ_CST)
#define FENCE()    __atomic_thread_fence(__ATOMIC_SEQ_CST)

typedef struct {
    vg_shelf_counts_t counts;
    uint64_t          places[VG_SHELF_LOGS];
    uint64_t          spare[59 - VG_SHELF_LOGS];
    uint64_t          generations[GENERATIONS];
} top_t;

typedef struct {
    uint64_t       state; /* writer's pid << 32 | version; pid 0: at rest  */
    uint64_t       hash;  /* 0: empty                                      */
    uint64_t       until, used;
    uint32_t       key, text; /* lengths; the key lies before the text     */
    uint32_t       ntags, spare;
    vg_shelf_tag_t tags[VG_TAGS];
} slot_t;

typedef struct {
    size_t   size;  /* of one slot's bytes           */
    size_t   share; /* of what there is, in quarters */
    size_t   sets;
    slot_t  *slots;
    uint8_t *bytes;
} class_t;

/* a station with few connectors, with many, with hundreds */
static class_t classes[] = { { 2048, 2, 0, NULL, NULL },
                             { 8192, 1, 0, NULL, NULL },
                             { 65536, 1, 0, NULL, NULL } };

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

static top_t *top;


size_t
vg_shelf_least(void)
{
    return sizeof(top_t);
}


void
vg_shelf_open(void *memory, size_t size)
{
    size_t   quarter;
    uint8_t *p = (uint8_t *) memory + sizeof(top_t);
    class_t *c;

    top = memory;
    quarter = (size - sizeof(top_t)) / 4 / sizeof(uint64_t) * sizeof(uint64_t);
    for (c = classes; c < classes + CLASSES; c++) {
        c->sets = quarter * c->share / (WAYS * (sizeof(slot_t) + c->size));
        c->slots = (slot_t *) p;
        c->bytes = p + c->sets * WAYS * sizeof(slot_t);
        p += quarter * c->share;
    }
}


uint64_t *
vg_shelf_place(unsigned log)
{
    return &top->places[log];
}


/* ------------------------------------------------------------------- tags */

/* FNV-1a; never 0, which is an empty slot's */
static uint64_t
hash_of(vg_str_t text)
{
    uint64_t h = 1469598103934665603ull;

    for (size_t i = 0; i < text.len; i++) {
        h = (h ^ (uint8_t) text.data[i]) * 1099511628211ull;
    }
    return h ? h : 1;
}


void
vg_shelf_key(vg_shelf_key_t *key, vg_str_t text)
{
    key->text = text;
    key->hash = hash_of(text);
    key->ntags = 0;
}


static uint64_t
tag_slot(vg_str_t tag)
{
    uint64_t h = hash_of(tag);

    return (h ^ h >> 32) & (GENERATIONS - 1);
}


void
vg_shelf_note(vg_shelf_key_t *key, vg_str_t tag)
{
    vg_shelf_tag_t *t = &key->tags[key->ntags++];

    t->slot = tag_slot(tag);
    t->generation = LOAD(top->generations[t->slot]);
}


void
vg_shelf_drop(vg_str_t tag)
{
    ADD(top->generations[tag_slot(tag)]);
    ADD(top->counts.drops);
}


static bool
stands(const vg_shelf_tag_t *tags, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (LOAD(top->generations[tags[i].slot & (GENERATIONS - 1)])
            != tags[i].generation)
        {
            return false;
        }
    }
    return true;
}


/* ---------------------------------------------------------------- answers */

static bool
is_live(const slot_t *slot, uint64_t now)
{
    return slot->hash != 0 && slot->ntags <= VG_TAGS && slot->until > now
           && stands(slot->tags, slot->ntags);
}


/* What a slot says is believed only when its state is at rest and has not
 * moved: a writer may be in it, or have died in it. */
static vg_str_t
copy_of(const class_t *c, slot_t *slot, const vg_shelf_key_t *key, uint64_t now,
        vg_pool_t *pool)
{
    char          *copy;
    slot_t         seen;
    vg_str_t       none = { NULL, 0 };
    uint64_t       state = LOAD(slot->state);
    const uint8_t *bytes = c->bytes + (size_t) (slot - c->slots) * c->size;

    seen = *slot;
    if (state >> 32 || seen.hash != key->hash || seen.key != key->text.len
        || (size_t) seen.key + seen.text > c->size || !is_live(&seen, now)
        || memcmp(bytes, key->text.data, key->text.len) != 0)
    {
        return none;
    }
    copy = vg_alloc(pool, (size_t) seen.text + 1);
    if (copy == NULL) {
        return none;
    }
    memcpy(copy, bytes + seen.key, seen.text);
    copy[seen.text] = '\0';
    FENCE();
    if (LOAD(slot->state) != state) {
        return none;
    }
    if (now - seen.used > 1000) {
        slot->used = now; /* of another answer by now: no harm */
    }
    return (vg_str_t){ copy, seen.text };
}


vg_str_t
vg_shelf_find(const vg_shelf_key_t *key, uint64_t now, vg_pool_t *pool)
{
    slot_t        *set;
    vg_str_t       text = { NULL, 0 };
    const class_t *c;

    for (c = classes; c < classes + CLASSES; c++) {
        set = c->sets ? &c->slots[key->hash % c->sets * WAYS] : NULL;
        for (size_t way = 0; set != NULL && way < WAYS; way++) {
            if (set[way].hash != key->hash) {
                continue;
            }
            text = copy_of(c, &set[way], key, now, pool);
            if (text.data != NULL) {
                ADD(top->counts.hits);
                return text;
            }
        }
    }
    ADD(top->counts.misses);
    return text;
}


/* Is a writer at it? One that is dead is not; nor are we, who are here. */
static bool
is_busy(uint64_t state)
{
    pid_t writer = (pid_t) (state >> 32);

    return writer != 0 && writer != getpid()
           && !(kill(writer, 0) == -1 && errno == ESRCH);
}


/* The same answer's, else an empty or old one, else the one not used longest;
 * NULL: writers are at all of them. */
static slot_t *
victim(slot_t *set, uint64_t hash, uint64_t now)
{
    slot_t  *slot, *best = NULL;
    uint64_t age, oldest = 0;

    for (slot = set; slot < set + WAYS; slot++) {
        if (is_busy(LOAD(slot->state))) {
            continue;
        }
        if (slot->hash == hash) {
            return slot;
        }
        age = slot->state >> 32 || !is_live(slot, now) ? UINT64_MAX
                                                       : now - slot->used;
        if (best == NULL || age > oldest) {
            oldest = age;
            best = slot;
        }
    }
    return best;
}


static void
write_slot(const class_t *c, slot_t *slot, const vg_shelf_key_t *key,
           vg_str_t text)
{
    uint8_t *bytes = c->bytes + (size_t) (slot - c->slots) * c->size;

    slot->hash = key->hash;
    slot->key = (uint32_t) key->text.len;
    slot->text = (uint32_t) text.len;
    slot->ntags = key->ntags;
    memcpy(slot->tags, key->tags, sizeof(slot->tags));
    memcpy(bytes, key->text.data, key->text.len);
    memcpy(bytes + key->text.len, text.data, text.len);
}


void
vg_shelf_keep(const vg_shelf_key_t *key, vg_str_t text, uint64_t now,
              uint64_t until)
{
    slot_t        *slot;
    uint64_t       was, taken;
    const class_t *c = classes;

    if (!stands(key->tags, key->ntags)) {
        return; /* overtaken; it would be seen at each look */
    }
    while (c < classes + CLASSES
           && (c->sets == 0 || key->text.len + text.len > c->size))
    {
        c++;
    }
    if (c == classes + CLASSES) {
        ADD(top->counts.large);
        return;
    }
    slot = victim(&c->slots[key->hash % c->sets * WAYS], key->hash, now);
    if (slot == NULL) {
        return;
    }
    was = LOAD(slot->state);
    taken = (uint64_t) getpid() << 32 | ((was + 1) & UINT32_MAX);
    if (is_busy(was)
        || !__atomic_compare_exchange_n(&slot->state, &was, taken, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
        return;
    }
    FENCE();
    slot->until = until;
    slot->used = now;
    write_slot(c, slot, key, text);
    __atomic_store_n(&slot->state, (taken + 1) & UINT32_MAX, __ATOMIC_SEQ_CST);
    ADD(top->counts.kept);
}


/* for /metrics: some ten thousand heads, two lines of memory each */
vg_shelf_weight_t
vg_shelf_weigh(uint64_t now)
{
    slot_t           *slot;
    class_t          *c;
    vg_shelf_weight_t w = { top->counts, 0, 0, 0 };

    for (c = classes; c < classes + CLASSES; c++) {
        w.room += c->sets * WAYS * c->size;
        for (slot = c->slots; slot < c->slots + c->sets * WAYS; slot++) {
            if (is_live(slot, now)) {
                w.bytes += (size_t) slot->key + slot->text;
                w.answers++;
            }
        }
    }
    return w;
}
