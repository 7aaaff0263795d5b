/*
 * plugin.c: the manifest of billing.
 */

#include "vg.h"

#include "credit.h"
#include "dunning.h"
#include "hold.h"
#include "invoice.h"
#include "invoices.h"
#include "papers.h"
#include "payments.h"
#include "providers.h"
#include "subscriptions.h"

/* clang-format off */

static const vg_field_t erasure_told_fields[] = {
    { VG_BODY, "erasureId", VG_UUID, VG_REQUIRED, .about = "the erasure" },
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "who is erased" },
    { VG_BODY, "round", VG_INT, VG_REQUIRED, .about = "which is answered" },
    VG_FIELDS_END
};

static const vg_field_t customer_export_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "about whom" },
    { VG_BODY, "after", VG_TEXT, VG_NULLABLE, .about = "where it begins" },
    { VG_BODY, "most", VG_INT, VG_REQUIRED, 1, 1000, .about = "rows at most" },
    VG_FIELDS_END
};

#define INVOICES                                                               \
    session_told_fields, .load = "invoice_ground",                             \
    .check = session_told_check, .statement = "invoice_issue"
#define FEES                                                                   \
    fee_told_fields, .load = "fee_ground", .check = invoice_check,             \
    .statement = "fee_issue"

#define SUBSCRIBE(step, ...)                                                   \
    { VG_INTERNAL, step, NULL, subscribe_fields, .lock = "subscribe_lock",     \
      __VA_ARGS__ }
#define JUDGED(type, what)                                                     \
    { VG_EVENT, type, NULL, renewal_told_fields, .check = renewal_told_check,  \
      .lock = "subscription_judged_lock", .statement = "subscription_judged",  \
      .about = (what) }

