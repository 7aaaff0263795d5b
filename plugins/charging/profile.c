/*
 * profile.c: charging profiles of OCPP 1.6 to charge points, and what they
 * make together: by the charger's word and by our own arithmetic.
 *
 * The caller waits for the charger: what it says is the answer.
 */

#include <string.h>

#include "charging.h"
#include "composite.h"

#define PURPOSE   "ChargePointMaxProfile|TxDefaultProfile|TxProfile"
#define SCHEDULE  "profile.chargingSchedule"
#define DAYS_7    604800
#define RATE_MAX  1000000
#define INT32_TOP INT64_C(2147483647)

/* clang-format off */

#define POINT                                                                \
    { VG_BODY, "chargePointId", VG_TEXT, VG_REQUIRED, 1, 48,                 \
      .about = "OCPP identity" }

static const vg_field_t period_fields[] = {
    { VG_BODY, "startPeriod", VG_INT, VG_REQUIRED, 0, INT32_TOP,
      .about = "seconds into the schedule; the first is 0" },
    { VG_BODY, "limit", VG_DECIMAL, VG_REQUIRED, 0, RATE_MAX,
      .about = "in the schedule's unit; one digit behind the point" },
    { VG_BODY, "numberPhases", VG_INT, 0, 1, 3, .about = "default 3" },
    VG_FIELDS_END
};

static const vg_field_t period = {
    VG_BODY, NULL, VG_OBJECT, .fields = period_fields, .about = "a period"
};

static const vg_field_t schedule_fields[] = {
    { VG_BODY, "duration", VG_INT, 0, 1, INT32_TOP,
      .about = "seconds; default: the last period goes on" },
    { VG_BODY, "startSchedule", VG_TIME, .about = "not of a Relative one" },
    { VG_BODY, "chargingRateUnit", VG_ENUM, VG_REQUIRED, .values = "A|W",
      .about = "amperes a phase, or watts" },
    { VG_BODY, "chargingSchedulePeriod", VG_ARRAY, VG_REQUIRED, 1, 500,
      .item = &period, .about = "by startPeriod" },
    { VG_BODY, "minChargingRate", VG_DECIMAL, 0, 0, RATE_MAX,
      .about = "below which charging is no use" },
    VG_FIELDS_END
};

static const vg_field_t ocpp_fields[] = {
    { VG_BODY, "chargingProfileId", VG_INT, 0, 1, INT32_TOP,
      .about = "default: one that is free" },
    { VG_BODY, "stackLevel", VG_INT, VG_REQUIRED, 0, INT32_TOP,
      .about = "the highest one holds" },
    { VG_BODY, "chargingProfilePurpose", VG_ENUM, VG_REQUIRED,
      .values = PURPOSE, .about = "what it is for" },
    { VG_BODY, "chargingProfileKind", VG_ENUM, VG_REQUIRED,
      .values = "Absolute|Recurring|Relative", .about = "when it begins" },
    { VG_BODY, "recurrencyKind", VG_ENUM, .values = "Daily|Weekly",
      .about = "of a Recurring one" },
    { VG_BODY, "validFrom", VG_TIME, .about = "from then on" },
    { VG_BODY, "validTo", VG_TIME, .about = "up to then" },
    { VG_BODY, "chargingSchedule", VG_OBJECT, VG_REQUIRED,
      .fields = schedule_fields, .about = "how much, when" },
    VG_FIELDS_END
};

const vg_field_t profile_set_fields[] = {
    POINT,
    { VG_BODY, "connectorNumber", VG_INT, VG_REQUIRED, 0, 65535,
      .about = "0: the charge point, or all of its connectors" },
    { VG_BODY, "sessionId", VG_UUID,
      .about = "a TxProfile's: the session that runs there" },
    { VG_BODY, "profile", VG_OBJECT, VG_REQUIRED, .fields = ocpp_fields,
      .about = "as OCPP has it; transactionId is the session's" },
    VG_FIELDS_END
};

const vg_field_t profile_path_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "the profile" },
    VG_FIELDS_END
};

const vg_field_t profile_list_fields[] = {
    { VG_QUERY, "chargePointId", VG_TEXT, 0, 1, 48, .about = "of this one" },
    { VG_QUERY, "connectorNumber", VG_INT, 0, 0, 65535, .about = "of this one" },
    { VG_QUERY, "purpose", VG_ENUM, .values = PURPOSE, .about = "of this one" },
    { VG_QUERY, "held", VG_BOOL,
      .about = "true: what the charge point holds now" },
    VG_FIELDS_END
};

