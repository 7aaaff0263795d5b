/*
 * message_security.c: the messages to a charge point that the security
 * whitepaper adds to OCPP 1.6.
 */

#include "message.h"

/* clang-format off */

#define END { NULL, MESSAGE_TEXT, false, 0, 0, NULL, NULL }
#define TEXT(n, r, longest) { n, MESSAGE_TEXT, r, 0, longest, NULL, NULL }
#define INT(n, r)           { n, MESSAGE_INT, r, 0, 0, NULL, NULL }
#define FROM(n, r, least)   { n, MESSAGE_INT, r, least, INT32_MAX, NULL, NULL }
#define TIME(n, r)          { n, MESSAGE_TIME, r, 0, 0, NULL, NULL }
#define ENUM(n, r, v)       { n, MESSAGE_ENUM, r, 0, 0, v, NULL }
#define OBJECT(n, r, p)     { n, MESSAGE_OBJECT, r, 0, 0, NULL, p }

#define USE "CentralSystemRootCertificate|ManufacturerRootCertificate"


static const message_part_t certificate_signed[] = {
    TEXT("certificateChain", true, 10000), END
};

static const message_part_t hash_data[] = {
    ENUM("hashAlgorithm", true, "SHA256|SHA384|SHA512"),
    TEXT("issuerNameHash", true, 128), TEXT("issuerKeyHash", true, 128),
    TEXT("serialNumber", true, 40), END
};

static const message_part_t delete_certificate[] = {
    OBJECT("certificateHashData", true, hash_data), END
};

static const message_part_t extended_trigger[] = {
    ENUM("requestedMessage", true,
         "BootNotification|LogStatusNotification|FirmwareStatusNotification|"
         "Heartbeat|MeterValues|SignChargePointCertificate|"
         "StatusNotification"),
    FROM("connectorId", false, 1), END
};

static const message_part_t installed_certificates[] = {
    ENUM("certificateType", true, USE), END
};

static const message_part_t log_parameters[] = {
    TEXT("remoteLocation", true, 512), TIME("oldestTimestamp", false),
    TIME("latestTimestamp", false), END
};

static const message_part_t get_log[] = {
    OBJECT("log", true, log_parameters),
    ENUM("logType", true, "DiagnosticsLog|SecurityLog"),
    INT("requestId", true), FROM("retries", false, 0),
    FROM("retryInterval", false, 0), END
};

static const message_part_t install_certificate[] = {
    ENUM("certificateType", true, USE), TEXT("certificate", true, 5500), END
};

static const message_part_t firmware[] = {
    TEXT("location", true, 512), TIME("retrieveDateTime", true),
    TIME("installDateTime", false), TEXT("signingCertificate", true, 5500),
    TEXT("signature", true, 800), END
};

static const message_part_t signed_update[] = {
    FROM("retries", false, 0), FROM("retryInterval", false, 0),
    INT("requestId", true), OBJECT("firmware", true, firmware), END
};

const message_t message_security[] = {
    { "CertificateSigned", certificate_signed },
    { "DeleteCertificate", delete_certificate },
    { "ExtendedTriggerMessage", extended_trigger },
    { "GetInstalledCertificateIds", installed_certificates },
    { "GetLog", get_log },
    { "InstallCertificate", install_certificate },
    { "SignedUpdateFirmware", signed_update },
    { NULL, NULL }
};

/* clang-format on */
