/*
 * meter.c: the room's counts, as the metrics show them.
 */

#include "node.h"
#include "ocpp.h"

static const struct {
    const char *name;
    const char *label;
} vg_meter_rows[VG_COUNTS] = {
    [VG_COUNT_OPENED] = { "handshakes", "{result=\"opened\"}" },
    [VG_COUNT_REFUSED] = { "handshakes", "{result=\"refused\"}" },
    [VG_COUNT_BACKOFF] = { "handshakes", "{result=\"backoff\"}" },
    [VG_COUNT_FULL] = { "handshakes", "{result=\"full\"}" },
    [VG_COUNT_AWAY] = { "handshakes", "{result=\"away\"}" },
    [VG_COUNT_QUEUED] = { "handshakes_queued", "" },
    [VG_COUNT_CLOSED] = { "connections_closed", "" },
    [VG_COUNT_HELD] = { "boots_held", "" },
    [VG_COUNT_PENDING] = { "boots_pending", "" },
    [VG_COUNT_IN] = { "messages", "{direction=\"in\"}" },
    [VG_COUNT_OUT] = { "messages", "{direction=\"out\"}" },
};


void
vg_ocpp_metrics(vg_out_t *out)
{
    ngx_uint_t i;

    for (i = 0; i < VG_COUNTS; i++) {
        out->comma = false;
        if (i == 0
            || ngx_strcmp(vg_meter_rows[i].name, vg_meter_rows[i - 1].name)
                   != 0) {
            vg_out_raw(out, vg_printf(out->pool,
                                      "# TYPE voltgate_ocpp_%s_total counter\n",
                                      vg_meter_rows[i].name));
            out->comma = false;
        }
        vg_out_raw(out, vg_printf(out->pool, "voltgate_ocpp_%s_total%s %lu\n",
                                  vg_meter_rows[i].name, vg_meter_rows[i].label,
                                  (unsigned long) vg_node()->counts[i]));
    }
}
