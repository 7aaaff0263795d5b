/*
 * reconciliation.c: our books against the provider's, day by day: its export
 * is fetched by jobs, page by page. What a page says and how books differ is
 * SQL's (sql/011_reconciliation.sql).
 */

#include "forms.h"
#include "providers.h"

#include <string.h>

/* clang-format off */

#define DAY(in)                                                                \
    { in, "date", VG_TEXT, VG_REQUIRED, 10, 10, .about = "a day of UTC" }

const vg_field_t reconciliation_fields[] = {
    DAY(VG_QUERY),
    { VG_QUERY, "provider", VG_TEXT, 0, 1, 32, .about = "this one alone" },
    VG_FIELDS_END
};

const vg_field_t reconciliation_new_fields[] = {
    DAY(VG_BODY),
    { VG_BODY, "provider", VG_ENUM, VG_REQUIRED, .values = "stripe|razorpay",
      .about = "one that is configured, and has an export" },
    VG_FIELDS_END
};

const vg_field_t reconciliation_nightly_fields[] = {
    { VG_SETTING, "providers", VG_TEXT, .about = "those that are configured" },
    VG_FIELDS_END
};

const vg_field_t reconciliation_fetch_fields[] = {
    { VG_BODY, "provider", VG_TEXT, VG_REQUIRED, .about = "whose export" },
    DAY(VG_BODY),
    { VG_BODY, "run", VG_UUID, VG_REQUIRED, .about = "which try of that day" },
    { VG_BODY, "part", VG_INT, VG_REQUIRED, .about = "of the day" },
    { VG_BODY, "cursor", VG_TEXT, VG_NULLABLE, .about = "where it goes on" },
    { VG_BODY, "path", VG_TEXT, VG_REQUIRED, .about = "of the page" },
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
reconciliation_check(vg_call_t *call)
{
    return day_check(call, "date");
}


vg_rc_t
reconciliation_new_check(vg_call_t *call)
{
    if (!provider_known(call, vg_get(call, "provider")->text)) {
        return vg_refuse_field(call, "provider", "is not configured");
    }
    return reconciliation_check(call);
}


static vg_rc_t
reconciliation_ask(vg_call_t *call)
{
    vg_str_t target = vg_get(call, "provider")->text;
    char    *name = vg_alloc(vg_pool(call), target.len + 1);

    if (name == NULL) {
        return vg_refuse(call, "internal");
    }
    memcpy(name, target.data, target.len);
    name[target.len] = '\0';
    vg_request_t request = { .target = name,
                             .path = vg_get(call, "path")->text,
                             .method = VG_GET };

    return vg_http(call, &request);
}


const vg_step_t reconciliation_steps[] = {
    { "fetch", reconciliation_ask, NULL, "reconciliation_lost" },
    { NULL, NULL, NULL, NULL },
};
