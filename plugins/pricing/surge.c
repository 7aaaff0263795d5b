/*
 * surge.c: what is asked by whoever decides that prices surge. By how much and
 * since when is its matter; what a price becomes, sql/002_surge.sql's.
 */

#include "vg.h"
#include "pricing.h"

#define BODY(name, type, flags, min, max, about)                               \
    {                                                                          \
        VG_BODY, name, type, flags, min, max, NULL, NULL, NULL, about          \
    }

static const vg_field_t dimension = { VG_BODY,
                                      NULL,
                                      VG_ENUM,
                                      0,
                                      0,
                                      0,
                                      "ENERGY|FLAT|PARKING_TIME|TIME",
                                      NULL,
                                      NULL,
                                      "OCPI TariffDimensionType" };

/* clang-format off */
const vg_field_t  surge_fields[] = {
    BODY("stationId", VG_UUID, VG_REQUIRED, 0, 0, "where"),
    BODY("number", VG_INT, VG_REQUIRED, 1, INT64_MAX,
         "which of the station's surges; what comes behind a later one is not done"),
    BODY("multiplier", VG_DECIMAL, VG_REQUIRED, 0, 100, "1: it is over"),
    BODY("until", VG_TIME, VG_REQUIRED, 0, 0, "unless it is asked for again"),
    { VG_BODY, "dimensions", VG_ARRAY, VG_REQUIRED, 1, 4, NULL, NULL,
      &dimension, "the prices that surge" },
    BODY("minPricePerKwh", VG_DECIMAL, VG_NULLABLE, 0, 1000000,
         "none of energy goes below"),
    BODY("maxPricePerKwh", VG_DECIMAL, VG_NULLABLE, 0, 1000000,
         "none of energy goes above"),
    VG_FIELDS_END,
};
/* clang-format on */