static const vg_route_t routes[] = {

    { VG_GET, "/billing/credits", "billing:read", credit_fields,
      .statement = "credit_get",
      .about = "What is paid in advance, held and owed, by currency" },
    { VG_GET, "/billing/credits/transactions", "billing:read",
      credit_list_fields, .statement = "credit_list", .flags = VG_LIST,
      .about = "Movements of credit, newest first" },
    { VG_POST, "/billing/credits/top-up", "billing:write",
      credit_top_up_fields, .check = credit_currency_check,
      .statement = "credit_top_up", .about = "Pay in advance" },
    { VG_POST, "/billing/credits/refunds", "billing:write",
      credit_refund_fields, .check = credit_currency_check,
      .statement = "credit_refund",
      .about = "Give credit back to the methods that paid it in" },
    { VG_GET, "/billing/payers/{id}", "billing:read", payer_fields,
      .statement = "payer_get", .about = "How a customer or company pays" },
    { VG_PATCH, "/billing/payers/{id}", "billing:write", payer_change_fields,
      .statement = "payer_change",
      .about = "Change below which balance it is told" },
    { VG_EVERY, "5s", NULL, credit_expire_fields,
      .check = credit_expire_check, .statement = "credit_expire",
      .about = "Takes away credit that was not used in time" },

    { VG_POST, "/billing/charge", "billing:write", charge_fields,
      .check = charge_check, .lock = "charge_lock",
      .statement = "payment_charge",
      .about = "Pay an invoice, or into one's credit" },
    { VG_POST, "/billing/cancel", "billing:write", payment_cancel_fields,
      .lock = "payment_lock", .statement = "payment_cancel",
      .about = "Give up a payment of which nothing was captured" },
    { VG_POST, "/billing/refunds", "billing:write", refund_fields,
      .check = payment_amount_check, .lock = "payment_lock",
      .statement = "payment_refund", .about = "Give back what was captured" },
    { VG_POST, "/billing/capture", "billing:write", capture_fields,
      .check = payment_amount_check, .lock = "payment_lock",
      .statement = "payment_capture",
      .about = "Take what was authorised alone, or a part of it" },
    { VG_GET, "/billing/payments", "billing:read", payment_list_fields,
      .statement = "payment_list", .flags = VG_LIST,
      .about = "Payments, newest first" },
    { VG_GET, "/billing/payments/{id}", "billing:read", payment_id_fields,
      .statement = "payment_get", .about = "A payment" },
    { VG_POST, "/billing/payments/{id}/retry", "billing:write",
      payment_id_fields, .statement = "payment_retry", .flags = VG_NO_BODY,
      .about = "Look at it again at its provider, now" },
    { VG_JOB, "payment.push", NULL, intent_push_fields,
      .load = "intent_ground", .statement = "intent_pushed",
      .steps = intent_push_steps,
      .about = "Asks a payment's provider for its next step" },
    { VG_EVERY, "10s", .statement = "intent_due",
      .about = "Pushes payments that stand still" },

    { VG_POST, "/billing/payment-methods", "billing:write", method_new_fields,
      .check = method_new_check, .statement = "method_add", .flags = VG_AWAIT,
      .steps = method_steps, .about = "Add a payment method: a token" },
    { VG_GET, "/billing/payment-methods", "billing:read", method_list_fields,
      .statement = "method_list", .flags = VG_LIST,
      .about = "Payment methods, oldest first" },
    { VG_GET, "/billing/payment-methods/{id}", "billing:read",
      method_id_fields, .statement = "method_get",
      .about = "A payment method, without its token" },
    { VG_PATCH, "/billing/payment-methods/{id}", "billing:write",
      method_change_fields, .check = method_check,
      .statement = "method_change",
      .about = "Show it otherwise, or pay with it by default" },
    { VG_DELETE, "/billing/payment-methods/{id}", "billing:write",
      method_id_fields, .statement = "method_remove",
      .about = "Remove a payment method" },

    { VG_POST, "/billing/webhooks/{provider}", VG_PUBLIC, webhook_fields,
      .check = webhook_check, .statement = "webhook_hear",
      .flags = VG_RAW | VG_EVERYBODYS,
      .about = "What a payment provider tells, signed by it" },
    { VG_EVERY, "15s", NULL, NULL, .statement = "webhook_find",
      .about = "Looks at payments of which was heard before they were known" },

    { VG_GET, "/billing/reconciliation", "admin:read", reconciliation_fields,
      .check = reconciliation_check, .statement = "reconciliation_get",
      .flags = VG_EVERYBODYS,
      .about = "Our books of a day, the provider's, how they differ" },
    { VG_POST, "/billing/reconciliation", "admin:write",
      reconciliation_new_fields, .check = reconciliation_new_check,
      .statement = "reconciliation_start", .flags = VG_EVERYBODYS,
      .about = "Fetch a provider's export of a day" },
    { VG_EVERY, "30s", NULL, reconciliation_nightly_fields,
      .statement = "reconciliation_nightly",
      .about = "Fetches the exports of days that are over" },
    { VG_JOB, "reconciliation.fetch", NULL, reconciliation_fetch_fields,
      .statement = "reconciliation_fetched", .steps = reconciliation_steps,
      .about = "A page of a provider's export" },

    { VG_EVENT, "charging.session.completed.v1", NULL, INVOICES,
      .about = "Issues the invoice of a session" },
    { VG_EVENT, "charging.session.priced.v1", NULL, INVOICES,
      .about = "Issues the invoice of a session that was priced later" },
    { VG_EVENT, "reservation.cancelled.v1", NULL, FEES,
      .about = "Issues the invoice of its fee, if one is due" },
    { VG_EVENT, "reservation.expired.v1", NULL, FEES,
      .about = "Issues the invoice of its fee, if one is due" },
    { VG_EVENT, "invoice.created.v1", NULL, settle_fields,
      .statement = "invoice_settle",
      .about = "Says when it is due, and gets it paid" },

    { VG_GET, "/billing/invoices", "billing:read", invoice_list_fields,
      .statement = "invoice_list", .flags = VG_LIST,
      .about = "Invoices, newest first" },
    { VG_GET, "/billing/invoices/{id}", "billing:read", invoice_id_fields,
      .statement = "invoice_get",
      .about = "An invoice with its lines and taxes" },
    { VG_POST, "/billing/invoices", "billing:write", draft_new_fields,
      .load = "draft_new_ground", .check = draft_new_check,
      .statement = "draft_create", .flags = VG_AWAIT,
      .steps = method_steps, .about = "Begin an invoice by hand" },
    { VG_POST, "/billing/invoices/{id}/lines", "billing:write",
      draft_line_fields, .load = "draft_ground", .check = draft_line_check,
      .statement = "draft_lines", .about = "Add lines to a draft" },
    { VG_DELETE, "/billing/invoices/{id}", "billing:write", invoice_id_fields,
      .statement = "draft_drop", .about = "Drop a draft" },
    { VG_POST, "/billing/invoices/{id}/capture", "billing:write",
      invoice_id_fields, .statement = "draft_capture", .flags = VG_NO_BODY,
      .about = "Issue a draft: it has a number, and is paid as all are" },
    { VG_POST, "/billing/invoices/{id}/credit-notes", "billing:write",
      credit_note_new_fields, .check = credit_note_check,
      .statement = "credit_note_issue",
      .about = "Credit an invoice, or a part of it, and give back its pay" },
    { VG_GET, "/billing/credit-notes", "billing:read", credit_note_list_fields,
      .statement = "credit_note_list", .flags = VG_LIST,
      .about = "Credit notes, newest first" },
    { VG_GET, "/billing/credit-notes/{id}", "billing:read", invoice_id_fields,
      .statement = "credit_note_get", .about = "A credit note" },

    { VG_POST, "/billing/plans", "billing:write", plan_new_fields,
      .check = plan_check, .statement = "plan_create", .about = "Make a plan" },
    { VG_GET, "/billing/plans", "billing:read", plan_list_fields,
      .statement = "plan_list", .flags = VG_LIST | VG_EVERYBODYS,
      .about = "Plans, newest first" },
    { VG_GET, "/billing/plans/{id}", "billing:read", plan_id_fields,
      .statement = "plan_get", .flags = VG_EVERYBODYS, .about = "A plan" },
    { VG_PATCH, "/billing/plans/{id}", "billing:write", plan_change_fields,
      .check = plan_check, .lock = "plan_lock", .statement = "plan_change",
      .about = "Change a plan for those who subscribe from now on" },

    { VG_POST, "/billing/subscriptions", "billing:write",
      subscription_new_fields, .check = subscription_new_check,
      .statement = "subscription_create", .flags = VG_AWAIT,
      .steps = method_steps,
      .about = "Subscribe to a plan; it is ACTIVE once it is paid" },
    { VG_GET, "/billing/subscriptions", "billing:read",
      subscription_list_fields, .statement = "subscription_list",
      .flags = VG_LIST, .about = "Subscriptions, newest first" },
    { VG_GET, "/billing/subscriptions/{id}", "billing:read",
      subscription_id_fields, .statement = "subscription_get",
      .about = "A subscription" },
    { VG_GET, "/billing/subscriptions/{id}/events", "billing:read",
      subscription_id_fields, .statement = "subscription_events",
      .flags = VG_LIST, .about = "Its whole history, oldest first" },
    { VG_PATCH, "/billing/subscriptions/{id}", "billing:write",
      subscription_change_fields, .load = "subscription_change_ground",
      .check = subscription_change_check, .lock = "subscription_lock",
      .statement = "subscription_change",
      .about = "Another plan, or another way to pay" },
    { VG_POST, "/billing/subscriptions/{id}/retry", "billing:write",
      subscription_id_fields, .statement = "subscription_retry",
      .flags = VG_NO_BODY,
      .about = "Go on now with one that is stuck" },
    { VG_DELETE, "/billing/subscriptions/{id}", "billing:write",
      subscription_end_fields, .load = "subscription_end_ground",
      .check = subscription_change_check, .lock = "subscription_lock",
      .statement = "subscription_end",
      .about = "End it with its cycle, or at once" },

    SUBSCRIBE("billing.subscribe_invoice", .load = "subscribe_ground",
              .check = subscribe_invoice_check,
              .statement = "subscribe_invoice",
              .about = "Its first cycle begins, and is invoiced"),
    SUBSCRIBE("billing.subscribe_invoice_undo",
              .statement = "subscribe_invoice_undo",
              .about = "Nobody owes that invoice"),
    { VG_INTERNAL, "billing.subscribe_paid", NULL, subscribe_fields,
      .statement = "subscribe_paid", .render = subscribe_paid_render,
      .about = "Whether its first invoice is paid" },
    SUBSCRIBE("billing.subscribe_activate", .statement = "subscribe_activate",
              .about = "It is active"),
    SUBSCRIBE("billing.subscribe_undo", .statement = "subscribe_undo",
              .about = "It never was"),

    { VG_EVERY, "1s", NULL, renewal_fields, .load = "subscription_due",
      .check = renewal_check, .statement = "subscription_run",
      .about = "Renews what is paid up, and asks again for what is not" },
    { VG_JOB, "subscription.run", NULL, renewal_fields,
      .load = "subscription_due", .check = renewal_check,
      .statement = "subscription_run", .steps = renewal_steps,
      .about = "The next batch, at once" },
    { VG_EVERY, "10s", NULL, renewal_overdue_fields,
      .check = renewal_told_check, .statement = "subscription_overdue",
      .about = "Asks for what was not paid when it was due" },
    { VG_JOB, "subscription.renew", NULL, renewal_alone_fields,
      .load = "subscription_alone_due", .check = renewal_alone_check,
      .statement = "subscription_alone", .steps = renewal_alone_steps,
      .about = "One that a batch could not do, by itself" },
    JUDGED("invoice.updated.v1", "What a subscription waited for is paid, or credited"),
    JUDGED("payment.failed.v1", "What a subscription waited for is not paid"),

    { VG_GET, "/billing/invoices/{id}.pdf", "billing:read", invoice_id_fields,
      .load = "invoice_page", .check = pdf_check, .steps = pdf_steps,
      .render = pdf_render, .flags = VG_AWAIT,
      .about = "An invoice as PDF" },
    { VG_GET, "/billing/credit-notes/{id}.pdf", "billing:read",
      invoice_id_fields, .load = "credit_note_page", .check = pdf_check,
      .steps = pdf_steps, .render = pdf_render, .flags = VG_AWAIT,
      .about = "A credit note as PDF" },
    { VG_GET, "/billing/issuers/{id}", "billing:read", issuer_id_fields,
      .statement = "issuer_get",
      .about = "What an issuer's invoices say of it" },
    { VG_PUT, "/billing/issuers/{id}", "billing:write", issuer_fields,
      .check = issuer_check, .statement = "issuer_put",
      .about = "Say what invoices show of an issuer from now on" },
    { VG_EVERY, "1s", .statement = "party_wanted",
      .about = "Has new invoices' names asked for" },
    { VG_JOB, "party.copy", NULL, party_copy_fields, .flags = VG_AWAIT,
      .steps = party_copy_steps, .statement = "party_copy",
      .about = "Names and addresses, onto the invoices that lack them" },
    { VG_GET, "/billing/tax-rates", "admin:read", tax_rate_list_fields,
      .statement = "tax_rate_list", .flags = VG_LIST | VG_EVERYBODYS,
      .about = "Rates of tax, by country, kind of supply and day" },
    { VG_POST, "/billing/tax-rates", "admin:write", tax_rate_new_fields,
      .check = tax_rate_check, .statement = "tax_rate_create",
      .flags = VG_EVERYBODYS, .about = "Add a rate from a day on" },
    { VG_INTERNAL, "billing.hold_open", NULL, hold_open_fields,
      .load = "hold_ground", .check = hold_open_check,
      .statement = "hold_open",
      .about = "Hold what an expected session or reservation will cost" },
    { VG_INTERNAL, "billing.payable", NULL, hold_payable_fields,
      .check = hold_payable_check, .statement = "hold_payable",
      .about = "Whether a customer has any way to pay" },
    { VG_EVENT, "charging.session.metered.v1", NULL, hold_metered_fields,
      .load = "hold_ground", .check = invoice_check,
      .statement = "hold_metered",
      .about = "Raises the hold of a session that costs more" },
    { VG_EVENT, "charging.session.failed.v1", NULL, hold_failed_fields,
      .statement = "hold_failed",
      .about = "Lets go of what was held for it" },
    { VG_EVENT, "reservation.completed.v1", NULL, hold_reservation_fields,
      .statement = "hold_reservation_over",
      .about = "Lets go of what was held for it" },
    { VG_JOB, "billing.hold_stray", NULL, hold_stray_fields,
      .steps = hold_stray_steps, .statement = "hold_stray",
      .about = "Lets go of a hold whose end was not heard of" },
    { VG_EVERY, "10s", .statement = "hold_sweep",
      .about = "Lets go of what is over and was not captured in time" },
    { VG_GET, "/billing/holds", "billing:read", hold_list_fields,
      .statement = "hold_list", .flags = VG_LIST,
      .about = "Holds, newest first" },
    { VG_GET, "/billing/holds/{id}", "billing:read", hold_id_fields,
      .statement = "hold_get", .about = "A hold with its parts" },

    { VG_GET, "/billing/usage", "billing:read", usage_fields,
      .statement = "usage_list", .flags = VG_LIST,
      .about = "What customers used, by month and currency" },

    { VG_INTERNAL, "billing.customer_export", NULL, customer_export_fields,
      .statement = "customer_export",
      .about = "What is held here about a customer" },
    { VG_EVENT, "customer.erasure_requested.v1", NULL, erasure_told_fields,
      .statement = "customer_erase",
      .about = "Says which invoices stay" },

    VG_ROUTES_END
};

