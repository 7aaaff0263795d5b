/*
 * batch.c: events that were read, their effects and the cursor's step over
 * them in one commit.
 *
 * Up to `batch` events' statements are chained before the step, so a second
 * runner is fenced: all happen or none. If one is refused, those before it are
 * committed without it, then it comes alone; if it fails again it is parked,
 * which is one more statement in a commit, and the cursor goes on. An event
 * whose route loads a row comes first in its commit, or it would not see what
 * the events before it did.
 */

#include "consumer.h"

#define VG_BATCH_TRIES 2 /* then it is parked                        */
#define VG_BATCH_SLOW  5 /* the same for what was slow or locked     */
/* commits that are lost with their connection, or refused with nobody to
 * blame: then one event each; then it is parked */
#define VG_BATCH_ALONE  3
#define VG_BATCH_LOST   6
#define VG_BATCH_BEHIND 1000 /* events not for us that need no step      */

static vg_statement_t *vg_cursor_move, *vg_replay_move;

static ngx_int_t vg_batch_ended(vg_consumer_t *c);
static void      vg_batch_next(vg_consumer_t *c);
static void      vg_batch_send(vg_consumer_t *c);


ngx_int_t
vg_batch_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_cursor_move, "cursor_move",
        "select vg.cursor_move($1::text, $2::text, $3::bigint, $4::bigint)", 4);
    vg_statement_kit(cf, &vg_replay_move, "replay_move",
                     "select vg.replay_move($1::uuid, $2::bigint, $3::bigint)",
                     3);
    return vg_cursor_move && vg_replay_move ? NGX_OK : NGX_ERROR;
}


static void
vg_batch_place(char *place, vg_str_t pos)
{
    (void) snprintf(place, 24, "%.*s", (int) pos.len, pos.data);
}


static void
vg_batch_begin(vg_consumer_t *c)
{
    ngx_memzero(&c->head, sizeof(vg_unit_t));
    c->links = 0;
    c->next = c->at;
}


/* what was put together is not sent */
static void
vg_batch_away(vg_consumer_t *c)
{
    vg_unit_unchain(&c->head);
    vg_consumer_away(c);
}


/* the cursor's step, with all that is chained before it */
static void
vg_batch_step(vg_consumer_t *c, const char *to, void (*done)(vg_unit_t *))
{
    vg_database_t *db = vg_host->databases.elts;
    vg_unit_t     *chain = c->head.chain, *link;
    const char   **v = c->values;

    if (c->replay[0] != '\0') {
        v[0] = c->replay;
        v[1] = c->pos;
        v[2] = to;
        vg_kit_make(&c->head, vg_replay_move, v, VG_LANE_WRITE, done, c);
    } else {
        v[0] = (const char *) c->plugin->name.data;
        v[1] = (const char *) db[c->log].name.data;
        v[2] = c->pos;
        v[3] = to;
        vg_kit_make(&c->head, vg_cursor_move, v, VG_LANE_WRITE, done, c);
    }
    for (c->head.chain = link = chain; link != NULL; link = link->link) {
        link->head = &c->head;
    }
    /* a job or a saga that a handler wrote goes out as soon as it is told */
    c->head.relaxed = c->links == 0;
    c->head.database = c->plugin->database;
    vg_unit_submit(&c->head);
}


/* ------------------------------------------------------------- one event */

static void
vg_batch_submit(vg_call_t *call, vg_unit_t *unit)
{
    vg_event_run_t *run = call->owner;
    vg_consumer_t  *c = run->consumer;

    if (!unit->statement->change) {
        vg_unit_submit(unit); /* a load */
        return;
    }
    run->state = VG_EVENT_CHAINED;
    vg_unit_chain(&c->head, unit);
    c->links++;
    if (c->waits) {
        c->waits = 0;
        c->next++;
        vg_batch_next(c);
    }
}


/* An overdue call is over while its statement is out: then it is the commit
 * that counts. */
static void
vg_batch_over(vg_call_t *call)
{
    vg_event_run_t  *run = call->owner;
    vg_consumer_t   *c = run->consumer;
    vg_event_state_t was = run->state;

    if (call->committed && call->error != NULL) {
        /* its effects and the step are in: only the word is wrong */
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: %V answered %s to an event, and changed",
                      &call->endpoint->label, call->error->name);
        return;
    }
    run->error = call->error;
    run->away = call->away;
    run->state = VG_EVENT_OVER;
    if (was == VG_EVENT_RUNNING && c->waits) {
        c->waits = 0;
        if (vg_batch_ended(c) == NGX_OK) {
            vg_batch_next(c);
        }
    }
}


