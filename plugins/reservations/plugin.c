/*
 * plugin.c: the manifest of reservations: a connector held for a while.
 */

#include "reservations.h"

/* clang-format off */
#define TOLD(type, fields, statement, about)                                   \
    { VG_EVENT, type, NULL, fields, NULL, NULL, NULL, statement, NULL, 0,      \
      NULL, about }

/* what may cost more or less by now, or later */
#define HELD(type)                                                             \
    { VG_EVENT, type, NULL, hold_due_fields,                                   \
      .statement = "hold_due", .about = "Has billing hold what it may cost" }

static const vg_route_t routes[] = {

    { VG_POST, "/reservations", "reservations:write",
      reservation_fields, NULL, reservation_check,
      "reservation_create_lock", "reservation_create", NULL, VG_AWAIT,
      vehicle_steps,
      "Reserve a connector, or any that is free at a station" },
    { VG_GET, "/reservations", "reservations:read",
      reservation_list_fields, NULL, NULL,
      NULL, "reservation_list", NULL, VG_LIST, NULL,
      "Reservations, newest first" },
    { VG_GET, "/reservations/{id}", "reservations:read",
      reservation_path_fields, NULL, NULL,
      NULL, "reservation_get", NULL, 0, NULL,
      "A reservation" },
    { VG_PATCH, "/reservations/{id}", "reservations:write",
      reservation_move_fields, NULL, NULL,
      "reservation_lock", "reservation_move", NULL, 0, NULL,
      "Move a reservation to another time" },
    { VG_DELETE, "/reservations/{id}", "reservations:write",
      reservation_cancel_fields, "reservation_rating", fee_ask,
      "reservation_lock", "reservation_cancel", NULL, 0, NULL,
      "Cancel a reservation; answers what that costs" },

    { VG_EVENT, "reservation.due.v1", NULL,
      ordered_fields, NULL, NULL,
      NULL, "due_show", NULL, 0, due_steps,
      "Asks the charger to hold it" },
    { VG_EVENT, "reservation.withdrawn.v1", NULL,
      ordered_fields, NULL, NULL,
      NULL, "withdrawn_show", NULL, 0, withdrawn_steps,
      "Tells the charger to let go of it" },
    { VG_EVENT, "reservation.lapsed.v1", NULL,
      lapse_fields, "lapse_rating", fee_ask,
      "reservation_lock", "lapse", NULL, 0, NULL,
      "Ends and prices what nobody used in time" },

    { VG_EVENT, "reservation.unpaid.v1", NULL, ordered_fields,
      .lock = "reservation_lock", .statement = "unpaid",
      .about = "Ends what nobody pays for" },
    HELD("reservation.created.v1"),
    HELD("reservation.promoted.v1"),
    HELD("reservation.moved.v1"),
    { VG_EVERY, "10s", .statement = "hold_tick",
      .about = "Has billing hold what begins soon enough" },
    { VG_JOB, "reservations.hold", NULL, hold_fields, .load = "hold_ground",
      .check = fee_ask, .statement = "hold_noted", .steps = hold_steps,
      .about = "Have billing hold what it may cost" },
    { VG_INTERNAL, "reservations.goes_on", NULL, ordered_fields,
      .statement = "reservation_goes_on", .about = "Whether one is open" },
    TOLD("hold.changed.v1", hold_told_fields, "hold_told",
         "Learns whether it is held"),

    { VG_EVENT, "charging.session.started.v1", NULL,
      session_started_fields, NULL, NULL,
      "session_started_lock", "session_started", NULL, 0, NULL,
      "The session of its tag uses a reservation" },
    { VG_EVENT, "charging.session.completed.v1", NULL,
      session_over_fields, NULL, NULL,
      "session_over_lock", "session_over", NULL, 0, NULL,
      "Its reservation is over with it" },

    { VG_EVENT, "station.created.v1", NULL,
      station_told_fields, NULL, NULL,
      "station_told_lock", "station_copy", NULL, 0, NULL,
      "Keeps a copy of the station's connectors" },
    { VG_EVENT, "station.updated.v1", NULL,
      station_told_fields, NULL, NULL,
      "station_told_lock", "station_copy", NULL, 0, NULL,
      "Keeps a copy of the station's connectors" },
    { VG_EVENT, "station.removed.v1", NULL,
      station_gone_fields, NULL, NULL,
      "station_told_lock", "station_remove", NULL, 0, NULL,
      "Its connectors are gone" },
    TOLD("connector.status_changed.v1", status_told_fields, "status_note",
         "Which connectors are out of order"),
    TOLD("pricing.updated.v1", tariff_told_fields, "tariff_copy",
         "Keeps a copy of each version of a tariff"),
    TOLD("vehicle.created.v1", vehicle_told_fields, "vehicle_note",
         "Keeps whose a vehicle is"),
    TOLD("vehicle.updated.v1", vehicle_told_fields, "vehicle_note",
         "Keeps whose a vehicle is"),
    TOLD("vehicle.removed.v1", vehicle_gone_fields, "vehicle_gone",
         "It is reserved for no more"),
    TOLD("customer.updated.v1", customer_told_fields, "customer_note",
         "Keeps whether its vehicles count still"),
    TOLD("id_tag.changed.v1", tag_told_fields, "tag_copy",
         "Keeps a copy of each tag"),
    TOLD("id_tag.removed.v1", tag_gone_fields, "tag_remove",
         "A tag is gone"),

    { VG_EVERY, "2s", NULL,
      tick_fields, NULL, NULL,
      NULL, "tick", NULL, 0, NULL,
      "Orders what is due: chargers, warnings, expiries" },

    { VG_INTERNAL, "reservations.customer_export", NULL, customer_export_fields,
      .statement = "customer_export",
      .about = "What is held here about a customer" },
    { VG_EVENT, "customer.erasure_requested.v1", NULL, erasure_told_fields,
      .statement = "customer_erase",
      .about = "Veils whose reservations these were" },

    VG_ROUTES_END
};
/* clang-format on */

