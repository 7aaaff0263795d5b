/*
 * subscribe.c: the saga billing.subscribe, from the commit that made the
 * subscription to the one that made it active.
 *
 * It bears the subscription's id. Settling the first invoice pays it; what
 * cannot be paid undoes all of it.
 */

#include "subscriptions.h"

/* clang-format off */
const vg_field_t  subscribe_fields[] = {
    { VG_BODY, "subscriptionId", VG_UUID, VG_REQUIRED,
      .about = "the subscription" },
    { VG_BODY, "error", VG_TEXT, .about = "why it is undone" },
    { VG_BOUND, "invoice", VG_ANY, .about = "lines, taxes and totals" },
    VG_FIELDS_END
};

/* a card may want its owner's word, and a provider may be away: an hour */
const vg_saga_step_t  subscribe_steps[] = {
    { "created",   NULL,                         "billing.subscribe_undo",         0 },
    { "invoiced",  "billing.subscribe_invoice",  "billing.subscribe_invoice_undo", 0 },
    { "paid",      "billing.subscribe_paid",     NULL,                             3600000 },
    { "activated", "billing.subscribe_activate", "billing.subscribe_undo",         0 },
    { NULL, NULL, NULL, 0 },
};
/* clang-format on */


vg_rc_t
subscribe_invoice_check(vg_call_t *call)
{
    vg_str_t invoice;

    if (subscription_invoice(call, vg_row(call), &invoice) != VG_OK) {
        return VG_ERROR;
    }
    return vg_bind(call, "invoice", invoice);
}


vg_rc_t
subscribe_paid_render(vg_call_t *call)
{
    const vg_json_t *paid = vg_json_get(vg_row(call), "paid");
    vg_str_t         failure = vg_json_text(vg_row(call), "failure");

    if (paid != NULL && paid->type == VG_JSON_TRUE
        && !vg_str_eq(failure, "subscription_over"))
    {
        return vg_reply(call, vg_row_text(call));
    }
    if (vg_str_eq(failure, "payment_declined")) {
        return vg_refuse(call, "payment_declined");
    }
    if (vg_str_eq(failure, "payment_required")) {
        return vg_refuse(call, "payment_required");
    }
    return vg_refuse(call, "subscription_over");
}
