/*
 * settings.c: what a simulated charge point is set to: GetConfiguration and
 * ChangeConfiguration of OCPP 1.6.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

/* One of the three: a number of the charge point, one that never changes, or
 * a text that never changes. */
static const struct {
    const char *key;
    size_t      offset; /* in station_t, of an int64_t; 0: none           */
    int64_t     unit;   /* of it in one of OCPP's; the least is 1 of them */
    int64_t     number;
    const char *text;
} settings[] = {
    { "AuthorizeRemoteTxRequests", 0, 0, 0, "true" },
    { "HeartbeatInterval", offsetof(station_t, heartbeat), SECOND, 0, NULL },
    { "LocalAuthListEnabled", 0, 0, 0, "true" },
    { "LocalAuthListMaxLength", 0, 0, 1000, NULL },
    { "MeterValueSampleInterval", offsetof(station_t, interval), 1, 0, NULL },
    { "NumberOfConnectors", 0, 0, 0, NULL },
    { "ReserveConnectorZeroSupported", 0, 0, 0, "true" },
    { "SendLocalListMaxLength", 0, 0, 1000, NULL },
    { "SupportedFeatureProfiles", 0, 0, 0,
      "Core,FirmwareManagement,LocalAuthListManagement,Reservation,"
      "SmartCharging,RemoteTrigger" },
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))


/* SETTINGS: there is none of that name */
static size_t
setting_find(vg_str_t key)
{
    size_t i = 0;

    while (i < SETTINGS && !vg_str_eq(key, settings[i].key)) {
        i++;
    }
    return i;
}


static int64_t *
setting_place(station_t *st, size_t setting)
{
    return settings[setting].offset > 0
               ? (int64_t *) (void *) ((char *) st + settings[setting].offset)
               : NULL;
}


static void
put_setting(station_t *st, vg_out_t *out, size_t setting)
{
    int64_t *place = setting_place(st, setting);
    int64_t  number = settings[setting].number;

    if (place != NULL) {
        number = *place / settings[setting].unit;
    } else if (number == 0) {
        number = st->connectors;
    }
    vg_out_open(out, '{');
    vg_out_member(out, "key", vg_str(settings[setting].key));
    vg_out_key(out, "readonly");
    vg_out_bool(out, place == NULL);
    vg_out_member(out, "value",
                  settings[setting].text != NULL
                      ? vg_str(settings[setting].text)
                      : vg_printf(out->pool, "%" PRId64, number));
    vg_out_close(out, '}');
}


vg_str_t
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
            put_setting(st, &out, i);
        }
    }
    for (key = asked ? asked->first : NULL; key != NULL; key = key->next) {
        i = setting_find(key->text);
        if (i < SETTINGS) {
            put_setting(st, &out, i);
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


/* A new interval holds from the next heartbeat, or reading, on. */
vg_str_t
remote_change(station_t *st, vg_pool_t *pool, const vg_json_t *payload)
{
    size_t   setting = setting_find(vg_json_text(payload, "key"));
    int64_t *place, value = 0;

    (void) pool;
    if (setting == SETTINGS) {
        return REMOTE_STATUS("NotSupported");
    }
    place = setting_place(st, setting);
    if (place == NULL || !says_int(payload, "value", &value) || value < 1
        || value > 86400)
    {
        return REMOTE_STATUS("Rejected");
    }
    *place = value * settings[setting].unit;
    return REMOTE_STATUS("Accepted");
}
