/*
 * session.c: when a simulated charge point charges: which session, how long,
 * what befalls it, and what it rests for.
 */

#include <stdio.h>
#include <string.h>

#include "simulate.h"

#define FAULT_SECONDS  60 /* that it stays Faulted                         */
#define FAULT_READINGS 60 /* of an endless session, before it comes        */

/* What goes wrong. NULL: the connection breaks, which chargers outlive. */
static const struct {
    const char *error; /* ChargePointErrorCode of OCPP 1.6                */
    const char *stop;  /* reason of the StopTransaction                   */
} faults[] = {
    { "GroundFailure", "EmergencyStop" }, { "OverCurrentFailure", "Other" },
    { "HighTemperature", "Other" },       { "ConnectorLockFailure", "Other" },
    { "PowerMeterFailure", "Other" },     { NULL, NULL },
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))


/* How many readings, how full the battery is, and whether something goes
 * wrong. */
void
session_draw(station_t *st)
{
    const habits_t *habits = &st->sim->habits;
    int64_t         many = habits->meter_values;
    bool            bad = dice_below(&st->dice, 100) < habits->faults;

    st->soc_wh = dice_normal(&st->dice, 20000, 5000);
    st->soc_wh = st->soc_wh > 0 ? st->soc_wh : 0;
    st->readings_max =
        dice_normal(&st->dice, many, many * habits->spread / 100);
    if (many > 0 && st->readings_max < 1) {
        st->readings_max = 1;
    }
    st->fault_after = dice_below(&st->dice, many > 0 ? many : FAULT_READINGS);
    if (!bad) {
        st->fault_after = -1;
    }
}


void
session_clear(station_t *st)
{
    if (st->transaction != 0) {
        st->sim->charging--;
    }
    st->tag[0] = '\0';
    st->stop_reason = NULL;
    st->transaction = 0;
    st->readings = 0;
    st->fault_after = -1;
    st->power_w = 0;
    st->error = "NoError";
}


void
session_rest(station_t *st)
{
    int64_t pause = st->sim->habits.pause;

    if (!st->sim->habits.remote) {
        st->connector = st->connector % st->connectors + 1;
    }
    pause = pause / 2 + dice_below(&st->dice, pause);
    st->rest_at = meter_after(st, st->sim->now, pause);
}


/* Whether history is all it was to play, and it is played. */
static bool
session_present(const station_t *st)
{
    const habits_t *habits = &st->sim->habits;

    return habits->once && habits->history > 0 && st->lag == 0;
}


static bool
session_enough(const station_t *st)
{
    const habits_t *habits = &st->sim->habits;

    return st->sim->stopping || session_present(st)
           || (habits->once && habits->history == 0 && st->sessions > 0);
}


/* Whether the car that is here may begin: nobody else's place. */
static bool
session_may(const station_t *st)
{
    return st->sim->now >= st->rest_at && !st->inoperative
           && (st->reservation == 0
               || strcmp(st->reserved_tag, st->own_tag) == 0);
}


step_t
session_idle(station_t *st)
{
    if (session_enough(st)) {
        return STEP_END;
    }
    if (st->reboot) {
        st->reboot = false;
        return STEP_BOOT;
    }
    if (st->tag[0] == '\0' && !st->sim->habits.remote && st->step == STEP_REMOTE
        && session_may(st))
    {
        (void) snprintf(st->tag, sizeof(st->tag), "%s", st->own_tag);
    }
    return st->step == STEP_REMOTE && st->tag[0] != '\0' ? STEP_AUTHORIZE
                                                         : st->step;
}


/* A charge point with one connector says Preparing before the gateway begins
 * a session; with several it is not known yet which. */
bool
session_holds(const station_t *st)
{
    bool remote = st->sim->habits.remote && st->connectors > 1;

    switch (st->step) {
    case STEP_PREPARING:
        return st->tag[0] == '\0' && (remote || !session_may(st));
    case STEP_REMOTE:
        return true;
    case STEP_METER:
        return st->sim->now < st->meter_at && st->stop_reason == NULL;
    case STEP_FREE:
        return st->sim->now < st->rest_at && !st->sim->stopping;
    default:
        return false;
    }
}


int64_t
session_waits(const station_t *st)
{
    int64_t until = st->heartbeat_at;

    if (st->step == STEP_METER && st->meter_at < until) {
        until = st->meter_at;
    }
    if (st->step != STEP_METER && st->rest_at > st->sim->now
        && st->rest_at < until) {
        until = st->rest_at;
    }
    if (st->reservation != 0 && st->reserved_until < until) {
        until = st->reserved_until;
    }
    return until;
}


static step_t
session_fault(station_t *st)
{
    size_t fault = (size_t) dice_below(&st->dice, FAULTS);

    st->fault_after = -1;
    st->sim->figures.faults++;
    if (faults[fault].error == NULL) {
        station_tell(st, "is cut off");
        station_cut(st, false);
        return STEP_METER;
    }
    station_tell(st, "is out of order: %s", faults[fault].error);
    st->error = faults[fault].error;
    st->stop_reason = faults[fault].stop;
    st->rest_at = meter_after(st, st->sim->now, FAULT_SECONDS);
    return STEP_FAULT;
}


step_t
session_meter(station_t *st)
{
    if (st->stop_reason != NULL || session_present(st)
        || (st->readings_max > 0 && st->readings >= st->readings_max))
    {
        return STEP_FINISHING;
    }
    if (st->fault_after >= 0 && st->readings >= st->fault_after) {
        return session_fault(st);
    }
    return STEP_METER;
}
