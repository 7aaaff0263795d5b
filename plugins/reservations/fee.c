/*
 * fee.c: what a reservation costs that ends unused, asked of the tariff
 * engine in process. The load before it says what to ask, or that nothing is
 * due. Payment is not made here.
 */

#include "reservations.h"

/* clang-format off */
const vg_field_t reservation_cancel_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "the reservation" },
    { VG_BOUND, "costs", VG_ANY, .about = "OCPI CDR costs" },
    VG_FIELDS_END
};

const vg_field_t lapse_fields[] = {
    { VG_BODY, "id", VG_UUID, VG_REQUIRED, .about = "the reservation" },
    { VG_BOUND, "costs", VG_ANY, .about = "OCPI CDR costs" },
    VG_FIELDS_END
};
/* clang-format on */


/* Without an engine, or refused by it, it ends all the same, and costs
 * nothing. */
vg_rc_t
fee_ask(vg_call_t *call)
{
    vg_rc_t          rc = VG_DECLINED;
    vg_str_t         costs = { NULL, 0 };
    const vg_json_t *rating = vg_json_get(vg_row(call), "rating");

    if (rating != NULL && rating->type == VG_JSON_OBJECT) {
        rc = vg_ask(call, "pricing.rate", rating->raw, &costs);
        if (rc == VG_DECLINED) {
            vg_log(call, VG_LOG_WARN, "nobody prices it: it costs nothing");
        }
    }
    if (rc == VG_DECLINED) {
        costs = (vg_str_t){ NULL, 0 };
        rc = VG_OK;
    }
    return rc == VG_OK ? vg_bind(call, "costs", costs) : VG_ERROR;
}