const vg_field_t profile_clear_fields[] = {
    POINT,
    { VG_BODY, "connectorNumber", VG_INT, 0, 0, 65535, .about = "default any" },
    { VG_BODY, "purpose", VG_ENUM, .values = PURPOSE, .about = "default any" },
    { VG_BODY, "stackLevel", VG_INT, 0, 0, INT32_TOP, .about = "default any" },
    VG_FIELDS_END
};

#define COMPOSITE(in)                                                        \
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 48, .about = "OCPP identity" },\
    { in, "connectorNumber", VG_INT, VG_REQUIRED, 0, 65535,                  \
      .about = "0: the charge point as a whole" },                           \
    { in, "duration", VG_INT, VG_REQUIRED, 1, DAYS_7,                        \
      .about = "seconds" },                                                  \
    { in, "unit", VG_ENUM, .values = "A|W",                                  \
      .about = "default: that of the profiles" },                            \
    { in, "clock", VG_ENUM, .values = "STATION|UTC",                         \
      .about = "by which days begin again; default STATION" }

const vg_field_t composite_fields[] = {
    COMPOSITE(VG_QUERY),
    { VG_QUERY, "from", VG_TIME, .about = "default now" },
    VG_FIELDS_END
};

const vg_field_t composite_ask_fields[] = {
    COMPOSITE(VG_BODY),
    { VG_BOUND, "from", VG_TIME, .about = "now" },
    VG_FIELDS_END
};

const vg_field_t commanded_fields[] = {
    { VG_BODY, "chargePointId", VG_TEXT, VG_REQUIRED, 1, 48,
      .about = "OCPP identity" },
    { VG_BODY, "action", VG_TEXT, VG_REQUIRED, 1, 50, .about = "that it did" },
    { VG_BODY, "payload", VG_OBJECT, .about = "as it was sent" },
    { VG_BODY, "result", VG_OBJECT, .about = "what it said" },
    { VG_BODY, "at", VG_TIME, .about = "when" },
    VG_FIELDS_END
};

/* clang-format on */


static bool
one_digit(const vg_json_t *number)
{
    const char *point;

    if (number == NULL) {
        return true;
    }
    point = memchr(number->text.data, '.', number->text.len);
    return point == NULL || point + 2 == number->text.data + number->text.len;
}