/* clang-format on */

static const vg_keep_t keeps[] = {
    { "invoice", "10y", "invoice_retire",
      "invoices, beyond the end of the year in which they were issued; "
      "KEY=SPAN: of a country, as AT=7y" },
    { "hold", "3y", "hold_retire", "holds that are over, since their opening" },
    { "used", "3y", "usage_retire", "what sessions used" },
    { "draft", "1y", "draft_retire",
      "drafts of invoices that nobody issued, since they were begun" },
    { "method", "30d", "method_retire",
      "payment methods after they were removed" },
    { "reconciliation", "2y", "reconciliation_retire",
      "providers' exports, and how books differed" },
    { "webhook", "30d", "webhook_retire",
      "what providers told; at least two days, so that none is heard twice" },
    { NULL, NULL, NULL, NULL }
};

static const vg_error_t errors[] = {
    { "parties_pending", 503, "Who it is between is not known yet" },
    { "invoice_draft", 409, "A draft is on no paper" },
    { "prefix_drawn", 409, "Numbers were drawn under another prefix" },
    { "tax_rate_known", 409, "There is a rate from that day on" },
    { "tax_rate_past", 422, "A rate holds from tomorrow on at the earliest" },
    { "tax_country_unknown", 422, "The country is not known by these letters" },
    { "credit_short", 402, "Not enough credit" }, /* a constraint's name */
    { "payment_required", 402, "No way to pay is known" },
    { "amount_too_fine", 422, "More digits than the currency has" },
    { "more_than_owed", 409, "That is more than is owed" },
    { "payment_running", 409, "A payment of it is under way already" },
    { "payment_captured", 409, "It was captured: it can be given back" },
    { "payment_not_captured", 409, "Nothing of it was captured" },
    { "invoice_issued", 409, "An issued invoice does not change" },
    { "credit_too_high", 409, "More than is left to credit" },
    { "invoice_empty", 422, "There is nothing to pay" },
    { "refund_too_high", 409, "More than is captured cannot be given back" },
    { "payment_declined", 402, "The payment was declined" },
    { "time_zone_unknown", 422, "No such time zone" }, /* as credit_short */
    { "plan_unknown", 422, "No such plan" },
    { "plan_unlike", 422, "Of another operator or currency" },
    { "subscription_unpaid", 409, "The subscription is not paid for now" },
    { "subscription_over", 409, "The subscription is over" },
    { "signature_invalid", 400, "The signature is not the provider's" },
    { "webhook_too_old", 400, "This was told too long ago" },
    { "method_known", 409, "This payment method is known already" },
    { NULL, 0, NULL }
};