static void
vg_batch_parked(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    c->parked |= unit->result == VG_UNIT_OK;
}


/* in this commit; later ones of its aggregate were read before it failed */
static ngx_int_t
vg_batch_park(vg_consumer_t *c, const char *why)
{
    vg_event_t *event = &c->events[c->next];
    ngx_uint_t  i, level = event->blocked ? NGX_LOG_INFO : NGX_LOG_ERR;
    vg_unit_t  *unit = vg_parked_unit(c, event, why, vg_batch_parked, c);

    if (unit == NULL) {
        return NGX_ERROR;
    }
    for (i = c->next + 1; i < c->count && !c->conf->pass; i++) {
        c->events[i].blocked |=
            ngx_strcmp(c->events[i].aggregate.data, event->aggregate.data) == 0;
    }
    ngx_log_error(level, ngx_cycle->log, 0,
                  "voltgate: %V parks event %s %s: %s", &c->plugin->name,
                  event->type.data, event->id.data, why);
    c->links++;
    c->next++;
    vg_unit_chain(&c->head, unit);
    vg_count_consumer(c, VG_COUNT_FAILED, 1);
    return NGX_OK;
}


/* What was slow or met a lock may do better in a while, but not for ever: it
 * would hold back all that comes behind it. */
static void
vg_batch_failed(vg_consumer_t *c, const vg_error_t *error)
{
    ngx_uint_t  slow = error->status >= 502;
    vg_event_t *event = &c->events[c->at];

    if (ngx_strcmp(c->failed, event->pos.data) != 0) {
        vg_batch_place(c->failed, event->pos);
        c->tries = 0;
    }
    vg_batch_begin(c);
    if (++c->tries >= (slow ? VG_BATCH_SLOW : VG_BATCH_TRIES)) {
        c->suspect = 0;
        if (vg_batch_park(c, error->name) != NGX_OK) {
            vg_batch_away(c);
            return;
        }
        vg_batch_send(c);
    } else if (slow) {
        vg_consumer_fenced(c);
    } else {
        c->suspect = c->at + 1;
        vg_batch_next(c);
    }
}


/* Ended without a statement: handled, or refused by its fields or check. */
static ngx_int_t
vg_batch_ended(vg_consumer_t *c)
{
    vg_event_run_t *run = &c->runs[c->next];

    if (run->error == NULL) {
        c->next++;
        return NGX_OK;
    }
    if (run->away) {
        vg_batch_away(c);
    } else if (c->next > c->at) {
        c->suspect = c->next + 1;
        vg_batch_send(c);
    } else {
        vg_batch_failed(c, run->error);
    }
    return NGX_DONE;
}


/* NGX_OK: the next may come; NGX_DONE: who goes on is known */
static ngx_int_t
vg_batch_call(vg_consumer_t *c, vg_endpoint_t *e)
{
    vg_call_t      *call;
    vg_event_run_t *run = &c->runs[c->next];

    *run = (vg_event_run_t){ .consumer = c };
    call = vg_event_call(e, &c->events[c->next], vg_batch_over, run);
    if (call == NULL) {
        vg_batch_away(c);
        return NGX_DONE;
    }
    call->unit_submit = vg_batch_submit;
    vg_call_run(call, VG_EVENT_DEADLINE);
    if (run->state == VG_EVENT_RUNNING) {
        c->waits = 1;
        return NGX_DONE;
    }
    if (run->state == VG_EVENT_CHAINED) {
        c->next++;
        return NGX_OK;
    }
    return vg_batch_ended(c);
}


/* ------------------------------------------------------------ the commit */

/* Nobody knows why: counted from the place where it began. */
static void
vg_batch_trouble(vg_consumer_t *c)
{
    if (ngx_strcmp(c->troubled, c->pos) != 0) {
        (void) snprintf(c->troubled, sizeof(c->troubled), "%s", c->pos);
        c->trouble = 0;
    }
    c->trouble++;
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "voltgate: %V came to nothing behind %s: %s %s",
                  &c->plugin->name, c->pos, c->head.sqlstate, c->head.message);
    vg_consumer_away(c);
}


static ngx_uint_t
vg_batch_limit(const vg_consumer_t *c)
{
    return c->trouble >= VG_BATCH_ALONE ? 1 : c->conf->batch;
}


