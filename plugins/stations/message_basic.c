/*
 * message_basic.c: the messages of OCPP 1.6 to a charge point: Core, Firmware
 * Management, Local Auth List, Remote Trigger, Reservation, Smart Charging.
 */

#include "message.h"

/* clang-format off */

#define END { NULL, MESSAGE_TEXT, false, 0, 0, NULL, NULL }

/* name, required, … */
#define TEXT(n, r, longest) { n, MESSAGE_TEXT, r, 0, longest, NULL, NULL }
#define INT(n, r)           { n, MESSAGE_INT, r, 0, 0, NULL, NULL }
#define FROM(n, r, least)   { n, MESSAGE_INT, r, least, INT32_MAX, NULL, NULL }
#define TIME(n, r)          { n, MESSAGE_TIME, r, 0, 0, NULL, NULL }
#define URI(n, r)           { n, MESSAGE_URI, r, 0, 0, NULL, NULL }
#define ENUM(n, r, v)       { n, MESSAGE_ENUM, r, 0, 0, v, NULL }
#define OBJECT(n, r, p)     { n, MESSAGE_OBJECT, r, 0, 0, NULL, p }
#define LIST(n, r, least, item) { n, MESSAGE_LIST, r, least, 0, NULL, item }

#define RATE_UNIT "A|W"
#define PURPOSE   "ChargePointMaxProfile|TxDefaultProfile|TxProfile"


static const message_part_t cancel_reservation[] = {
    INT("reservationId", true), END
};

static const message_part_t change_availability[] = {
    FROM("connectorId", true, 0), ENUM("type", true, "Inoperative|Operative"),
    END
};

static const message_part_t change_configuration[] = {
    TEXT("key", true, 50), TEXT("value", true, 500), END
};

static const message_part_t clear_charging_profile[] = {
    INT("id", false), FROM("connectorId", false, 0),
    ENUM("chargingProfilePurpose", false, PURPOSE),
    FROM("stackLevel", false, 0), END
};

static const message_part_t data_transfer[] = {
    TEXT("vendorId", true, 255), TEXT("messageId", false, 50),
    TEXT("data", false, 0), END
};

static const message_part_t get_composite_schedule[] = {
    FROM("connectorId", true, 0), FROM("duration", true, 0),
    ENUM("chargingRateUnit", false, RATE_UNIT), END
};

static const message_part_t key = TEXT("key", true, 50);

static const message_part_t get_configuration[] = {
    LIST("key", false, 0, &key), END
};

static const message_part_t get_diagnostics[] = {
    URI("location", true), FROM("retries", false, 0),
    FROM("retryInterval", false, 0), TIME("startTime", false),
    TIME("stopTime", false), END
};

static const message_part_t schedule_period[] = {
    FROM("startPeriod", true, 0),
    { "limit", MESSAGE_TENTH, true, 0, 0, NULL, NULL },
    { "numberPhases", MESSAGE_INT, false, 1, 3, NULL, NULL }, END
};

static const message_part_t period =
    OBJECT("chargingSchedulePeriod", true, schedule_period);

static const message_part_t schedule[] = {
    FROM("duration", false, 0), TIME("startSchedule", false),
    ENUM("chargingRateUnit", true, RATE_UNIT),
    LIST("chargingSchedulePeriod", true, 1, &period),
    { "minChargingRate", MESSAGE_TENTH, false, 0, 0, NULL, NULL }, END
};

static const message_part_t profile[] = {
    INT("chargingProfileId", true), INT("transactionId", false),
    FROM("stackLevel", true, 0), ENUM("chargingProfilePurpose", true, PURPOSE),
    ENUM("chargingProfileKind", true, "Absolute|Recurring|Relative"),
    ENUM("recurrencyKind", false, "Daily|Weekly"), TIME("validFrom", false),
    TIME("validTo", false), OBJECT("chargingSchedule", true, schedule), END
};

static const message_part_t remote_start[] = {
    FROM("connectorId", false, 1), TEXT("idTag", true, 20),
    OBJECT("chargingProfile", false, profile), END
};

static const message_part_t remote_stop[] = {
    INT("transactionId", true), END
};

static const message_part_t reserve_now[] = {
    FROM("connectorId", true, 0), TIME("expiryDate", true),
    TEXT("idTag", true, 20), TEXT("parentIdTag", false, 20),
    INT("reservationId", true), END
};

static const message_part_t reset[] = { ENUM("type", true, "Hard|Soft"), END };

static const message_part_t tag_info[] = {
    TIME("expiryDate", false), TEXT("parentIdTag", false, 20),
    ENUM("status", true, "Accepted|Blocked|Expired|Invalid|ConcurrentTx"), END
};

static const message_part_t list_entry[] = {
    TEXT("idTag", true, 20), OBJECT("idTagInfo", false, tag_info), END
};

static const message_part_t entry =
    OBJECT("localAuthorizationList", true, list_entry);

static const message_part_t send_local_list[] = {
    FROM("listVersion", true, 0), LIST("localAuthorizationList", false, 0, &entry),
    ENUM("updateType", true, "Differential|Full"), END
};

static const message_part_t set_charging_profile[] = {
    FROM("connectorId", true, 0), OBJECT("csChargingProfiles", true, profile),
    END
};

static const message_part_t trigger_message[] = {
    ENUM("requestedMessage", true,
         "BootNotification|DiagnosticsStatusNotification|"
         "FirmwareStatusNotification|Heartbeat|MeterValues|"
         "StatusNotification"),
    FROM("connectorId", false, 1), END
};

static const message_part_t unlock_connector[] = {
    FROM("connectorId", true, 1), END
};

static const message_part_t update_firmware[] = {
    URI("location", true), FROM("retries", false, 0),
    TIME("retrieveDate", true), FROM("retryInterval", false, 0), END
};

const message_t message_basic[] = {
    { "CancelReservation", cancel_reservation },
    { "ChangeAvailability", change_availability },
    { "ChangeConfiguration", change_configuration },
    { "ClearCache", NULL },
    { "ClearChargingProfile", clear_charging_profile },
    { "DataTransfer", data_transfer },
    { "GetCompositeSchedule", get_composite_schedule },
    { "GetConfiguration", get_configuration },
    { "GetDiagnostics", get_diagnostics },
    { "GetLocalListVersion", NULL },
    { "RemoteStartTransaction", remote_start },
    { "RemoteStopTransaction", remote_stop },
    { "ReserveNow", reserve_now },
    { "Reset", reset },
    { "SendLocalList", send_local_list },
    { "SetChargingProfile", set_charging_profile },
    { "TriggerMessage", trigger_message },
    { "UnlockConnector", unlock_connector },
    { "UpdateFirmware", update_firmware },
    { NULL, NULL }
};

/* clang-format on */
