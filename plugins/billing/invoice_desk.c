/*
 * invoice_desk.c: invoices by hand: drafts, their lines. They become invoices
 * by the same arithmetic as all (invoice.c).
 */

#include <string.h>

#include "exact.h"
#include "forms.h"
#include "invoices.h"

#define PLACES     6 /* that a price or a quantity may have behind the point */
#define MONEY_MAX  1000000000
#define LINES_MOST 200

/* clang-format off */

static const vg_field_t line_fields[] = {
    { VG_BODY, "text", VG_TEXT, VG_REQUIRED, 1, 200, .about = "what it is" },
    { VG_BODY, "kind", VG_TEXT, 0, 1, 40,
      .about = "by which it is taxed, as ENERGY; MANUAL by default" },
    { VG_BODY, "quantity", VG_DECIMAL, VG_REQUIRED, 0, MONEY_MAX,
      .about = "how many; at most 6 digits behind the point" },
    { VG_BODY, "price", VG_DECIMAL, VG_REQUIRED, 0, MONEY_MAX,
      .about = "of one, in currency, excluding tax; at most 6 digits" },
    { VG_BODY, "taxRate", VG_DECIMAL, 0, 0, 100,
      .about = "per cent; by default the country's for the kind" },
    VG_FIELDS_END
};

static const vg_field_t line_item = {
    VG_BODY, NULL, VG_OBJECT, .fields = line_fields, .about = "a line"
};

#define DRAWN { VG_BOUND, "invoice", VG_ANY, .about = "lines, taxes, totals" }

const vg_field_t draft_new_fields[] = {
    { VG_BODY, "issuer", VG_TEXT, 0, 1, 64,
      .about = "company; an operator's own by default" },
    { VG_BODY, "customerId", VG_TEXT, 0, 1, 64, .about = "who pays, or:" },
    { VG_BODY, "companyId", VG_TEXT, 0, 1, 64, .about = "on whose account" },
    { VG_BODY, "currency", VG_TEXT, VG_REQUIRED, 3, 3, .about = "ISO 4217" },
    { VG_BODY, "country", VG_TEXT, 0, 2, 3,
      .about = "ISO 3166-1, whose taxes are meant" },
    { VG_BODY, "lines", VG_ARRAY, 0, 0, LINES_MOST, .item = &line_item,
      .about = "its first lines" },
    { VG_BOUND, "by", VG_TEXT, .about = "the issuer" },
    { VG_BOUND, "customer", VG_TEXT, .about = "who pays" },
    { VG_BOUND, "operator", VG_TEXT, .about = "whose customer that must be" },
    DRAWN,
    VG_FIELDS_END
};

const vg_field_t draft_line_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "a draft" },
    { VG_BODY, "lines", VG_ARRAY, VG_REQUIRED, 1, LINES_MOST,
      .item = &line_item, .about = "further lines" },
    DRAWN,
    VG_FIELDS_END
};

/* clang-format on */


/* More digits could not be reckoned with exactly: price times quantity has 12
 * places. */
static vg_rc_t
lines_check(vg_call_t *call)
{
    exact_t          value;
    const vg_json_t *line, *lines = vg_get(call, "lines");

    for (line = lines != NULL ? lines->first : NULL; line != NULL;
         line = line->next)
    {
        if (!exact_read(vg_json_text(line, "price"), PLACES, &value)
            || !exact_read(vg_json_text(line, "quantity"), PLACES, &value))
        {
            return vg_refuse_field(call, "lines",
                                   "at most 6 digits behind the point");
        }
    }
    return VG_OK;
}


/* An operator issues for its own company, to a customer of its own: what is
 * issued is taken of the customer's credit. An admin issues for whom it names. */
static vg_rc_t
draft_issuer(vg_call_t *call)
{
    const vg_caller_t *caller = vg_caller(call);
    const vg_json_t   *named = vg_get(call, "issuer");
    const vg_json_t   *customer = vg_get(call, "customerId");

    if (vg_str_eq(caller->role, "admin")) {
        return named != NULL ? vg_bind(call, "by", named->text)
                             : vg_refuse_field(call, "issuer", "is required");
    }
    if (!vg_str_eq(caller->role, "operator") || caller->company.len == 0
        || vg_get(call, "companyId") != NULL
        || (named != NULL
            && (named->text.len != caller->company.len
                || memcmp(named->text.data, caller->company.data,
                          caller->company.len)
                       != 0)))
    {
        return vg_refuse(call, "forbidden");
    }
    if (customer != NULL
        && (vg_bind(call, "customer", customer->text) != VG_OK
            || vg_bind(call, "operator", caller->company) != VG_OK))
    {
        return VG_ERROR;
    }
    return vg_bind(call, "by", caller->company);
}


static vg_rc_t
draft_bind(vg_call_t *call)
{
    return invoice_bind(call, vg_json_get(vg_row(call), "costs"));
}


vg_rc_t
draft_new_check(vg_call_t *call)
{
    vg_rc_t rc = lines_check(call);

    if (capitals_check(call, "currency") != VG_OK) {
        rc = VG_ERROR;
    }
    if (vg_get(call, "customerId") == NULL && vg_get(call, "companyId") == NULL)
    {
        rc = vg_refuse_field(call, "customerId", "or companyId is required");
    }
    if (rc != VG_OK || draft_issuer(call) != VG_OK) {
        return VG_ERROR;
    }
    return draft_bind(call);
}


/* Who sees no such draft is told so by the statement. */
vg_rc_t
draft_line_check(vg_call_t *call)
{
    vg_str_t none = { NULL, 0 };

    if (lines_check(call) != VG_OK) {
        return VG_ERROR;
    }
    if (vg_json_text(vg_row(call), "version").data == NULL) {
        return vg_bind(call, "invoice", none);
    }
    return draft_bind(call);
}
