/*
 * quarantine.c: transaction messages that made no sense, for operators.
 */

#include "charging.h"

/* clang-format off */
const vg_field_t  quarantine_list_fields[] = {
    { VG_QUERY, "chargePointId", VG_TEXT, 0, 1, 48, NULL, NULL, NULL,
      "from this charge point" },
    { VG_QUERY, "resolved", VG_BOOL, 0, 0, 0, NULL, NULL, NULL,
      "default false: what is still to be settled" },
    VG_FIELDS_END,
};

const vg_field_t  quarantine_resolve_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL,
      "the message" },
    { VG_BODY, "note", VG_TEXT, VG_REQUIRED, 1, 2000, NULL, NULL, NULL,
      "how it was settled" },
    VG_FIELDS_END,
};
/* clang-format on */
