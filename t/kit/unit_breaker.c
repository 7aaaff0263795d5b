/* with: nginx-modules/outbound/breaker.c | -lpthread
 *
 * unit_breaker.c: a breaker driven by a clock of ours: when it opens, what it
 * lets through then, and that neither old news nor the dead hold it.
 */

#include <pthread.h>
#include <stdio.h>

#include "../../nginx-modules/outbound/breaker.h"

static const vg_breaker_conf_t conf = { .window = 10,
                                        .trials = 3,
                                        .open = 10000 };

static int tests, failures;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


/* calls that begin and end at once; how many were let through */
static int
calls(uint64_t *word, const char *ends, uint64_t now)
{
    int               through = 0;
    vg_breaker_pass_t pass;

    for (; *ends != '\0'; ends++) {
        if (vg_breaker_try(word, &conf, now, &pass)) {
            through++;
            vg_breaker_end(word, &conf, now, pass,
                           *ends == 'f'   ? VG_BREAKER_FAULT
                           : *ends == 'n' ? VG_BREAKER_NONE
                                          : VG_BREAKER_GOOD);
        }
    }
    return through;
}


static bool
is(const uint64_t *word, vg_breaker_state_t state, uint64_t now)
{
    return vg_breaker_look(word, now) == state;
}


static void
test_window(void)
{
    int      i;
    uint64_t word = 0;

    ok(calls(&word, "gggggggggggggggggggg", 1) == 20, "good ones go");
    ok(calls(&word, "ffffg", 2) == 5 && is(&word, VG_BREAKER_CLOSED, 2),
       "four faults of ten leave it closed");
    ok(calls(&word, "f", 3) == 1 && is(&word, VG_BREAKER_OPEN, 3),
       "the fifth opens it");
    ok(calls(&word, "ggg", 10002) == 0, "nobody goes for ten seconds");

    word = 0;
    ok(calls(&word, "fffff", 1) == 5 && is(&word, VG_BREAKER_OPEN, 1),
       "half of the window is enough, however few came before");

    word = 0;
    for (i = 0; i < 100; i++) {
        (void) calls(&word, "ffffgggggg", (uint64_t) i);
    }
    ok(is(&word, VG_BREAKER_CLOSED, 100), "faults move out of the window");
    (void) calls(&word, "gggggggggg", 100);
    ok(calls(&word, "nnnnnnnnnnffff", 100) == 14
           && is(&word, VG_BREAKER_CLOSED, 100),
       "what taught nothing is not in it");
}


static void
test_half_open(void)
{
    int               i;
    uint64_t          word = 0;
    vg_breaker_pass_t pass[4];

    (void) calls(&word, "fffff", 1000);
    ok(is(&word, VG_BREAKER_OPEN, 10999) && is(&word, VG_BREAKER_HALF, 11000),
       "after its time it is half-open");
    for (i = 0; i < 3; i++) {
        ok(vg_breaker_try(&word, &conf, 11000, &pass[i]), "a trial");
    }
    ok(!vg_breaker_try(&word, &conf, 11001, &pass[3]), "no fourth");
    vg_breaker_end(&word, &conf, 11002, pass[0], VG_BREAKER_GOOD);
    vg_breaker_end(&word, &conf, 11002, pass[1], VG_BREAKER_NONE);
    ok(vg_breaker_try(&word, &conf, 11003, &pass[1]),
       "one that taught nothing is given to another");
    vg_breaker_end(&word, &conf, 11004, pass[1], VG_BREAKER_GOOD);
    ok(is(&word, VG_BREAKER_HALF, 11004), "two good ones are not three");
    vg_breaker_end(&word, &conf, 11005, pass[2], VG_BREAKER_GOOD);
    ok(is(&word, VG_BREAKER_CLOSED, 11005), "three close it");
    ok(calls(&word, "ffff", 11006) == 4 && is(&word, VG_BREAKER_CLOSED, 11006),
       "and it has forgotten");

    word = 0;
    (void) calls(&word, "fffff", 0);
    (void) vg_breaker_try(&word, &conf, 20000, &pass[0]);
    (void) vg_breaker_try(&word, &conf, 20000, &pass[1]);
    vg_breaker_end(&word, &conf, 20100, pass[0], VG_BREAKER_FAULT);
    ok(is(&word, VG_BREAKER_OPEN, 30099), "one fault opens it for as long");
    vg_breaker_end(&word, &conf, 20200, pass[1], VG_BREAKER_GOOD);
    ok(is(&word, VG_BREAKER_OPEN, 20200), "the other trial changes nothing");
}


static void
test_others(void)
{
    uint64_t          word = 0;
    vg_breaker_pass_t old, trial;

    ok(vg_breaker_try(&word, &conf, 5, &old), "a call that takes long begins");
    (void) calls(&word, "fffff", 6);
    ok(vg_breaker_try(&word, &conf, 10006, &trial), "a trial");
    vg_breaker_end(&word, &conf, 10007, old, VG_BREAKER_FAULT);
    ok(is(&word, VG_BREAKER_HALF, 10007), "its end is no trial's");

    (void) vg_breaker_try(&word, &conf, 10008, &trial);
    (void) vg_breaker_try(&word, &conf, 10008, &trial);
    ok(!vg_breaker_try(&word, &conf, 20005, &trial), "three that never end");
    ok(vg_breaker_try(&word, &conf, 20006, &trial),
       "are given up when they could have ended");
    ok(calls(&word, "gg", 20007) == 2 && is(&word, VG_BREAKER_HALF, 20007),
       "and do not count");
    vg_breaker_end(&word, &conf, 20008, trial, VG_BREAKER_GOOD);
    ok(is(&word, VG_BREAKER_CLOSED, 20008), "those after them do");
}


#define THREADS 4
#define ROUNDS  200000

static uint64_t shared;
static int      let_in;

/* all of them see it half-open at the same time */
static void *
storm(void *data)
{
    int               i;
    vg_breaker_pass_t pass;

    (void) data;
    for (i = 0; i < ROUNDS; i++) {
        if (vg_breaker_try(&shared, &conf, 20000, &pass)) {
            __atomic_add_fetch(&let_in, 1, __ATOMIC_RELAXED);
        }
    }
    return NULL;
}


static void
test_threads(void)
{
    int       i;
    pthread_t threads[THREADS];

    (void) calls(&shared, "fffff", 1);
    for (i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, storm, NULL) != 0) {
            ok(false, "a thread");
            return;
        }
    }
    for (i = 0; i < THREADS; i++) {
        (void) pthread_join(threads[i], NULL);
    }
    ok(let_in == 3, "three trials, whoever asks at once");
}


int
main(void)
{
    test_window();
    test_half_open();
    test_others();
    test_threads();
    printf("1..%d\n", tests);
    return failures != 0;
}
