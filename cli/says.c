/*
 * says.c: what a simulated charge point says, OCPP 1.6, and what it makes of
 * the answers. One row of the table is one CALL.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "simulate.h"

/* what a reading stands for when readings follow each other at once */
#define READING_SECONDS 60

static void write_boot(station_t *st, vg_out_t *out);
static void write_status(station_t *st, vg_out_t *out);
static void write_tag(station_t *st, vg_out_t *out);
static void write_start(station_t *st, vg_out_t *out);
static void write_meter(station_t *st, vg_out_t *out);
static void write_stop(station_t *st, vg_out_t *out);

static const char *read_boot(station_t *st, const vg_json_t *answer);
static const char *read_tag(station_t *st, const vg_json_t *answer);
static const char *read_start(station_t *st, const vg_json_t *answer);
static const char *read_charging(station_t *st, const vg_json_t *answer);
static const char *read_meter(station_t *st, const vg_json_t *answer);
static const char *read_stop(station_t *st, const vg_json_t *answer);

/* clang-format off */

static const struct {
    const char *action;
    void      (*write)(station_t *st, vg_out_t *out); /* NULL: {}         */
    /* NULL: all is well; else what is wrong */
    const char *(*read)(station_t *st, const vg_json_t *answer);
    const char *status; /* that the charge point is in from here on       */
    step_t      next;
} steps[STEPS] = {
    [STEP_BOOT] =
        { "BootNotification", write_boot, read_boot, NULL, STEP_AVAILABLE },
    [STEP_AVAILABLE] =
        { "StatusNotification", write_status, NULL, "Available",
          STEP_PREPARING },
    [STEP_PREPARING] =
        { "StatusNotification", write_status, NULL, "Preparing",
          STEP_REMOTE },
    [STEP_AUTHORIZE] =
        { "Authorize", write_tag, read_tag, NULL, STEP_START },
    [STEP_START] =
        { "StartTransaction", write_start, read_start, NULL, STEP_CHARGING },
    [STEP_CHARGING] =
        { "StatusNotification", write_status, read_charging, "Charging",
          STEP_METER },
    [STEP_METER] =
        { "MeterValues", write_meter, read_meter, NULL, STEP_METER },
    [STEP_FINISHING] =
        { "StatusNotification", write_status, NULL, "Finishing", STEP_STOP },
    [STEP_STOP] =
        { "StopTransaction", write_stop, read_stop, NULL, STEP_FREE },
    [STEP_FREE] =
        { "StatusNotification", write_status, NULL, "Available",
          STEP_PREPARING },
    [STEP_HEARTBEAT] = { "Heartbeat", NULL, NULL, NULL, STEP_HEARTBEAT },
    [STEP_STATUS] =
        { "StatusNotification", write_status, NULL, NULL, STEP_STATUS },
};

/* clang-format on */


/* ---------------------------------------------------------------- sending */

void
station_send(station_t *st)
{
    figures_t *figures = &st->sim->figures;
    char      *text = NULL;
    int        len;

    st->message++;
    len = asprintf(&text, "[2,\"%" PRIu64 "\",\"%s\",%s]", st->message,
                   steps[st->said].action, st->payload);
    st->said_at = simulation_clock(st->sim);
    if (figures->first == 0) {
        figures->first = figures->last = st->said_at;
    }
    /* one that cannot be sent is found out like one that is lost */
    if (len > 0) {
        (void) cli_socket_send(&st->socket, text, (size_t) len);
        free(text);
    }
    station_wait(st, st->said_at + ANSWER_MAX);
}


