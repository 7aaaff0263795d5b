/*
 * credit_note.c: what is taken back of an invoice: what may be asked. How it is
 * reckoned is billing.credit_parts(), under the invoice's lock.
 */

#include "invoices.h"

#define MONEY_MAX  1000000000
#define LINES_MOST 200

/* clang-format off */

static const vg_field_t credited_fields[] = {
    { VG_BODY, "position", VG_INT, VG_REQUIRED, 1, 1000000,
      .about = "of the invoice's line" },
    { VG_BODY, "amount", VG_DECIMAL, 0, 0, MONEY_MAX,
      .about = "of that, in currency, excluding tax; all of it by default" },
    VG_FIELDS_END
};

static const vg_field_t credited_item = {
    VG_BODY, NULL, VG_OBJECT, .fields = credited_fields, .about = "a line"
};

const vg_field_t credit_note_new_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "invoice" },
    { VG_BODY, "lines", VG_ARRAY, 0, 1, LINES_MOST, .item = &credited_item,
      .about = "which lines; or:" },
    { VG_BODY, "amount", VG_DECIMAL, 0, 0, MONEY_MAX,
      .about = "in currency, including tax; without either all that is left" },
    { VG_BODY, "reason", VG_TEXT, 0, 1, 500, .about = "as it is to be read" },
    VG_FIELDS_END
};

const vg_field_t credit_note_list_fields[] = {
    { VG_QUERY, "invoiceId", VG_UUID, .about = "of this invoice" },
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64, .about = "to this customer" },
    { VG_QUERY, "companyId", VG_TEXT, 0, 1, 64,
      .about = "on this company's account" },
    { VG_QUERY, "issuer", VG_TEXT, 0, 1, 64, .about = "of this company" },
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
credit_note_check(vg_call_t *call)
{
    if (vg_get(call, "lines") != NULL && vg_get(call, "amount") != NULL) {
        return vg_refuse_field(call, "amount", "not beside lines");
    }
    return VG_OK;
}
