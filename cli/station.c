/*
 * station.c: the life of one simulated charge point: connects, boots, and
 * charges, one CALL at a time.
 *
 * What it says is in says.c, which session in session.c; here is when, and
 * what becomes of a failure. A connection that is lost takes the CALL under
 * way with it: the same payload is sent again on the next one, as chargers
 * must.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

#define LEAVE_MAX   (5 * SECOND)
#define ERRORS_TOLD 50 /* of many charge points; all are counted          */
#define PAUSE_MIN   (1 * SECOND)
#define PAUSE_MAX   (30 * SECOND)

/* close codes of a gateway that goes on elsewhere: RFC 6455, IANA */
#define GOING_AWAY      1001
#define SERVICE_RESTART 1012

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
    const simulation_t *sim = st->sim;

    st->sim->figures.errors++;
    if (!sim->habits.talks && sim->figures.errors > ERRORS_TOLD) {
        return;
    }
    (void) fflush(stdout);
    fprintf(stderr, "%s %s%s%s\n", st->identity, what,
            *detail != '\0' ? ": " : "", detail);
}


void
station_wait(station_t *st, int64_t until)
{
    st->due = until < st->reply_at ? until : st->reply_at;
    schedule_move(&st->sim->schedule, st);
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
        st->reply_at = NEVER;
        station_booted(st); /* nobody waits for it any more */
        station_wait(st, NEVER);
    }
}


void
station_begin(station_t *st, int64_t at)
{
    simulation_t *sim = st->sim;

    st->due = st->reply_at = st->heartbeat_at = NEVER;
    st->pause = PAUSE_MIN;
    st->status = "Available";
    st->interval = sim->habits.interval;
    st->limit_w = -1;
    st->lag = sim->habits.history * SECOND;
    st->connector = 1;
    st->dice = dice_seed(sim->seed, st->identity);
    st->luck = dice_seed(~sim->seed, st->identity);
    st->unbooted = true;
    session_clear(st);
    sim->running++;
    sim->unbooted++;
    schedule_add(&sim->schedule, st);
    station_wait(st, at);
    if (sim->habits.pause > 0) {
        st->rest_at =
            meter_after(st, at, dice_below(&st->dice, sim->habits.pause));
    }
}


void
station_booted(station_t *st)
{
    simulation_t *sim = st->sim;
    int64_t       ms = (sim->now - sim->that_moment) / 1000;

    if (!st->unbooted) {
        return;
    }
    st->unbooted = false;
    if (--sim->unbooted == 0 && !sim->habits.talks) {
        printf("all %zu have booted, %" PRId64 ".%03" PRId64 " s\n",
               sim->running, ms / 1000, ms % 1000);
        (void) fflush(stdout);
    }
}


void
station_free(station_t *st)
{
    cli_socket_drop(&st->socket);
    free(st->payload);
    free(st->reply);
    free(st->made);
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

static void
station_offline(station_t *st)
{
    if (st->online) {
        st->online = false;
        st->sim->connected--;
    }
    free(st->reply); /* whoever asked is not there any more */
    st->reply = NULL;
    st->reply_at = NEVER;
}


/* Half of the pause and up to as much again, so that many do not come at the
 * same moment. */
static void
station_reconnect(station_t *st)
{
    int64_t pause = st->pause;

    station_wait(st,
                 st->sim->now + pause / 2 + dice_below(&st->luck, pause / 2));
    st->pause = pause == 0              ? PAUSE_MIN
                : pause * 2 < PAUSE_MAX ? pause * 2
                                        : PAUSE_MAX;
}


/* The socket may be in use by whoever called, so it is shut, and epoll tells
 * of its end. */
void
station_cut(station_t *st, bool power)
{
    simulation_t *sim = st->sim;

    st->cut = true;
    st->leaving = true;
    if (power) {
        st->pause = 0;
        st->asides |= 1U << STEP_BOOT;
        sim->unbooted += st->unbooted ? 0 : 1;
        st->unbooted = true;
    }
    if (st->socket.state == CLI_SOCKET_CLOSED) {
        station_wait(st, sim->now);
        return;
    }
    cli_socket_break(&st->socket);
    station_wait(st, sim->now + LEAVE_MAX);
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
    st->leaving = st->cut = false; /* what was not yet there is not cut */
    st->online = true;
    st->sim->connected++;
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

    station_offline(st);
    if (st->cut) {
        st->cut = false;
    } else if (st->step == STEP_END) {
        if (sim->habits.once || sim->stopping) {
            station_gone(st);
            return;
        }
        st->step = STEP_BOOT; /* it failed, and begins anew */
        st->line = 0;
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


static void
station_message(void *owner, const char *text, size_t len)
{
    station_t *st = owner;

    (void) simulation_clock(st->sim);
    message_received(st, text, len);
    if (st->payload == NULL && st->reply == NULL && !st->leaving
        && st->socket.state == CLI_SOCKET_OPEN)
    {
        station_next(st);
    }
}


/* ---------------------------------------------------------------- by time */

void
station_due(station_t *st)
{
    bool    open = st->socket.state == CLI_SOCKET_OPEN;
    int64_t now = st->sim->now;

    if (open && st->reply != NULL && now >= st->reply_at) {
        message_reply(st);
    }
    if (open && st->payload == NULL && !st->leaving) {
        station_next(st);
    } else if (open && st->payload != NULL && now < st->said_at + ANSWER_MAX) {
        station_wait(st, st->said_at + ANSWER_MAX);
    } else if (st->socket.state == CLI_SOCKET_CLOSED) {
        station_connect(st);
    } else {
        cli_socket_drop(&st->socket);
        station_closed(st, 0, "no answer in time");
    }
}


static void
station_aside(station_t *st)
{
    step_t aside = (step_t) __builtin_ctz(st->asides);

    st->asides &= st->asides - 1;
    station_say(st, aside, true);
}


/* what is over by time */
static void
station_overdue(station_t *st)
{
    int64_t now = st->sim->now;

    if (now >= st->heartbeat_at) {
        st->asides |= 1U << STEP_HEARTBEAT;
        st->heartbeat_at = now + st->heartbeat;
    }
    if (st->reservation != 0 && now >= st->reserved_until) {
        station_tell(st, "gives up reservation %" PRId64, st->reservation);
        reserve_clear(st);
    }
}


void
station_next(station_t *st)
{
    station_overdue(st);
    if (st->sim->habits.script != NULL) {
        st->step = st->sim->stopping ? STEP_END : st->step;
    } else if (st->step == STEP_PREPARING || st->step == STEP_REMOTE) {
        st->step = session_idle(st);
    } else if (st->step == STEP_METER) {
        st->step = session_meter(st);
        if (st->cut) {
            return;
        }
    }
    if (st->step == STEP_END) {
        st->leaving = true;
        cli_socket_close(&st->socket, 1000);
        station_wait(st, st->sim->now + LEAVE_MAX);
    } else if (st->asides != 0) {
        station_aside(st);
    } else if (st->sim->habits.script != NULL) {
        script_next(st);
    } else if (session_holds(st)) {
        station_wait(st, session_waits(st));
    } else {
        station_say(st, st->step, false);
    }
}


void
station_fail(station_t *st, const char *what, const char *detail)
{
    station_error(st, what, detail);
    session_clear(st);
    st->asides = 0;
    st->step = STEP_END;
}
