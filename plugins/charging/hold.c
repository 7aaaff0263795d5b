/*
 * hold.c: money for a session, which is billing's to hold: asked for before
 * the charger is, and looked after while the session runs.
 *
 * How much: what the tariff engine says of a session at the connector's power
 * for what is left of its reservation, or for as long as the setting expects.
 * Where billing cannot be asked sessions go on, flagged `unheld`.
 */

#include <string.h>

#include "charging.h"

#define HOUR 3600

/* clang-format off */
const vg_field_t hold_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, .about = "the session" },
    { VG_BOUND, "costs", VG_ANY, .about = "OCPI CDR costs of what is expected" },
    { VG_BOUND, "stops", VG_BOOL, .about = "whether it stops when refused" },
    VG_FIELDS_END
};

const vg_field_t hold_told_fields[] = {
    { VG_BODY, "subject", VG_UUID, VG_REQUIRED, .about = "the session" },
    { VG_BODY, "subjectKind", VG_TEXT, VG_REQUIRED, .about = "SESSION" },
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED, .about = "of the hold" },
    { VG_BODY, "failure", VG_TEXT, VG_NULLABLE, .about = "why it is refused" },
    { VG_BODY, "net", VG_DECIMAL, VG_NULLABLE, .about = "held, without tax" },
    { VG_BODY, "version", VG_INT, VG_REQUIRED, .about = "later is newer" },
    { VG_BOUND, "stops", VG_BOOL, .about = "whether it stops when refused" },
    VG_FIELDS_END
};

const vg_field_t hold_due_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, .about = "the session" },
    { VG_BOUND, "stops", VG_BOOL, .about = "whether it stops when refused" },
    VG_FIELDS_END
};

const vg_field_t goes_on_fields[] = {
    { VG_BODY, "id", VG_UUID, VG_REQUIRED, .about = "the session" },
    VG_FIELDS_END
};

const vg_field_t hold_meter_fields[] = {
    { VG_SETTING, "holdLook", VG_INT, .about = "seconds between two looks" },
    { VG_SETTING, "holdPart", VG_INT, .about = "per cent: more is asked for" },
    { VG_SETTING, "holdLast", VG_INT, .about = "per cent: it is used up" },
    { VG_BOUND, "rated", VG_ANY, .about = "[{sessionId, costs}], so far" },
    VG_FIELDS_END
};
/* clang-format on */


