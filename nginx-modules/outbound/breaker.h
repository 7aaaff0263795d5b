/*
 * breaker.h: is this target worth calling just now? One word a target, in
 * shared memory; pure C, the clock is the caller's.
 *
 * The word is the whole state and changes by compare-and-set, so no lock can
 * be left behind by a process that dies. Closed it holds the last calls, a bit
 * each; when half of the window are faults it is open for a while, then
 * half-open: so many trials are let through, one fault opens it again, and
 * when all went well it is closed. Zero is closed, with nothing known.
 */

#ifndef VG_BREAKER_H
#define VG_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define VG_BREAKER_WINDOW 20 /* calls, at most */
#define VG_BREAKER_TRIALS 15 /* at most        */

typedef struct {
    unsigned window; /* calls that are looked at                          */
    unsigned trials; /* when half-open                                    */
    uint64_t open;   /* ms; also how long a trial that never ended counts */
} vg_breaker_conf_t;

typedef enum {
    VG_BREAKER_CLOSED,
    VG_BREAKER_OPEN,
    VG_BREAKER_HALF,
} vg_breaker_state_t;

typedef enum {
    VG_BREAKER_GOOD,  /* the target answered, whatever it said            */
    VG_BREAKER_FAULT, /* transport, time, 5xx                             */
    VG_BREAKER_NONE,  /* nothing was learnt: it was not called after all  */
} vg_breaker_end_t;

/* under which state a call was let through; what it ends as counts in that */
typedef uint64_t vg_breaker_pass_t;

/* May a call go? *now*: ms of a clock that only grows, the same for all who
 * share the word. */
bool vg_breaker_try(uint64_t *word, const vg_breaker_conf_t *conf, uint64_t now,
                    vg_breaker_pass_t *pass);

/* once for each that was let through */
void vg_breaker_end(uint64_t *word, const vg_breaker_conf_t *conf, uint64_t now,
                    vg_breaker_pass_t pass, vg_breaker_end_t end);

/* An open one whose time is over is shown as half-open. */
vg_breaker_state_t vg_breaker_look(const uint64_t *word, uint64_t now);

#endif /* VG_BREAKER_H */
