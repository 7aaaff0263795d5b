/*
 * plugin.c: the manifest of billing.
 */

#include "vg.h"

#include "credit.h"
#include "invoice.h"
#include "invoices.h"
#include "providers.h"

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
    session_told_fields, .load = "invoice_ground", .check = invoice_check,     \
    .statement = "invoice_issue"
#define FEES                                                                   \
    fee_told_fields, .load = "fee_ground", .check = invoice_check,             \
    .statement = "fee_issue"

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
    { VG_EVERY, "1m", NULL, credit_expire_fields,
      .check = credit_expire_check, .statement = "credit_expire",
      .about = "Takes away credit that was not used in time" },

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

    { VG_EVENT, "charging.session.completed.v1", NULL, INVOICES,
      .about = "Issues the invoice of a session" },
    { VG_EVENT, "charging.session.priced.v1", NULL, INVOICES,
      .about = "Issues the invoice of a session that was priced later" },
    { VG_EVENT, "reservation.cancelled.v1", NULL, FEES,
      .about = "Issues the invoice of its fee, if one is due" },
    { VG_EVENT, "reservation.expired.v1", NULL, FEES,
      .about = "Issues the invoice of its fee, if one is due" },
    { VG_EVENT, "invoice.created.v1", NULL, settle_fields,
      .check = settle_check, .statement = "invoice_settle",
      .about = "Says when it is due, and gets it paid" },

    { VG_GET, "/billing/invoices", "billing:read", invoice_list_fields,
      .statement = "invoice_list", .flags = VG_LIST,
      .about = "Invoices, newest first" },
    { VG_GET, "/billing/invoices/{id}", "billing:read", invoice_id_fields,
      .statement = "invoice_get",
      .about = "An invoice with its lines and taxes" },

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
    { "method", "30d", "method_retire",
      "payment methods after they were removed" },
    { NULL, NULL, NULL, NULL }
};

static const vg_error_t errors[] = {
    { "credit_short", 402, "Not enough credit" }, /* a constraint's name */
    { "payment_required", 402, "No way to pay is known" },
    { "refund_too_high", 409, "More than is captured cannot be given back" },
    { "method_known", 409, "This payment method is known already" },
    { NULL, 0, NULL }
};

static const vg_setting_t settings[] = {
    { "credit_lifetime", "forever",
      "after which credit that was not used is gone: 12h, 365d, 52w, 3y" },
    { "providers", "sandbox",
      "payment providers whose methods are taken, by one space" },
    { "payment_days", "14",
      "days after which an invoice on a company's account is due; for those "
      "that are issued from then on" },
    { NULL, NULL, NULL }
};

static const char *const publishes[] = {
    "credits.low.v1",  "invoice.created.v1", "invoice.updated.v1",
    "invoice.paid.v1", "customer.erased.v1", NULL,
};

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "billing",
    .version = "1.0.0",
    .about = "Invoices",
    .routes = routes,
    .errors = errors,
    .settings = settings,
    .publishes = publishes,
    .keeps = keeps,
};