static const vg_error_t errors[] = {
    { "connector_unknown", 404, "No such connector" },
    { "reservation_conflict", 409, "Reserved already" },
    { "reservation_over", 409, "The reservation is in use or over" },
    { "reservations_too_many", 409, "No more reservations at a time" },
    { "waitlist_full", 409, "Nobody else may wait there" },
    { "payment_required", 402, "No way to pay is known" },
    { "customer_unknown", 422, "No such customer" },
    { "vehicle_unknown", 422, "No such vehicle" },
    { "id_tag_refused", 422, "This tag may not charge" },
    { NULL, 0, NULL },
};

#define YEARS 100000000 /* s: three of them */

static const vg_setting_t settings[] = {
    { "grace", VG_INT, "900", .max = YEARS,
      .about = "seconds after startTime in which it may still be used; then it "
               "expires. Holds for reservations made from then on" },
    { "ahead", VG_INT, "300", .max = YEARS,
      .about = "seconds before startTime in which the connector is kept free "
               "for it and the charger is told; for reservations made from "
               "then on" },
    { "warning", VG_INT, "300", .max = YEARS,
      .about = "seconds before its expiry that reservation.expiring.v1 is "
               "told" },
    { "free_cancellation", VG_INT, "900", .max = YEARS,
      .about = "seconds before startTime until which cancelling costs nothing; "
               "for reservations made from then on" },
    { "hold_ahead", VG_INT, "259200", .max = YEARS,
      .about = "seconds before startTime from which money is held for it; with "
               "what it lasts less than banks keep an authorisation, a week" },
    { "longest", VG_INT, "86400", .max = YEARS,
      .about = "seconds that a reservation may last" },
    { "furthest", VG_INT, "7776000", .max = YEARS,
      .about = "seconds that a reservation may lie ahead" },
    { "per_customer", VG_INT, "20", .max = 1000000,
      .about = "reservations that a driver may have that are not over, those "
               "that wait among them" },
    { "per_company", VG_INT, "1000", .max = 1000000,
      .about = "the same of a fleet or a partner" },
    { "waiting", VG_INT, "100", .max = 1000000,
      .about = "reservations that may wait at a station" },
    { .name = NULL },
};

static const vg_keep_t keeps[] = {
    { "reservation", "3y", "reservation_retire",
      "reservations that are over, since they were made" },
    { NULL, NULL, NULL, NULL }
};

/* clang-format off */
static const char *const publishes[] = {
    "reservation.created.v1",
    "reservation.confirmed.v1",
    "reservation.cancelled.v1",
    "reservation.expiring.v1",
    "reservation.expired.v1",
    "reservation.promoted.v1",
    "reservation.moved.v1",
    "reservation.used.v1",
    "reservation.completed.v1",
    "reservation.due.v1",
    "reservation.withdrawn.v1",
    "reservation.lapsed.v1",
    "reservation.unpaid.v1",
    "customer.erased.v1",
    NULL,
};
/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "reservations",
    .version = "1.0.0",
    .about = "Connectors held for a while, a waitlist, and what it costs",
    .routes = routes,
    .errors = errors,
    .settings = settings,
    .publishes = publishes,
    .keeps = keeps,
};
