/*
 * plugin.c: the manifest of charging: sessions, chargers' transactions, tags.
 */

#include "charging.h"

/* clang-format off */
static const vg_route_t  routes[] = {

    { VG_POST, "/charging/sessions/start", "charging:write",
      session_start_fields, NULL, session_start_check,
      "session_start_lock", "session_start", NULL, 0, session_start_steps,
      "Start a session: asks the charger, answers before it does" },
    { VG_POST, "/charging/sessions/{id}/end", "charging:write",
      session_end_fields, NULL, session_end_check,
      "session_end_lock", "session_end", session_end_render, VG_NO_BODY,
      session_end_steps,
      "End a session: asks the charger to stop, or cancels its start" },
    { VG_POST, "/charging/sessions/{sessionId}/price", "charging:write",
      session_price_fields, "session_unpriced", session_price,
      "session_price_lock", "session_price", NULL, VG_NO_BODY, NULL,
      "Price a complete session whose tariff was not known" },
    { VG_GET, "/charging/sessions/{id}", "charging:read",
      session_path_fields, NULL, NULL,
      NULL, "session_get", session_render, 0, NULL,
      "A session, with its cost so far" },
    { VG_GET, "/charging/sessions", "charging:read",
      session_list_fields, NULL, NULL,
      NULL, "session_list", NULL, VG_LIST, NULL,
      "Sessions, newest first" },
    { VG_GET, "/charging/status/{vehicleId}", "charging:read",
      vehicle_fields, NULL, NULL,
      NULL, "vehicle_status", NULL, 0, NULL,
      "Whether a vehicle charges, and its open session" },
    { VG_GET, "/charging/history/{vehicleId}", "charging:read",
      vehicle_fields, NULL, NULL,
      NULL, "vehicle_history", NULL, VG_LIST, NULL,
      "A vehicle's sessions that are over, newest first" },

    { VG_POST, "/id-tags", "charging:write",
      id_tag_fields, NULL, id_tag_check,
      NULL, "id_tag_create", NULL, 0, NULL,
      "Register a tag that may charge" },
    { VG_GET, "/id-tags", "charging:write",
      id_tag_list_fields, NULL, NULL,
      NULL, "id_tag_list", NULL, VG_LIST, NULL,
      "Tags" },
    { VG_GET, "/id-tags/{idTag}", "charging:write",
      id_tag_path_fields, NULL, NULL,
      NULL, "id_tag_get", NULL, 0, NULL,
      "A tag" },
    { VG_PATCH, "/id-tags/{idTag}", "charging:write",
      id_tag_change_fields, NULL, id_tag_check,
      NULL, "id_tag_change", NULL, 0, NULL,
      "Change or block a tag" },
    { VG_DELETE, "/id-tags/{idTag}", "charging:write",
      id_tag_path_fields, NULL, NULL,
      NULL, "id_tag_delete", NULL, 0, NULL,
      "Forget a tag" },

    { VG_GET, "/charging/quarantine", "charging:read",
      quarantine_list_fields, NULL, NULL,
      NULL, "quarantine_list", NULL, VG_LIST, NULL,
      "Transaction messages that made no sense" },
    { VG_POST, "/charging/quarantine/{id}/resolve", "charging:write",
      quarantine_resolve_fields, NULL, NULL,
      NULL, "quarantine_resolve", NULL, 0, NULL,
      "Settle one of them" },

    { VG_OCPP16, "Authorize", NULL,
      authorize_fields, NULL, NULL,
      NULL, "authorize", NULL, 0, NULL,
      "May this tag charge" },
    { VG_OCPP16, "StartTransaction", NULL,
      transaction_start_fields, NULL, NULL,
      "transaction_start_lock", "transaction_start", NULL, VG_TRANSACTION,
      NULL,
      "A session has begun" },
    { VG_OCPP16, "StopTransaction", NULL,
      transaction_stop_fields, NULL, NULL,
      "transaction_stop_lock", "transaction_stop", NULL, VG_TRANSACTION, NULL,
      "A session is over" },
    { VG_OCPP16, "MeterValues", NULL,
      meter_values_fields, NULL, NULL,
      NULL, "meter_values", NULL, VG_TRANSACTION | VG_APPEND, NULL,
      "Samples of a connector's meter" },

    { VG_EVENT, "charging.transaction.stopped.v1", NULL,
      session_stopped_fields, "session_costing", session_cost,
      "session_price_lock", "session_price", NULL, 0, NULL,
      "Prices and completes a session that has stopped" },
    { VG_EVENT, "station.created.v1", NULL,
      station_told_fields, NULL, NULL,
      NULL, "station_copy", NULL, 0, NULL,
      "Keeps a copy of the station's connectors" },
    { VG_EVENT, "station.updated.v1", NULL,
      station_told_fields, NULL, NULL,
      NULL, "station_copy", NULL, 0, NULL,
      "Keeps a copy of the station's connectors" },
    { VG_EVENT, "station.removed.v1", NULL,
      station_gone_fields, NULL, NULL,
      NULL, "station_remove", NULL, 0, NULL,
      "Its connectors are gone" },
    { VG_EVENT, "pricing.updated.v1", NULL,
      tariff_told_fields, NULL, NULL,
      NULL, "tariff_copy", NULL, 0, NULL,
      "Keeps a copy of each version of a tariff" },
    { VG_EVENT, "connector.status_changed.v1", NULL,
      status_told_fields, NULL, NULL,
      "status_lock", "status_note", NULL, 0, NULL,
      "Tells charging from parking" },
    { VG_EVENT, "invoice.created.v1", NULL,
      invoice_told_fields, NULL, NULL,
      NULL, "invoice_note", NULL, 0, NULL,
      "A session learns its invoice" },

    { VG_EVERY, "5s", NULL,
      NULL, NULL, NULL,
      NULL, "session_expire", NULL, 0, NULL,
      "Ends what its charger neither starts nor stops in time" },

    VG_ROUTES_END
};
/* clang-format on */

static const vg_error_t errors[] = {
    { "connector_unknown", 404, "No such connector" },
    { "connector_busy", 409, "Connector is in use" },
    { "connector_unavailable", 409, "Connector is out of order" },
    { "id_tag_taken", 409, "This tag is registered already" },
    { "id_tag_refused", 422, "This tag may not charge" },
    { "session_unpriced", 422, "No tariff is known for this session" },
    { NULL, 0, NULL },
};

static const vg_setting_t settings[] = {
    { "start_deadline", "60",
      "seconds in which the charger must start a session that the API began; "
      "then it fails, and its one-time tag with it" },
    { "stop_deadline", "60",
      "seconds in which the charger must stop when it was asked to; then the "
      "session is active again" },
    { NULL, NULL, NULL },
};

static const char *const publishes[] = {
    "charging.session.started.v1",     "charging.session.completed.v1",
    "charging.session.failed.v1",      "charging.session.priced.v1",
    "charging.transaction.stopped.v1", NULL,
};

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "charging",
    .version = "1.0.0",
    .about = "Charging sessions, tags, and what chargers say about them",
    .routes = routes,
    .errors = errors,
    .settings = settings,
    .publishes = publishes,
};
