/*
 * remote.c: what a simulated charge point answers to the gateway's CALLs.
 *
 * OCPP 1.6, chapter 5. What an answer sets in motion is said afterwards, as
 * the protocol has it: the answer first.
 */

#include <stdlib.h>
#include <string.h>

#include "simulate.h"

typedef vg_str_t (*remote_pt)(station_t *st, vg_pool_t *pool,
                              const vg_json_t *payload);


/* 0: none is named; -1: there is no such connector */
static int64_t
connector_named(const station_t *st, const vg_json_t *payload)
{
    int64_t number = 0;

    if (vg_json_get(payload, "connectorId") == NULL) {
        return 0;
    }
    return says_int(payload, "connectorId", &number) && number >= 0
                   && number <= st->connectors
               ? number
               : -1;
}


/* One that has said Preparing has a car, and charges nowhere else. */
static vg_str_t
remote_start(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    vg_str_t tag = vg_json_text(payload, "idTag");
    int64_t  connector = connector_named(st, payload);

    (void) pool;
    if (!st->sim->habits.remote || st->inoperative || st->tag[0] != '\0'
        || st->step > STEP_REMOTE || tag.len == 0 || tag.len >= sizeof(st->tag)
        || connector < 0
        || (st->step == STEP_REMOTE && connector > 0
            && connector != st->connector)
        || (st->reservation != 0 && !vg_str_eq(tag, st->reserved_tag)))
    {
        return REMOTE_STATUS("Rejected");
    }
    memcpy(st->tag, tag.data, tag.len);
    st->tag[tag.len] = '\0';
    if (connector > 0) {
        st->connector = (int) connector;
    }
    return REMOTE_STATUS("Accepted");
}


static vg_str_t
remote_stop(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    vg_str_t id = vg_json_text(payload, "transactionId");
    vg_str_t ours = vg_printf(pool, "%lld", (long long) st->transaction);

    if (!station_charges(st) || st->transaction == 0 || id.len != ours.len
        || memcmp(id.data, ours.data, id.len) != 0)
    {
        return REMOTE_STATUS("Rejected");
    }
    st->stop_reason = "Remote";
    return REMOTE_STATUS("Accepted");
}


static vg_str_t
remote_reset(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) pool;
    st->reboot = true;
    if (station_charges(st)) {
        st->stop_reason = vg_str_eq(vg_json_text(payload, "type"), "Hard")
                              ? "HardReset"
                              : "SoftReset";
    }
    return REMOTE_STATUS("Accepted");
}


static vg_str_t
remote_unlock(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) pool;
    (void) payload;
    if (station_charges(st)) {
        st->stop_reason = "UnlockCommand";
    }
    return REMOTE_STATUS("Unlocked");
}


static vg_str_t
remote_availability(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    bool charges = station_charges(st);

    (void) pool;
    st->inoperative = vg_str_eq(vg_json_text(payload, "type"), "Inoperative");
    if (charges) {
        return st->inoperative ? REMOTE_STATUS("Scheduled")
                               : REMOTE_STATUS("Accepted");
    }
    st->status = st->inoperative ? "Unavailable" : "Available";
    st->asides |= 1U << STEP_STATUS;
    return REMOTE_STATUS("Accepted");
}


static vg_str_t
remote_trigger(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    static const struct {
        const char *name;
        step_t      step;
    } triggers[] = {
        { "BootNotification", STEP_BOOT },
        { "Heartbeat", STEP_HEARTBEAT },
        { "DiagnosticsStatusNotification", STEP_DIAGNOSTICS },
        { "FirmwareStatusNotification", STEP_FIRMWARE },
        { "MeterValues", STEP_METER },
        { "StatusNotification", STEP_STATUS },
    };
    vg_str_t name = vg_json_text(payload, "requestedMessage");

    (void) pool;
    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        if (vg_str_eq(name, triggers[i].name)) {
            st->asides |= 1U << triggers[i].step;
            return REMOTE_STATUS("Accepted");
        }
    }
    return REMOTE_STATUS("NotImplemented");
}


static vg_str_t
remote_accept(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) st;
    (void) pool;
    (void) payload;
    return REMOTE_STATUS("Accepted");
}


/* What a driver is shown of prices is taken; nothing else is known. */
static vg_str_t
remote_transfer(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) st;
    (void) pool;
    return vg_str_eq(vg_json_text(payload, "vendorId"),
                     "org.openchargealliance.costmsg")
               ? REMOTE_STATUS("Accepted")
               : REMOTE_STATUS("UnknownVendorId");
}


static vg_str_t
remote_list(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    int64_t version = 0;
    bool    full = vg_str_eq(vg_json_text(payload, "updateType"), "Full");

    (void) pool;
    if (!says_int(payload, "listVersion", &version) || version <= 0) {
        return REMOTE_STATUS("Failed");
    }
    if (!full && version <= st->list_version) {
        return REMOTE_STATUS("VersionMismatch");
    }
    st->list_version = version;
    return REMOTE_STATUS("Accepted");
}


static vg_str_t
remote_list_version(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) payload;
    return vg_printf(pool, "{\"listVersion\":%lld}",
                     (long long) st->list_version);
}


/* Nothing is uploaded; how it goes on is told as if it were. */
static vg_str_t
remote_diagnostics(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) pool;
    (void) payload;
    st->progress = 0;
    st->asides |= 1U << STEP_DIAGNOSTICS;
    return VG_STR("{\"fileName\":\"simulated.log\"}");
}


/* It boots when all is installed and no car charges. */
static vg_str_t
remote_firmware(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) pool;
    (void) payload;
    st->progress = 0;
    st->asides |= 1U << STEP_FIRMWARE;
    return VG_STR("{}");
}


vg_str_t
remote_answer(station_t *st, vg_pool_t *pool, vg_str_t action,
              const vg_json_t *payload)
{
    /* all that a central system may send by OCPP 1.6 */
    static const struct {
        const char *action;
        remote_pt   answer;
    } commands[] = {
        { "CancelReservation", remote_cancel },
        { "ChangeAvailability", remote_availability },
        { "ChangeConfiguration", remote_change },
        { "ClearCache", remote_accept },
        { "ClearChargingProfile", remote_unprofile },
        { "DataTransfer", remote_transfer },
        { "GetCompositeSchedule", remote_schedule },
        { "GetConfiguration", remote_settings },
        { "GetDiagnostics", remote_diagnostics },
        { "GetLocalListVersion", remote_list_version },
        { "RemoteStartTransaction", remote_start },
        { "RemoteStopTransaction", remote_stop },
        { "ReserveNow", remote_reserve },
        { "Reset", remote_reset },
        { "SendLocalList", remote_list },
        { "SetChargingProfile", remote_profile },
        { "TriggerMessage", remote_trigger },
        { "UnlockConnector", remote_unlock },
        { "UpdateFirmware", remote_firmware },
    };

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (vg_str_eq(action, commands[i].action)) {
            return commands[i].answer(st, pool, payload);
        }
    }
    return (vg_str_t){ NULL, 0 };
}
