/*
 * quote.c: what a session costs: for clients by POST /pricing/quote, for
 * other plugins in process by pricing.rate. Both ask receipt().
 */

#include "vg.h"
#include "pricing.h"
#include "receipt.h"

#define BODY(name, type, flags, about)                                         \
    {                                                                          \
        VG_BODY, name, type, flags, 0, 0, NULL, NULL, NULL, about              \
    }

/* What is to be priced, as OCPI names it; session.c checks the inside. */
#define SESSION_FIELDS                                                         \
    BODY("start_date_time", VG_TIME, VG_REQUIRED | VG_LENIENT,                 \
         "when the session, or its reservation, began"),                       \
        BODY("end_date_time", VG_TIME, VG_REQUIRED | VG_LENIENT,               \
             "when it ended"),                                                 \
        BODY("time_zone", VG_TEXT, VG_NULLABLE,                                \
             "IANA name; default: the station's, else UTC"),                   \
        BODY("charging_periods", VG_ANY, VG_REQUIRED,                          \
             "OCPI ChargingPeriod objects, in order"),                         \
        BODY("reservation_expired", VG_BOOL, VG_NULLABLE,                      \
             "the one period is a reservation that was never used"),           \
        BODY("merge_lines", VG_BOOL, VG_NULLABLE,                              \
             "one line for periods that follow at the same price")

const vg_field_t quote_fields[] = {
    BODY("tariff", VG_ANY, 0, "OCPI Tariff object: exactly one of the three"),
    BODY("tariffId", VG_UUID, 0, "the version in force at start_date_time"),
    BODY("connectorId", VG_UUID, 0, "what is in force there, likewise"),
    SESSION_FIELDS,
    VG_FIELDS_END,
};

const vg_field_t rate_fields[] = {
    BODY("tariff", VG_ANY, VG_REQUIRED, "OCPI Tariff object"),
    SESSION_FIELDS,
    VG_FIELDS_END,
};


static vg_rc_t
rate(vg_call_t *call, const vg_json_t *input, const vg_json_t *tariff)
{
    faults_t       faults = { .pool = vg_pool(call) };
    vg_str_t       answer = receipt(vg_pool(call), input, tariff, &faults);
    const fault_t *fault;

    if (answer.data != NULL) {
        return vg_reply(call, answer);
    }
    if (faults.first == NULL) {
        return vg_refuse(call, "internal"); /* no memory */
    }
    for (fault = faults.first; fault != NULL; fault = fault->next) {
        (void) vg_refuse_field(call, fault->path, fault->message);
    }

    return VG_ERROR;
}


vg_rc_t
rate_check(vg_call_t *call)
{
    return rate(call, vg_body(call), vg_get(call, "tariff"));
}


/* The input with the station's zone, where the caller gave none; NULL: no
 * memory. */
static const vg_json_t *
with_zone(vg_call_t *call, const vg_json_t *input, const vg_json_t *zone)
{
    vg_json_t *copy, *member;

    if (vg_get(call, "time_zone") != NULL || zone == NULL
        || zone->type != VG_JSON_STRING)
    {
        return input;
    }

    copy = vg_alloc(vg_pool(call), sizeof(*copy));
    member = vg_alloc(vg_pool(call), sizeof(*member));
    if (copy == NULL || member == NULL) {
        return NULL;
    }
    *member = *zone;
    member->key = VG_STR("time_zone");
    member->next = input->first;
    *copy = *input;
    copy->first = member;
    copy->count++;

    return copy;
}


vg_rc_t
quote_check(vg_call_t *call)
{
    const vg_json_t *tariff = vg_get(call, "tariff");
    const vg_json_t *row = vg_row(call);
    const vg_json_t *input = vg_body(call);
    int given = (tariff != NULL) + (vg_get(call, "tariffId") != NULL)
                + (vg_get(call, "connectorId") != NULL);

    if (given != 1) {
        return vg_refuse_field(call, "tariff",
                               "give exactly one of tariff, tariffId and "
                               "connectorId");
    }
    if (tariff != NULL) {
        return rate(call, input, tariff);
    }

    tariff = vg_json_get(row, "tariff");
    if (tariff == NULL || tariff->type != VG_JSON_OBJECT) {
        return vg_refuse(call, "tariff_unknown");
    }

    input = with_zone(call, input, vg_json_get(row, "timeZone"));

    return input == NULL ? vg_refuse(call, "internal")
                         : rate(call, input, tariff);
}
