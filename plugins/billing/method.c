/*
 * method.c: what a payer pays with. A provider's token, never a card's number,
 * which the kit refuses wherever it stands (core/pan.c).
 */

#include "providers.h"

#include <string.h>

#define METHOD_TOKEN_MAX 255

/* clang-format off */

#define SHOWN                                                                  \
    { VG_BODY, "brand", VG_TEXT, VG_NULLABLE, 1, 32,                           \
      .about = "as the provider calls it, to show" },                          \
    { VG_BODY, "last4", VG_TEXT, VG_NULLABLE, 4, 4,                            \
      .about = "last digits, to show" },                                       \
    { VG_BODY, "expires", VG_TEXT, VG_NULLABLE, 5, 5, .about = "MM/YY" }

#define METHOD_ID                                                              \
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "payment method" }

const vg_field_t method_new_fields[] = {
    { VG_BODY, "provider", VG_TEXT, VG_REQUIRED, 1, 32,
      .about = "one that is configured" },
    { VG_BODY, "token", VG_TEXT, VG_REQUIRED, 1, METHOD_TOKEN_MAX,
      .about = "the provider's name for the card or account" },
    SHOWN,
    { VG_BODY, "default", VG_BOOL,
      .about = "pay with it from now on; the first one is so by itself" },
    { VG_BODY, "customerId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "whose; a driver's own by default" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "whose; a fleet manager's own by default" },
    { VG_BOUND, "customer", VG_TEXT, .about = "whose it is, or:" },
    { VG_BOUND, "company", VG_TEXT, .about = "on whose account" },
    { VG_BOUND, "operator", VG_TEXT, .about = "who brings it for a customer" },
    VG_FIELDS_END
};

const vg_field_t method_change_fields[] = {
    METHOD_ID,
    SHOWN,
    { VG_BODY, "default", VG_BOOL, .about = "pay with it from now on, or not" },
    VG_FIELDS_END
};

const vg_field_t method_list_fields[] = {
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64, .about = "of this customer" },
    { VG_QUERY, "companyId", VG_TEXT, 0, 1, 64, .about = "of this company" },
    VG_FIELDS_END
};

const vg_field_t method_id_fields[] = { METHOD_ID, VG_FIELDS_END };

/* clang-format on */


/* A word of the setting `providers`. */
bool
provider_known(vg_call_t *call, vg_str_t name)
{
    size_t      len;
    const char *p = vg_setting(call, "providers");

    while (*p != '\0') {
        p += strspn(p, " ");
        len = strcspn(p, " ");
        if (len != 0 && len == name.len && memcmp(p, name.data, len) == 0) {
            return true;
        }
        p += len;
    }
    return false;
}


static bool
digits(vg_str_t text, size_t from, size_t count)
{
    size_t i;

    for (i = from; i < from + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}


static bool
month_and_year(vg_str_t t)
{
    int month;

    if (t.len != 5 || t.data[2] != '/' || !digits(t, 0, 2) || !digits(t, 3, 2))
    {
        return false;
    }
    month = (t.data[0] - '0') * 10 + t.data[1] - '0';
    return month >= 1 && month <= 12;
}


static bool
one_word(vg_str_t t)
{
    size_t i;

    for (i = 0; i < t.len; i++) {
        if (t.data[i] <= ' ' || t.data[i] > '~') {
            return false;
        }
    }
    return true;
}


vg_rc_t
method_check(vg_call_t *call)
{
    vg_rc_t          rc = VG_OK;
    const vg_json_t *last4 = vg_get(call, "last4");
    const vg_json_t *expires = vg_get(call, "expires");

    if (last4 != NULL && !digits(last4->text, 0, 4)) {
        rc = vg_refuse_field(call, "last4", "must be 4 digits");
    }
    if (expires != NULL && !month_and_year(expires->text)) {
        rc = vg_refuse_field(call, "expires", "must be MM/YY");
    }
    return rc;
}


/* no name: the caller's own */
static vg_rc_t
method_own(vg_call_t *call, const char *field, const char *other,
           const char *bound, vg_str_t own)
{
    const vg_json_t *named = vg_get(call, field);

    if (own.len == 0 || vg_get(call, other) != NULL
        || (named != NULL
            && (named->text.len != own.len
                || memcmp(named->text.data, own.data, own.len) != 0)))
    {
        return vg_refuse(call, "forbidden");
    }
    return vg_bind(call, bound, own);
}


static vg_rc_t
method_of_operator(vg_call_t *call, const vg_caller_t *caller)
{
    vg_rc_t          rc;
    const vg_json_t *customer = vg_get(call, "customerId");

    if (caller->company.len == 0 || vg_get(call, "companyId") != NULL) {
        return vg_refuse(call, "forbidden");
    }
    if (customer == NULL) {
        return vg_refuse_field(call, "customerId", "is required");
    }
    rc = vg_bind(call, "operator", caller->company);
    return rc == VG_OK ? vg_bind(call, "customer", customer->text) : rc;
}


static vg_rc_t
method_of_any(vg_call_t *call)
{
    const vg_json_t *customer = vg_get(call, "customerId");
    const vg_json_t *company = vg_get(call, "companyId");

    if ((customer == NULL) == (company == NULL)) {
        return vg_refuse_field(call, "customerId", "or companyId is required");
    }
    return customer != NULL ? vg_bind(call, "customer", customer->text)
                            : vg_bind(call, "company", company->text);
}


static vg_rc_t
method_owner(vg_call_t *call)
{
    const vg_caller_t *caller = vg_caller(call);

    if (vg_str_eq(caller->role, "driver")) {
        return method_own(call, "customerId", "companyId", "customer",
                          caller->id);
    }
    if (vg_str_eq(caller->role, "fleet_manager")) {
        return method_own(call, "companyId", "customerId", "company",
                          caller->company);
    }
    if (vg_str_eq(caller->role, "operator")) {
        return method_of_operator(call, caller);
    }
    return vg_str_eq(caller->role, "admin") ? method_of_any(call)
                                            : vg_refuse(call, "forbidden");
}


vg_rc_t
method_new_check(vg_call_t *call)
{
    vg_rc_t rc = method_check(call);

    if (!provider_known(call, vg_get(call, "provider")->text)) {
        rc = vg_refuse_field(call, "provider", "is not configured");
    }
    if (!one_word(vg_get(call, "token")->text)) {
        rc =
            vg_refuse_field(call, "token", "must be printable, without spaces");
    }
    return rc == VG_OK ? method_owner(call) : rc;
}


/* whether the customer is the operator's is for accounts to say */
static vg_rc_t
method_party(vg_call_t *call)
{
    vg_out_t out;

    if (vg_bound(call, "operator").data == NULL) {
        return VG_OK;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "customerId", vg_bound(call, "customer"));
    vg_out_close(&out, '}');
    return vg_inquire(call, "party.check", vg_out_str(&out));
}


const vg_step_t method_steps[] = {
    { "party", method_party, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
