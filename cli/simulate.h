/*
 * simulate.h: what the files of `voltgate simulate` share.
 *
 * Times are microseconds: of CLOCK_MONOTONIC, unless a name says wall.
 */

#ifndef VG_CLI_SIMULATE_H
#define VG_CLI_SIMULATE_H

#include "socket.h"
#include "vg_json.h"

#define NEVER  INT64_MAX
#define SECOND INT64_C(1000000)

/* ---------------------------------------------------------------- figures */

/* Latencies in buckets of 1/64 of their power of two: percentiles are at most
 * 1.6 % too high. */
#define FIGURES_FINE    6
#define FIGURES_BUCKETS ((64 - FIGURES_FINE + 1) << FIGURES_FINE)

typedef struct {
    uint64_t messages; /* CALLs of ours that were answered                */
    uint64_t answered; /* CALLs of the gateway that we answered           */
    uint64_t errors;
    uint64_t sessions;
    int64_t  first, last; /* first CALL sent, last answer received        */
    uint64_t latency[FIGURES_BUCKETS];
} figures_t;

void    figures_latency(figures_t *figures, int64_t us);
int64_t figures_percentile(const figures_t *figures, unsigned percent);
void    figures_print(const figures_t *figures);


/* ------------------------------------------------------------- simulation */

typedef struct {
    const char *id_tag;
    int64_t     meter_values; /* a session                                */
    int64_t     interval;     /* s between them; 0: at once               */
    int64_t     power_w;
    bool        once;   /* one session each, then the end                 */
    bool        remote; /* sessions are begun by the gateway              */
    bool        talks;  /* a line for each thing that happens             */
} habits_t;

typedef struct {
    habits_t       habits;
    cli_endpoint_t to;
    figures_t      figures;
    int64_t        now;      /* of this turn of the loop                  */
    int64_t        next_due; /* of any charge point; may be too early     */
    size_t         running;
    bool           stopping; /* no new sessions, end those that are       */
} simulation_t;

/* CLOCK_MONOTONIC; also kept as sim->now */
int64_t simulation_clock(simulation_t *sim);


/* ---------------------------------------------------------------- station */

typedef enum {
    STEP_BOOT,
    STEP_AVAILABLE,
    STEP_PREPARING,
    STEP_REMOTE, /* says nothing: waits for RemoteStartTransaction        */
    STEP_AUTHORIZE,
    STEP_START,
    STEP_CHARGING,
    STEP_METER,
    STEP_FINISHING,
    STEP_STOP,
    STEP_FREE,
    STEP_END, /* says nothing: closes                                     */
    STEP_HEARTBEAT,
    STEP_STATUS,
    STEPS,
} step_t;

typedef struct {
    simulation_t *sim;
    char         *identity;
    const char   *password;
    cli_socket_t  socket;
    int64_t       due; /* when it acts next, or gives up waiting          */
    bool          gone;

    step_t   step;    /* that comes next, or is under way                  */
    unsigned asides;  /* a bit a step: to be said in between               */
    bool     aside;   /* what is under way is one of them                  */
    bool     leaving; /* has said goodbye                                 */
    char    *payload; /* of the CALL that waits for its answer, or NULL   */
    step_t   said;    /* which it is                                      */
    int64_t  said_at;
    uint64_t message; /* number of the last CALL                          */

    const char *status;    /* ChargePointStatus                              */
    int64_t     heartbeat; /* us; 0: none                                 */
    int64_t     heartbeat_at;
    int64_t     pause; /* us before it connects again                     */

    char        own_tag[21];
    char        tag[21];     /* of this session                           */
    const char *stop_reason; /* NULL: not asked to stop                   */
    bool        reboot;      /* when the session is over                  */
    bool        inoperative;
    int64_t     sessions;
    int64_t     transaction; /* 0: none                                   */
    int64_t     register_wh;
    int64_t     register_ws; /* below one Wh                              */
    int64_t     readings;
    int64_t     meter_at;
    int64_t     wall_ms; /* last timestamp: each is later than the last   */
} station_t;

/* sim, identity and password are given; begins at `at` */
void station_begin(station_t *st, int64_t at);
/* st->due has come */
void station_due(station_t *st);
/* ends its session, then goes */
void station_stop(station_t *st, const char *reason);
void station_free(station_t *st);

/* sets when to look again; NEVER: no more */
void station_wait(station_t *st, int64_t until);
bool station_charges(const station_t *st);

/* counts it, and tells it to stderr; detail may be empty */
void station_error(station_t *st, const char *what, const char *detail);
void station_tell(const station_t *st, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


/* ------------------------------------------------------------------- says */

/* how long an answer may take */
#define ANSWER_MAX (30 * SECOND)

/* Makes the payload of a step's CALL and sends it; aside: in between, so that
 * the answer leads to no next step. */
void station_say(station_t *st, step_t step, bool aside);

/* sends st->payload, for the first time or again */
void station_send(station_t *st);

/* What the answer to `said` leads to. NULL: good; else what is wrong. */
const char *station_hear(station_t *st, step_t said, const vg_json_t *answer);


/* ----------------------------------------------------------------- remote */

/* What the gateway's CALL is answered with; data NULL: NotImplemented. */
vg_str_t remote_answer(station_t *st, vg_pool_t *pool, vg_str_t action,
                       const vg_json_t *payload);

#endif /* VG_CLI_SIMULATE_H */
