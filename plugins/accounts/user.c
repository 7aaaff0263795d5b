/*
 * user.c: people, as admins see and change them.
 */

#include "accounts.h"

/* A key's role is api_key.c's: no person is a partner. */
#define ROLES "driver|operator|fleet_manager|planner|admin"

/* clang-format off */

static const vg_field_t role_item =
    { VG_BODY, "role", VG_ENUM, .values = ROLES, .about = "a role" };

const vg_field_t user_id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "user" },
    VG_FIELDS_END
};

const vg_field_t user_list_fields[] = {
    { VG_QUERY, "email", VG_TEXT, 0, 3, 254, .about = "with this address" },
    { VG_QUERY, "role", VG_ENUM, .values = ROLES, .about = "of this role" },
    VG_FIELDS_END
};

const vg_field_t user_patch_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "user" },
    { VG_BODY, "name", VG_TEXT, 0, 1, 100, .about = "of the person" },
    { VG_BODY, "phone", VG_TEXT, VG_NULLABLE, 8, 16,
      .about = "E.164: +491701234567" },
    { VG_BODY, "blocked", VG_BOOL,
      .about = "true: may not call, from now on; false: may log in again" },
    LIFETIME,
    VG_FIELDS_END
};

const vg_field_t user_roles_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "user" },
    { VG_BODY, "roles", VG_ARRAY, VG_REQUIRED, 1, 1, .item = &role_item,
      .about = "one: an identity acts in one role" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "for whom; needed by operator and fleet_manager" },
    LIFETIME,
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
user_roles_check(vg_call_t *call)
{
    bool     company = vg_get(call, "companyId") != NULL;
    vg_str_t role = vg_get(call, "roles")->first->text;

    if ((vg_str_eq(role, "operator") || vg_str_eq(role, "fleet_manager"))
        && !company)
    {
        return vg_refuse_field(call, "companyId", "is required for this role");
    }
    return VG_OK;
}
