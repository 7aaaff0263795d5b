/*
 * plugin.c: the manifest of stations: every call, every error, every event.
 */

#include "stations.h"

/* clang-format off */

#define READ "stations:read"
#define WRITE "stations:write"

#define RESERVATION(what)                                                      \
    {                                                                          \
        VG_EVENT, "reservation." what ".v1", NULL, reservation_told_fields,    \
            .statement = "reservation_note",                                   \
            .about = "Which reservation of a connector is next"                \
    }

static const vg_step_t command_steps[] = {
    { "command", command_send, NULL, NULL }, { NULL, NULL, NULL, NULL }
};

static const vg_step_t certificate_steps[] = {
    { "certificate", certificate_send, NULL, NULL }, { NULL, NULL, NULL, NULL }
};

static const vg_route_t routes[] = {

    { VG_POST, "/stations", WRITE, station_new_fields,
      .check = station_create_check, .statement = "station_create",
      .about = "Create a station with its connectors" },
    { VG_GET, "/stations", READ, station_list_fields,
      .statement = "station_list", .flags = VG_LIST | VG_EVERYBODYS,
      .about = "List stations" },
    { VG_GET, "/stations/nearby", READ, station_nearby_fields,
      .statement = "station_nearby", .flags = VG_LIST | VG_EVERYBODYS,
      .about = "Stations around a place, nearest first" },
    { VG_GET, "/stations/{id}", READ, station_id_fields,
      .statement = "station_get", .render = station_render,
      .flags = VG_EVERYBODYS, .about = "One station",
      .cache = "station:{id}" },
    { VG_PUT, "/stations/{id}", WRITE, station_replace_fields,
      .check = station_replace_check, .lock = "station_lock",
      .statement = "station_change",
      .about = "Write a station anew; connectors that stay keep their ids",
      .drops = "station:{id}" },
    { VG_PATCH, "/stations/{id}", WRITE, station_change_fields,
      .check = station_change_check, .lock = "station_lock",
      .statement = "station_change", .about = "Change parts of a station",
      .drops = "station:{id}" },
    { VG_DELETE, "/stations/{id}", WRITE, station_id_fields,
      .lock = "station_lock", .statement = "station_remove",
      .about = "Remove a station; its charge points stay, pending",
      .drops = "station:{id}" },
    { VG_GET, "/stations/{id}/status", READ, station_id_fields,
      .statement = "station_status", .flags = VG_EVERYBODYS,
      .about = "The state of each connector" },
    { VG_GET, "/chargers/{id}", READ, connector_id_fields,
      .statement = "connector_get", .flags = VG_EVERYBODYS,
      .about = "The state of one connector" },

    { VG_POST, "/stations/import", WRITE, station_import_fields,
      .check = station_import_check, .statement = "station_import",
      .flags = VG_ROWS,
      .about = "Import stations from CSV or GeoJSON; again makes no twins" },
    { VG_GET, "/stations/export.csv", READ, station_export_fields,
      .statement = "station_export", .render = station_export_csv,
      .about = "Stations as an import takes them" },
    { VG_GET, "/stations/export.geojson", READ, station_export_fields,
      .statement = "station_export", .render = station_export_geojson,
      .about = "The same as GeoJSON" },

    { VG_POST, "/charge-points", WRITE, charge_point_new_fields,
      .check = charge_point_create_check, .statement = "charge_point_create",
      .render = charge_point_render,
      .about = "Register a charge point, or give one its password" },
    { VG_GET, "/charge-points", WRITE, charge_point_list_fields,
      .statement = "charge_point_list", .flags = VG_LIST,
      .about = "List the company's charge points" },
    { VG_GET, "/charge-points/{id}", WRITE, charge_point_id_fields,
      .statement = "charge_point_get", .about = "One charge point" },
    { VG_PATCH, "/charge-points/{id}", WRITE, charge_point_change_fields,
      .check = charge_point_change_check, .lock = "charge_point_lock",
      .statement = "charge_point_change", .render = charge_point_render,
      .about = "Move a charge point, change its password" },
    { VG_DELETE, "/charge-points/{id}", WRITE, charge_point_id_fields,
      .lock = "charge_point_lock", .statement = "charge_point_remove",
      .about = "Remove a charge point that no station lists" },

    { VG_GET, "/charge-points/{id}/messages", READ, charge_point_messages_fields,
      .load = "charge_point_messages", .check = charge_point_messages_check,
      .about = "Its last messages both ways, newest first, without secrets" },
    { VG_POST, "/charge-points/{id}/commands", WRITE, command_fields,
      .load = "charge_point_get", .check = command_check,
      .flags = VG_AWAIT, .steps = command_steps, .lock = "command_lock",
      .statement = "command_note",
      .about = "Send a message to a charge point; answers what it said" },

    { VG_GET, "/charge-points/{id}/commands", WRITE, said_fields,
      .load = "charge_point_get", .statement = "command_list",
      .flags = VG_LIST, .about = "What was sent to it, and what it said" },
    { VG_GET, "/charge-points/{id}/transfers", WRITE, charge_point_id_fields,
      .load = "charge_point_get", .statement = "transfer_list",
      .flags = VG_LIST, .about = "Its firmware updates and its uploads" },
    { VG_GET, "/charge-points/{id}/notices", WRITE, said_fields,
      .load = "charge_point_get", .statement = "notice_list",
      .flags = VG_LIST, .about = "What it told: security, progress, vendor's" },
    { VG_GET, "/charge-points/{id}/certificate-requests", WRITE,
      charge_point_id_fields, .load = "charge_point_get",
      .statement = "certificate_request_list", .flags = VG_LIST,
      .about = "The certificates that it asked for" },
    { VG_POST, "/charge-points/{id}/certificate-requests/{requestId}/answer",
      WRITE, certificate_answer_fields, .load = "certificate_request_open",
      .check = certificate_answer_check, .flags = VG_AWAIT,
      .steps = certificate_steps, .statement = "certificate_answer",
      .about = "Send it the certificate, by CertificateSigned" },

    { VG_INTERNAL, "charge_point.credentials", NULL, credentials_fields,
      .statement = "credentials_find",
      .about = "What a handshake is checked against" },
    { VG_INTERNAL, "charge_point.connected", NULL, link_open_fields,
      .lock = "link_lock", .statement = "link_open",
      .about = "A socket was opened; answers its epoch" },
    { VG_INTERNAL, "charge_point.where", NULL, credentials_fields,
      .statement = "link_where", .about = "Which node holds its socket" },
    { VG_INTERNAL, "charge_point.kind", NULL, credentials_fields,
      .statement = "link_kind",
      .about = "Its vendor, model and firmware, and its station's zone" },
    { VG_INTERNAL, "charge_point.disconnected", NULL, link_close_fields,
      .statement = "link_close", .about = "A socket has ended" },
    { VG_INTERNAL, "charge_point.node_started", NULL, link_sweep_fields,
      .statement = "link_sweep",
      .about = "What a node held before it started has ended" },

    { VG_OCPP16, "BootNotification", NULL, boot_fields,
      .statement = "boot",
      .about = "Pending while the charge point has no station" },
    { VG_OCPP16, "Heartbeat", .check = heartbeat_check, .about = "The time" },
    { VG_OCPP16, "StatusNotification", NULL, status_fields,
      .check = status_check, .statement = "connector_report",
      .render = status_render,
      .about = "The state of a connector" },
    { VG_OCPP16, "DataTransfer", NULL, transfer_fields,
      .check = transfer_check, .statement = "data_transfer",
      .about = "What a vendor adds is kept; accepted where a setting says so" },
    { VG_OCPP16, "FirmwareStatusNotification", NULL, progress_fields,
      .check = firmware_check, .lock = "charger_lock",
      .statement = "transfer_report", .about = "How far an update is" },
    { VG_OCPP16, "SignedFirmwareStatusNotification", NULL, progress_fields,
      .check = signed_firmware_check, .lock = "charger_lock",
      .statement = "transfer_report", .about = "How far a signed update is" },
    { VG_OCPP16, "DiagnosticsStatusNotification", NULL, progress_fields,
      .check = diagnostics_check, .lock = "charger_lock",
      .statement = "transfer_report",
      .about = "How far an upload of diagnostics is" },
    { VG_OCPP16, "LogStatusNotification", NULL, progress_fields,
      .check = log_check, .lock = "charger_lock",
      .statement = "transfer_report", .about = "How far an upload of a log is" },
    { VG_OCPP16, "SecurityEventNotification", NULL, security_event_fields,
      .statement = "security_event", .about = "Something about its security" },
    { VG_OCPP16, "SignCertificate", NULL, certificate_ask_fields,
      .check = certificate_ask_check, .lock = "charger_lock",
      .statement = "certificate_ask",
      .about = "A key that wants a certificate: kept for an operator" },

    { VG_EVERY, "10m", NULL, sweep_fields,
      .statement = "notice_sweep", .about = "Forgets what was told long ago" },

    { VG_EVENT, "charging.session.started.v1", NULL, session_begun_fields,
      .statement = "session_begun", .about = "A connector is in use" },
    { VG_EVENT, "charging.session.completed.v1", NULL, session_over_fields,
      .statement = "session_over", .about = "A connector's session is over" },
    { VG_EVENT, "charging.session.failed.v1", NULL, session_over_fields,
      .statement = "session_over", .about = "A connector's session is over" },
    { VG_EVENT, "charging.transaction.stopped.v1", NULL, session_over_fields,
      .statement = "session_over", .about = "A connector's session is over" },
    RESERVATION("created"), RESERVATION("confirmed"), RESERVATION("moved"),
    RESERVATION("promoted"), RESERVATION("used"), RESERVATION("completed"),
    RESERVATION("cancelled"), RESERVATION("expired"),

    { VG_EVENT, "connector.status_changed.v1", NULL, status_told_fields,
      .check = status_told, .flags = VG_HERE,
      .about = "The word of a connector that changed" },
    { VG_EVENT, "station.updated.v1", NULL, station_told_fields,
      .flags = VG_HERE, .drops = "station:{stationId}",
      .about = "What is kept of the station is old" },
    { VG_EVENT, "station.removed.v1", NULL, station_told_fields,
      .flags = VG_HERE, .drops = "station:{stationId}",
      .about = "What is kept of the station is old" },

    VG_ROUTES_END
};

