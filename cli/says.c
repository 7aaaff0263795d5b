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

static void write_boot(station_t *st, vg_out_t *out);
static void write_status(station_t *st, vg_out_t *out);
static void write_tag(station_t *st, vg_out_t *out);
static void write_start(station_t *st, vg_out_t *out);
static void write_meter(station_t *st, vg_out_t *out);
static void write_stop(station_t *st, vg_out_t *out);
static void write_diagnostics(station_t *st, vg_out_t *out);
static void write_firmware(station_t *st, vg_out_t *out);

static const char *read_boot(station_t *st, const vg_json_t *answer);
static const char *read_available(station_t *st, const vg_json_t *answer);
static const char *read_tag(station_t *st, const vg_json_t *answer);
static const char *read_start(station_t *st, const vg_json_t *answer);
static const char *read_charging(station_t *st, const vg_json_t *answer);
static const char *read_meter(station_t *st, const vg_json_t *answer);
static const char *read_stop(station_t *st, const vg_json_t *answer);
static const char *read_free(station_t *st, const vg_json_t *answer);
static const char *read_diagnostics(station_t *st, const vg_json_t *answer);
static const char *read_firmware(station_t *st, const vg_json_t *answer);

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
        { "StatusNotification", write_status, read_available, "Available",
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
    [STEP_FAULT] =
        { "StatusNotification", write_status, NULL, "Faulted", STEP_STOP },
    [STEP_FINISHING] =
        { "StatusNotification", write_status, NULL, "Finishing", STEP_STOP },
    [STEP_STOP] =
        { "StopTransaction", write_stop, read_stop, NULL, STEP_FREE },
    [STEP_FREE] =
        { "StatusNotification", write_status, read_free, "Available",
          STEP_PREPARING },
    [STEP_HEARTBEAT] = { "Heartbeat", NULL, NULL, NULL, STEP_HEARTBEAT },
    [STEP_STATUS] =
        { "StatusNotification", write_status, NULL, NULL, STEP_STATUS },
    [STEP_DIAGNOSTICS] =
        { "DiagnosticsStatusNotification", write_diagnostics,
          read_diagnostics, NULL, STEP_DIAGNOSTICS },
    [STEP_FIRMWARE] =
        { "FirmwareStatusNotification", write_firmware, read_firmware, NULL,
          STEP_FIRMWARE },
};

/* clang-format on */


/* ---------------------------------------------------------------- sending */

const char *
step_action(step_t step)
{
    return steps[step].action;
}


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
    const char *wrong;

    /* of what is told in between, these alone lead to something */
    if (st->aside && said != STEP_BOOT && said < STEP_DIAGNOSTICS) {
        return NULL;
    }
    if (!st->aside) {
        st->step = steps[said].next;
    }
    wrong = steps[said].read != NULL ? steps[said].read(st, answer) : NULL;
    if (wrong == NULL && !st->aside && st->sim->habits.script != NULL) {
        script_answered(st);
    }
    return wrong;
}


/* ------------------------------------------------------------------ values */

static void
put_int(vg_out_t *out, const char *key, int64_t value)
{
    vg_out_key(out, key);
    vg_out_int(out, value);
}


bool
says_int(const vg_json_t *node, const char *name, int64_t *value)
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
    put_int(out, "connectorId", st->connector);
    vg_out_member(out, "status", vg_str(st->status));
    vg_out_member(out, "errorCode", vg_str(st->error));
    vg_out_member(out, "timestamp", meter_timestamp(st, out->pool));
}


static void
write_tag(station_t *st, vg_out_t *out)
{
    vg_out_member(out, "idTag", vg_str(st->tag));
}


static void
write_start(station_t *st, vg_out_t *out)
{
    put_int(out, "connectorId", st->connector);
    write_tag(st, out);
    put_int(out, "meterStart", st->register_wh);
    if (st->reservation != 0 && strcmp(st->reserved_tag, st->tag) == 0) {
        put_int(out, "reservationId", st->reservation);
    }
    vg_out_member(out, "timestamp", meter_timestamp(st, out->pool));
}


static void
write_meter(station_t *st, vg_out_t *out)
{
    if (!st->aside) {
        meter_draw(st);
    }
    put_int(out, "connectorId", st->connector);
    meter_write(st, out);
}


static void
write_stop(station_t *st, vg_out_t *out)
{
    put_int(out, "transactionId", st->transaction);
    if (st->stop_reason == NULL || strcmp(st->stop_reason, "Local") == 0) {
        write_tag(st, out);
    }
    put_int(out, "meterStop", st->register_wh);
    vg_out_member(out, "timestamp", meter_timestamp(st, out->pool));
    vg_out_member(out, "reason",
                  vg_str(st->stop_reason != NULL ? st->stop_reason : "Local"));
}


static const char *const diagnostics_words[] = { "Uploading", "Uploaded" };
static const char *const firmware_words[] = { "Downloading", "Downloaded",
                                              "Installing", "Installed" };

#define WORDS(words) (sizeof(words) / sizeof((words)[0]))


static void
write_diagnostics(station_t *st, vg_out_t *out)
{
    vg_out_member(
        out, "status",
        vg_str(diagnostics_words[st->progress % WORDS(diagnostics_words)]));
}


static void
write_firmware(station_t *st, vg_out_t *out)
{
    vg_out_member(out, "status",
                  vg_str(firmware_words[st->progress % WORDS(firmware_words)]));
}


/* ----------------------------------------------------------------- answers */

static const char *
read_boot(station_t *st, const vg_json_t *answer)
{
    int64_t interval = 0;

    if (!vg_str_eq(vg_json_text(answer, "status"), "Accepted")) {
        return "is not accepted";
    }
    if (says_int(answer, "interval", &interval) && interval > 0
        && interval < INT32_MAX)
    {
        st->heartbeat = interval * SECOND;
        st->heartbeat_at = st->sim->now + st->heartbeat;
    }
    if (!st->aside) {
        st->connector = 1;
    }
    station_booted(st);
    return NULL;
}


/* Each connector is told of. */
static const char *
read_available(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    st->connector++;
    if (st->connector <= st->connectors) {
        st->step = STEP_AVAILABLE;
    } else {
        st->connector = 1;
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
    if (!says_int(answer, "transactionId", &st->transaction)
        || st->transaction <= 0)
    {
        st->transaction = 0;
        return "got no transactionId";
    }
    st->sim->charging++;
    session_draw(st);
    if (st->reservation != 0 && strcmp(st->reserved_tag, st->tag) == 0) {
        st->reservation = 0;
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
    st->meter_at = meter_after(st, st->sim->now, st->interval);
    return NULL;
}


static const char *
read_meter(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    st->readings++;
    st->meter_at = meter_after(st, st->meter_at, st->interval);
    if (st->interval > 0 && st->lag == 0) {
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


static const char *
read_free(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    session_clear(st);
    session_rest(st);
    return NULL;
}


/* one word after the other */
static void
read_progress(station_t *st, step_t step, size_t words)
{
    st->progress++;
    if (st->progress < words) {
        st->asides |= 1U << step;
    } else {
        st->progress = 0;
        st->reboot = step == STEP_FIRMWARE;
    }
}


static const char *
read_diagnostics(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    read_progress(st, STEP_DIAGNOSTICS, WORDS(diagnostics_words));
    return NULL;
}


static const char *
read_firmware(station_t *st, const vg_json_t *answer)
{
    (void) answer;
    read_progress(st, STEP_FIRMWARE, WORDS(firmware_words));
    return NULL;
}
