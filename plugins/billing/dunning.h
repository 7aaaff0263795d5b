/*
 * dunning.h: the steps of dunning, as an operator writes them.
 *
 * Pure. "1d 3d 7d cancel": so long after a payment failed it is asked for
 * again, each counted from the first failure; when the last of them failed,
 * too, the subscription ends. Without `cancel` it stays unpaid. Spans are whole
 * numbers of s, m, h, d or w, each longer than the one before, 16 at most.
 */

#ifndef BILLING_DUNNING_H
#define BILLING_DUNNING_H

#include <stdbool.h>
#include <stdint.h>

#define DUNNING_STEPS   16
#define DUNNING_LONGEST (366 * (int64_t) 86400) /* s                     */

typedef struct {
    int     n;
    int64_t after[DUNNING_STEPS]; /* s since the first failure           */
    bool    cancels;
} dunning_t;

/* False: the words are no steps. */
bool dunning_read(const char *words, dunning_t *dunning);

/* NULL, or what is wrong, as the end of "it ..." */
const char *dunning_wrong(const char *words);

#endif
