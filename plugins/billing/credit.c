/*
 * credit.c: what a payer has paid in advance, as calls have it. What may be
 * done with it is decided in SQL (010_credit.sql), where the books are.
 */

#include "credit.h"
#include "forms.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */

#define AMOUNT_MAX 1000000 /* of one payment, in its currency */

#define WHOSE(where)                                                           \
    { where, "customerId", VG_TEXT, 0, 1, 64,                                  \
      .about = "of this customer; neither: the caller's own" },                \
    { where, "companyId", VG_TEXT, 0, 1, 64, .about = "of this company" }

#define CURRENCY                                                               \
    { VG_BODY, "currency", VG_TEXT, VG_REQUIRED, 3, 3, .about = "ISO 4217" }

const vg_field_t credit_fields[] = { WHOSE(VG_QUERY), VG_FIELDS_END };

const vg_field_t credit_list_fields[] = {
    WHOSE(VG_QUERY),
    { VG_QUERY, "currency", VG_TEXT, 0, 3, 3, .about = "in this currency" },
    VG_FIELDS_END
};

const vg_field_t credit_top_up_fields[] = {
    WHOSE(VG_BODY),
    { VG_BODY, "amount", VG_DECIMAL, VG_REQUIRED, 0, AMOUNT_MAX,
      .about = "above 0, with no more digits than the currency has" },
    CURRENCY,
    { VG_BODY, "methodId", VG_UUID,
      .about = "payment method; none: the payer's own" },
    VG_FIELDS_END
};

const vg_field_t credit_refund_fields[] = {
    WHOSE(VG_BODY),
    { VG_BODY, "amount", VG_DECIMAL, 0, 0, AMOUNT_MAX,
      .about = "above 0; none: all that can go back" },
    CURRENCY,
    VG_FIELDS_END
};

const vg_field_t credit_expire_fields[] = {
    { VG_BOUND, "lifetime", VG_TEXT, .about = "interval; NULL: for ever" },
    VG_FIELDS_END
};

const vg_field_t payer_fields[] = {
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 64,
      .about = "customer or company" },
    VG_FIELDS_END
};

const vg_field_t payer_change_fields[] = {
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 64,
      .about = "customer or company" },
    { VG_BODY, "lowMark", VG_DECIMAL, 0, 0, AMOUNT_MAX,
      .about = "credits.low.v1 is told below it, in any currency" },
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
credit_currency_check(vg_call_t *call)
{
    return capitals_check(call, "currency");
}


/* "12h", "90d", "8w", "10y", which PostgreSQL reads as an interval, too */
static bool
credit_span_valid(const char *span)
{
    char *end;
    long  count = strtol(span, &end, 10);

    return span[0] >= '0' && span[0] <= '9' && count >= 1
           && count <= (*end == 'y' ? 999 : 9999) && *end != '\0'
           && strchr("hdwy", *end) != NULL && end[1] == '\0';
}


const char *
credit_lifetime_wrong(const char *value)
{
    return strcmp(value, "forever") == 0 || credit_span_valid(value)
               ? NULL
               : "must be forever, or a span as 12h, 365d, 52w or 3y";
}


vg_rc_t
credit_expire_check(vg_call_t *call)
{
    vg_str_t    forever = { NULL, 0 };
    const char *lifetime = vg_setting(call, "credit_lifetime");

    return vg_bind(call, "lifetime",
                   credit_span_valid(lifetime) ? vg_str(lifetime) : forever);
}
