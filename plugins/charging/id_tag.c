/*
 * id_tag.c: RFID and app tags that may charge.
 */

#include "charging.h"

#define ID_TAG     20 /* OCPP 1.6: CiString20Type */
#define TAG_STATUS "Accepted|Blocked"

/* clang-format off */
#define TAG_PATH                                                             \
    { VG_PATH, "idTag", VG_TEXT, VG_REQUIRED, 1, ID_TAG, NULL, NULL, NULL,   \
      "the tag, in any case" }

#define TAG_BODY(flags)                                                      \
    { VG_BODY, "customerId", VG_TEXT, flags, 1, 64, NULL, NULL, NULL,        \
      "who pays" },                                                          \
    { VG_BODY, "vehicleId", VG_UUID, flags, 0, 0, NULL, NULL, NULL,          \
      "what is charged" },                                                   \
    { VG_BODY, "status", VG_ENUM, 0, 0, 0, TAG_STATUS, NULL, NULL,           \
      "default Accepted" },                                                  \
    { VG_BODY, "expiresAt", VG_TIME, flags, 0, 0, NULL, NULL, NULL,          \
      "from then on Expired" },                                              \
    { VG_BODY, "parentIdTag", VG_TEXT, flags, 1, ID_TAG, NULL, NULL, NULL,   \
      "its group: tags of one group may stop each other's sessions" }

const vg_field_t  id_tag_fields[] = {
    { VG_BODY, "idTag", VG_TEXT, VG_REQUIRED, 1, ID_TAG, NULL, NULL, NULL,
      "printable ASCII; compared without regard to case" },
    TAG_BODY(0),
    VG_FIELDS_END,
};

const vg_field_t  id_tag_change_fields[] = {
    TAG_PATH,
    TAG_BODY(VG_NULLABLE),
    VG_FIELDS_END,
};

const vg_field_t  id_tag_list_fields[] = {
    { VG_QUERY, "customerId", VG_TEXT, 0, 1, 64, NULL, NULL, NULL,
      "of this customer" },
    { VG_QUERY, "status", VG_ENUM, 0, 0, 0, TAG_STATUS, NULL, NULL,
      "in this state" },
    VG_FIELDS_END,
};

const vg_field_t  id_tag_path_fields[] = {
    TAG_PATH,
    VG_FIELDS_END,
};
/* clang-format on */


/* as CiString20Type has it: both go to chargers */
static vg_rc_t
printable_check(vg_call_t *call, const char *name)
{
    size_t           i;
    const vg_json_t *tag = vg_get(call, name);

    for (i = 0; tag != NULL && i < tag->text.len; i++) {
        if (tag->text.data[i] < ' ' || tag->text.data[i] > '~') {
            return vg_refuse_field(call, name, "must be printable ASCII");
        }
    }
    return VG_OK;
}


vg_rc_t
id_tag_check(vg_call_t *call)
{
    vg_rc_t tag = printable_check(call, "idTag");
    vg_rc_t parent = printable_check(call, "parentIdTag");

    return tag == VG_OK ? parent : tag;
}
