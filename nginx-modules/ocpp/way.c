/*
 * way.c: a charge point as what a step asks: vg_command() of vg.h.
 */

#include "ocpp.h"

typedef struct {
    vg_str_t    charge_point;
    const char *action;
    vg_str_t    payload;
    vg_call_t  *call; /* held by who asks until it is told */
    vg_said_pt  said;
    void       *data;
} vg_ocpp_way_t;

static const char *const vg_ocpp_errors[] = {
    [VG_OCPP_OK] = NULL,
    [VG_OCPP_ERROR] = "charger_error",
    [VG_OCPP_NOT_CONNECTED] = "not_connected",
    [VG_OCPP_SILENT] = "charger_silent",
    [VG_OCPP_FULL] = "busy",
};


static void
vg_ocpp_way_told(void *data, const vg_ocpp_outcome_t *outcome)
{
    vg_out_t       out;
    vg_said_t      said = { .error = vg_ocpp_errors[outcome->status] };
    vg_ocpp_way_t *way = data;

    if (outcome->status == VG_OCPP_OK) {
        said.result = outcome->result;
    } else {
        vg_out_init(&out, &way->call->arena);
        vg_out_open(&out, '{');
        if (outcome->status == VG_OCPP_ERROR) {
            vg_out_member(&out, "code", outcome->code);
            vg_out_member(&out, "description", outcome->description);
        }
        vg_out_close(&out, '}');
        said.detail = vg_out_str(&out);
    }
    way->said(way->data, &said);
}


static void
vg_ocpp_way(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    const vg_ocpp_way_t *bound = what;
    vg_ocpp_way_t       *way;
    vg_said_t            none = { .error = "not_connected" };

    way = vg_alloc(&call->arena, sizeof(vg_ocpp_way_t));
    if (way == NULL) {
        said(data, &none);
        return;
    }
    *way = *bound;
    way->call = call;
    way->said = said;
    way->data = data;
    vg_ocpp_command(way->charge_point, way->action, way->payload, 0,
                    vg_ocpp_way_told, way);
}


vg_rc_t
vg_command(vg_call_t *call, vg_str_t charge_point, const char *action,
           vg_str_t payload)
{
    vg_ocpp_way_t *way;

    if (payload.len > VG_COMMAND_MAX) {
        return vg_refuse_with(call, "too_large",
                              VG_STR("{\"message\":\"a charge point takes "
                                     "payloads of up to 64 KiB\"}"));
    }
    way = vg_calloc(&call->arena, sizeof(vg_ocpp_way_t));
    if (way == NULL) {
        return vg_refuse(call, "internal");
    }
    way->charge_point = charge_point;
    way->action = action;
    way->payload = payload;
    call->outgoing.send = vg_ocpp_way;
    call->outgoing.what = way;
    return VG_OK;
}
