/*
 * issue.c: what is invoiced by itself: sessions, and the fees of reservations;
 * and who asks for invoices.
 */

#include "invoices.h"

/* clang-format off */

#define TOLD(name, type, what)                                                 \
    { VG_BODY, name, type, VG_NULLABLE, .about = (what) }

#define PARTIES                                                                \
    TOLD("operatorId", VG_TEXT, "the issuer"),                                 \
    TOLD("customerId", VG_TEXT, "who pays"),                                   \
    TOLD("companyId", VG_TEXT, "on whose account"),                            \
    TOLD("country", VG_TEXT, "ISO 3166-1, where it was supplied"),             \
    TOLD("timeZone", VG_TEXT, "IANA name, where it was supplied"),             \
    TOLD("startTime", VG_TIME, "supplied from"),                               \
    TOLD("endTime", VG_TIME, "supplied to"),                                   \
    TOLD("costs", VG_ANY, "OCPI CDR costs; none: not priced yet"),             \
    { VG_BOUND, "invoice", VG_ANY, .about = "lines, taxes and totals" }

const vg_field_t session_told_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, .about = "the session" },
    TOLD("energyKwh", VG_DECIMAL, "kWh"),
    PARTIES,
    { VG_BOUND, "takenKwh", VG_DECIMAL,
      .about = "of what subscriptions include" },
    VG_FIELDS_END
};

const vg_field_t fee_told_fields[] = {
    { VG_BODY, "reservationId", VG_UUID, VG_REQUIRED,
      .about = "the reservation" },
    TOLD("fee", VG_DECIMAL, "in currency, excluding VAT; none: none is due"),
    PARTIES,
    VG_FIELDS_END
};

const vg_field_t invoice_id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "which one" },
    VG_FIELDS_END
};

const vg_field_t invoice_list_fields[] = {
    { VG_QUERY, "sessionId", VG_UUID, .about = "for this session" },
    { VG_QUERY, "subjectId", VG_UUID,
      .about = "for this session, reservation, subscription" },
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64,
      .about = "to this customer" },
    { VG_QUERY, "companyId", VG_TEXT, 0, 1, 64,
      .about = "on this company's account" },
    { VG_QUERY, "issuer", VG_TEXT, 0, 1, 64, .about = "of this company" },
    { VG_QUERY, "status", VG_ENUM,
      .values = "DRAFT|ISSUED|OVERDUE|PAID|CREDITED",
      .about = "in this state" },
    { VG_QUERY, "from", VG_TIME, .about = "issued at or after" },
    { VG_QUERY, "to", VG_TIME, .about = "issued before" },
    VG_FIELDS_END
};

/* clang-format on */


static vg_rc_t
invoice_bind_less(vg_call_t *call, const vg_json_t *costs, benefit_t *benefit)
{
    vg_str_t invoice = { NULL, 0 };

    switch (invoice_make(
        vg_pool(call), costs, vg_json_text(vg_row(call), "taxRate"),
        vg_json_text(vg_row(call), "minorUnits"), benefit, &invoice))
    {

    case INVOICE_OK:
    case INVOICE_NOTHING:
        return vg_bind(call, "invoice", invoice);

    case INVOICE_NONSENSE:
        vg_log(call, VG_LOG_ERROR, "costs were told that are none");
        return vg_refuse(call, "unprocessable");

    default:
        return vg_refuse(call, "internal");
    }
}


vg_rc_t
invoice_bind(vg_call_t *call, const vg_json_t *costs)
{
    return invoice_bind_less(call, costs, NULL);
}


/* The ground's, or as they were told; NULL: none. */
static const vg_json_t *
told_costs(vg_call_t *call)
{
    const vg_json_t *costs = vg_json_get(vg_row(call), "costs");

    costs = costs != NULL ? costs : vg_get(call, "costs");
    return costs == NULL || costs->type == VG_JSON_NULL ? NULL : costs;
}


/* No costs, or nothing to pay: no invoice is bound, and none is made. */
vg_rc_t
invoice_check(vg_call_t *call)
{
    vg_str_t         none = { NULL, 0 };
    const vg_json_t *costs = told_costs(call);

    return costs != NULL ? invoice_bind(call, costs)
                         : vg_bind(call, "invoice", none);
}


/* What its payer's subscriptions give was loaded. No costs: nothing is used. */
vg_rc_t
session_told_check(vg_call_t *call)
{
    const vg_json_t *costs = told_costs(call);
    const vg_json_t *row = vg_row(call);
    benefit_t        benefit = { .included = vg_json_text(row, "includedKwh"),
                                 .discount = vg_json_text(row, "discountPercent") };

    if (costs == NULL) {
        return invoice_check(call);
    }
    if (invoice_bind_less(call, costs, &benefit) != VG_OK) {
        return VG_ERROR;
    }
    return vg_bind(call, "takenKwh", benefit.taken);
}