static int64_t
number_of(vg_str_t text)
{
    int64_t value = 0;

    for (size_t i = 0; i < text.len && i < 12; i++) {
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}


static vg_rc_t
periods_check(vg_call_t *call, const vg_json_t *schedule)
{
    size_t           i = 0;
    int64_t          start, before = -1;
    vg_str_t         at;
    const char      *wrong;
    const vg_json_t *m;

    m = vg_json_get(schedule, "chargingSchedulePeriod")->first;
    for (; m != NULL; m = m->next, i++) {
        start = number_of(vg_json_text(m, "startPeriod"));
        wrong = i == 0 && start != 0 ? "must begin at 0"
                : start <= before    ? "must begin after the one before"
                : !one_digit(vg_json_get(m, "limit"))
                    ? "must have a limit of at most one digit behind the point"
                    : NULL;
        before = start;
        if (wrong != NULL) {
            at = vg_printf(vg_pool(call),
                           SCHEDULE ".chargingSchedulePeriod[%zu]", i);
            return vg_refuse_field(call, at.data ? at.data : "profile", wrong);
        }
    }
    return one_digit(vg_json_get(schedule, "minChargingRate"))
               ? VG_OK
               : vg_refuse_field(call, SCHEDULE ".minChargingRate",
                                 "must have at most one digit behind the "
                                 "point");
}


/* what OCPP 1.6 says of purposes, kinds and places together (3.13) */
static vg_rc_t
purpose_check(vg_call_t *call, const vg_json_t *profile)
{
    bool     relative, recurring, bound, own, zero, start;
    vg_str_t purpose = vg_json_text(profile, "chargingProfilePurpose");
    vg_str_t kind = vg_json_text(profile, "chargingProfileKind");

    relative = vg_str_eq(kind, "Relative");
    recurring = vg_str_eq(kind, "Recurring");
    bound = vg_str_eq(purpose, "ChargePointMaxProfile");
    own = vg_str_eq(purpose, "TxProfile");
    zero = number_of(vg_get(call, "connectorNumber")->text) == 0;
    start =
        vg_json_get(vg_json_get(profile, "chargingSchedule"), "startSchedule")
        != NULL;
    if (bound != zero && (bound || own)) {
        return vg_refuse_field(call, "connectorNumber",
                               bound ? "must be 0 for ChargePointMaxProfile"
                                     : "must not be 0 for TxProfile");
    }
    if (own != (vg_get(call, "sessionId") != NULL)) {
        return vg_refuse_field(call, "sessionId",
                               "is what a TxProfile has, and no other");
    }
    if (recurring != (vg_json_get(profile, "recurrencyKind") != NULL)) {
        return vg_refuse_field(call, "profile.recurrencyKind",
                               "is what a Recurring one has, and no other");
    }
    if ((recurring && !start) || (relative && start) || (bound && !start)) {
        return vg_refuse_field(call, SCHEDULE ".startSchedule",
                               relative ? "is not of a Relative one"
                                        : "is required");
    }
    return bound && relative
               ? vg_refuse_field(call, "profile.chargingProfileKind",
                                 "must not be Relative: there is no start")
               : VG_OK;
}


vg_rc_t
profile_set_check(vg_call_t *call)
{
    const vg_json_t *profile = vg_get(call, "profile");
    const vg_json_t *schedule = vg_json_get(profile, "chargingSchedule");
    const vg_json_t *session = vg_json_get(vg_row(call), "session");
    vg_rc_t          periods = periods_check(call, schedule);
    vg_rc_t          purpose = purpose_check(call, profile);

    if (periods != VG_OK || purpose != VG_OK) {
        return VG_ERROR;
    }
    return session != NULL && session->type == VG_JSON_TRUE
               ? VG_OK
               : vg_refuse(call, "session_not_running");
}


/* the payload that SQL made, to the charge point of the body */
static vg_rc_t
payload_send(vg_call_t *call, const char *action)
{
    const vg_json_t *payload = vg_json_get(vg_row(call), "payload");

    return payload ? vg_command(call, vg_get(call, "chargePointId")->text,
                                action, payload->raw)
                   : vg_refuse(call, "internal");
}


static vg_rc_t
profile_send(vg_call_t *call)
{
    return payload_send(call, "SetChargingProfile");
}


static vg_rc_t
filter_send(vg_call_t *call)
{
    return payload_send(call, "ClearChargingProfile");
}


static vg_rc_t
removal_send(vg_call_t *call)
{
    vg_str_t id =
        vg_json_text(vg_json_get(vg_row(call), "profile"), "chargingProfileId");

    return vg_command(
        call, vg_json_text(vg_row(call), "chargePointId"),
        "ClearChargingProfile",
        vg_printf(vg_pool(call), "{\"id\":%.*s}", (int) id.len, id.data));
}


static vg_rc_t
composite_ask(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *unit = vg_get(call, "unit");

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "connectorId",
                      vg_get(call, "connectorNumber")->text);
    vg_out_member_raw(&out, "duration", vg_get(call, "duration")->text);
    if (unit != NULL) {
        vg_out_member(&out, "chargingRateUnit", unit->text);
    }
    vg_out_close(&out, '}');
    return vg_command(call, vg_get(call, "id")->text, "GetCompositeSchedule",
                      vg_out_str(&out));
}


static void
composed_write(vg_call_t *call, vg_out_t *out, const composite_t *composite)
{
    const vg_json_t *row = vg_row(call);

    vg_out_member_raw(out, "connectorNumber", vg_json_text(row, "connector"));
    vg_out_member(out, "scheduleStart", vg_json_text(row, "scheduleStart"));
    vg_out_member(out, "timeZone", vg_json_text(row, "timeZone"));
    vg_out_member_raw(out, "chargingSchedule",
                      schedule_write(vg_pool(call), composite));
}


vg_rc_t
composite_render(vg_call_t *call)
{
    vg_out_t     out;
    composite_t *composite = schedule_read(vg_pool(call), vg_row(call));
    vg_str_t     charger = vg_outcome(call);

    if (composite == NULL) {
        return vg_refuse(call, "internal");
    }
    /* watts to amperes and back: OCPP 1.6 names no voltage */
    composite->volts = vg_setting_int(call, "nominal_voltage");
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    composed_write(call, &out, composite);
    if (charger.data != NULL) {
        vg_out_member_raw(&out, "charger", charger);
    }
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}


/* clang-format off */
const vg_step_t profile_set_steps[] = {
    { "set", profile_send, NULL, NULL }, { NULL, NULL, NULL, NULL },
};

const vg_step_t profile_clear_steps[] = {
    { "clear", filter_send, NULL, NULL }, { NULL, NULL, NULL, NULL },
};

const vg_step_t profile_remove_steps[] = {
    { "clear", removal_send, NULL, NULL }, { NULL, NULL, NULL, NULL },
};

const vg_step_t composite_steps[] = {
    { "ask", composite_ask, NULL, NULL }, { NULL, NULL, NULL, NULL },
};
/* clang-format on */
