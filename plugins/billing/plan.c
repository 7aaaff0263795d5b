/*
 * plan.c: plans, as operators make them.
 */

#include "exact.h"
#include "forms.h"
#include "subscriptions.h"

#define PRICE_MAX  1000000
#define KWH_MAX    1000000
#define CURRENCIES 3 /* letters */

#define KWH_PLACES     6 /* sums of what sessions used have 9             */
#define PERCENT_PLACES 4

/* clang-format off */
#define PLAN_TERMS(needed)                                                   \
    { VG_BODY, "name", VG_TEXT, needed, 1, 200, .about = "as customers see it" }, \
    { VG_BODY, "price", VG_DECIMAL, needed, 0, PRICE_MAX,                    \
      .about = "of a cycle, in currency, excluding tax" },                   \
    { VG_BODY, "includedKwh", VG_DECIMAL, 0, 0, KWH_MAX,                     \
      .about = "kWh of each cycle that sessions use first" },                \
    { VG_BODY, "discountPercent", VG_DECIMAL, 0, 0, 100,                     \
      .about = "off the energy of sessions beyond that" }

#define PLAN_STATUS "ACTIVE|RETIRED"

const vg_field_t  plan_new_fields[] = {
    PLAN_TERMS(VG_REQUIRED),
    { VG_BODY, "operatorId", VG_TEXT, 0, 1, 64,
      .about = "the company that sends the invoices; default the caller's" },
    { VG_BODY, "currency", VG_TEXT, VG_REQUIRED, CURRENCIES, CURRENCIES,
      .about = "ISO 4217" },
    { VG_BODY, "cycle", VG_ENUM, VG_REQUIRED, .values = "MONTHLY|QUARTERLY|ANNUAL",
      .about = "how often it is paid, in advance" },
    { VG_BODY, "country", VG_TEXT, VG_REQUIRED, 2, 2,
      .about = "ISO 3166-1 alpha-2, by which it is taxed" },
    { VG_BODY, "timeZone", VG_TEXT, VG_REQUIRED, 1, 64,
      .about = "IANA name, by whose clock cycles are months" },
    VG_FIELDS_END
};

const vg_field_t  plan_list_fields[] = {
    { VG_QUERY, "operatorId", VG_TEXT, 0, 1, 64, .about = "of this operator" },
    { VG_QUERY, "status", VG_ENUM, .values = PLAN_STATUS, .about = "in this state" },
    VG_FIELDS_END
};

#define PLAN_ID { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "the plan" }

const vg_field_t  plan_id_fields[] = {
    PLAN_ID,
    VG_FIELDS_END
};

const vg_field_t  plan_change_fields[] = {
    PLAN_ID,
    PLAN_TERMS(0),
    { VG_BODY, "status", VG_ENUM, .values = PLAN_STATUS,
      .about = "RETIRED: nobody subscribes to it any more" },
    VG_FIELDS_END
};
/* clang-format on */


static vg_rc_t
digits(vg_call_t *call, const char *name, int places, const char *error)
{
    exact_t          value;
    const vg_json_t *node = vg_get(call, name);

    return node == NULL || exact_read(node->text, places, &value)
               ? VG_OK
               : vg_refuse_field(call, name, error);
}


/* Those of a price are its currency's, which SQL knows. */
vg_rc_t
plan_check(vg_call_t *call)
{
    bool good = capitals_check(call, "currency") == VG_OK;

    good = capitals_check(call, "country") == VG_OK && good;
    good = digits(call, "includedKwh", KWH_PLACES,
                  "at most 6 digits behind the point")
               == VG_OK
           && good;
    good = digits(call, "discountPercent", PERCENT_PLACES,
                  "at most 4 digits behind the point")
               == VG_OK
           && good;
    return good ? VG_OK : VG_ERROR;
}