static const vg_saga_t sagas[] = { { "billing.subscribe", subscribe_steps,
                                     "A subscription: invoiced, paid, active" },
                                   { NULL, NULL, NULL } };

static const vg_setting_t settings[] = {
    { "credit_lifetime", VG_TEXT, "forever", .wrong = credit_lifetime_wrong,
      .about = "after which credit that was not used is gone: 12h, 365d, 52w, "
               "3y" },
    { "providers", VG_TEXT, "sandbox",
      .about = "payment providers whose methods are taken, by one space" },
    { "payment_days", VG_INT, "14", .max = 365,
      .about = "days after which an invoice on a company's account is due; for "
               "those that are issued from then on" },
    { "dunning", VG_TEXT, "1d 3d 7d cancel", .wrong = dunning_wrong,
      .about = "so long after a subscription was not paid it is asked for "
               "again; then it ends" },
    { "hold", VG_ENUM, "drivers", .values = "drivers|off",
      .about = "drivers: a session or reservation of a customer on no "
               "company's account needs a hold; off: none does. For what "
               "begins from then on" },
    { .name = NULL },
};

/* clang-format off */

static const char *const publishes[] = {
    "credits.low.v1",
    "hold.changed.v1",
    "invoice.created.v1",
    "invoice.updated.v1",
    "invoice.paid.v1",
    "subscription.created.v1",
    "subscription.upgraded.v1",
    "subscription.downgraded.v1",
    "subscription.cancelled.v1",
    "payment.succeeded.v1",
    "payment.failed.v1",
    "customer.erased.v1",
    NULL,
};
/* clang-format on */

/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "billing",
    .version = "1.0.0",
    .about = "Invoices, payments, holds, credit and subscriptions",
    .routes = routes,
    .errors = errors,
    .settings = settings,
    .publishes = publishes,
    .sagas = sagas,
    .keeps = keeps,
};
