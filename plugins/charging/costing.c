/*
 * costing.c: what a session costs, asked of the tariff engine in process:
 * once for good when it has stopped, and so far while it runs.
 */

#include "charging.h"
#include "periods.h"

/* clang-format off */
const vg_field_t  session_stopped_fields[] = {
    { VG_BODY, "sessionId", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the session" },
    { VG_BOUND, "costs", VG_ANY, 0, 0, 0, NULL, NULL, NULL,
      "OCPI CDR costs" },
    VG_FIELDS_END,
};

const vg_field_t  session_price_fields[] = {
    { VG_PATH, "sessionId", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the session" },
    { VG_BOUND, "costs", VG_ANY, 0, 0, 0, NULL, NULL, NULL,
      "OCPI CDR costs" },
    VG_FIELDS_END,
};
/* clang-format on */


/* VG_DECLINED: it cannot be priced: no tariff, no engine, or one that refuses. */
vg_rc_t
costs_ask(vg_call_t *call, const vg_json_t *costing, vg_str_t *costs)
{
    vg_str_t arguments;

    switch (periods_arguments(vg_pool(call), costing, vg_now(call), &arguments))
    {

    case PERIODS_OK:
        return vg_ask(call, "pricing.rate", arguments, costs);

    case PERIODS_NONSENSE:
        vg_log(call, VG_LOG_WARN,
               "session cannot be priced: length or "
               "energy make no sense");
        return VG_DECLINED;

    case PERIODS_NO_TARIFF:
        return VG_DECLINED;

    default:
        return vg_refuse(call, "internal");
    }
}


/* A session that cannot be priced is complete all the same, and listed. */
vg_rc_t
session_cost(vg_call_t *call)
{
    vg_str_t costs = { NULL, 0 };

    if (costs_ask(call, vg_row(call), &costs) == VG_ERROR) {
        return VG_ERROR;
    }
    return vg_bind(call, "costs", costs);
}


vg_rc_t
session_price(vg_call_t *call)
{
    if (session_cost(call) != VG_OK) {
        return VG_ERROR;
    }
    return vg_bound(call, "costs").data != NULL
               ? VG_OK
               : vg_refuse(call, "session_unpriced");
}


/* The cost so far takes the place of the one that is not there yet. */
static vg_str_t
session_so_far(vg_pool_t *pool, const vg_json_t *session, vg_str_t costs)
{
    size_t           i;
    vg_out_t         out;
    const vg_json_t *m, *rated = vg_json_parse(pool, costs, NULL);
    const vg_json_t *total = vg_json_get(rated, "total_cost");
    const struct {
        const char      *name;
        const vg_json_t *value;
    } now[] = {
        { "currency", vg_json_get(rated, "currency") },
        { "cost", vg_json_get(total, "excl_vat") },
        { "costInclVat", vg_json_get(total, "incl_vat") },
        { "costs", rated },
        { NULL, NULL },
    };

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    for (m = session->first; m != NULL; m = m->next) {
        for (i = 0; now[i].name != NULL; i++) {
            if (vg_str_eq(m->key, now[i].name)) {
                break;
            }
        }
        vg_out_name(&out, m->key);
        vg_out_raw(&out, now[i].value != NULL ? now[i].value->raw : m->raw);
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


vg_rc_t
session_render(vg_call_t *call)
{
    vg_rc_t          rc = VG_DECLINED;
    vg_str_t         costs = { NULL, 0 };
    const vg_json_t *row = vg_row(call);
    const vg_json_t *session = vg_json_get(row, "session");
    const vg_json_t *costing = vg_json_get(row, "costing");

    if (session == NULL) {
        return vg_refuse(call, "internal");
    }
    if (costing != NULL && costing->type == VG_JSON_OBJECT) {
        rc = costs_ask(call, costing, &costs);
    }
    if (rc == VG_ERROR) {
        return VG_ERROR;
    }
    return vg_reply(call, rc == VG_OK
                              ? session_so_far(vg_pool(call), session, costs)
                              : session->raw);
}
