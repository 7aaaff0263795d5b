/*
 * erasure.c: what is asked about a customer: all that is held, and to forget.
 */

#include "charging.h"

/* clang-format off */

const vg_field_t erasure_told_fields[] = {
    { VG_BODY, "erasureId", VG_UUID, VG_REQUIRED, .about = "the erasure" },
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "who is erased" },
    { VG_BODY, "round", VG_INT, VG_REQUIRED, .about = "which is answered" },
    VG_FIELDS_END
};

const vg_field_t customer_export_fields[] = {
    { VG_BODY, "customerId", VG_TEXT, VG_REQUIRED, .about = "about whom" },
    { VG_BODY, "after", VG_TEXT, VG_NULLABLE, .about = "where it begins" },
    { VG_BODY, "most", VG_INT, VG_REQUIRED, 1, 1000, .about = "rows at most" },
    VG_FIELDS_END
};

/* clang-format on */
