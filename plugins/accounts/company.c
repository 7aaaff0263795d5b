/*
 * company.c: companies as they come in, and how texts of parties are spelled.
 */

#include <string.h>

#include "parties.h"

#define KINDS "OPERATOR|FLEET"

/* clang-format off */

const vg_field_t address_fields[] = {
    { VG_BODY, "street", VG_TEXT, VG_NULLABLE, 0, 200,
      .about = "street and number" },
    { VG_BODY, "city", VG_TEXT, VG_NULLABLE, 0, 100, .about = "city" },
    { VG_BODY, "postalCode", VG_TEXT, VG_NULLABLE, 0, 20,
      .about = "postal code" },
    { VG_BODY, "country", VG_TEXT, VG_NULLABLE, 2, 3,
      .about = "ISO 3166-1, alpha-2 or alpha-3" },
    VG_FIELDS_END
};

#define COMPANY(needed)                                                        \
    { VG_BODY, "name", VG_TEXT, needed, 1, 200, .about = "as it trades" },     \
    { VG_BODY, "country", VG_TEXT, VG_NULLABLE, 2, 3,                          \
      .about = "ISO 3166-1, where it has its seat" },                          \
    { VG_BODY, "vatId", VG_TEXT, VG_NULLABLE, 1, 20,                           \
      .about = "number for value added tax" },                                 \
    { VG_BODY, "email", VG_TEXT, VG_NULLABLE, 3, 254,                          \
      .about = "where its invoices go" },                                      \
    { VG_BODY, "billingAddress", VG_OBJECT, VG_NULLABLE,                       \
      .fields = address_fields, .about = "as invoices show it" }

#define COMPANY_ID                                                             \
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "company" }

const vg_field_t company_new_fields[] = {
    { VG_BODY, "kind", VG_ENUM, VG_REQUIRED, .values = KINDS,
      .about = "runs charge points, or vehicles" },
    COMPANY(VG_REQUIRED), VG_FIELDS_END
};

const vg_field_t company_change_fields[] = {
    COMPANY_ID, COMPANY(0), VG_FIELDS_END
};

const vg_field_t company_list_fields[] = {
    { VG_QUERY, "kind", VG_ENUM, .values = KINDS, .about = "of this kind" },
    VG_FIELDS_END
};

const vg_field_t company_id_fields[] = { COMPANY_ID, VG_FIELDS_END };

static const spelled_t company_spelled[] = {
    { "name", spelling_line, SPELLED_LINE },
    { "country", spelling_country, SPELLED_COUNTRY },
    { "vatId", spelling_line, SPELLED_LINE },
    { "email", spelling_email, SPELLED_EMAIL },
    { "billingAddress.country", spelling_country, SPELLED_COUNTRY },
    { NULL, NULL, NULL }
};

/* clang-format on */

/* the value of "a" or "a.b"; NULL: there is none */
static const vg_json_t *
spelled_value(vg_call_t *call, const char *name)
{
    char        outer[32];
    const char *dot = strchr(name, '.');

    if (dot == NULL) {
        return vg_get(call, name);
    }

    if ((size_t) (dot - name) >= sizeof(outer)) {
        return NULL;
    }

    memcpy(outer, name, dot - name);
    outer[dot - name] = '\0';

    return vg_json_get(vg_get(call, outer), dot + 1);
}

vg_rc_t
spelled_check(vg_call_t *call, const spelled_t *rules)
{
    vg_rc_t          rc = VG_OK;
    const vg_json_t *value;

    for (const spelled_t *r = rules; r->name != NULL; r++) {
        value = spelled_value(call, r->name);
        if (value != NULL && value->type == VG_JSON_STRING
            && !r->good(value->text.data, value->text.len))
        {
            rc = vg_refuse_field(call, r->name, r->wrong);
        }
    }

    return rc;
}

vg_rc_t
company_check(vg_call_t *call)
{
    return spelled_check(call, company_spelled);
}

vg_rc_t
company_bind(vg_call_t *call, vg_str_t own)
{
    const vg_json_t   *named = vg_get(call, "companyId");
    const vg_caller_t *caller = vg_caller(call);

    if (named == NULL) {
        return vg_bind(call, "company",
                       own.len != 0 ? own : (vg_str_t){ NULL, 0 });
    }

    if (!vg_str_eq(caller->role, "admin")
        && (named->text.len != caller->company.len
            || memcmp(named->text.data, caller->company.data,
                      caller->company.len)
                   != 0))
    {
        return vg_refuse(call, "forbidden");
    }

    return vg_bind(call, "company", named->text);
}
