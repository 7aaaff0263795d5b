/*
 * allowance.h: how much a target may be called, in words of shared memory: how
 * often, how many at once, how much of it again. Pure C; the clock and who is
 * alive are the caller's to say. Zero is each word's empty state, and each
 * changes by compare-and-set: a process that dies leaves no lock.
 */

#ifndef VG_ALLOWANCE_H
#define VG_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

/* How often: GCRA, as one time in us. rate a second on average, as many at
 * once after a pause. 0: it may go and is counted; else in how many us it may
 * be asked again, and nothing was counted. */
uint64_t vg_rate_take(uint64_t *word, unsigned rate, uint64_t now_us);


/* How many at once: a word for each, of the process that has it. */
#define VG_PERMITS 64

typedef bool (*vg_alive_pt)(uint32_t pid);

/* The permit's number; -1: all are taken. Those of the dead are taken back. */
int vg_permit_take(uint32_t *permits, unsigned count, uint32_t pid,
                   vg_alive_pt alive);
/* unless it was taken back and is another's */
void vg_permit_give(uint32_t *permits, int permit, uint32_t pid);

/* a process begins: what another of its number had is free */
void     vg_permit_forget(uint32_t *permits, uint32_t pid);
unsigned vg_permit_taken(const uint32_t *permits);


/* How much of it again: retries are at most a tenth of the calls of the last
 * ten seconds; a few are free, or what is called seldom would never be. */
#define VG_BUDGET_SECONDS 10
#define VG_BUDGET_FREE    4

typedef struct {
    uint64_t seconds[VG_BUDGET_SECONDS]; /* when (32), calls (16), again (16) */
} vg_budget_t;

void vg_budget_call(vg_budget_t *budget, uint64_t now_s);
bool vg_budget_again(vg_budget_t *budget, uint64_t now_s);

#endif /* VG_ALLOWANCE_H */
