/* with: nginx-modules/limit/place.c | -lpthread
 *
 * unit_place.c: how many at once, over workers that come, go and die.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/limit/place.h"

#define SIZE ((size_t) 64 << 10) /* 31 sets of 8 */

static int      tests, failures;
static uint32_t dead;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


static bool
alive(uint32_t pid)
{
    return pid != dead;
}


static void
test_counts(void)
{
    int         i, held[4];
    void       *memory = calloc(1, SIZE);
    vg_places_t a, b;

    vg_places_init(&a, memory, SIZE);
    vg_places_init(&b, memory, SIZE);
    ok(vg_place_take(&a, 7, 4) == VG_PLACE_NONE,
       "who has not joined counts nothing");
    vg_places_join(&a, 100, alive);
    vg_places_join(&b, 200, alive);
    ok(a.column == 0 && b.column == 1, "each has its own column");
    for (i = 0; i < 4; i++) {
        held[i] = vg_place_take(i & 1 ? &a : &b, 7, 4);
    }
    ok(vg_place_taken(&a, 7) == 4 && vg_place_take(&a, 7, 4) == VG_PLACE_FULL
           && vg_place_take(&b, 7, 4) == VG_PLACE_FULL,
       "two workers count as one");
    ok(vg_place_taken(&a, 7) == 4, "and a refusal counts nothing");
    ok(vg_place_take(&a, UINT64_C(7) << 32, 4) >= 0,
       "another key counts by itself");
    vg_place_give(&b, held[0]);
    held[0] = vg_place_take(&a, 7, 4);
    held[1] = vg_place_take(&a, 7, 4);
    ok(held[0] >= 0 && held[1] < 0, "what is given back is there for all");
    vg_places_leave(&a);
    ok(vg_place_taken(&b, 7) == 1, "who leaves takes with it what it had");
    free(memory);
}


static void
test_death(void)
{
    int         i;
    void       *memory = calloc(1, SIZE);
    vg_places_t a, b, c;

    vg_places_init(&a, memory, SIZE);
    vg_places_init(&b, memory, SIZE);
    vg_places_init(&c, memory, SIZE);
    vg_places_join(&a, 100, alive);
    vg_places_join(&b, 200, alive);
    for (i = 0; i < 3; i++) {
        (void) vg_place_take(&a, 7, 4);
    }
    (void) vg_place_take(&b, 7, 4);
    dead = 100;
    vg_places_join(&c, 300, alive);
    ok(c.column == 0 && vg_place_taken(&c, 7) == 1,
       "who comes for one that died takes its column, and none of its calls");
    dead = 200;
    vg_places_init(&a, memory, SIZE);
    vg_places_join(&a, 300, alive);
    ok(vg_place_taken(&a, 7) == 0,
       "a process of the same number is another one");
    ok(a.column == 0, "and has one column");
    vg_places_join(&b, 400, alive);
    ok(b.column == 1, "the other one is free again");
    dead = 0;
    free(memory);
}


static void
test_room(void)
{
    int         i, in = 0, held[64];
    void       *memory = calloc(1, SIZE);
    vg_places_t a;

    vg_places_init(&a, memory, SIZE);
    vg_places_join(&a, 100, alive);
    for (i = 0; i < 9; i++) { /* keys of one set */
        held[i] = vg_place_take(&a, (uint64_t) i + 1, 1);
        in += held[i] >= 0;
    }
    ok(in == 8 && held[8] == VG_PLACE_NONE,
       "where a set is full a ninth key is not counted, and nobody is refused");
    vg_place_give(&a, held[3]);
    ok(vg_place_take(&a, 9, 1) >= 0, "an entry that nobody uses is another's");
    for (i = 0; i < VG_PLACE_WORKERS + 3; i++) {
        vg_places_init(&a, memory, SIZE);
        vg_places_join(&a, 1000 + (uint32_t) i, alive);
    }
    ok(a.column == -1 && vg_place_take(&a, 99, 1) == VG_PLACE_NONE,
       "a worker too many does not count");
    free(memory);
}


static void       *memory;
static _Atomic int now, most;


/* two keys of one set, by turns: entries change hands all the time */
static void *
hammer(void *data)
{
    int         i, place, at, seen;
    long        in = 0;
    vg_places_t own;

    vg_places_init(&own, memory, SIZE);
    vg_places_join(&own, (uint32_t) (intptr_t) data, alive);
    for (i = 0; i < 100000; i++) {
        place = vg_place_take(&own, (uint64_t) (i % 11) + 1, 2);
        if (i % 11 == 0 && place >= 0) {
            at = ++now;
            for (seen = most; at > seen;) {
                if (atomic_compare_exchange_weak(&most, &seen, at)) {
                    break;
                }
            }
            --now;
        }
        if (place >= 0) {
            in++;
            vg_place_give(&own, place);
        }
    }
    return (void *) in;
}


static void
test_threads(void)
{
    long      i, in = 0;
    void     *part;
    pthread_t threads[4];
    uint64_t  key;
    unsigned  left = 0;

    memory = calloc(1, SIZE);
    for (i = 0; i < 4; i++) {
        (void) pthread_create(&threads[i], NULL, hammer, (void *) (i + 1));
    }
    for (i = 0; i < 4; i++) {
        (void) pthread_join(threads[i], &part);
        in += (long) part;
    }
    for (key = 1; key <= 11; key++) {
        vg_places_t own;

        vg_places_init(&own, memory, SIZE);
        left += vg_place_taken(&own, key);
    }
    printf("# %ld came in, at most %d at once\n", in, most);
    ok(most <= 2, "of four workers never more than two are in at once");
    ok(left == 0 && in > 100000, "and when all have gone nobody is counted");
    free(memory);
}


int
main(void)
{
    test_counts();
    test_death();
    test_room();
    test_threads();
    printf("1..%d\n", tests);
    return failures != 0;
}
