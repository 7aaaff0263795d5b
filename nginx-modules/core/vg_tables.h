/*
 * vg_tables.h: tables of a manifest beside its routes: several commits that
 * belong together, what is kept for a while, what is counted. Part of vg.h,
 * which includes it.
 */

#ifndef VG_TABLES_H
#define VG_TABLES_H

/* ----------------------------------------------------------------- sagas */

/* A saga is several commits that belong together, as a table of named steps.
 * Each step asks a VG_INTERNAL route, of this plugin or another, with
 * what the saga began with as arguments, the answer of each step before it
 * under that step's name, and `error` where it is undone; the fields take
 * what they name. An ask has a key of the saga's and step's own, so that of
 * all tries one commits.
 *
 * A change begins one by telling, among its events, {"saga": "charging.start",
 * "id": a uuid, "data": {...}}; its plugin's migrations have called
 * vg.saga_ground('charging'). The same without data says that what a step
 * waits for may have come.
 *
 * A step that refuses (an error below 500), or is not done in its time, is
 * the end: the undos of those before it run in reverse, each until it
 * succeeds. The undo of a step that never ran is not asked, and a late step
 * is refused from then on. A step with VG_AWAIT is sent out once at most. If
 * what came of it is lost, the step behind it shows it, where that one waits;
 * else the saga is undone, and such a step's undo is asked in any case.
 *
 * A step that reads (its route's statement is no change) waits for a row: none
 * is "not yet". It is looked at again when told, and else now and then; a
 * refusal by render() ends it. */
typedef struct {
    const char *name;    /* snake_case                                   */
    const char *ask;     /* "object.verb"; NULL: done by the change that
                            began the saga                               */
    const char *undo;    /* the same; NULL: there is nothing to undo     */
    unsigned    timeout; /* ms, all its tries together; 0: 30000         */
} vg_saga_step_t;

typedef struct {
    const char           *name;  /* "plugin.verb"                        */
    const vg_saga_step_t *steps; /* ends with a NULL name                */
    const char           *about;
} vg_saga_t;


/* ------------------------------------------------------------- retention */

/* What is kept for a while: "12h", "90d", "8w", "10y" or "forever", unless the
 * conf says otherwise: `voltgate_retention plugin.table 30d;`. The statement, a
 * change, deletes at most :batch (int8) rows that are older than :before
 * (timestamptz), and answers ok with how many as its body. It is run each
 * minute, and each second while it deletes as many as it might, on the slow
 * lane. :besides (jsonb) has moments by key, where the conf names such:
 * `voltgate_retention billing.invoice 10y AT=7y;`. */
typedef struct {
    const char *table;
    const char *keep;
    const char *statement;
    const char *about;
} vg_keep_t;


/* -------------------------------------------------------------- counters */

/* What the plugin counts of itself, for who runs the gateway: /metrics has it as
 * voltgate_<plugin>_<name>_total, of all workers of a node since it started, over
 * swaps, too. Where there is a label there is a number for each of `values`,
 * and for nothing else: what a client chose is no value. At most 64 numbers a
 * plugin. Counted by vg_count(). */
typedef struct {
    const char *name;   /* snake_case                                   */
    const char *label;  /* snake_case; NULL: one number                 */
    const char *values; /* "A|B|C"; NULL as label is                    */
    const char *about;  /* one line                                     */
} vg_counter_t;

#endif /* VG_TABLES_H */
