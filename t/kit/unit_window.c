/* with: cli/relay_window.c */
/*
 * The window of a relay: what is settled is a prefix, whatever the order in
 * which a broker confirms.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../../cli/relay_window.h"

static int tests;


static void
is(int64_t got, int64_t wanted, const char *what)
{
    tests++;
    printf("%sok %d - %s\n", got == wanted ? "" : "not ", tests, what);
    if (got != wanted) {
        printf("# got %lld, wanted %lld\n", (long long) got,
               (long long) wanted);
    }
}


static void
in_any_order(void)
{
    relay_window_t w;

    (void) relay_window_make(&w, 4);
    relay_window_reset(&w, 100);
    for (int64_t pos = 101; pos <= 104; pos++) {
        relay_window_push(&w, pos);
    }
    is(relay_window_full(&w), 1, "four of four are full");
    is(relay_window_confirm(&w, 3, false), 1, "the third is confirmed");
    is(w.settled, 100, "... and settles nothing");
    is(relay_window_confirm(&w, 1, false), 1, "the first is");
    is(w.settled, 101, "... and settles itself");
    is(relay_window_confirm(&w, 1, false), 0, "once more is nothing new");
    is(relay_window_confirm(&w, 2, false), 1, "the second is");
    is(w.settled, 103, "... and settles the third, too");
    relay_window_push(&w, 110);
    is(relay_window_next(&w), 6, "tags go on, over the end of the ring");
    is(relay_window_confirm(&w, 6, false), -1, "a tag that was not given");
    is(relay_window_confirm(&w, 5, true), 2, "multiple takes all before it");
    is(w.settled, 110, "... and settles them");
    is((int64_t) w.count, 0, "none is left");
    is(relay_window_confirm(&w, 0, true), 0, "all of none are none");
    is(relay_window_confirm(&w, 0, false), -1, "there is no tag 0");
    relay_window_free(&w);
}


static void
all_at_once(void)
{
    relay_window_t w;

    (void) relay_window_make(&w, 3);
    relay_window_reset(&w, 0);
    relay_window_push(&w, 7);
    relay_window_push(&w, 9);
    is(relay_window_confirm(&w, 0, true), 2, "tag 0, multiple: all");
    is(w.settled, 9, "... are settled");
    relay_window_push(&w, 11);
    relay_window_reset(&w, 9);
    is((int64_t) w.count, 0, "a new session begins empty");
    is(relay_window_next(&w), 1, "... with the first tag");
    is(w.settled, 9, "... behind what is settled");
    relay_window_free(&w);
}


/* the same numbers each time */
static uint32_t
chance(uint32_t below)
{
    static uint32_t state = 4;

    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}


/* against a plain table of flags */
static void
by_chance(void)
{
    enum { ALL = 5000 };
    static char    done[ALL + 2];
    relay_window_t w;
    uint64_t       tag;
    int64_t        prefix, wrong = 0;

    (void) relay_window_make(&w, 17);
    relay_window_reset(&w, 0);
    for (int64_t pos = 1, step = 0; step < (int64_t) 20 * ALL; step++) {
        if (pos <= ALL && !relay_window_full(&w) && chance(2)) {
            relay_window_push(&w, pos++);
        }
        if (w.count > 0) {
            tag = w.tag + chance((uint32_t) w.count);
            if (chance(8) == 0) {
                for (uint64_t t = w.tag; t <= tag; t++) {
                    done[t] = 1;
                }
                (void) relay_window_confirm(&w, tag, true);
            } else {
                done[tag] = 1;
                (void) relay_window_confirm(&w, tag, false);
            }
        }
        for (prefix = w.settled; done[prefix + 1]; prefix++) { /* void */
        }
        wrong += prefix != w.settled;
    }
    is(wrong, 0, "the settled prefix is that of the plain table");
    is(w.settled, ALL, "... to the end");
    relay_window_free(&w);
}


int
main(void)
{
    in_any_order();
    all_at_once();
    by_chance();
    printf("1..%d\n", tests);
    return 0;
}
