/*
 * usage.c: what customers used, by month. It is noted with the session's
 * invoice (invoice_issue.sql), and where there is none, too.
 */

#include "credit.h"

/* clang-format off */

const vg_field_t usage_fields[] = {
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64,
      .about = "by this customer" },
    { VG_QUERY, "companyId", VG_TEXT, 0, 1, 64,
      .about = "on this company's account" },
    { VG_QUERY, "from", VG_TIME, .about = "of sessions that ended then or later" },
    { VG_QUERY, "to", VG_TIME, .about = "of sessions that ended before" },
    VG_FIELDS_END
};

/* clang-format on */
