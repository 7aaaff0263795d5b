/*
 * hold.c: money for a reservation, which is billing's to hold: all that it may
 * cost, asked for by a job behind what made, promoted or moved it.
 */

#include "reservations.h"

/* clang-format off */
const vg_field_t hold_due_fields[] = {
    { VG_BODY, "reservationId", VG_UUID, VG_REQUIRED,
      .about = "the reservation" },
    { VG_SETTING, "holdAhead", VG_INT, .about = "seconds" },
    VG_FIELDS_END
};

const vg_field_t hold_fields[] = {
    { VG_BODY, "id", VG_UUID, VG_REQUIRED, .about = "the reservation" },
    { VG_BOUND, "costs", VG_ANY, .about = "OCPI CDR costs of what is booked" },
    VG_FIELDS_END
};

const vg_field_t hold_told_fields[] = {
    { VG_BODY, "subject", VG_UUID, VG_REQUIRED, .about = "the reservation" },
    { VG_BODY, "subjectKind", VG_TEXT, VG_REQUIRED, .about = "RESERVATION" },
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED, .about = "of the hold" },
    { VG_BODY, "version", VG_INT, VG_REQUIRED, .about = "later is newer" },
    VG_FIELDS_END
};
/* clang-format on */


/* Nothing is held where there is nobody to pay, or no price: billing lets go of
 * what it is asked for without one. */
static vg_rc_t
hold_ask(vg_call_t *call)
{
    size_t                   i;
    vg_out_t                 out;
    const vg_json_t         *row = vg_row(call);
    vg_str_t                 costs = vg_bound(call, "costs");
    static const char *const said[] = { "customerId", "operatorId", "country",
                                        "timeZone", "expiresAt" };

    if (vg_json_text(row, "customerId").data == NULL
        || (costs.data == NULL
            && vg_json_get(row, "letsGo")->type != VG_JSON_TRUE))
    {
        return VG_DECLINED;
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "subjectKind", VG_STR("RESERVATION"));
    vg_out_member(&out, "subject", vg_get(call, "id")->text);
    for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        vg_out_member(&out, said[i], vg_json_text(row, said[i]));
    }
    vg_out_member_raw(&out, "revision", vg_json_get(row, "revision")->raw);
    if (costs.data != NULL) {
        vg_out_member_raw(&out, "costs", costs);
    }
    vg_out_close(&out, '}');
    return vg_inquire(call, "billing.hold_open", vg_out_str(&out));
}


/* clang-format off */
const vg_step_t hold_steps[] = {
    { "hold", hold_ask, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
/* clang-format on */
