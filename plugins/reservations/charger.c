/*
 * charger.c: ReserveNow and CancelReservation. Each follows the handling of
 * an event of ours; where the statement gave no row, nothing is sent.
 */

#include "reservations.h"

/* clang-format off */
const vg_field_t ordered_fields[] = {
    { VG_BODY, "id", VG_UUID, VG_REQUIRED, .about = "the reservation" },
    VG_FIELDS_END
};
/* clang-format on */


/* The charger lets go of it by itself when it expires, should we be away. */
static vg_rc_t
reserve_now(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *row = vg_row(call);

    if (row == NULL || row->type != VG_JSON_OBJECT) {
        return VG_OK;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "connectorId",
                      vg_json_text(row, "connectorNumber"));
    vg_out_member(&out, "expiryDate", vg_json_text(row, "expiresAt"));
    vg_out_member(&out, "idTag", vg_json_text(row, "idTag"));
    vg_out_member_raw(&out, "reservationId",
                      vg_json_text(row, "ocppReservationId"));
    vg_out_close(&out, '}');
    return vg_command(call, vg_json_text(row, "chargePointId"), "ReserveNow",
                      vg_out_str(&out));
}


static vg_rc_t
cancel_reservation(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *row = vg_row(call);

    if (row == NULL || row->type != VG_JSON_OBJECT) {
        return VG_OK;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member_raw(&out, "reservationId",
                      vg_json_text(row, "ocppReservationId"));
    vg_out_close(&out, '}');
    return vg_command(call, vg_json_text(row, "chargePointId"),
                      "CancelReservation", vg_out_str(&out));
}


/* clang-format off */
const vg_step_t due_steps[] = {
    { "reserve_now", reserve_now, "due_answered", "due_failed" },
    { NULL, NULL, NULL, NULL },
};

/* not reached: the charger forgets it at its expiryDate */
const vg_step_t withdrawn_steps[] = {
    { "cancel_reservation", cancel_reservation, "withdrawn_answered", NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
