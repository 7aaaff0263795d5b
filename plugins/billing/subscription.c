/*
 * subscription.c: subscriptions: what is asked of them, and what a change of
 * plan within a cycle costs. States and moments are SQL's (006, 011, 012).
 */

#include "invoice.h"
#include "prorate.h"
#include "subscriptions.h"

#define ENERGY_PLACES 9  /* kWh                                          */
#define MICROS_DIGITS 18 /* as many years as PostgreSQL counts           */

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
    { VG_BODY, "startAt", VG_TIME,
      .about = "not before; default now; within a year" },
    { VG_BOUND, "customer", VG_TEXT, .about = "who pays" },
    { VG_BOUND, "operator", VG_TEXT, .about = "whose customer that must be" },
    VG_FIELDS_END
};

const vg_field_t  subscription_list_fields[] = {
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64, .about = "of this customer" },
    { VG_QUERY, "companyId", VG_TEXT, 0, 1, 64, .about = "of this company" },
    { VG_QUERY, "planId", VG_UUID, .about = "to this plan" },
    { VG_QUERY, "status", VG_ENUM,
      .values = "SCHEDULED|PENDING|ACTIVE|PAST_DUE|CANCELLED|FAILED",
      .about = "in this state" },
    { VG_QUERY, "stuck", VG_BOOL,
      .about = "with which the clock cannot go on, for want of what it needs" },
    VG_FIELDS_END
};

const vg_field_t  subscription_id_fields[] = {
    SUBSCRIPTION_ID,
    VG_FIELDS_END
};

#define SUBSCRIPTION_CHANGE                                                  \
    { VG_BOUND, "credit", VG_DECIMAL, .about = "that is given back" },       \
    { VG_BOUND, "includedKwh", VG_DECIMAL, .about = "by this cycle then" },  \
    { VG_BOUND, "invoice", VG_ANY, .about = "of what is due" }

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


/* Who pays is one of the two; which of them, the statement knows. An operator
 * subscribes a customer of its own, which is for accounts to say (method.c), and
 * nobody's company: what it is invoiced is taken of who pays. */
vg_rc_t
subscription_new_check(vg_call_t *call)
{
    const vg_caller_t *caller = vg_caller(call);
    const vg_json_t   *customer = vg_get(call, "customerId");
    const vg_json_t   *company = vg_get(call, "companyId");

    if (customer != NULL && company != NULL) {
        return vg_refuse_field(call, "companyId",
                               "is not given with customerId");
    }
    if (!vg_str_eq(caller->role, "operator")) {
        return VG_OK;
    }
    if (caller->company.len == 0 || company != NULL) {
        return vg_refuse(call, "forbidden");
    }
    if (customer == NULL) {
        return vg_refuse_field(call, "customerId", "is required");
    }
    return vg_bind(call, "customer", customer->text) == VG_OK
               ? vg_bind(call, "operator", caller->company)
               : VG_ERROR;
}


/* A year of microseconds has more digits than exact_read() takes. */
static int64_t
micros(const vg_json_t *node, const char *name)
{
    size_t   i;
    int64_t  value = 0;
    vg_str_t text = vg_json_text(node, name);
    bool     minus = text.len > 0 && text.data[0] == '-';

    for (i = minus; i < text.len && i < MICROS_DIGITS; i++) {
        value = value * 10 + (text.data[i] - '0');
    }
    return minus ? -value : value;
}


static bool
is_true(const vg_json_t *node, const char *name)
{
    const vg_json_t *member = vg_json_get(node, name);

    return member != NULL && member->type == VG_JSON_TRUE;
}


/* The costs of what is to be paid, as the loaded row would have them. */
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
    vg_out_member(&out, "unit", vg_json_text(row, "unit"));
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


/* What a cycle that goes on includes from now on. */
static vg_rc_t
change_energy(vg_call_t *call, const vg_json_t *row)
{
    exact_t had, from, to, used;

    if (!exact_read(vg_json_text(row, "included"), ENERGY_PLACES, &had)
        || !exact_read(vg_json_text(row, "fromKwh"), ENERGY_PLACES, &from)
        || !exact_read(vg_json_text(row, "toKwh"), ENERGY_PLACES, &to)
        || !exact_read(vg_json_text(row, "used"), ENERGY_PLACES, &used))
    {
        return vg_bind(call, "includedKwh", (vg_str_t){ NULL, 0 });
    }
    return vg_bind(
        call, "includedKwh",
        exact_print(vg_pool(call),
                    prorate_energy(had, from, to, used, micros(row, "elapsed"),
                                   micros(row, "whole")),
                    ENERGY_PLACES, 0));
}


/* What is to be paid, and what is given back: of a plan with another cycle, all
 * of the one and what is left of the other; else the difference. */
static void
change_worth(const vg_json_t *row, int digits, exact_t *due, exact_t *back)
{
    exact_t from, to, used, included;
    int64_t elapsed = micros(row, "elapsed"), whole = micros(row, "whole");

    *due = *back = 0;
    if (!exact_read(vg_json_text(row, "from"), digits, &from)
        || !exact_read(vg_json_text(row, "to"), digits, &to) || whole <= 0
        || !exact_read(vg_json_text(row, "used"), ENERGY_PLACES, &used)
        || !exact_read(vg_json_text(row, "included"), ENERGY_PLACES, &included))
    {
        return;
    }
    *back = prorate_unused(from, elapsed, whole, (int64_t) used,
                           (int64_t) included);
    if (is_true(row, "anew")) {
        *due = to;
        return;
    }
    *due = prorate_left(to, elapsed, whole) - *back;
    *back = *due < 0 ? -*due : 0;
    *due = *due < 0 ? 0 : *due;
}


/* What the change is worth at this moment. The statement sees whether there is
 * anything to change, and that nobody was faster. */
vg_rc_t
subscription_change_check(vg_call_t *call)
{
    int              digits = 0;
    exact_t          due, back, units;
    vg_str_t         none = { NULL, 0 }, invoice = none;
    const vg_json_t *row = vg_row(call);

    if (exact_read(vg_json_text(row, "minorUnits"), 0, &units)) {
        digits = (int) units;
    }
    change_worth(row, digits, &due, &back);
    if (due > 0
        && change_invoice(call, row,
                          exact_print(vg_pool(call), due, digits, digits),
                          &invoice)
               != VG_OK)
    {
        return VG_ERROR;
    }
    if (vg_bind(call, "invoice", invoice) != VG_OK
        || vg_bind(call, "credit",
                   back > 0 ? exact_print(vg_pool(call), back, digits, digits)
                            : none)
               != VG_OK)
    {
        return VG_ERROR;
    }
    return change_energy(call, row);
}
