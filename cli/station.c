/*
 * station.c: the life of one simulated charge point: connects, boots, and
 * charges, one CALL at a time.
 *
 * What it says is in says.c; here is when, and what becomes of a failure. A
 * connection that is lost takes the CALL under way with it: the same payload
 * is sent again on the next one, as chargers must.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "simulate.h"

#define LEAVE_MAX (5 * SECOND)
#define PAUSE_MIN (1 * SECOND)
#define PAUSE_MAX (30 * SECOND)

/* close codes of a gateway that goes on elsewhere: RFC 6455, IANA */
#define GOING_AWAY      1001
#define SERVICE_RESTART 1012

static void station_next(station_t *st);
static void station_opened(void *owner);
static void station_message(void *owner, const char *text, size_t len);
static void station_closed(void *owner, unsigned code, const char *why);

static const cli_socket_events_t station_events = { station_opened,
                                                    station_message,
                                                    station_closed };


void
station_tell(const station_t *st, const char *fmt, ...)
{
    va_list args;

    if (!st->sim->habits.talks) {
        return;
    }
    printf("%s ", st->identity);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    (void) fflush(stdout);
}


void
station_error(station_t *st, const char *what, const char *detail)
{
    st->sim->figures.errors++;
    (void) fflush(stdout);
    fprintf(stderr, "%s %s%s%s\n", st->identity, what,
            *detail != '\0' ? ": " : "", detail);
}


void
station_wait(station_t *st, int64_t until)
{
    st->due = until;
    if (until < st->sim->next_due) {
        st->sim->next_due = until;
    }
}


bool
station_charges(const station_t *st)
{
    return st->step >= STEP_AUTHORIZE && st->step <= STEP_STOP;
}


static void
station_gone(station_t *st)
{
    if (!st->gone) {
        st->gone = true;
        st->sim->running--;
        station_wait(st, NEVER);
    }
}


void
station_begin(station_t *st, int64_t at)
{
    st->due = NEVER;
    st->pause = PAUSE_MIN;
    st->heartbeat_at = NEVER;
    st->status = "Available";
    st->sim->running++;
    station_wait(st, at);
}


void
station_free(station_t *st)
{
    cli_socket_drop(&st->socket);
    free(st->payload);
    free(st->identity);
}


void
station_stop(station_t *st, const char *reason)
{
    if (st->socket.state != CLI_SOCKET_OPEN) {
        cli_socket_drop(&st->socket);
        station_gone(st);
        return;
    }
    st->stop_reason = reason;
    if (st->payload == NULL) {
        station_wait(st, st->sim->now);
    }
}


/* ------------------------------------------------------------- connection */

/* Half of the pause and up to as much again, so that many do not come at the
 * same moment. */
static void
station_reconnect(station_t *st)
{
    uint32_t random = 0;

    (void) RAND_bytes((unsigned char *) &random, sizeof(random));
    station_wait(st, st->sim->now + st->pause / 2
                         + (int64_t) (random % (uint32_t) (st->pause / 2)));
    st->pause = st->pause * 2 < PAUSE_MAX ? st->pause * 2 : PAUSE_MAX;
}


static void
station_connect(station_t *st)
{
    if (cli_socket_open(&st->socket, &st->sim->to, &station_events, st,
                        st->identity, st->password)
        != 0)
    {
        station_closed(st, 0, "cannot connect");
        return;
    }
    station_wait(st, st->sim->now + ANSWER_MAX);
}


static void
station_opened(void *owner)
{
    station_t *st = owner;

    station_tell(st, "connected");
    (void) simulation_clock(st->sim);
    st->pause = PAUSE_MIN;
    st->leaving = false;
    if (st->payload != NULL) {
        station_send(st);
    } else {
        station_next(st);
    }
}


static void
station_closed(void *owner, unsigned code, const char *why)
{
    station_t    *st = owner;
    simulation_t *sim = st->sim;

    if (st->step == STEP_END) {
        if (sim->habits.once || sim->stopping) {
            station_gone(st);
            return;
        }
        st->step = STEP_BOOT; /* it failed, and begins anew */
    } else if (code == GOING_AWAY || code == SERVICE_RESTART) {
        station_tell(st, "is sent elsewhere");
    } else {
        station_error(st, "lost its connection", why);
        if (sim->habits.once || sim->stopping) {
            station_gone(st);
            return;
        }
    }
    station_reconnect(st);
}


void
station_due(station_t *st)
{
    bool open = st->socket.state == CLI_SOCKET_OPEN;

    if (open && st->payload == NULL && !st->leaving) {
        station_next(st);
    } else if (open && st->payload != NULL
               && st->sim->now < st->said_at + ANSWER_MAX)
    {
        station_wait(st, st->said_at + ANSWER_MAX);
    } else if (st->socket.state == CLI_SOCKET_CLOSED) {
        station_connect(st);
    } else {
        cli_socket_drop(&st->socket);
        station_closed(st, 0, "no answer in time");
    }
}


/* --------------------------------------------------------------- sessions */

static void
session_clear(station_t *st)
{
    st->tag[0] = '\0';
    st->stop_reason = NULL;
    st->transaction = 0;
    st->readings = 0;
}


static step_t
next_idle(station_t *st)
{
    const habits_t *habits = &st->sim->habits;

    if (st->sim->stopping || (habits->once && st->sessions > 0)) {
        return STEP_END;
    }
    if (st->reboot) {
        st->reboot = false;
        return STEP_BOOT;
    }
    if (st->step == STEP_REMOTE && !habits->remote && !st->inoperative) {
        (void) snprintf(st->tag, sizeof(st->tag), "%s", st->own_tag);
    }
    return st->step == STEP_REMOTE && st->tag[0] != '\0' ? STEP_AUTHORIZE
                                                         : st->step;
}


