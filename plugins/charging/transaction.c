/*
 * transaction.c: what chargers say about transactions, OCPP 1.6.
 *
 * The tables ask for no more than a message must have to be worth anything:
 * vendors misspell enums, leave out what has a default and send numbers where
 * text is asked, and each refusal would be energy that nobody pays. What
 * passes not even these goes to quarantine, and is answered with success.
 */

#include "charging.h"
#include "samples.h"

#define NAME_MAX 64  /* OCPP's enumerations, also misspelt ones           */
#define TAG_MAX  255 /* OCPP says 20: a longer one is not ours: Invalid   */
#define PORT_MAX 65535
#define WH_MAX   INT64_C(1000000000000) /* 1 TWh: no register shows more  */

/* clang-format off */
#define NAME(name, about)                                                    \
    { VG_BODY, name, VG_TEXT, VG_NULLABLE, 0, NAME_MAX, NULL, NULL, NULL,    \
      about }

#define SAMPLES                                                              \
    { VG_BOUND, "samples", VG_TEXT, 0, 0, 0, NULL, NULL, NULL,               \
      "a charging.sample[]" }

static const vg_field_t  sampled_value_fields[] = {
    { VG_BODY, "value", VG_ANY, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "text, or a number; signed data too" },
    NAME("context", "default Sample.Periodic"),
    NAME("format", "default Raw"),
    NAME("measurand", "default Energy.Active.Import.Register"),
    NAME("phase", "default all"),
    NAME("location", "default Outlet"),
    NAME("unit", "default Wh for energy"),
    VG_FIELDS_END,
};
/* clang-format on */

static const vg_field_t sampled_value = {
    VG_BODY, NULL,       VG_OBJECT, 0, 0, 0, NULL, sampled_value_fields,
    NULL,    "a sample",
};

/* clang-format off */
static const vg_field_t  meter_value_fields[] = {
    { VG_BODY, "timestamp", VG_TEXT, VG_NULLABLE, 0, NAME_MAX, NULL, NULL,
      NULL, "the charger's clock; unreadable: the moment of receipt" },
    { VG_BODY, "sampledValue", VG_ARRAY, VG_NULLABLE, 0, 1000, NULL, NULL,
      &sampled_value, "samples of that moment" },
    VG_FIELDS_END,
};
/* clang-format on */

static const vg_field_t meter_value = {
    VG_BODY, NULL, VG_OBJECT,          0,    0,
    0,       NULL, meter_value_fields, NULL, "what was sampled at one moment",
};

/* clang-format off */
const vg_field_t  authorize_fields[] = {
    { VG_BODY, "idTag", VG_TEXT, VG_REQUIRED, 0, TAG_MAX, NULL, NULL, NULL,
      "the tag" },
    VG_FIELDS_END,
};

const vg_field_t  transaction_start_fields[] = {
    { VG_BODY, "connectorId", VG_INT, VG_REQUIRED, 0, PORT_MAX, NULL, NULL,
      NULL, "OCPP's connector number" },
    { VG_BODY, "idTag", VG_TEXT, VG_REQUIRED, 0, TAG_MAX, NULL, NULL, NULL,
      "the tag" },
    { VG_BODY, "meterStart", VG_INT, VG_REQUIRED, -WH_MAX, WH_MAX, NULL, NULL,
      NULL, "Wh on the register" },
    { VG_BODY, "timestamp", VG_TIME, VG_REQUIRED | VG_LENIENT, 0, 0, NULL,
      NULL, NULL, "the charger's clock" },
    { VG_BODY, "reservationId", VG_INT, VG_NULLABLE, 0, 0, NULL, NULL, NULL,
      "that it ends" },
    VG_FIELDS_END,
};

const vg_field_t  transaction_stop_fields[] = {
    { VG_BODY, "transactionId", VG_INT, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "as answered to the Start; -1 where that never arrived" },
    { VG_BODY, "meterStop", VG_INT, VG_REQUIRED, -WH_MAX, WH_MAX, NULL, NULL,
      NULL, "Wh on the register" },
    { VG_BODY, "timestamp", VG_TIME, VG_REQUIRED | VG_LENIENT, 0, 0, NULL,
      NULL, NULL, "the charger's clock" },
    { VG_BODY, "idTag", VG_TEXT, VG_NULLABLE, 0, TAG_MAX, NULL, NULL, NULL,
      "who stopped it" },
    NAME("reason", "default Local"),
    { VG_BODY, "transactionData", VG_ARRAY, VG_NULLABLE, 0, 10000, NULL, NULL,
      &meter_value, "meter values of the transaction" },
    SAMPLES,
    VG_FIELDS_END,
};

const vg_field_t  meter_values_fields[] = {
    { VG_BODY, "connectorId", VG_INT, VG_REQUIRED, 0, PORT_MAX, NULL, NULL,
      NULL, "OCPP's connector number; 0 the main meter" },
    { VG_BODY, "transactionId", VG_INT, VG_NULLABLE, 0, 0, NULL, NULL, NULL,
      "the transaction, where there is one" },
    { VG_BODY, "meterValue", VG_ARRAY, VG_REQUIRED, 0, 10000, NULL, NULL,
      &meter_value, "samples by moment" },
    SAMPLES,
    VG_FIELDS_END,
};
/* clang-format on */


static vg_rc_t
bind_samples(vg_call_t *call, const char *field)
{
    return vg_bind(call, "samples",
                   samples_text(vg_pool(call), vg_get(call, field)));
}


vg_rc_t
transaction_stop_check(vg_call_t *call)
{
    return bind_samples(call, "transactionData");
}


vg_rc_t
meter_values_check(vg_call_t *call)
{
    return bind_samples(call, "meterValue");
}
