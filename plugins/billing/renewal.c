/*
 * renewal.c: what the clock does to subscriptions: batches of those that are
 * due, and the steps of dunning. What is due, and what follows, is SQL's (011).
 */

#include "dunning.h"
#include "invoice.h"
#include "subscriptions.h"

#define BATCH "250" /* subscriptions of one commit: some 0.2 s            */

/* clang-format off */
const vg_field_t  renewal_fields[] = {
    { VG_BOUND, "most", VG_INT, .about = "subscriptions of one commit" },
    { VG_BOUND, "invoices", VG_OBJECT, .about = "by plan, revision and day" },
    { VG_BOUND, "dunning", VG_OBJECT, .about = "its steps" },
    VG_FIELDS_END
};

const vg_field_t  renewal_overdue_fields[] = {
    { VG_BOUND, "dunning", VG_OBJECT, .about = "its steps" },
    VG_FIELDS_END
};

const vg_field_t  renewal_alone_fields[] = {
    { VG_BODY, "subscriptionId", VG_UUID, VG_REQUIRED,
      .about = "the one that is stuck" },
    { VG_BOUND, "invoices", VG_OBJECT, .about = "by plan, revision and day" },
    { VG_BOUND, "dunning", VG_OBJECT, .about = "its steps" },
    VG_FIELDS_END
};

const vg_field_t  renewal_told_fields[] = {
    { VG_BODY, "invoiceId", VG_UUID, VG_NULLABLE, .about = "the invoice" },
    { VG_BOUND, "dunning", VG_OBJECT, .about = "its steps" },
    VG_FIELDS_END
};
/* clang-format on */


static vg_rc_t
dunning_bind(vg_call_t *call)
{
    int       i;
    vg_out_t  out;
    dunning_t dunning;

    (void) dunning_read(vg_setting(call, "dunning"), &dunning);
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_key(&out, "steps");
    vg_out_open(&out, '[');
    for (i = 0; i < dunning.n; i++) {
        vg_out_int(&out, dunning.after[i]);
    }
    vg_out_close(&out, ']');
    vg_out_key(&out, "cancels");
    vg_out_bool(&out, dunning.cancels);
    vg_out_close(&out, '}');
    return vg_bind(call, "dunning", vg_out_str(&out));
}


/* What is no price is false: it stops who has it, and nobody beside. */
static vg_rc_t
invoice_write(vg_call_t *call, const vg_json_t *price, vg_out_t *out)
{
    vg_str_t invoice = { NULL, 0 };

    switch (invoice_make(vg_pool(call), vg_json_get(price, "costs"),
                         vg_json_text(price, "taxRate"),
                         vg_json_text(price, "minorUnits"), NULL, &invoice))
    {

    case INVOICE_OK:
        vg_out_raw(out, invoice);
        return VG_OK;

    case INVOICE_NOTHING:
        vg_out_null(out);
        return VG_OK;

    case INVOICE_NONSENSE:
        vg_out_bool(out, false);
        return VG_OK;

    default:
        return vg_refuse(call, "internal");
    }
}


/* An invoice for each plan, revision and day among those that are due: the
 * subscriptions of one differ in who pays alone. */
static vg_rc_t
invoices_bind(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *price, *prices = vg_json_get(vg_row(call), "prices");

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    for (price = prices != NULL ? prices->first : NULL; price != NULL;
         price = price->next)
    {
        vg_out_name(&out, price->key);
        if (invoice_write(call, price, &out) != VG_OK) {
            return VG_ERROR;
        }
    }
    vg_out_close(&out, '}');
    return vg_bind(call, "invoices", vg_out_str(&out));
}


/* The load, which runs before it, looks at as many by a number of its own. */
vg_rc_t
renewal_check(vg_call_t *call)
{
    if (vg_bind(call, "most", VG_STR(BATCH)) != VG_OK
        || dunning_bind(call) != VG_OK)
    {
        return VG_ERROR;
    }
    return invoices_bind(call);
}


vg_rc_t
renewal_alone_check(vg_call_t *call)
{
    vg_str_t id = vg_json_text(vg_body(call), "subscriptionId");

    if (vg_job_try(call) > 1) {
        vg_log(call, VG_LOG_WARN, "subscription %.*s is stuck: try %u",
               (int) id.len, id.data, vg_job_try(call));
    }
    if (dunning_bind(call) != VG_OK) {
        return VG_ERROR;
    }
    return invoices_bind(call);
}


vg_rc_t
renewal_told_check(vg_call_t *call)
{
    return dunning_bind(call);
}


/* a job's step that asks nobody: its statement is all there is to do */
static vg_rc_t
renewal_go(vg_call_t *call)
{
    (void) call;
    return VG_DECLINED;
}


/* clang-format off */
const vg_step_t  renewal_steps[] = {
    { "go", renewal_go, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t  renewal_alone_steps[] = {
    { "go", renewal_go, NULL, "subscription_parked" },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
