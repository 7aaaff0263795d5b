/*
 * simulate.h: what the files of `voltgate simulate` share.
 *
 * Times are microseconds: of CLOCK_MONOTONIC, unless a name says wall. What
 * is drawn by lot comes from the seed and the charge point's name alone, so
 * one seed gives one story however the machine is loaded.
 */

#ifndef VG_CLI_SIMULATE_H
#define VG_CLI_SIMULATE_H

#include "api.h"
#include "socket.h"
#include "vg_json.h"

#define NEVER  INT64_MAX
#define SECOND INT64_C(1000000)

typedef struct station_s station_t;

/* ------------------------------------------------------------------- dice */

/* Integers alone: a float would draw another lot on another machine. */
uint64_t dice_seed(uint64_t seed, const char *name);
/* 0 to below - 1; below 0 or less: 0 */
int64_t dice_below(uint64_t *dice, int64_t below);
/* about Gaussian, and within 6 sigma */
int64_t dice_normal(uint64_t *dice, int64_t mean, int64_t sigma);


/* --------------------------------------------------------------- schedule */

/* All charge points, the one that is due next first: a binary heap. */
typedef struct {
    station_t **heap;
    size_t      count;
} schedule_t;

int  schedule_open(schedule_t *schedule, size_t count); /* 1: no memory   */
void schedule_add(schedule_t *schedule, station_t *st);
/* st->due was changed */
void schedule_move(schedule_t *schedule, station_t *st);
void schedule_close(schedule_t *schedule);


/* ------------------------------------------------------------------ steps */

typedef enum {
    STEP_BOOT,
    STEP_AVAILABLE,
    STEP_PREPARING,
    STEP_REMOTE, /* says nothing: waits for RemoteStartTransaction        */
    STEP_AUTHORIZE,
    STEP_START,
    STEP_CHARGING,
    STEP_METER,
    STEP_FAULT,
    STEP_FINISHING,
    STEP_STOP,
    STEP_FREE,
    STEP_END, /* says nothing: closes                                     */
    STEP_HEARTBEAT,
    STEP_STATUS,
    STEP_DIAGNOSTICS,
    STEP_FIRMWARE,
    STEPS,
} step_t;

/* the OCPP name of what a step says; NULL: it says nothing */
const char *step_action(step_t step);


/* ---------------------------------------------------------------- figures */

/* Latencies in buckets of 1/64 of their power of two: percentiles are at most
 * 1.6 % too high. */
#define FIGURES_FINE    6
#define FIGURES_BUCKETS ((64 - FIGURES_FINE + 1) << FIGURES_FINE)

typedef struct {
    uint64_t count;
    uint64_t bucket[FIGURES_BUCKETS];
} latency_t;

typedef struct {
    uint64_t  answered; /* CALLs of the gateway that we answered          */
    uint64_t  errors;
    uint64_t  sessions;
    uint64_t  faults;      /* that were played                            */
    int64_t   first, last; /* first CALL sent, last answer received       */
    latency_t all;         /* CALLs of ours that were answered            */
    latency_t window;      /* those since the last line of progress       */
    latency_t step[STEPS];
} figures_t;

void    figures_latency(figures_t *figures, step_t said, int64_t us);
int64_t figures_percentile(const latency_t *latency, unsigned percent);
void    figures_table(const figures_t *figures);
void    figures_print(const figures_t *figures);


/* ------------------------------------------------------------- simulation */

/* what a reading holds; energy always */
#define MEASURE_POWER       1U
#define MEASURE_VOLTAGE     2U
#define MEASURE_CURRENT     4U
#define MEASURE_TEMPERATURE 8U
#define MEASURE_SOC         16U

typedef struct script_line_s script_line_t;

typedef struct {
    const char          *id_tag;
    const script_line_t *script;       /* NULL: sessions, one after another */
    int64_t              meter_values; /* a session                       */
    int64_t              interval;     /* s between them; 0: at once      */
    int64_t              power_w;
    int64_t              spread;   /* percent: sigma of power and length  */
    int64_t              faults;   /* percent of sessions that meet one   */
    int64_t              pause;    /* s between two sessions, about       */
    int64_t              history;  /* s: clocks begin so long ago         */
    int64_t              speed;    /* of such clocks; 0: as answers come  */
    int64_t              delay_ms; /* before the gateway is answered      */
    int64_t              ramp_ms;  /* until the last one connects         */
    unsigned             measures;
    bool                 once;   /* one session each, then the end        */
    bool                 remote; /* sessions are begun by the gateway     */
    bool                 talks;  /* a line for each thing that happens    */
} habits_t;

