/*
 * relay_loop.c: sessions of a relay, one after the other.
 *
 * A session publishes what is behind the cursor and moves the cursor over
 * what is confirmed without a hole. It ends at the first fault of either
 * side; then a pause, and a new one that begins at the cursor.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "relay.h"

#define LOOP_PAUSE     1000 /* ms after a fault, doubling up to           */
#define LOOP_LONGEST   5000 /* ms                                         */
#define LOOP_MOVE      100  /* ms between two moves of the cursor         */
#define LOOP_SAYS      1000 /* ms between two notes of the counts         */
#define LOOP_LAST      10   /* ms between two looks before it ends        */
#define LOOP_LAST_WORD 10   /* s: then it is over, whatever hangs         */

typedef struct {
    int64_t looked, moved, said; /* when, by relay_now()                   */
    int64_t leave;               /* when it is over; 0: not yet            */
} session_t;

static volatile sig_atomic_t loop_signal;
static sigset_t              loop_mask; /* while it waits                 */


static void
loop_told(int signo)
{
    loop_signal = signo;
}


/* Signals come while it waits and at no other time. The threads of libraries
 * inherit the mask that blocks them. */
static void
loop_signals(void)
{
    struct sigaction told = { .sa_handler = loop_told };
    sigset_t         block;

    (void) sigemptyset(&block);
    (void) sigaddset(&block, SIGTERM);
    (void) sigaddset(&block, SIGINT);
    (void) sigaction(SIGTERM, &told, NULL);
    (void) sigaction(SIGINT, &told, NULL);
    (void) signal(SIGPIPE, SIG_IGN);
    (void) sigprocmask(SIG_BLOCK, &block, &loop_mask);
    (void) sigdelset(&loop_mask, SIGTERM);
    (void) sigdelset(&loop_mask, SIGINT);
}


/* once: from here on nothing may keep it for long */
static void
loop_leave(relay_t *r)
{
    if (!r->stop) {
        r->stop = true;
        (void) signal(SIGALRM, SIG_DFL);
        (void) alarm(LOOP_LAST_WORD);
    }
}


/* Waits for what may come: a word of who holds us, a signal, the broker. */
static void
loop_wait(relay_t *r, int fd, int64_t ms)
{
    struct pollfd   fds[2] = { { .fd = r->options.held ? 0 : -1, POLLIN, 0 },
                               { .fd = fd, POLLIN, 0 } };
    struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
    char            words[256];
    ssize_t         n;

    if (r->stop) {
        fds[0].fd = -1;
    }
    if (ppoll(fds, 2, ms < 0 ? NULL : &time, &loop_mask) > 0
        && fds[0].revents != 0) {
        n = read(0, words, sizeof(words));
        r->woken = r->woken || n > 0;
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
            loop_leave(r);
        }
    }
    if (loop_signal != 0) {
        loop_leave(r);
    }
}


static void
loop_rest(relay_t *r, int64_t ms)
{
    int64_t end = relay_now() + ms, left;

    while (!r->stop && (left = end - relay_now()) > 0) {
        loop_wait(r, -1, left);
    }
}


/* Half of it up to all of it, so that two do not come at the same time. */
static int64_t
loop_jitter(int64_t ms)
{
    return ms / 2 + random() % (ms / 2 + 1);
}


/* the cursor over what is settled, not more often than is worth a flush */
static relay_rc_t
session_move(relay_t *r, session_t *s, bool now)
{
    if (r->window.settled == r->moved
        || (!now && r->window.count > 0 && relay_now() - s->moved < LOOP_MOVE))
    {
        return RELAY_OK;
    }
    s->moved = relay_now();
    return relay_log_move(r, r->window.settled);
}


static relay_rc_t
session_publish(relay_t *r)
{
    relay_event_t event;
    relay_rc_t    rc = RELAY_OK;

    while (rc == RELAY_OK && !r->paused && !relay_window_full(&r->window)
           && relay_log_next(r, &event))
    {
        rc = r->broker->publish(r, &event, relay_window_next(&r->window));
        if (rc == RELAY_OK) {
            relay_window_push(&r->window, event.pos);
            r->counts.published++;
            r->next++;
        }
    }
    return rc == RELAY_FULL ? RELAY_OK : rc;
}


/* Looks when there is room and a reason; each RELAY_POLL in any case, lest the
 * server take us for dead. */
