/*
 * customer.c: customers as they come in, and who may make one.
 *
 * A driver is a customer by being one: its row is made by its first change,
 * see customer_blank() of 011_customer.sql.
 */

#include "parties.h"

/* clang-format off */

#define CUSTOMER                                                               \
    { VG_BODY, "name", VG_TEXT, VG_NULLABLE, 1, 200,                           \
      .about = "as invoices show it" },                                        \
    { VG_BODY, "email", VG_TEXT, VG_NULLABLE, 3, 254,                          \
      .about = "where invoices go" },                                          \
    { VG_BODY, "phone", VG_TEXT, VG_NULLABLE, 5, 30,                           \
      .about = "with or without a + and blanks" },                             \
    { VG_BODY, "language", VG_TEXT, VG_NULLABLE, 2, 35,                        \
      .about = "to be addressed in, BCP 47" },                                 \
    { VG_BODY, "billingAddress", VG_OBJECT, VG_NULLABLE,                       \
      .fields = address_fields, .about = "as invoices show it" }

#define CUSTOMER_ID                                                            \
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 64,                              \
      .about = "customer; a driver's is its subject" }

const vg_field_t customer_new_fields[] = {
    { VG_BODY, "id", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "the subject whose customer it is, an admin's to say; "
               "default: a new one, of nobody who logs in" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "whose customer; the caller's own by default, an admin "
               "names one" },
    CUSTOMER,
    { VG_BOUND, "company", VG_TEXT, .about = "whose customer it will be" },
    VG_FIELDS_END
};

const vg_field_t customer_change_fields[] = {
    CUSTOMER_ID, CUSTOMER, VG_FIELDS_END
};

const vg_field_t customer_list_fields[] = {
    { VG_QUERY, "companyId", VG_TEXT, 0, 1, 64, .about = "of this company" },
    VG_FIELDS_END
};

const vg_field_t customer_id_fields[] = { CUSTOMER_ID, VG_FIELDS_END };

static const spelled_t customer_spelled[] = {
    { "id", spelling_line, SPELLED_LINE },
    { "name", spelling_line, SPELLED_LINE },
    { "email", spelling_email, SPELLED_EMAIL },
    { "phone", spelling_phone, SPELLED_PHONE },
    { "language", spelling_language, "must be a language tag" },
    { "billingAddress.country", spelling_country, SPELLED_COUNTRY },
    { NULL, NULL, NULL }
};

/* clang-format on */

vg_rc_t
customer_check(vg_call_t *call)
{
    return spelled_check(call, customer_spelled);
}

/* Companies make customers of theirs; who logs in bears an id that only an
 * admin may say, so that nobody sits in another's place. */
vg_rc_t
customer_create_check(vg_call_t *call)
{
    const vg_caller_t *caller = vg_caller(call);
    bool               admin = vg_str_eq(caller->role, "admin");

    if (!admin
        && (caller->company.len == 0 || vg_str_eq(caller->role, "driver")
            || vg_get(call, "id") != NULL))
    {
        return vg_refuse(call, "forbidden");
    }

    if (customer_check(call) != VG_OK) {
        return VG_ERROR;
    }

    return company_bind(call, admin ? (vg_str_t){ NULL, 0 } : caller->company);
}