static const vg_error_t errors[] = {
    { "time_zone_unknown", 422, "Time zone is not an IANA name" },
    { "connector_taken", 409, "Connector belongs to another station" },
    { "charge_point_taken", 409,
      "Charge point is another operator's, or stands elsewhere" },
    { "charge_point_exists", 409, "Charge point exists already" },
    { "charge_point_in_use", 409,
      "A station lists connectors of this charge point" },
    { "station_unknown", 422, "There is no such station of this operator" },
    { "export_too_large", 422,
      "More than 20,000 stations: export them by city" },
    { "profile_lowered", 422,
      "A security profile is not lowered over OCPP" },
    { "operator_missing", 422, "operatorId or stationId is needed" },
    { "certificate_answered", 409,
      "This request was answered, or there is a newer one" },
    { NULL, 0, NULL }
};

static const vg_setting_t settings[] = {
    { "heartbeat_interval", VG_INT, "300", .min = 1, .max = 999999,
      .about = "seconds between heartbeats, told to chargers when they boot; "
               "shorter finds dead ones sooner and costs traffic" },
    { "data_transfer_vendors", VG_TEXT, "",
      .about = "vendorIds, by commas without blanks, whose DataTransfer is "
               "Accepted; others hear UnknownVendorId; what they sent is kept "
               "in either case" },
    { "notice_days", VG_INT, "90", .min = 1, .max = 99999,
      .about = "days for which what chargers told is kept; then it is "
               "forgotten" },
    { .name = NULL },
};

static const char *const publishes[] = {
    "station.created.v1",
    "station.updated.v1",
    "station.removed.v1",
    "connector.status_changed.v1",
    "charge_point.security_event.v1",
    "charge_point.commanded.v1",
    NULL
};

/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "stations",
    .version = "0.1.0",
    .about = "Stations, charge points and what chargers say of themselves",
    .routes = routes,
    .errors = errors,
    .settings = settings,
    .publishes = publishes,
};
