/*
 * vehicle.c: vehicles as they come in.
 */

#include "parties.h"

#define KINDS "CAR|VAN|TRUCK|MOTORCYCLE|BUS"
#define FUELS "EV|ICE|HYBRID"

/* OCPI 2.2.1, 8.4.5 ConnectorType */
#define CONNECTOR_TYPES                                                        \
    "CHADEMO|CHAOJI|DOMESTIC_A|DOMESTIC_B|DOMESTIC_C|DOMESTIC_D|DOMESTIC_E|"   \
    "DOMESTIC_F|DOMESTIC_G|DOMESTIC_H|DOMESTIC_I|DOMESTIC_J|DOMESTIC_K|"       \
    "DOMESTIC_L|DOMESTIC_M|DOMESTIC_N|DOMESTIC_O|GBT_AC|GBT_DC|"               \
    "IEC_60309_2_single_16|IEC_60309_2_three_16|IEC_60309_2_three_32|"         \
    "IEC_60309_2_three_64|IEC_62196_T1|IEC_62196_T1_COMBO|IEC_62196_T2|"       \
    "IEC_62196_T2_COMBO|IEC_62196_T3A|IEC_62196_T3C|NEMA_5_20|NEMA_6_30|"      \
    "NEMA_6_50|NEMA_10_30|NEMA_10_50|NEMA_14_30|NEMA_14_50|"                   \
    "PANTOGRAPH_BOTTOM_UP|PANTOGRAPH_TOP_DOWN|TESLA_R|TESLA_S"

/* clang-format off */

static const vg_field_t connector_item =
    { VG_BODY, "connectorType", VG_ENUM, .values = CONNECTOR_TYPES,
      .about = "ConnectorType of OCPI" };

#define VEHICLE(needed)                                                        \
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE, 1, 64,                       \
      .about = "the fleet that it runs in; a fleet manager's own by default" },\
    { VG_BODY, "plate", VG_TEXT, needed, 1, 20,                                \
      .about = "registration, in any script" },                                \
    { VG_BODY, "vin", VG_TEXT, VG_NULLABLE, 17, 17,                            \
      .about = "ISO 3779: digits and letters without I, O and Q" },            \
    { VG_BODY, "make", VG_TEXT, VG_NULLABLE, 1, 100, .about = "its maker" },   \
    { VG_BODY, "model", VG_TEXT, VG_NULLABLE, 1, 100, .about = "its model" },  \
    { VG_BODY, "color", VG_TEXT, VG_NULLABLE, 1, 50, .about = "its color" },   \
    { VG_BODY, "odometerKm", VG_DECIMAL, VG_NULLABLE, 0, 10000000,             \
      .about = "driven so far, km" },                                          \
    { VG_BODY, "batteryKwh", VG_DECIMAL, VG_NULLABLE, 0, 10000,                \
      .about = "usable, kWh" },                                                \
    { VG_BODY, "connectorTypes", VG_ARRAY, 0, 0, 10,                           \
      .item = &connector_item, .about = "what it can be plugged into" },       \
    { VG_BODY, "kind", VG_ENUM, .values = KINDS, .about = "default CAR" },     \
    { VG_BODY, "fuel", VG_ENUM, .values = FUELS, .about = "default EV" }

#define VEHICLE_ID                                                             \
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "vehicle" }

const vg_field_t vehicle_new_fields[] = {
    { VG_PATH, "id", VG_TEXT, VG_REQUIRED, 1, 64, .about = "whose it is" },
    VEHICLE(VG_REQUIRED),
    { VG_BOUND, "company", VG_TEXT, .about = "the fleet that it will run in" },
    VG_FIELDS_END
};

const vg_field_t vehicle_change_fields[] = {
    VEHICLE_ID, VEHICLE(0), VG_FIELDS_END
};

const vg_field_t vehicle_list_fields[] = {
    { VG_BOUND, "id", VG_TEXT, .about = "any customer's" }, VG_FIELDS_END
};

const vg_field_t vehicle_id_fields[] = { VEHICLE_ID, VG_FIELDS_END };

const vg_field_t party_check_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "a customer, or:" },
    { VG_BODY, "vehicleId", VG_UUID, VG_NULLABLE, .about = "a vehicle" },
    VG_FIELDS_END
};

static const vg_field_t party_id = {
    VG_BODY, "id", VG_TEXT, 0, 1, 64, .about = "of a customer or company"
};

const vg_field_t party_show_fields[] = {
    { VG_BODY, "customers", VG_ARRAY, VG_REQUIRED, 0, 200, .item = &party_id,
      .about = "ids" },
    { VG_BODY, "companies", VG_ARRAY, VG_REQUIRED, 0, 200, .item = &party_id,
      .about = "ids" },
    VG_FIELDS_END
};

const vg_field_t contact_show_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "who is written to" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "which company is" },
    VG_FIELDS_END
};

static const spelled_t vehicle_spelled[] = {
    { "plate", spelling_line, SPELLED_LINE },
    { "vin", spelling_vin,
      "must be 17 digits and letters, without I, O and Q" },
    { "make", spelling_line, SPELLED_LINE },
    { "model", spelling_line, SPELLED_LINE },
    { "color", spelling_line, SPELLED_LINE },
    { NULL, NULL, NULL }
};

/* clang-format on */

vg_rc_t
vehicle_check(vg_call_t *call)
{
    return spelled_check(call, vehicle_spelled);
}

vg_rc_t
vehicle_create_check(vg_call_t *call)
{
    const vg_caller_t *caller = vg_caller(call);

    if (vehicle_check(call) != VG_OK) {
        return VG_ERROR;
    }

    return company_bind(call, vg_str_eq(caller->role, "fleet_manager")
                                  ? caller->company
                                  : (vg_str_t){ NULL, 0 });
}