typedef struct {
    habits_t       habits;
    cli_endpoint_t to;
    figures_t      figures;
    schedule_t     schedule;
    uint64_t       seed;
    int64_t        now; /* of this turn of the loop                       */
    int64_t        began;
    size_t         running;
    size_t         connected;
    size_t         charging;
    size_t         unbooted; /* since that_moment, which is worth a line  */
    int64_t        that_moment;
    bool           stopping; /* no new sessions, end those that are       */
} simulation_t;

/* CLOCK_MONOTONIC; also kept as sim->now */
int64_t simulation_clock(simulation_t *sim);


/* ---------------------------------------------------------------- station */

struct station_s {
    simulation_t *sim;
    char         *identity;
    const char   *password;
    char         *made; /* for it, or NULL: password is not its own        */
    cli_socket_t  socket;
    size_t        place; /* in the schedule                               */
    int64_t       due;   /* when it acts next, or gives up waiting        */
    uint64_t      dice;  /* of what it does                               */
    uint64_t      luck;  /* of when it connects: that is not of the story */
    bool          gone;
    bool          online;
    bool          unbooted;
    bool          cut; /* its connection, on purpose                      */

    step_t   step;    /* that comes next, or is under way                 */
    unsigned asides;  /* a bit a step: to be said in between              */
    bool     aside;   /* what is under way is one of them                 */
    bool     leaving; /* has said goodbye                                 */
    char    *payload; /* of the CALL that waits for its answer, or NULL   */
    step_t   said;    /* which it is                                      */
    int64_t  said_at;
    uint64_t message;  /* number of the last CALL                         */
    char    *reply;    /* to the gateway's CALL, that waits for reply_at  */
    int64_t  reply_at; /* NEVER: there is none                            */
    size_t   line;     /* of the script                                   */

    int         connectors; /* one of them is used at a time              */
    int         connector;
    const char *status;    /* ChargePointStatus                           */
    const char *error;     /* ChargePointErrorCode                        */
    int64_t     heartbeat; /* us; 0: none                                 */
    int64_t     heartbeat_at;
    int64_t     interval; /* s between readings                           */
    int64_t     pause;    /* us before it connects again                  */
    int64_t     rest_at;  /* until then nothing begins                    */

    char        own_tag[21];
    char        tag[21];     /* of this session                           */
    const char *stop_reason; /* NULL: not asked to stop                   */
    bool        reboot;      /* when the session is over                  */
    bool        inoperative;
    int64_t     sessions;
    int64_t     transaction; /* 0: none                                   */
    int64_t     readings;
    int64_t     readings_max; /* of this session; 0: no end               */
    int64_t     fault_after;  /* readings; -1: none                       */
    int64_t     meter_at;

    int64_t register_wh;
    int64_t register_ws; /* below one Wh                                  */
    int64_t power_max;   /* W, of its connectors                          */
    int64_t power_w;     /* drawn at present                              */
    int64_t limit_w;     /* by SetChargingProfile; -1: none               */
    int64_t soc_wh;      /* in the battery                                */
    int64_t lag;         /* us that its clock is behind                   */
    int64_t wall_ms;     /* last timestamp: each is later than the last   */

    int64_t  reservation; /* 0: none                                      */
    char     reserved_tag[21];
    int64_t  reserved_until; /* when it runs out                          */
    int64_t  list_version;   /* of the local list                         */
    unsigned progress; /* of an upload or an update: what was told        */
};

/* sim, identity and password are given; begins at `at` */
void station_begin(station_t *st, int64_t at);
/* st->due has come */
void station_due(station_t *st);
/* ends its session, then goes */
void station_stop(station_t *st, const char *reason);
/* Its connection breaks, and it comes back as chargers do. power: as if that
 * had failed, so it comes at once, and boots. */
void station_cut(station_t *st, bool power);
/* what comes next, between two CALLs */
void station_next(station_t *st);
void station_booted(station_t *st);
void station_free(station_t *st);

/* sets when to look again; NEVER: no more */
void station_wait(station_t *st, int64_t until);
bool station_charges(const station_t *st);

