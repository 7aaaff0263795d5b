/*
 * figures.c: counts and latencies of a simulation, and its last line.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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


static void
latency_add(latency_t *latency, int64_t us)
{
    latency->count++;
    latency->bucket[bucket_of(us > 0 ? (uint64_t) us : 0)]++;
}


void
figures_latency(figures_t *figures, step_t said, int64_t us)
{
    latency_add(&figures->all, us);
    latency_add(&figures->window, us);
    latency_add(&figures->step[said], us);
}


int64_t
figures_percentile(const latency_t *latency, unsigned percent)
{
    uint64_t seen = 0, want = (latency->count * percent + 99) / 100;

    for (unsigned i = 0; i < FIGURES_BUCKETS; i++) {
        seen += latency->bucket[i];
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


/* One line an action; steps that say the same are one. */
void
figures_table(const figures_t *figures)
{
    static latency_t sum; /* 30 KB are too many for a stack */

    printf("%-30s %9s %9s %9s %9s\n", "answered, in ms", "count", "p50", "p95",
           "p99");
    for (step_t step = 0; step < STEPS; step++) {
        const char *action = step_action(step);
        bool        first = action != NULL;

        sum = (latency_t){ .count = 0 };
        for (step_t other = 0; first && other < STEPS; other++) {
            const latency_t *one = &figures->step[other];

            if (step_action(other) == NULL
                || strcmp(step_action(other), action) != 0) {
                continue;
            }
            first = other >= step;
            sum.count += one->count;
            for (unsigned i = 0; i < FIGURES_BUCKETS; i++) {
                sum.bucket[i] += one->bucket[i];
            }
        }
        if (first && sum.count > 0) {
            printf("%-30s %9" PRIu64, action, sum.count);
            for (unsigned i = 0; i < 3; i++) {
                static const unsigned percents[] = { 50, 95, 99 };
                int64_t us = figures_percentile(&sum, percents[i]);

                printf(" %5" PRId64 ".%03" PRId64, us / 1000, us % 1000);
            }
            putchar('\n');
        }
    }
}


void
figures_print(const figures_t *figures)
{
    int64_t  us = figures->last - figures->first;
    uint64_t count = figures->all.count;
    uint64_t rate = us > 0 ? count * 1000000 / (uint64_t) us : 0;

    printf("messages=%" PRIu64 " seconds=%" PRId64 ".%03" PRId64
           " rate=%" PRIu64,
           count, us / 1000000, us / 1000 % 1000, rate);
    print_ms("p50_ms", figures_percentile(&figures->all, 50));
    print_ms("p95_ms", figures_percentile(&figures->all, 95));
    print_ms("p99_ms", figures_percentile(&figures->all, 99));
    printf(" sessions=%" PRIu64 " faults=%" PRIu64 " commands=%" PRIu64
           " errors=%" PRIu64 "\n",
           figures->sessions, figures->faults, figures->answered,
           figures->errors);
}
