/*
 * tax.c: rates of tax, as an admin adds them. Which of them holds is
 * billing.tax_rate_at()'s to say.
 */

#include <string.h>

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
is_capitals(const vg_json_t *node, bool also)
{
    size_t i;

    for (i = 0; node != NULL && i < node->text.len; i++) {
        if ((node->text.data[i] < 'A' || node->text.data[i] > 'Z')
            && (!also || i == 0 || node->text.data[i] != '_'))
        {
            return false;
        }
    }
    return true;
}


static bool
is_day(vg_call_t *call, const vg_json_t *node)
{
    bool     offset;
    vg_str_t noon = vg_printf(vg_pool(call), "%.*sT12:00:00Z",
                              (int) node->text.len, node->text.data);

    return noon.data != NULL && node->text.len == 10
           && vg_instant(noon, &offset);
}


vg_rc_t
tax_rate_check(vg_call_t *call)
{
    vg_rc_t          rc = VG_OK;
    const vg_json_t *kind = vg_get(call, "kind");

    if (!is_capitals(vg_get(call, "country"), false)) {
        rc = vg_refuse_field(call, "country", "must be two capital letters");
    }
    if (!is_capitals(vg_get(call, "alpha3"), false)) {
        rc = vg_refuse_field(call, "alpha3", "must be three capital letters");
    }
    if (!is_capitals(kind, true)) {
        rc = vg_refuse_field(call, "kind", "must be capital letters and _");
    }
    if (!is_day(call, vg_get(call, "validFrom"))) {
        rc = vg_refuse_field(call, "validFrom", "must be a day, YYYY-MM-DD");
    }
    if (vg_get(call, "rate") == NULL
        && (kind == NULL || vg_str_eq(kind->text, "STANDARD")))
    {
        rc = vg_refuse_field(call, "rate", "is required of STANDARD");
    }
    return rc;
}
