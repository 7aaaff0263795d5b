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

#define STATUS(word) VG_STR("{\"status\":\"" word "\"}")


static vg_str_t
remote_start(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    vg_str_t tag = vg_json_text(payload, "idTag");

    (void) pool;
    if (!st->sim->habits.remote || st->inoperative || st->tag[0] != '\0'
        || st->step > STEP_REMOTE || tag.len == 0 || tag.len >= sizeof(st->tag))
    {
        return STATUS("Rejected");
    }
    memcpy(st->tag, tag.data, tag.len);
    st->tag[tag.len] = '\0';
    return STATUS("Accepted");
}


static vg_str_t
remote_stop(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    vg_str_t id = vg_json_text(payload, "transactionId");
    vg_str_t ours = vg_printf(pool, "%lld", (long long) st->transaction);

    if (!station_charges(st) || st->transaction == 0 || id.len != ours.len
        || memcmp(id.data, ours.data, id.len) != 0)
    {
        return STATUS("Rejected");
    }
    st->stop_reason = "Remote";
    return STATUS("Accepted");
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
    return STATUS("Accepted");
}


static vg_str_t
remote_unlock(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) pool;
    (void) payload;
    if (station_charges(st)) {
        st->stop_reason = "UnlockCommand";
    }
    return STATUS("Unlocked");
}


static vg_str_t
remote_availability(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    bool charges = station_charges(st);

    (void) pool;
    st->inoperative = vg_str_eq(vg_json_text(payload, "type"), "Inoperative");
    if (charges) {
        return st->inoperative ? STATUS("Scheduled") : STATUS("Accepted");
    }
    st->status = st->inoperative ? "Unavailable" : "Available";
    st->asides |= 1U << STEP_STATUS;
    return STATUS("Accepted");
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
        { "MeterValues", STEP_METER },
        { "StatusNotification", STEP_STATUS },
    };
    vg_str_t name = vg_json_text(payload, "requestedMessage");

    (void) pool;
    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        if (vg_str_eq(name, triggers[i].name)) {
            st->asides |= 1U << triggers[i].step;
            return STATUS("Accepted");
        }
    }
    return STATUS("NotImplemented");
}


static void
put_setting(vg_out_t *out, const char *key, int64_t value)
{
    vg_out_open(out, '{');
    vg_out_member(out, "key", vg_str(key));
    vg_out_key(out, "readonly");
    vg_out_bool(out, true);
    vg_out_member(out, "value",
                  vg_printf(out->pool, "%lld", (long long) value));
    vg_out_close(out, '}');
}


/* Names and values of all settings; they are the command line's. */
#define SETTINGS 3

static const char *const setting_names[SETTINGS] = {
    "HeartbeatInterval",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
};


static int64_t
setting_value(const station_t *st, size_t setting)
{
    const int64_t values[SETTINGS] = { st->heartbeat / SECOND,
                                       st->sim->habits.interval, 1 };

    return values[setting];
}


/* SETTINGS: there is none of that name */
static size_t
setting_find(vg_str_t key)
{
    size_t i = 0;

    while (i < SETTINGS && !vg_str_eq(key, setting_names[i])) {
        i++;
    }
    return i;
}


static vg_str_t
remote_settings(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    const vg_json_t *asked = vg_json_get(payload, "key"), *key;
    size_t           i;
    vg_out_t         out, unknown;

    vg_out_init(&unknown, pool);
    vg_out_open(&unknown, '[');
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_key(&out, "configurationKey");
    vg_out_open(&out, '[');
    if (asked == NULL || asked->count == 0) {
        for (i = 0; i < SETTINGS; i++) {
            put_setting(&out, setting_names[i], setting_value(st, i));
        }
    }
    for (key = asked ? asked->first : NULL; key != NULL; key = key->next) {
        i = setting_find(key->text);
        if (i < SETTINGS) {
            put_setting(&out, setting_names[i], setting_value(st, i));
        } else {
            vg_out_string(&unknown, key->text);
        }
    }
    vg_out_close(&out, ']');
    vg_out_close(&unknown, ']');
    vg_out_member_raw(&out, "unknownKey", vg_out_str(&unknown));
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static vg_str_t
remote_change(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) st;
    (void) pool;
    return setting_find(vg_json_text(payload, "key")) < SETTINGS
               ? STATUS("Rejected")
               : STATUS("NotSupported");
}


static vg_str_t
remote_accept(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) st;
    (void) pool;
    (void) payload;
    return STATUS("Accepted");
}


static vg_str_t
remote_transfer(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    (void) st;
    (void) pool;
    (void) payload;
    return STATUS("UnknownVendorId");
}


vg_str_t
remote_answer(station_t *st, vg_pool_t *pool, vg_str_t action,
              const vg_json_t *payload)
{
    static const struct {
        const char *action;
        remote_pt   answer;
    } commands[] = {
        { "ChangeAvailability", remote_availability },
        { "ChangeConfiguration", remote_change },
        { "ClearCache", remote_accept },
        { "DataTransfer", remote_transfer },
        { "GetConfiguration", remote_settings },
        { "RemoteStartTransaction", remote_start },
        { "RemoteStopTransaction", remote_stop },
        { "Reset", remote_reset },
        { "TriggerMessage", remote_trigger },
        { "UnlockConnector", remote_unlock },
    };

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (vg_str_eq(action, commands[i].action)) {
            return commands[i].answer(st, pool, payload);
        }
    }
    return (vg_str_t){ NULL, 0 };
}
