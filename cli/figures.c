/*
 * figures.c: counts and latencies of a simulation, and its last line.
 */

#include <inttypes.h>
#include <stdio.h>

#include "simulate.h"

#define FINE (1U << FIGURES_FINE)


/* The first 2 * FINE buckets hold one microsecond each. */
static unsigned
bucket_of(uint64_t us)
{
    unsigned shift;

    if (us < FINE) {
        return (unsigned) us;
    }
    shift = 63U - (unsigned) __builtin_clzll(us) - FIGURES_FINE;
    return ((shift + 1) << FIGURES_FINE) + (unsigned) (us >> shift) - FINE;
}


/* the greatest value that falls into it */
static int64_t
bucket_top(unsigned bucket)
{
    unsigned shift = bucket >> FIGURES_FINE;
    uint64_t fine = bucket & (FINE - 1);

    if (shift == 0) {
        return (int64_t) fine;
    }
    return (int64_t) (((FINE + fine + 1) << (shift - 1)) - 1);
}


void
figures_latency(figures_t *figures, int64_t us)
{
    figures->messages++;
    figures->latency[bucket_of(us > 0 ? (uint64_t) us : 0)]++;
}


int64_t
figures_percentile(const figures_t *figures, unsigned percent)
{
    uint64_t seen = 0, want = (figures->messages * percent + 99) / 100;

    for (unsigned i = 0; i < FIGURES_BUCKETS; i++) {
        seen += figures->latency[i];
        if (seen >= want && seen > 0) {
            return bucket_top(i);
        }
    }
    return 0;
}


static void
print_ms(const char *name, int64_t us)
{
    printf(" %s=%" PRId64 ".%03" PRId64, name, us / 1000, us % 1000);
}


void
figures_print(const figures_t *figures)
{
    int64_t  us = figures->last - figures->first;
    uint64_t rate = us > 0 ? figures->messages * 1000000 / (uint64_t) us : 0;

    printf("messages=%" PRIu64 " seconds=%" PRId64 ".%03" PRId64
           " rate=%" PRIu64,
           figures->messages, us / 1000000, us / 1000 % 1000, rate);
    print_ms("p50_ms", figures_percentile(figures, 50));
    print_ms("p95_ms", figures_percentile(figures, 95));
    print_ms("p99_ms", figures_percentile(figures, 99));
    printf(" sessions=%" PRIu64 " commands=%" PRIu64 " errors=%" PRIu64 "\n",
           figures->sessions, figures->answered, figures->errors);
}
