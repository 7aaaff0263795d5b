/*
 * subscription.c: subscriptions: what is asked of them, and what a change of
 * plan within a cycle costs. States and moments are SQL's (006, 011, 012).
 */

#include "invoice.h"
#include "prorate.h"
#include "subscriptions.h"

/* clang-format off */
#define SUBSCRIPTION_ID                                                      \
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "the subscription" }

const vg_field_t  subscription_new_fields[] = {
    { VG_BODY, "planId", VG_UUID, VG_REQUIRED, .about = "to which plan" },
    { VG_BODY, "customerId", VG_TEXT, 0, 1, 64,
      .about = "who pays; of a driver itself" },
    { VG_BODY, "companyId", VG_TEXT, 0, 1, 64,
      .about = "on whose account; of a fleet manager its own" },
    { VG_BODY, "methodId", VG_UUID,
      .about = "what it is paid with; default the payer's" },
    { VG_BODY, "startAt", VG_TIME, .about = "not before; default now" },
    VG_FIELDS_END
};

const vg_field_t  subscription_list_fields[] = {
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64, .about = "of this customer" },
    { VG_QUERY, "companyId", VG_TEXT, 0, 1, 64, .about = "of this company" },
    { VG_QUERY, "planId", VG_UUID, .about = "to this plan" },
    { VG_QUERY, "status", VG_ENUM,
      .values = "SCHEDULED|PENDING|ACTIVE|PAST_DUE|CANCELLED|FAILED",
      .about = "in this state" },
    VG_FIELDS_END
};

const vg_field_t  subscription_id_fields[] = {
    SUBSCRIPTION_ID,
    VG_FIELDS_END
};

#define SUBSCRIPTION_CHANGE                                                  \
    { VG_BOUND, "credit", VG_DECIMAL, .about = "that is given back" },       \
    { VG_BOUND, "invoice", VG_ANY, .about = "of the difference" }

const vg_field_t  subscription_change_fields[] = {
    SUBSCRIPTION_ID,
    { VG_BODY, "planId", VG_UUID,
      .about = "the plan from now on; the one that it has: as that is now, and "
               "what was planned is forgotten" },
    { VG_BODY, "when", VG_ENUM, .values = "NOW|PERIOD_END",
      .about = "of a dearer plan NOW, else PERIOD_END" },
    { VG_BODY, "methodId", VG_UUID, .about = "what it is paid with" },
    SUBSCRIPTION_CHANGE,
    VG_FIELDS_END
};

const vg_field_t  subscription_end_fields[] = {
    SUBSCRIPTION_ID,
    { VG_QUERY, "when", VG_ENUM, .values = "NOW|PERIOD_END",
      .about = "NOW: at once, and the rest of the cycle is given back; default "
               "PERIOD_END" },
    SUBSCRIPTION_CHANGE,
    VG_FIELDS_END
};
/* clang-format on */


vg_rc_t
subscription_invoice(vg_call_t *call, const vg_json_t *price, vg_str_t *invoice)
{
    *invoice = (vg_str_t){ NULL, 0 };
    switch (invoice_make(vg_pool(call), vg_json_get(price, "costs"),
                         vg_json_text(price, "taxRate"),
                         vg_json_text(price, "minorUnits"), NULL, invoice))
    {

    case INVOICE_OK:
    case INVOICE_NOTHING:
        return VG_OK;

    case INVOICE_NONSENSE:
        vg_log(call, VG_LOG_ERROR, "the plan's price is none");
        return vg_refuse(call, "unprocessable");

    default:
        return vg_refuse(call, "internal");
    }
}


/* Who pays is one of the two; which of them, the statement knows. */
vg_rc_t
subscription_new_check(vg_call_t *call)
{
    if (vg_get(call, "customerId") != NULL && vg_get(call, "companyId") != NULL)
    {
        return vg_refuse_field(call, "companyId",
                               "is not given with customerId");
    }
    return VG_OK;
}


static int64_t
micros(const vg_json_t *node, const char *name)
{
    exact_t value = 0;

    (void) exact_read(vg_json_text(node, name), 0, &value);
    return (int64_t) value;
}


/* The costs of the difference, as the loaded row would have them. */
static vg_rc_t
change_invoice(vg_call_t *call, const vg_json_t *row, vg_str_t amount,
               vg_str_t *invoice)
{
    vg_out_t    out;
    vg_json_t  *price;
    const char *error;

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "minorUnits", vg_json_text(row, "minorUnits"));
    if (vg_json_text(row, "taxRate").data != NULL) {
        vg_out_member_raw(&out, "taxRate", vg_json_text(row, "taxRate"));
    }
    vg_out_key(&out, "costs");
    vg_out_open(&out, '{');
    vg_out_member(&out, "currency", vg_json_text(row, "currency"));
    vg_out_key(&out, "lines");
    vg_out_open(&out, '[');
    vg_out_open(&out, '{');
    vg_out_member(&out, "type", VG_STR("SUBSCRIPTION"));
    vg_out_member(&out, "unit", VG_STR("part"));
    vg_out_member_raw(&out, "price", amount);
    vg_out_member_raw(&out, "volume", VG_STR("1"));
    vg_out_member_raw(&out, "excl_vat", amount);
    vg_out_close(&out, '}');
    vg_out_close(&out, ']');
    vg_out_close(&out, '}');
    vg_out_close(&out, '}');
    price = vg_json_parse(vg_pool(call), vg_out_str(&out), &error);
    if (price == NULL) {
        return vg_refuse(call, "internal");
    }
    return subscription_invoice(call, price, invoice);
}


/* What the change is worth at this moment: an invoice, or what is given back.
 * The statement sees whether there is anything to change, and that nobody was
 * faster. */
vg_rc_t
subscription_change_check(vg_call_t *call)
{
    int              digits = 0;
    exact_t          from, to, units, left;
    vg_str_t         amount, invoice = { NULL, 0 }, credit = { NULL, 0 };
    const vg_json_t *row = vg_row(call);

    if (exact_read(vg_json_text(row, "minorUnits"), 0, &units)) {
        digits = (int) units;
    }
    if (exact_read(vg_json_text(row, "from"), digits, &from)
        && exact_read(vg_json_text(row, "to"), digits, &to)
        && micros(row, "whole") > 0)
    {
        left = prorate_change(from, to, micros(row, "elapsed"),
                              micros(row, "whole"));
        amount =
            exact_print(vg_pool(call), left < 0 ? -left : left, digits, digits);
        if (left < 0) {
            credit = amount;
        } else if (left > 0
                   && change_invoice(call, row, amount, &invoice) != VG_OK) {
            return VG_ERROR;
        }
    }
    if (vg_bind(call, "credit", credit) != VG_OK) {
        return VG_ERROR;
    }
    return vg_bind(call, "invoice", invoice);
}
