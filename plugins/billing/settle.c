/*
 * settle.c: how long who is invoiced has time to pay. What pays is SQL's
 * (billing.invoice_settle), since it decides under the payer's lock.
 */

#include <stdlib.h>

#include "invoices.h"

#define DAYS_MAX 365

/* clang-format off */

const vg_field_t settle_fields[] = {
    { VG_BODY, "invoiceId", VG_UUID, VG_REQUIRED, .about = "the invoice" },
    { VG_BOUND, "days", VG_INT, .about = "until it is due, on account" },
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
settle_check(vg_call_t *call)
{
    char       *end;
    const char *text = vg_setting(call, "payment_days");
    long        days = strtol(text, &end, 10);

    if (end == text || *end != '\0' || days < 0 || days > DAYS_MAX) {
        vg_log(call, VG_LOG_ERROR, "billing.payment_days is no number of days");
        return vg_refuse(call, "internal");
    }
    return vg_bind(call, "days", vg_str(text));
}