void
station_say(station_t *st, step_t step, bool aside)
{
    vg_pool_t *pool = vg_arena_create();
    vg_out_t   out;
    vg_str_t   text = { NULL, 0 };

    if (steps[step].status != NULL) {
        st->status = steps[step].status;
        if (st->inoperative && step == STEP_FREE) {
            st->status = "Unavailable";
        }
    }
    if (pool != NULL) {
        vg_out_init(&out, pool);
        vg_out_open(&out, '{');
        if (steps[step].write != NULL) {
            steps[step].write(st, &out);
        }
        vg_out_close(&out, '}');
        text = vg_out_str(&out);
    }
    st->said = step;
    st->aside = aside;
    st->payload = strndup(text.data != NULL ? text.data : "{}", text.len);
    vg_arena_destroy(pool);
    if (st->payload != NULL) {
        station_send(st);
    }
}


const char *
station_hear(station_t *st, step_t said, const vg_json_t *answer)
{
    if (!st->aside) {
        st->step = steps[said].next;
    }
    if (steps[said].read == NULL || (st->aside && said != STEP_BOOT)) {
        return NULL;
    }
    return steps[said].read(st, answer);
}


/* ------------------------------------------------------------------ values */

/* Each later than the last, so that no reading is taken for another. */
static vg_str_t
timestamp(station_t *st, vg_pool_t *pool)
{
    struct timespec now;
    struct tm       tm;
    time_t          seconds;
    char            text[sizeof("2026-11-20T10:30:00")] = "";
    int64_t         ms;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    ms = (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
    st->wall_ms = ms > st->wall_ms ? ms : st->wall_ms + 1;
    seconds = (time_t) (st->wall_ms / 1000);
    if (gmtime_r(&seconds, &tm) != NULL) {
        (void) strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    }
    return vg_printf(pool, "%s.%03dZ", text, (int) (st->wall_ms % 1000));
}


static void
put_int(vg_out_t *out, const char *key, int64_t value)
{
    vg_out_key(out, key);
    vg_out_int(out, value);
}


/* false: there is no such member, or it is no integer of 18 digits */
static bool
get_int(const vg_json_t *node, const char *name, int64_t *value)
{
    vg_str_t text = vg_json_text(node, name);
    char     digits[20] = "";
    char    *end;

    if (text.data == NULL || text.len == 0 || text.len >= sizeof(digits) - 1) {
        return false;
    }
    memcpy(digits, text.data, text.len);
    *value = strtoll(digits, &end, 10);
    return *end == '\0';
}


static bool
tag_accepted(const vg_json_t *answer)
{
    return vg_str_eq(vg_json_text(vg_json_get(answer, "idTagInfo"), "status"),
                     "Accepted");
}


/* ---------------------------------------------------------------- payloads */

static void
write_boot(station_t *st, vg_out_t *out)
{
    vg_str_t serial = vg_str(st->identity);

    serial.len = serial.len < 25 ? serial.len : 25; /* OCPP 1.6, 6.5 */
    vg_out_member(out, "chargePointVendor", VG_STR("Voltgate"));
    vg_out_member(out, "chargePointModel", VG_STR("Simulator"));
    vg_out_member(out, "chargePointSerialNumber", serial);
}


static void
write_status(station_t *st, vg_out_t *out)
{
    put_int(out, "connectorId", 1);
    vg_out_member(out, "status", vg_str(st->status));
    vg_out_member(out, "errorCode", VG_STR("NoError"));
    vg_out_member(out, "timestamp", timestamp(st, out->pool));
}


static void
write_tag(station_t *st, vg_out_t *out)
{
    vg_out_member(out, "idTag", vg_str(st->tag));
}


static void
write_start(station_t *st, vg_out_t *out)
{
    put_int(out, "connectorId", 1);
    write_tag(st, out);
    put_int(out, "meterStart", st->register_wh);
    vg_out_member(out, "timestamp", timestamp(st, out->pool));
}


static void
put_sample(vg_out_t *out, int64_t value, const char *measurand,
           const char *unit)
{
    vg_out_open(out, '{');
    vg_out_member(out, "value", vg_printf(out->pool, "%" PRId64, value));
    vg_out_member(out, "context", VG_STR("Sample.Periodic"));
    vg_out_member(out, "measurand", vg_str(measurand));
    vg_out_member(out, "unit", vg_str(unit));
    vg_out_close(out, '}');
}


/* The register has moved on since the last reading, in whole Wh; what is less
 * is kept, as watt-seconds. */
static void
write_meter(station_t *st, vg_out_t *out)
{
    const habits_t *habits = &st->sim->habits;
    bool            charges = st->step == STEP_METER;
    int64_t seconds = habits->interval > 0 ? habits->interval : READING_SECONDS;

    if (!st->aside) {
        st->register_ws += habits->power_w * seconds;
        st->register_wh += st->register_ws / 3600;
        st->register_ws %= 3600;
    }
    put_int(out, "connectorId", 1);
    if (st->transaction != 0) {
        put_int(out, "transactionId", st->transaction);
    }
    vg_out_key(out, "meterValue");
    vg_out_open(out, '[');
    vg_out_open(out, '{');
    vg_out_member(out, "timestamp", timestamp(st, out->pool));
    vg_out_key(out, "sampledValue");
    vg_out_open(out, '[');
    put_sample(out, st->register_wh, "Energy.Active.Import.Register", "Wh");
    put_sample(out, charges ? habits->power_w : 0, "Power.Active.Import", "W");
    vg_out_close(out, ']');
    vg_out_close(out, '}');
    vg_out_close(out, ']');
}


static void
write_stop(station_t *st, vg_out_t *out)
{
    put_int(out, "transactionId", st->transaction);
    if (st->stop_reason == NULL || strcmp(st->stop_reason, "Local") == 0) {
        write_tag(st, out);
    }
    put_int(out, "meterStop", st->register_wh);
    vg_out_member(out, "timestamp", timestamp(st, out->pool));
    vg_out_member(out, "reason",
                  vg_str(st->stop_reason != NULL ? st->stop_reason : "Local"));
}


/* ----------------------------------------------------------------- answers */

static const char *
read_boot(station_t *st, const vg_json_t *answer)
{
    int64_t interval = 0;

    if (!vg_str_eq(vg_json_text(answer, "status"), "Accepted")) {
        return "is not accepted";
    }
    if (get_int(answer, "interval", &interval) && interval > 0
        && interval < INT32_MAX)
    {
        st->heartbeat = interval * SECOND;
        st->heartbeat_at = st->sim->now + st->heartbeat;
    }
    return NULL;
}


static const char *
read_tag(station_t *st, const vg_json_t *answer)
{
    (void) st;
    return tag_accepted(answer) ? NULL : "is not given leave to charge";
}


/* Refused or not, there is a transaction now, and it has to be stopped. */
static const char *
read_start(station_t *st, const vg_json_t *answer)
{
    if (!get_int(answer, "transactionId", &st->transaction)
        || st->transaction <= 0) {
        st->transaction = 0;
        return "got no transactionId";
    }
    station_tell(st, "begins transaction %" PRId64 " at %" PRId64 " Wh",
                 st->transaction, st->register_wh);
    if (!tag_accepted(answer)) {
        station_error(st, "may not charge", "StartTransaction was refused");
        st->stop_reason = "DeAuthorized";
        st->step = STEP_FINISHING;
    }
    return NULL;
}


static const char *
read_charging(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    st->meter_at = st->sim->now + st->sim->habits.interval * SECOND;
    return NULL;
}


static const char *
read_meter(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    st->readings++;
    st->meter_at += st->sim->habits.interval * SECOND;
    if (st->sim->habits.interval > 0) {
        station_tell(st, "has drawn up to %" PRId64 " Wh", st->register_wh);
    }
    return NULL;
}


static const char *
read_stop(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    st->sessions++;
    st->sim->figures.sessions++;
    station_tell(st, "ends transaction %" PRId64 " at %" PRId64 " Wh",
                 st->transaction, st->register_wh);
    return NULL;
}