static step_t
next_meter(const station_t *st)
{
    const habits_t *habits = &st->sim->habits;
    bool            full =
        habits->meter_values > 0 && st->readings >= habits->meter_values;

    return full || st->stop_reason != NULL ? STEP_FINISHING : STEP_METER;
}


/* Between two CALLs: what is to be said now, or until when it waits. */
static void
station_next(station_t *st)
{
    int64_t now = st->sim->now;

    if (now >= st->heartbeat_at) {
        st->asides |= 1U << STEP_HEARTBEAT;
        st->heartbeat_at = now + st->heartbeat;
    }
    if (st->step == STEP_PREPARING || st->step == STEP_REMOTE) {
        st->step = next_idle(st);
    } else if (st->step == STEP_METER) {
        st->step = next_meter(st);
    }
    if (st->step == STEP_END) {
        st->leaving = true;
        cli_socket_close(&st->socket, 1000);
        station_wait(st, now + LEAVE_MAX);
    } else if (st->asides != 0) {
        step_t aside = (step_t) __builtin_ctz(st->asides);

        st->asides &= st->asides - 1;
        station_say(st, aside, true);
    } else if (st->step == STEP_REMOTE) {
        station_wait(st, st->heartbeat_at);
    } else if (st->step == STEP_METER && now < st->meter_at) {
        station_wait(st, st->meter_at < st->heartbeat_at ? st->meter_at
                                                         : st->heartbeat_at);
    } else {
        station_say(st, st->step, false);
    }
}


/* gives up what it does; the connection is closed in good manners */
static void
station_fail(station_t *st, const char *what, const char *detail)
{
    station_error(st, what, detail);
    session_clear(st);
    st->asides = 0;
    st->step = STEP_END;
}


/* --------------------------------------------------------------- messages */

static void
message_result(station_t *st, const vg_json_t *payload)
{
    step_t      said = st->said;
    const char *wrong;

    figures_latency(&st->sim->figures, st->sim->now - st->said_at);
    st->sim->figures.last = st->sim->now;
    free(st->payload);
    st->payload = NULL;
    wrong = station_hear(st, said, payload);
    if (wrong != NULL) {
        station_fail(st, wrong, "");
    } else if (said == STEP_FREE) {
        session_clear(st);
    }
}


static void
message_error(station_t *st, vg_pool_t *pool, const vg_json_t *code)
{
    const vg_json_t *why = code->next ? code->next : code;
    vg_str_t         text;

    text = vg_printf(pool, "%.*s %.*s", (int) code->raw.len, code->raw.data,
                     (int) why->raw.len, why->raw.data);

    free(st->payload);
    st->payload = NULL;
    station_fail(st, "was answered with an error", text.data ? text.data : "");
}


static void
message_call(station_t *st, vg_pool_t *pool, const vg_json_t *id)
{
    const vg_json_t *action = id->next;
    vg_str_t         answer, text;

    answer = remote_answer(st, pool, action->text, action->next);
    text = vg_printf(
        pool,
        answer.data != NULL ? "[3,%.*s,%.*s]"
                            : "[4,%.*s,\"NotImplemented\",\"\",{}]",
        (int) id->raw.len, id->raw.data, (int) answer.len, answer.data);
    if (text.data == NULL || cli_socket_send(&st->socket, text.data, text.len))
    {
        station_error(st, "could not answer", "");
        return;
    }
    st->sim->figures.answered++;
    station_tell(st, "%.*s: %.*s", (int) action->text.len, action->text.data,
                 (int) text.len, text.data);
}


/* [2,id,action,payload], [3,id,payload], [4,id,code,description,details] */
static void
message_read(station_t *st, vg_pool_t *pool, const vg_json_t *frame)
{
    const vg_json_t *kind = frame ? frame->first : NULL;
    const vg_json_t *id = kind ? kind->next : NULL;
    vg_str_t         type = kind ? kind->raw : (vg_str_t){ "", 0 };
    vg_str_t         ours;

    if (id == NULL || id->type != VG_JSON_STRING || id->next == NULL
        || (vg_str_eq(type, "2") && id->next->next == NULL))
    {
        station_error(st, "got what is no frame of OCPP", "");
        return;
    }
    if (vg_str_eq(type, "2")) {
        message_call(st, pool, id);
        return;
    }
    ours = vg_printf(pool, "%" PRIu64, st->message);
    if (st->payload == NULL || ours.data == NULL
        || !vg_str_eq(id->text, ours.data)) {
        station_error(st, "got an answer that it does not wait for", "");
    } else if (vg_str_eq(type, "3")) {
        message_result(st, id->next);
    } else {
        message_error(st, pool, id->next);
    }
}


static void
station_message(void *owner, const char *text, size_t len)
{
    station_t  *st = owner;
    const char *wrong = NULL;
    vg_pool_t  *pool = vg_arena_create();

    (void) simulation_clock(st->sim);
    if (pool == NULL) {
        station_error(st, "has no memory", "");
        return;
    }
    message_read(st, pool,
                 vg_json_parse(pool, (vg_str_t){ text, len }, &wrong));
    vg_arena_destroy(pool);
    if (st->payload == NULL && !st->leaving) {
        station_next(st);
    }
}