static relay_rc_t
session_read(relay_t *r, session_t *s)
{
    relay_event_t event;
    int64_t       since = relay_now() - s->looked;
    bool          hungry = !relay_log_next(r, &event);

    if (!hungry && since < RELAY_POLL) {
        return RELAY_OK;
    }
    if (hungry && !r->behind && !r->woken && since < RELAY_POLL) {
        return RELAY_OK;
    }
    s->looked = relay_now();
    if (!hungry) {
        return relay_log_place(r);
    }
    r->woken = false;
    return relay_log_read(r);
}


static void
session_says(relay_t *r, session_t *s)
{
    if (r->counts.confirmed != r->said.confirmed
        && relay_now() - s->said >= LOOP_SAYS)
    {
        s->said = relay_now();
        relay_log_says(r, false);
    }
}


/* how long until there is something to do, if nobody says a word */
static int64_t
session_patience(relay_t *r, session_t *s)
{
    relay_event_t event;
    int64_t       ms = RELAY_POLL - (relay_now() - s->looked);

    if (!relay_window_full(&r->window) && !r->paused && r->behind
        && !relay_log_next(r, &event))
    {
        return 0;
    }
    if (r->broker->patience(r) < ms) {
        ms = r->broker->patience(r);
    }
    if (r->window.settled != r->moved) {
        ms = ms < LOOP_MOVE ? ms : LOOP_MOVE;
    }
    return ms > 0 ? ms : 0;
}


static relay_rc_t
session_turn(relay_t *r, session_t *s)
{
    relay_rc_t rc = r->broker->serve(r);

    if (rc == RELAY_OK) {
        rc = session_move(r, s, false);
    }
    if (rc == RELAY_OK && !r->stop) {
        rc = session_read(r, s);
        if (rc == RELAY_OK) {
            rc = session_publish(r);
        }
    }
    if (rc != RELAY_OK) {
        return rc;
    }
    session_says(r, s);
    loop_wait(r, r->broker->fd(r),
              r->stop ? LOOP_LAST : session_patience(r, s));
    return RELAY_OK;
}


/* Until a fault; told to stop, it waits for what is under way. */
static relay_rc_t
session_run(relay_t *r)
{
    session_t  s = { .said = relay_now() };
    relay_rc_t rc;

    rc = relay_log_open(r);
    if (rc == RELAY_OK) {
        relay_window_reset(&r->window, r->moved);
        rc = r->broker->open(r);
    }
    if (rc == RELAY_OK) {
        relay_say(r, RELAY_NOTICE, "goes on behind %lld", (long long) r->moved);
        relay_log_says(r, false);
    }
    while (rc == RELAY_OK && !(r->stop && r->window.count == 0)) {
        if (r->stop && s.leave == 0) {
            s.leave = relay_now() + RELAY_FAREWELL;
        }
        if (s.leave != 0 && relay_now() > s.leave) {
            break;
        }
        rc = session_turn(r, &s);
    }
    if (rc != RELAY_FENCED && r->db != NULL) {
        /* what was confirmed need not be sent again */
        if (PQstatus(r->db) == CONNECTION_OK
            && session_move(r, &s, true) == RELAY_OK) {
            relay_log_says(r, rc != RELAY_OK);
        }
    }
    return rc;
}


static void
session_end(relay_t *r)
{
    if (r->link != NULL) {
        r->broker->close(r);
    }
    relay_log_close(r);
}


int
relay_run(relay_t *r)
{
    int64_t    pause = LOOP_PAUSE;
    uint64_t   confirmed;
    relay_rc_t rc = RELAY_OK;

    loop_signals();
    srandom((unsigned) getpid() ^ (unsigned) relay_now());
    while (!r->stop) {
        confirmed = r->counts.confirmed;
        rc = session_run(r);
        session_end(r);
        if (rc == RELAY_OK || r->stop) {
            break;
        }
        if (rc == RELAY_FENCED) {
            /* another one is at work, or an operator moved us */
            loop_rest(r, 1000 + random() % 1000);
            continue;
        }
        pause = r->counts.confirmed != confirmed ? LOOP_PAUSE : pause;
        if (rc == RELAY_FATAL) {
            relay_say(r, RELAY_ERROR, "%s", r->why);
            break;
        }
        relay_say(r, RELAY_ERROR, "%s; again in %lld s at most", r->why,
                  (long long) (pause + 999) / 1000);
        loop_rest(r, loop_jitter(pause));
        pause = pause * 2 < LOOP_LONGEST ? pause * 2 : LOOP_LONGEST;
    }
    return rc == RELAY_FATAL ? 1 : 0;
}
