/*
 * vehicle.c: vehicles, which are accounts' to know: asked for before a
 * reservation for one is decided, and what was said last, kept for when nobody
 * answers. What the answer means is reservations.vehicle_known()'s to say.
 */

#include "reservations.h"

/* clang-format off */
const vg_field_t vehicle_told_fields[] = {
    { VG_BODY, "vehicleId", VG_UUID, VG_REQUIRED, .about = "the vehicle" },
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "whose it is" },
    { VG_BODY, "operatorId", VG_TEXT, VG_NULLABLE,
      .about = "company whose customer that is" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE,
      .about = "fleet that it runs in" },
    { VG_BODY, "version", VG_INT, VG_REQUIRED, .about = "later is newer" },
    VG_FIELDS_END
};

const vg_field_t vehicle_gone_fields[] = {
    { VG_BODY, "vehicleId", VG_UUID, VG_REQUIRED, .about = "the vehicle" },
    VG_FIELDS_END
};

const vg_field_t customer_told_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "the customer" },
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED,
      .about = "ACTIVE, or on its way out" },
    VG_FIELDS_END
};
/* clang-format on */


static vg_rc_t
vehicle_ask(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *vehicle = vg_get(call, "vehicleId");

    if (vehicle == NULL) {
        return VG_OK;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "vehicleId", vehicle->text);
    vg_out_close(&out, '}');
    return vg_inquire_or(call, "party.check", vg_out_str(&out), VG_STR("null"));
}


/* Whether a driver has any way to pay. Of others it is not known here who
 * pays. */
static vg_rc_t
payer_ask(vg_call_t *call)
{
    vg_out_t           out;
    const vg_caller_t *caller = vg_caller(call);

    if (!vg_str_eq(caller->role, "driver")) {
        return VG_OK;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "customerId", caller->id);
    vg_out_close(&out, '}');
    return vg_inquire_or(call, "billing.payable", vg_out_str(&out),
                         VG_STR("null"));
}


/* clang-format off */
const vg_step_t vehicle_steps[] = {
    { "vehicle", vehicle_ask, NULL, NULL },
    { "payer", payer_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
