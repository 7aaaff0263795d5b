/*
 * settle.c: how long who is invoiced has time to pay. What pays is SQL's
 * (billing.invoice_settle), since it decides under the payer's lock.
 */

#include "invoices.h"

const vg_field_t settle_fields[] = {
    { VG_BODY, "invoiceId", VG_UUID, VG_REQUIRED, .about = "the invoice" },
    { VG_SETTING, "paymentDays", VG_INT, .about = "until it is due" },
    VG_FIELDS_END
};
