/*
 * alias.c: sessions under the names and fields that other systems use
 * (API.md, 6). The decisions are session.c's statements; here their answers
 * gain the members that such a client reads: session_id, kwh, duration.
 */

#include "charging.h"

/* clang-format off */
const vg_field_t  alias_stop_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "the session; or:" },
    { VG_BODY, "vehicleId", VG_UUID, 0, 0, 0, NULL, NULL, NULL,
      "whose open session it is" },
    { VG_BOUND, "id", VG_UUID, 0, 0, 0, NULL, NULL, NULL, "the session" },
    { VG_SETTING, "stopDeadline", VG_INT, 0, 0, 0, NULL, NULL, NULL,
      "seconds" },
    { VG_BOUND, "stop", VG_INT, 0, 0, 0, NULL, NULL, NULL,
      "the transaction to be stopped" },
    VG_FIELDS_END,
};
/* clang-format on */


/* The session, open at its end for more members. */
static void
session_out(vg_out_t *out, vg_pool_t *pool, const vg_json_t *session)
{
    const vg_json_t *m;

    vg_out_init(out, pool);
    vg_out_open(out, '{');
    for (m = session->first; m != NULL; m = m->next) {
        vg_out_name(out, m->key);
        vg_out_raw(out, m->raw);
    }
}


vg_rc_t
alias_start_render(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *session = vg_row(call);

    if (session == NULL) {
        return vg_refuse(call, "internal");
    }
    session_out(&out, vg_pool(call), session);
    vg_out_member(&out, "session_id", vg_json_text(session, "id"));
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}


vg_rc_t
alias_stop_check(vg_call_t *call)
{
    bool session = vg_get(call, "sessionId") != NULL;
    bool vehicle = vg_get(call, "vehicleId") != NULL;

    if (session == vehicle) {
        return vg_refuse_field(call, "sessionId",
                               "either this or vehicleId is required");
    }
    if (vg_json_text(vg_row(call), "id").data == NULL) {
        return vg_refuse(call, "not_found");
    }
    if (vg_bind(call, "id", vg_json_text(vg_row(call), "id")) != VG_OK) {
        return VG_ERROR;
    }
    return VG_OK;
}


static int64_t
part(const char *p, int digits)
{
    int64_t value = 0;

    while (digits--) {
        value = value * 10 + (*p++ - '0');
    }
    return value;
}


/* Seconds since 1970 of "YYYY-MM-DDTHH:MM:SS...Z", as vg.z() prints it. */
static int64_t
seconds_of(vg_str_t z)
{
    int64_t y, m, days;

    if (z.len < 20) {
        return 0;
    }
    y = part(z.data, 4);
    m = part(z.data + 5, 2);
    y -= m <= 2; /* years begin in March, so that a leap day is their last */
    days = 365 * y + y / 4 - y / 100 + y / 400
           + (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + part(z.data + 8, 2) - 1
           - 719468;
    return days * 86400 + part(z.data + 11, 2) * 3600
           + part(z.data + 14, 2) * 60 + part(z.data + 17, 2);
}


/* What runs has lasted until now; what never began has not. */
static int64_t
duration(vg_call_t *call, const vg_json_t *session)
{
    vg_str_t start = vg_json_text(session, "startTime");
    vg_str_t end = vg_json_text(session, "endTime");
    int64_t  from, to = vg_now(call) / 1000000;

    if (start.data == NULL) {
        return 0;
    }
    from = seconds_of(start);
    to = end.data != NULL ? seconds_of(end) : to;
    return to > from ? to - from : 0;
}


vg_rc_t
alias_stop_render(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *session = vg_json_get(vg_row(call), "session");
    vg_str_t         kwh = vg_json_text(session, "energyKwh");

    if (session == NULL || session_end_render(call) == VG_ERROR) {
        return vg_refuse(call, "internal");
    }
    session_out(&out, vg_pool(call), session);
    vg_out_member(&out, "session_id", vg_json_text(session, "id"));
    vg_out_member_raw(&out, "kwh", kwh.data != NULL ? kwh : VG_STR("0"));
    vg_out_key(&out, "duration");
    vg_out_int(&out, duration(call, session));
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}