/* puts the next commit together, as far as it can without waiting */
static void
vg_batch_next(vg_consumer_t *c)
{
    ngx_uint_t     alone;
    vg_endpoint_t *e;

    while (c->next < c->count && c->links < vg_batch_limit(c)) {
        e = c->events[c->next].other
                ? NULL
                : vg_event_endpoint(c->plugin, c->events[c->next].type);
        if (e == NULL) {
            c->next++;
            continue;
        }
        if (c->events[c->next].blocked) {
            if (vg_batch_park(c, "an earlier one of its aggregate is parked")
                != NGX_OK) {
                vg_batch_away(c);
                return;
            }
            continue;
        }
        if (c->trouble >= VG_BATCH_LOST) {
            c->trouble = 0;
            if (vg_batch_park(c, "its commit is lost each time") != NGX_OK) {
                vg_batch_away(c);
                return;
            }
            break;
        }
        alone = c->suspect == c->next + 1;
        if ((alone || e->load != NULL) && c->links > 0) {
            break;
        }
        if (vg_batch_call(c, e) != NGX_OK) {
            return;
        }
        if (alone) {
            c->suspect = 0;
            break;
        }
    }
    vg_batch_send(c);
}


/* Which of them was it? Those before it are good; it comes alone then. */
static void
vg_batch_refused(vg_consumer_t *c)
{
    ngx_uint_t        i, end = c->next;
    const vg_error_t *error = NULL;

    for (i = c->at; i < end; i++) {
        if (c->runs[i].consumer != NULL && c->runs[i].error != NULL
            && !c->runs[i].away) {
            error = c->runs[i].error;
            break;
        }
    }
    if (error == NULL && c->head.sqlstate[0] == '4') {
        vg_consumer_fenced(c); /* the step itself: another runner is ahead */
        return;
    }
    if (error == NULL) {
        vg_batch_trouble(c);
        return;
    }
    if (c->links == 1) {
        c->at = i;
        vg_batch_failed(c, error);
        return;
    }
    vg_batch_begin(c);
    c->suspect = i + 1;
    if (ngx_strcmp(c->failed, c->events[i].pos.data) != 0) {
        vg_batch_place(c->failed, c->events[i].pos);
        c->tries = 1;
    }
    ngx_memzero(&c->runs[c->at], (end - c->at) * sizeof(vg_event_run_t));
    vg_batch_next(c);
}


static void
vg_batch_sent(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    if (unit->result == VG_UNIT_REFUSED) {
        vg_batch_refused(c);
        return;
    }
    if (unit->result == VG_UNIT_LOST && !ngx_exiting) {
        vg_batch_trouble(c);
        return;
    }
    if (unit->result != VG_UNIT_OK || ngx_exiting) {
        vg_consumer_away(c);
        return;
    }
    c->trouble = 0;
    vg_count_consumer(c, c->replay[0] ? VG_COUNT_REPLAYED : VG_COUNT_HANDLED,
                      c->links);
    vg_batch_place(c->pos, c->events[c->next - 1].pos);
    vg_batch_place(c->ahead, c->events[c->next - 1].pos);
    c->at = c->next;
    vg_batch_begin(c);
    vg_batch_next(c);
}


/* over events that are not for us the cursor steps with the next that is */
static void
vg_batch_send(vg_consumer_t *c)
{
    vg_event_t *last;

    if (c->next == c->at) {
        c->done(c);
        return;
    }
    last = &c->events[c->next - 1];
    if (c->links > 0 || c->replay[0] != '\0'
        || strtoll(last->pos.data, NULL, 10) - strtoll(c->pos, NULL, 10)
               > VG_BATCH_BEHIND)
    {
        vg_batch_step(c, last->pos.data, vg_batch_sent);
        return;
    }
    vg_batch_place(c->ahead, last->pos);
    c->at = c->next;
    vg_batch_begin(c);
    vg_batch_next(c);
}


static void
vg_batch_caught_up(vg_unit_t *unit)
{
    vg_consumer_t *c = unit->data;

    if (unit->result != VG_UNIT_OK) {
        vg_consumer_fenced(c);
        return;
    }
    (void) snprintf(c->pos, sizeof(c->pos), "%s", c->last);
    (void) snprintf(c->ahead, sizeof(c->ahead), "%s", c->last);
    c->done(c);
}


void
vg_batch_catch_up(vg_consumer_t *c, const char *to,
                  void (*done)(vg_consumer_t *))
{
    c->done = done;
    vg_batch_begin(c);
    (void) snprintf(c->last, sizeof(c->last), "%s", to);
    vg_batch_step(c, c->last, vg_batch_caught_up);
}


void
vg_batch_run(vg_consumer_t *c, void (*done)(vg_consumer_t *))
{
    c->done = done;
    c->at = 0;
    c->suspect = 0;
    c->waits = 0;
    vg_batch_begin(c);
    vg_batch_next(c);
}