/* gives up what it does; the connection is closed in good manners */
void station_fail(station_t *st, const char *what, const char *detail);
/* counts it, and tells it to stderr; detail may be empty */
void station_error(station_t *st, const char *what, const char *detail);
void station_tell(const station_t *st, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


/* ---------------------------------------------------------------- session */

/* The next of the idle and of the reading steps, and what a session is given
 * by lot when it begins. */
step_t session_idle(station_t *st);
step_t session_meter(station_t *st);
void   session_draw(station_t *st);
void   session_clear(station_t *st);
/* whether what comes next has to wait, and until when it does at most */
bool    session_holds(const station_t *st);
int64_t session_waits(const station_t *st);
/* between two sessions: the next connector's turn, after a rest */
void session_rest(station_t *st);


/* ---------------------------------------------------------------- message */

/* what the gateway sent */
void message_received(station_t *st, const char *text, size_t len);
/* sends the reply whose time has come */
void message_reply(station_t *st);


/* ------------------------------------------------------------------ meter */

/* When seconds of its clock will be over. A clock that is behind gains. */
int64_t meter_after(station_t *st, int64_t since, int64_t seconds);

/* Each later than the last, so that no reading is taken for another. */
vg_str_t meter_timestamp(station_t *st, vg_pool_t *pool);

/* what was drawn since the last reading: the register moves on */
void meter_draw(station_t *st);

/* the members transactionId and meterValue */
void meter_write(station_t *st, vg_out_t *out);


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

/* false: there is no such member, or it is no integer of 18 digits */
bool says_int(const vg_json_t *node, const char *name, int64_t *value);


/* ----------------------------------------------------------------- remote */

/* What the gateway's CALL is answered with; data NULL: NotImplemented. */
vg_str_t remote_answer(station_t *st, vg_pool_t *pool, vg_str_t action,
                       const vg_json_t *payload);

/* settings.c, profile.c */
vg_str_t remote_settings(station_t *st, vg_pool_t *pool,
                         const vg_json_t *payload);
vg_str_t remote_change(station_t *st, vg_pool_t *pool,
                       const vg_json_t *payload);
vg_str_t remote_reserve(station_t *st, vg_pool_t *pool,
                        const vg_json_t *payload);
vg_str_t remote_cancel(station_t *st, vg_pool_t *pool,
                       const vg_json_t *payload);
vg_str_t remote_profile(station_t *st, vg_pool_t *pool,
                        const vg_json_t *payload);
vg_str_t remote_unprofile(station_t *st, vg_pool_t *pool,
                          const vg_json_t *payload);
vg_str_t remote_schedule(station_t *st, vg_pool_t *pool,
                         const vg_json_t *payload);

#define REMOTE_STATUS(word) VG_STR("{\"status\":\"" word "\"}")

/* The reservation is over: used, cancelled, or too old. */
void reserve_clear(station_t *st);


/* ----------------------------------------------------------------- script */

struct script_line_s {
    enum {
        SCRIPT_SAY,
        SCRIPT_STATUS,
        SCRIPT_STOP,
        SCRIPT_METER,
        SCRIPT_WAIT,
        SCRIPT_POWER,
        SCRIPT_CUT,
        SCRIPT_AGAIN,
        SCRIPT_END,
    } verb;
    step_t      step;
    int64_t     number;
    const char *word, *more;
};

/* text is cut into pieces that the lines point to; NULL: reported */
script_line_t *script_read(const char *path, char *text);
/* says what its line wants, or waits */
void script_next(station_t *st);
/* what was said last is answered */
void script_answered(station_t *st);


/* ---------------------------------------------------------------- options */

typedef struct {
    const char *url;
    const char *ca;
    const char *charge_points; /* by commas                              */
    const char *prefix;        /* or P0001 to P<count>                   */
    const char *password_file;
    const char *key_file; /* of the API; needed for registered           */
    const char *api;      /* its URL; by default made of url             */
    const char *script_file;
    bool        registered;
    int64_t     count, seed;
    bool        seeded;
} choice_t;

/* 0, or the exit status: what is wrong was told */
int options_read(int argc, char **argv, choice_t *choice, habits_t *habits);


/* ------------------------------------------------------------------ fleet */

/* the password file: lines ID:PASSWORD, cut into ID NUL PASSWORD NUL */
typedef struct {
    char  *text;
    size_t count;
} passwords_t;

int         passwords_read(passwords_t *passwords, const char *path);
const char *passwords_find(const passwords_t *passwords, const char *identity,
                           bool others);

typedef struct {
    station_t  *stations;
    size_t      count, size;
    passwords_t passwords;
} fleet_t;

/* all charge points that the choice names; 1: reported */
int fleet_make(fleet_t *fleet, simulation_t *sim, const choice_t *choice);
/* those that the API knows; gives a password to those that have none */
int fleet_registered(fleet_t *fleet, simulation_t *sim, const choice_t *choice);
/* identity is taken over, also when it fails; NULL: reported */
station_t *fleet_add(fleet_t *fleet, simulation_t *sim, char *identity,
                     const char *password, const char *number);
void       fleet_free(fleet_t *fleet);

#endif /* VG_CLI_SIMULATE_H */
