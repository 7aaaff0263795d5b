/*
 * party.c: who an invoice is between: what an issuer says of itself, and the
 * names and addresses that accounts is asked for when an invoice was issued.
 */

#include <string.h>

#include "papers.h"

#define IBAN_MAX 34

/* clang-format off */

static const vg_field_t address_fields[] = {
    { VG_BODY, "street", VG_TEXT, VG_NULLABLE, 0, 200,
      .about = "street and number" },
    { VG_BODY, "city", VG_TEXT, VG_NULLABLE, 0, 100, .about = "city" },
    { VG_BODY, "postalCode", VG_TEXT, VG_NULLABLE, 0, 20,
      .about = "postal code" },
    { VG_BODY, "country", VG_TEXT, VG_NULLABLE, 2, 100,
      .about = "country, as it is to be read" },
    VG_FIELDS_END
};

#define ISSUER_ID                                                              \
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 64,                              \
      .about = "the issuer: an operator's company" }

const vg_field_t issuer_id_fields[] = { ISSUER_ID, VG_FIELDS_END };

const vg_field_t issuer_fields[] = {
    ISSUER_ID,
    { VG_BODY, "name", VG_TEXT, VG_REQUIRED, 1, 200, .about = "legal name" },
    { VG_BODY, "address", VG_OBJECT, VG_REQUIRED, .fields = address_fields,
      .about = "its seat" },
    { VG_BODY, "vatId", VG_TEXT, VG_NULLABLE, 1, 20,
      .about = "number for value added tax" },
    { VG_BODY, "register", VG_TEXT, VG_NULLABLE, 1, 200,
      .about = "where it is registered, and under which number" },
    { VG_BODY, "bank", VG_TEXT, VG_NULLABLE, 1, 100, .about = "its bank" },
    { VG_BODY, "iban", VG_TEXT, VG_NULLABLE, 15, 42,
      .about = "account (ISO 13616); blanks may be in it" },
    { VG_BODY, "bic", VG_TEXT, VG_NULLABLE, 8, 11, .about = "ISO 9362" },
    { VG_BODY, "email", VG_TEXT, VG_NULLABLE, 3, 254,
      .about = "for questions about an invoice" },
    { VG_BODY, "footer", VG_TEXT, VG_NULLABLE, 1, 300,
      .about = "what else its invoices have to say" },
    { VG_BODY, "prefix", VG_TEXT, 0, 1, 16,
      .about = "before the number of each invoice; stands from the first on" },
    VG_FIELDS_END
};

static const vg_field_t party_id = {
    VG_BODY, "id", VG_TEXT, 0, 1, 64, .about = "of a customer or company"
};

const vg_field_t party_copy_fields[] = {
    { VG_BODY, "customers", VG_ARRAY, VG_REQUIRED, 0, 1000, .item = &party_id,
      .about = "ids" },
    { VG_BODY, "companies", VG_ARRAY, VG_REQUIRED, 0, 1000, .item = &party_id,
      .about = "ids" },
    VG_FIELDS_END
};

/* clang-format on */


/* ISO 13616: letters are 10 to 35, the first four behind the rest; what that
 * number leaves of 97 is 1 */
static bool
is_iban(vg_str_t text)
{
    char     plain[IBAN_MAX];
    size_t   i, n = 0;
    unsigned c, left = 0;

    for (i = 0; i < text.len; i++) {
        c = (unsigned char) text.data[i];
        if (c == ' ') {
            continue;
        }
        if (n == IBAN_MAX
            || !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))) {
            return false;
        }
        plain[n++] = (char) c;
    }
    for (i = 0; i < n; i++) {
        c = (unsigned char) plain[(i + 4) % n];
        left = c >= 'A' ? (left * 100 + c - 'A' + 10) % 97
                        : (left * 10 + c - '0') % 97;
    }
    return n >= 15 && left == 1;
}


/* of letters, digits and what stands between them */
static bool
is_prefix(vg_str_t text)
{
    size_t i;
    char   c;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z') || c == '-' || c == '/' || c == '.'))
        {
            return false;
        }
    }
    return true;
}


vg_rc_t
issuer_check(vg_call_t *call)
{
    vg_rc_t          rc = VG_OK;
    const vg_json_t *iban = vg_get(call, "iban");
    const vg_json_t *prefix = vg_get(call, "prefix");

    if (iban != NULL && !is_iban(iban->text)) {
        rc = vg_refuse_field(call, "iban", "must be an IBAN");
    }
    if (prefix != NULL && !is_prefix(prefix->text)) {
        rc = vg_refuse_field(call, "prefix",
                             "must be of letters, digits, '-', '/' and '.'");
    }
    return rc;
}


static vg_rc_t
party_ask(vg_call_t *call)
{
    vg_out_t out;

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "customers", vg_get(call, "customers")->raw);
    vg_out_member_raw(&out, "companies", vg_get(call, "companies")->raw);
    vg_out_close(&out, '}');
    return vg_inquire_or(call, "party.show", vg_out_str(&out), VG_STR("null"));
}


/* clang-format off */
const vg_step_t party_copy_steps[] = {
    { "party", party_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
