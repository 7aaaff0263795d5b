/*
 * tax.c: rates of tax, as an admin adds them. Which of them holds is
 * billing.tax_rate_at()'s to say.
 */

#include "forms.h"
#include "papers.h"

/* clang-format off */

const vg_field_t tax_rate_new_fields[] = {
    { VG_BODY, "country", VG_TEXT, VG_REQUIRED, 2, 2,
      .about = "ISO 3166-1 alpha-2" },
    { VG_BODY, "alpha3", VG_TEXT, 0, 3, 3,
      .about = "the same in three letters; of a country that has no rate yet" },
    { VG_BODY, "kind", VG_TEXT, 0, 1, 40,
      .about = "of supply, as invoice lines have it: ENERGY, SUBSCRIPTION …; "
               "STANDARD, the default, is of all that have no rate of their "
               "own" },
    { VG_BODY, "validFrom", VG_TEXT, VG_REQUIRED, 10, 10,
      .about = "YYYY-MM-DD, by clocks there; tomorrow at the earliest" },
    { VG_BODY, "rate", VG_DECIMAL, VG_NULLABLE, 0, 99,
      .about = "per cent; null: from then on as STANDARD" },
    VG_FIELDS_END
};

const vg_field_t tax_rate_list_fields[] = {
    { VG_QUERY, "country", VG_TEXT, 0, 2, 3, .about = "of this country" },
    { VG_QUERY, "kind", VG_TEXT, 0, 1, 40, .about = "of this kind" },
    VG_FIELDS_END
};

/* clang-format on */


static bool
is_kind(vg_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if ((text.data[i] < 'A' || text.data[i] > 'Z')
            && (i == 0 || text.data[i] != '_'))
        {
            return false;
        }
    }
    return true;
}


vg_rc_t
tax_rate_check(vg_call_t *call)
{
    const vg_json_t *kind = vg_get(call, "kind");
    bool             good = capitals_check(call, "country") == VG_OK;

    good = capitals_check(call, "alpha3") == VG_OK && good;
    good = day_check(call, "validFrom") == VG_OK && good;
    if (kind != NULL && !is_kind(kind->text)) {
        return vg_refuse_field(call, "kind", "must be capital letters and _");
    }
    if (vg_get(call, "rate") == NULL
        && (kind == NULL || vg_str_eq(kind->text, "STANDARD")))
    {
        return vg_refuse_field(call, "rate", "is required of STANDARD");
    }
    return good ? VG_OK : VG_ERROR;
}
