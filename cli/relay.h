/*
 * relay.h: what the files of `voltgate relay` share.
 *
 * A session is one connection to the log and one to the broker. Whatever goes
 * wrong ends the session; the next one begins where the cursor stands, so an
 * event may be sent twice and is never left out.
 */

#ifndef VG_RELAY_H
#define VG_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "relay_window.h"

typedef enum {
    RELAY_OK,
    RELAY_FULL,   /* nothing was taken: serve, then again                  */
    RELAY_FENCED, /* another one stands, or has moved, where this one was  */
    RELAY_FAULT,  /* the session is over; why says what it was             */
    RELAY_FATAL,  /* ... and the process with it                           */
} relay_rc_t;

/* one event of the log; the strings live until the next read */
typedef struct {
    int64_t     pos;
    int64_t     at_ms; /* since 1970                                      */
    const char *id, *type, *aggregate, *correlation;
    const char *body;
    size_t      body_len;
} relay_event_t;

typedef struct {
    const char *database; /* a conninfo; user vg_relay is put in           */
    const char *address;
    const char *name; /* of the cursor: relay:NAME                        */
    const char *password_file, *ca, *user, *sasl;
    const char *from;
    const char *log;    /* of which database, by its name in the conf         */
    unsigned    window; /* events that may be unconfirmed                 */
    bool        tls;
    bool        held; /* by standard input: its end is ours               */
} relay_options_t;

typedef struct {
    uint64_t published, confirmed, returned, refused;
} relay_counts_t;

typedef struct relay_s        relay_t;
typedef struct relay_broker_s relay_broker_t;

struct relay_s {
    relay_options_t       options;
    const relay_broker_t *broker;
    void                 *link;       /* the broker's own                 */
    char                  cursor[48]; /* relay:NAME                       */
    relay_window_t        window;
    relay_counts_t        counts, said;

    PGconn   *db;
    PGresult *rows; /* what was read; next is the first not published      */
    int       next;
    int64_t   read;      /* the last position that was read                  */
    char      since[40]; /* ... and when it came into the log              */
    int64_t   moved;     /* where the cursor stands                          */
    bool      paused;
    bool      behind; /* the last read was full: there is more             */

    bool stop;
    bool woken;
    char why[256];
};

/* One kind of broker. open to close is one session; none of them waits longer
 * than RELAY_PATIENCE. */
struct relay_broker_s {
    const char *kind;
    unsigned    window;
    relay_rc_t (*open)(relay_t *r);
    relay_rc_t (*publish)(relay_t *r, const relay_event_t *event, uint64_t tag);
    /* what has come in, without waiting: settles the window */
    relay_rc_t (*serve)(relay_t *r);
    int (*fd)(relay_t *r); /* readable: serve; -1: none                      */
    /* ms until it wants to serve in any case */
    int64_t (*patience)(relay_t *r);
    void (*close)(relay_t *r);
};

extern const relay_broker_t relay_rabbitmq, relay_kafka;

#define RELAY_PATIENCE 10   /* s: to connect, for an answer               */
#define RELAY_FAREWELL 5000 /* ms: for confirms, when it is to end        */
#define RELAY_BATCH    500  /* events of one read                         */
#define RELAY_POLL     1000 /* ms between two looks, unless woken         */

/* relay_loop.c: sessions until it is to stop; the exit status */
int relay_run(relay_t *r);

/* relay_log.c: the log of events, and our place in it */
relay_rc_t relay_log_open(relay_t *r);
/* the next RELAY_BATCH into rows; or the place alone. Both see whether somebody
 * moved us. */
relay_rc_t relay_log_read(relay_t *r);
relay_rc_t relay_log_place(relay_t *r);
bool       relay_log_next(relay_t *r, relay_event_t *event);
relay_rc_t relay_log_move(relay_t *r, int64_t to);
/* counts, and why if error; what fails here is no loss */
void relay_log_says(relay_t *r, bool error);
void relay_log_close(relay_t *r);

/* relay.c */
typedef enum {
    RELAY_ERROR = 3,
    RELAY_WARNING = 4,
    RELAY_NOTICE = 5
} relay_level_t;
void relay_say(const relay_t *r, relay_level_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
relay_rc_t relay_fault(relay_t *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* the first line of the password file, from malloc; NULL: said why */
char   *relay_password(relay_t *r);
int64_t relay_now(void); /* ms, of a clock that only goes on             */

#endif /* VG_RELAY_H */
