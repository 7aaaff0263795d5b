/*
 * party.c: customers and vehicles, which are accounts' to know: asked for
 * before what names them is decided, and what was said last, kept for when
 * nobody answers. A charger that speaks asks for none.
 *
 * What the answer means is the statement's to say: charging.party_known().
 */

#include <string.h>

#include "charging.h"

/* clang-format off */
const vg_field_t  vehicle_told_fields[] = {
    { VG_BODY, "vehicleId", VG_UUID, VG_REQUIRED, .about = "the vehicle" },
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "whose it is" },
    { VG_BODY, "operatorId", VG_TEXT, VG_NULLABLE,
      .about = "company whose customer that is" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE,
      .about = "fleet that it runs in" },
    { VG_BODY, "version", VG_INT, VG_REQUIRED, .about = "later is newer" },
    VG_FIELDS_END,
};

const vg_field_t  vehicle_gone_fields[] = {
    { VG_BODY, "vehicleId", VG_UUID, VG_REQUIRED, .about = "the vehicle" },
    VG_FIELDS_END,
};

const vg_field_t  customer_told_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "the customer" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE,
      .about = "company whose customer it is" },
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED,
      .about = "ACTIVE, or on its way out" },
    { VG_BODY, "version", VG_INT, VG_REQUIRED, .about = "later is newer" },
    VG_FIELDS_END,
};
/* clang-format on */


/* a driver has proved who it is */
static bool
caller_is(vg_call_t *call, const vg_json_t *customer)
{
    const vg_caller_t *caller = vg_caller(call);

    return vg_str_eq(caller->role, "driver")
           && caller->id.len == customer->text.len
           && memcmp(caller->id.data, customer->text.data, caller->id.len) == 0;
}


static vg_rc_t
party_ask(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *vehicle = vg_get(call, "vehicleId");
    const vg_json_t *customer = vg_get(call, "customerId");

    if (customer != NULL && caller_is(call, customer)) {
        customer = NULL;
    }
    if (vehicle == NULL && customer == NULL) {
        return VG_OK;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    if (vehicle != NULL) {
        vg_out_member(&out, "vehicleId", vehicle->text);
    }
    if (customer != NULL) {
        vg_out_member(&out, "customerId", customer->text);
    }
    vg_out_close(&out, '}');
    return vg_inquire_or(call, "party.check", vg_out_str(&out), VG_STR("null"));
}


/* Whether a driver has any way to pay: one that has none need not wait. Of
 * others it is not known here who pays. */
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
const vg_step_t  party_payer_steps[] = {
    { "party", party_ask, NULL, NULL },
    { "payer", payer_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t  party_steps[] = {
    { "party", party_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
