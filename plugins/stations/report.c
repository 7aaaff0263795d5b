/*
 * report.c: what charge points tell beyond the state of their connectors:
 * how far a transfer is, what happened to their security, what their vendor
 * adds, and for which key they want a certificate. And what operators read
 * and answer of it.
 */

#include <string.h>

#include "stations.h"

#define CSR_HEAD "-----BEGIN CERTIFICATE REQUEST-----"

/* clang-format off */

#define POINT                                                                  \
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 48, .about = "OCPP identity" }

const vg_field_t transfer_fields[] = {
    { VG_BODY, "vendorId", VG_TEXT, VG_REQUIRED, 0, 255, .about = "vendor" },
    { VG_BODY, "messageId", VG_TEXT, 0, 0, 50, .about = "kind of message" },
    { VG_BODY, "data", VG_ANY, .about = "a text; some vendors send objects" },
    { VG_BOUND, "verdict", VG_TEXT, .about = "DataTransferStatus" },
    VG_FIELDS_END
};

const vg_field_t progress_fields[] = {
    { VG_BODY, "status", VG_TEXT, VG_REQUIRED, 1, 50,
      .about = "how far it is" },
    { VG_BODY, "requestId", VG_INT, VG_NULLABLE, INT32_MIN, INT32_MAX,
      .about = "of the request; only the security whitepaper's have one" },
    { VG_BOUND, "kind", VG_TEXT, .about = "of transfer" },
    { VG_BOUND, "action", VG_TEXT, .about = "that tells of it" },
    VG_FIELDS_END
};

const vg_field_t security_event_fields[] = {
    { VG_BODY, "type", VG_TEXT, VG_REQUIRED, 1, 50,
      .about = "one of the whitepaper's, or a vendor's" },
    { VG_BODY, "timestamp", VG_TIME, VG_REQUIRED | VG_LENIENT,
      .about = "when, by the charger's clock" },
    { VG_BODY, "techInfo", VG_TEXT, VG_NULLABLE, 0, 255,
      .about = "more about it" },
    VG_FIELDS_END
};

const vg_field_t certificate_ask_fields[] = {
    { VG_BODY, "csr", VG_TEXT, VG_REQUIRED, 1, 5500, .about = "PKCS #10, PEM" },
    VG_FIELDS_END
};

const vg_field_t certificate_answer_fields[] = {
    POINT,
    { VG_PATH, "requestId", VG_UUID, VG_REQUIRED, .about = "the request" },
    { VG_BODY, "certificateChain", VG_TEXT, VG_REQUIRED, 1, 10000,
      .about = "PEM, the charge point's own certificate first" },
    VG_FIELDS_END
};

const vg_field_t said_fields[] = {
    POINT,
    { VG_QUERY, "action", VG_TEXT, 0, 1, 50, .about = "of this action" },
    VG_FIELDS_END
};

const vg_field_t sweep_fields[] = {
    { VG_SETTING, "noticeDays", VG_INT, .about = "days" },
    VG_FIELDS_END
};

/* clang-format on */


static vg_rc_t
progress_bind(vg_call_t *call, const char *kind, const char *action)
{
    return vg_bind(call, "kind", vg_str(kind)) == VG_OK
                   && vg_bind(call, "action", vg_str(action)) == VG_OK
               ? VG_OK
               : VG_ERROR;
}


vg_rc_t
firmware_check(vg_call_t *call)
{
    return progress_bind(call, "FIRMWARE", "FirmwareStatusNotification");
}


vg_rc_t
signed_firmware_check(vg_call_t *call)
{
    return progress_bind(call, "SIGNED_FIRMWARE",
                         "SignedFirmwareStatusNotification");
}


vg_rc_t
diagnostics_check(vg_call_t *call)
{
    return progress_bind(call, "DIAGNOSTICS", "DiagnosticsStatusNotification");
}


vg_rc_t
log_check(vg_call_t *call)
{
    return progress_bind(call, "LOG", "LogStatusNotification");
}


/* Nobody here understands a vendor's data: accepting it means that it is kept
 * for who does. */
vg_rc_t
transfer_check(vg_call_t *call)
{
    size_t      len;
    vg_str_t    vendor = vg_get(call, "vendorId")->text;
    const char *p = vg_setting(call, "data_transfer_vendors");

    for (; *p != '\0'; p += len + (p[len] == ',')) {
        len = strcspn(p, ",");
        if (len == vendor.len && memcmp(p, vendor.data, len) == 0) {
            return vg_bind(call, "verdict", VG_STR("Accepted"));
        }
    }
    return vg_bind(call, "verdict", VG_STR("UnknownVendorId"));
}


/* What is no PEM could never be signed; the charger is better told so. */
vg_rc_t
certificate_ask_check(vg_call_t *call)
{
    vg_str_t csr = vg_get(call, "csr")->text;

    if (csr.len < sizeof(CSR_HEAD)
        || memcmp(csr.data, CSR_HEAD, sizeof(CSR_HEAD) - 1) != 0)
    {
        return vg_reply(call, VG_STR("{\"status\":\"Rejected\"}"));
    }
    return VG_OK;
}


vg_rc_t
certificate_answer_check(vg_call_t *call)
{
    return vg_str_eq(vg_json_text(vg_row(call), "status"), "PENDING")
               ? VG_OK
               : vg_refuse(call, "certificate_answered");
}


vg_rc_t
certificate_send(vg_call_t *call)
{
    vg_out_t out;

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "certificateChain",
                  vg_get(call, "certificateChain")->text);
    vg_out_close(&out, '}');
    return vg_command(call, vg_get(call, "id")->text, "CertificateSigned",
                      vg_out_str(&out));
}