/* False: it is no number of at most 12 digits; 0 where there are none. */
static bool
digits_read(vg_str_t text, int64_t *value)
{
    size_t i;

    *value = 0;
    if (text.len > 12) {
        return false;
    }
    for (i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
    {
        *value = *value * 10 + (text.data[i] - '0');
    }
    return i > 0 && i == text.len;
}


vg_rc_t
hold_stops_check(vg_call_t *call)
{
    bool go = vg_str_eq(vg_str(vg_setting(call, "hold_refused")), "go");

    return vg_bind(call, "stops", go ? VG_STR("false") : VG_STR("true"));
}


/* What is expected, as if it had been: the same rules rate both. Of a session
 * that runs it is the whole of it. */
static const vg_json_t *
expected_costing(vg_call_t *call, const vg_json_t *expected)
{
    vg_out_t   out;
    vg_pool_t *pool = vg_pool(call);
    int64_t    seconds, watts, since, energy, now = vg_now(call);

    if (!digits_read(vg_json_text(expected, "left"), &seconds)) {
        seconds = vg_setting_int(call, "expected_time");
    }
    (void) digits_read(vg_json_text(expected, "powerW"), &watts);
    (void) digits_read(vg_json_text(expected, "since"), &since);
    (void) digits_read(vg_json_text(expected, "energyWh"), &energy);
    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_key(&out, "start");
    vg_out_int(&out, now - since * 1000000);
    vg_out_key(&out, "end");
    vg_out_int(&out, now + seconds * 1000000);
    vg_out_key(&out, "meterStartWh");
    vg_out_int(&out, 0);
    vg_out_key(&out, "meterStopWh");
    vg_out_int(&out, energy + watts * seconds / HOUR);
    vg_out_member(&out, "timeZone", vg_json_text(expected, "timeZone"));
    vg_out_member_raw(&out, "tariff", vg_json_get(expected, "tariff")->raw);
    vg_out_close(&out, '}');
    return vg_json_parse(pool, vg_out_str(&out), NULL);
}


vg_rc_t
hold_job_check(vg_call_t *call)
{
    vg_rc_t          rc = VG_DECLINED;
    vg_str_t         costs = { NULL, 0 };
    const vg_json_t *expected = vg_json_get(vg_row(call), "expected");

    if (expected != NULL && expected->type == VG_JSON_OBJECT) {
        rc = costs_ask(call, expected_costing(call, expected), &costs);
    }
    if (rc == VG_ERROR || hold_stops_check(call) != VG_OK) {
        return VG_ERROR;
    }
    if (rc == VG_DECLINED) {
        costs = (vg_str_t){ NULL, 0 };
    }
    return vg_bind(call, "costs", costs);
}


vg_rc_t
hold_check(vg_call_t *call)
{
    if (vg_str_eq(vg_json_text(vg_row(call), "status"), "FAILED")) {
        return start_failed(call, vg_row(call));
    }
    return hold_job_check(call);
}


/* "25 EUR": of a session whose tariff nobody knows; "0 EUR": nothing */
const char *
hold_amount_wrong(const char *value)
{
    size_t digits = strspn(value, "0123456789");

    return digits >= 1 && digits <= 6 && value[digits] == ' '
                   && strlen(value + digits + 1) == 3
                   && strspn(value + digits + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                          == 3
               ? NULL
               : "must be whole units and a currency, as \"25 EUR\"";
}


static void
amount_render(vg_call_t *call, vg_out_t *out)
{
    const char *value = vg_setting(call, "hold_without_tariff");
    size_t      digits = strspn(value, "0123456789");

    vg_out_member_raw(out, "amount", (vg_str_t){ value, digits });
    vg_out_member(out, "currency", vg_str(value + digits + 1));
}


/* VG_DECLINED: there is nobody whose money could be held, or it was asked. */
static vg_rc_t
hold_arguments(vg_call_t *call, vg_str_t *args)
{
    size_t                   i;
    vg_out_t                 out;
    const vg_json_t         *session = vg_row(call);
    vg_str_t                 costs = vg_bound(call, "costs");
    static const char *const said[] = { "customerId", "operatorId", "country",
                                        "timeZone", "reservationId" };

    if (vg_json_text(session, "customerId").data == NULL) {
        return VG_DECLINED;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "subjectKind", VG_STR("SESSION"));
    vg_out_member(&out, "subject", vg_get(call, "sessionId")->text);
    for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        vg_out_member(&out, said[i], vg_json_text(session, said[i]));
    }
    if (costs.data != NULL) {
        vg_out_member_raw(&out, "costs", costs);
    } else {
        amount_render(call, &out);
    }
    vg_out_close(&out, '}');
    *args = vg_out_str(&out);
    return VG_OK;
}


/* A start waits for no billing that is away. */
static vg_rc_t
hold_ask(vg_call_t *call)
{
    vg_str_t args;
    vg_rc_t  rc = hold_arguments(call, &args);

    return rc != VG_OK ? rc
                       : vg_inquire_or(call, "billing.hold_open", args,
                                       VG_STR("{\"status\":\"AWAY\"}"));
}


/* A job asks until it is answered. */
static vg_rc_t
hold_ask_again(vg_call_t *call)
{
    vg_str_t args;
    vg_rc_t  rc = hold_arguments(call, &args);

    return rc != VG_OK ? rc : vg_inquire(call, "billing.hold_open", args);
}


vg_rc_t
hold_held_render(vg_call_t *call)
{
    const vg_json_t *session = vg_row(call);

    if (vg_str_eq(vg_json_text(session, "status"), "FAILED")) {
        return start_failed(call, session);
    }
    if (!vg_str_eq(vg_json_text(session, "status"), "STARTING")
        || !vg_str_eq(vg_json_text(session, "hold"), "REFUSED"))
    {
        return vg_reply(call, vg_row_text(call));
    }
    if (vg_str_eq(vg_json_text(session, "failure"), "payment_declined")) {
        return vg_refuse(call, "payment_declined");
    }
    return vg_refuse(call, "payment_required");
}


/* -------------------------------------------------------- while it charges */

static vg_rc_t
meter_rate(vg_call_t *call, const vg_json_t *session, vg_out_t *out)
{
    vg_str_t costs;
    vg_rc_t  rc = costs_ask(call, vg_json_get(session, "costing"), &costs);

    if (rc == VG_OK) {
        vg_out_open(out, '{');
        vg_out_member(out, "sessionId", vg_json_text(session, "sessionId"));
        vg_out_member_raw(out, "costs", costs);
        vg_out_close(out, '}');
    }
    return rc;
}


/* What cannot be rated is looked at again in time. */
vg_rc_t
hold_meter_check(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *session, *due = vg_row(call);

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '[');
    for (session = due ? due->first : NULL; session != NULL;
         session = session->next)
    {
        if (meter_rate(call, session, &out) == VG_ERROR) {
            return VG_ERROR;
        }
    }
    vg_out_close(&out, ']');
    return vg_bind(call, "rated", vg_out_str(&out));
}


/* clang-format off */
const vg_step_t  hold_steps[] = {
    { "hold", hold_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t  hold_job_steps[] = {
    { "hold", hold_ask_again, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
