/*
 * limit.c: what a limit costs a call, in a zone of 16 MiB, with one key and
 * with 100,000 in no order: the key's text, its hash, the clock, the word, and
 * the three numbers of the headers, as check.c does it. Beside that the word
 * alone (hash and all, but no text and no numbers), and a place among those
 * under way.
 *
 * Prints five numbers: us of a check with one key and with many, of a word
 * alone with one and with many, of a place taken and given back.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "../../nginx-modules/limit/gcra.h"
#include "../../nginx-modules/limit/place.h"

#define SLICES 41
#define KEYS   100000
#define ZONE   ((size_t) 16 << 20)

static const uint64_t       seed[2] = { 1, 2 };
static const vg_gcra_rule_t rule = { 1, 1000000000 };
static uint32_t             order[KEYS];
static uint64_t             sink;


static uint64_t
now_us(void)
{
    struct timespec t;

    (void) clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}


/* of this process alone: what others do meanwhile is not counted */
static double
spent(void)
{
    struct timespec t;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}


/* no order that a prefetcher of the machine would guess */
static void
shuffle(void)
{
    uint32_t i, k, t, random = 1;

    for (i = 0; i < KEYS; i++) {
        order[i] = i;
    }
    for (i = KEYS - 1; i > 0; i--) {
        random = random * 1664525 + 1013904223;
        k = (random >> 8) % (i + 1);
        t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
}


static void
check(vg_gcra_t *table, uint32_t id)
{
    int           len;
    char          text[64], numbers[3][24];
    uint64_t      hash;
    vg_gcra_end_t end;

    len = snprintf(text, sizeof(text), "i:01930000-0000-7000-8000-%012x", id);
    hash = vg_gcra_hash(seed, text, (size_t) len);
    vg_gcra_fetch(table, hash);
    end = vg_gcra_take(table, hash, &rule, now_us());
    (void) snprintf(numbers[0], sizeof(numbers[0]), "%lu",
                    (unsigned long) (rule.window / rule.step));
    (void) snprintf(numbers[1], sizeof(numbers[1]), "%lu",
                    (unsigned long) vg_gcra_left(&rule, end.ahead));
    (void) snprintf(numbers[2], sizeof(numbers[2]), "%lu",
                    (unsigned long) (end.ahead / 1000000));
    sink += (uint64_t) numbers[1][0] + end.refused;
}


static void
word(vg_gcra_t *table, uint32_t id)
{
    uint64_t hash = vg_gcra_hash(seed, &id, sizeof(id));

    sink += vg_gcra_take(table, hash, &rule, now_us()).refused;
}


/* us a round with one key and with many: slices by turns, of each the least
 * disturbed one, since others of the machine take the cache from both */
static void
rounds(vg_gcra_t *table, void (*one)(vg_gcra_t *, uint32_t), double *us)
{
    int    i, slice;
    double began, took;

    us[0] = us[1] = 1e9;
    for (slice = 0; slice < SLICES; slice++) {
        began = spent();
        for (i = 0; i < KEYS; i++) {
            one(table, order[0]);
        }
        took = (spent() - began) / KEYS;
        us[0] = took < us[0] ? took : us[0];
        began = spent();
        for (i = 0; i < KEYS; i++) {
            one(table, order[i]);
        }
        took = (spent() - began) / KEYS;
        us[1] = took < us[1] ? took : us[1];
    }
}


static bool
alive(uint32_t pid)
{
    (void) pid;
    return true;
}


static double
places(void)
{
    int         i, place;
    double      began;
    void       *memory = calloc(1, (size_t) 2 << 20);
    vg_places_t own;

    vg_places_init(&own, memory, (size_t) 2 << 20);
    vg_places_join(&own, 1, alive);
    began = spent();
    for (i = 0; i < SLICES * KEYS; i++) {
        place = vg_place_take(
            &own, (uint64_t) order[i % KEYS] * 0x9e3779b97f4a7c15, 4);
        sink += place < 0;
        vg_place_give(&own, place);
    }
    return (spent() - began) / SLICES / KEYS;
}


int
main(void)
{
    vg_gcra_t table;
    double    us[2], alone[2];
    void     *zone = mmap(NULL, ZONE, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (zone == MAP_FAILED) {
        return 1;
    }
    shuffle();
    vg_gcra_init(&table, zone, ZONE);
    rounds(&table, check, us);
    rounds(&table, word, alone);
    printf("%.4f %.4f %.4f %.4f %.4f\n", us[0], us[1], alone[0], alone[1],
           places());
    return sink == 42;
}
