/*
 * breaker.c: what it costs a call to ask a breaker and to tell it how it went,
 * ten million times, and beside it to be refused by an open one.
 *
 * Prints two numbers: microseconds each.
 */

#include <stdio.h>
#include <time.h>

#include "../../nginx-modules/outbound/breaker.h"

#define ROUNDS 10000000

static const vg_breaker_conf_t conf = { .window = 10,
                                        .trials = 3,
                                        .open = 1000000000 };


static double
seconds(void)
{
    struct timespec t;

    (void) clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


/* us a round; *through counts those that went */
static double
rounds(uint64_t *word, vg_breaker_end_t end, long *through)
{
    long              i;
    double            began = seconds();
    vg_breaker_pass_t pass;

    for (i = 0; i < ROUNDS; i++) {
        if (vg_breaker_try(word, &conf, (uint64_t) i / 1000, &pass)) {
            (*through)++;
            vg_breaker_end(word, &conf, (uint64_t) i / 1000, pass, end);
        }
    }
    return (seconds() - began) / ROUNDS * 1e6;
}


int
main(void)
{
    long     good = 0, bad = 0;
    double   closed, open;
    uint64_t word = 0;

    closed = rounds(&word, VG_BREAKER_GOOD, &good);
    open = rounds(&word, VG_BREAKER_FAULT, &bad);
    if (good != ROUNDS || bad != 5) {
        fprintf(stderr, "%ld went, then %ld\n", good, bad);
        return 1;
    }
    printf("%.4f %.4f\n", closed, open);
    return 0;
}
