/* with: nginx-modules/ocpp/guard.c
 *
 * unit_guard.c: who comes again too soon waits, longer each time, and is not
 * kept out for ever.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../nginx-modules/ocpp/guard.h"

static const vg_guard_conf_t conf = { 3000, 20, 300000 };

static int              tests, failures;
static vg_guard_slot_t *slots;


static void
ok(bool good, const char *name)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}


/* how many of so many come in, one each pause ms, from *now on */
static int
let_in(uint64_t key, int count, int64_t pause, int64_t *now)
{
    int i, in = 0;

    for (i = 0; i < count; i++) {
        in += vg_guard_come(slots, &conf, key, *now) == 0;
        *now += pause;
    }
    return in;
}


static void
test_pace(void)
{
    int64_t now = 5000, wait, last = 0;
    int     i;
    bool    grows = true;

    ok(let_in(1, 20, 0, &now) == 20, "twenty at once come in");
    wait = vg_guard_come(slots, &conf, 1, now);
    ok(wait == 2000, "the next waits two seconds");
    ok(vg_guard_come(slots, &conf, 1, now + 1500) == 500,
       "and no longer because it asks meanwhile");
    ok(vg_guard_come(slots, &conf, 2, now) == 0, "another one comes in");
    for (i = 0; i < 12; i++) {
        now += wait;
        ok(vg_guard_come(slots, &conf, 1, now) == 0, "then it may try once");
        wait = vg_guard_come(slots, &conf, 1, now);
        grows &= wait > last || wait == conf.most;
        last = wait;
    }
    ok(grows && wait == conf.most, "waits grow up to the longest");
    now += wait + conf.step * conf.burst;
    ok(let_in(1, 20, 0, &now) == 20
           && vg_guard_come(slots, &conf, 1, now) == 2000,
       "after a while of rest all is as in the beginning");
}


static void
test_patience(void)
{
    int64_t now = 0;

    ok(let_in(3, 1000, 3000, &now) == 1000, "one each three seconds may");
    ok(let_in(4, 3600, 1000, &now) > 25, "who hammers all the same comes in");
}


static void
test_faults(void)
{
    int64_t now = 0;
    int     i;

    for (i = 0; i < 4; i++) {
        ok(vg_guard_come(slots, &conf, 5, now) == 0, "a wrong password");
        vg_guard_charge(slots, &conf, 5, now, VG_GUARD_FAULT);
    }
    ok(vg_guard_come(slots, &conf, 5, now) > 0, "four in a row are enough");
    for (i = 0; i < 100; i++) {
        (void) vg_guard_come(slots, &conf, 6, now);
        vg_guard_charge(slots, &conf, 6, now, -1);
    }
    ok(vg_guard_come(slots, &conf, 6, now) == 0,
       "what was not its fault costs nothing");
}


static void
test_room(void)
{
    int      refused = 0;
    uint64_t key;

    for (key = 100; key < 300000; key++) {
        refused += vg_guard_come(slots, &conf, key, 0) != 0;
    }
    ok(refused == 0, "more than there are rows: none is refused for it");
    memset(slots, 0xff, VG_GUARD_SLOTS * sizeof(*slots));
    ok(vg_guard_come(slots, &conf, 7, 1000) <= conf.most,
       "rows that make no sense keep nobody out for long");
    vg_guard_conf_t off = { 3000, 0, 300000 };
    ok(vg_guard_come(slots, &off, 1, 0) == 0, "it can be switched off");
}


int
main(void)
{
    slots = calloc(VG_GUARD_SLOTS, sizeof(*slots));
    if (slots == NULL) {
        return 1;
    }
    test_pace();
    test_patience();
    test_faults();
    test_room();
    free(slots);
    printf("1..%d\n", tests);
    return failures != 0;
}
