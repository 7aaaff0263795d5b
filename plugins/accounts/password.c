/*
 * password.c: another password: by the old one, or by a code that was mailed.
 */

#include "accounts.h"

/* clang-format off */

#define NEW_PASSWORD(name)                                                     \
    { VG_BODY, name, VG_TEXT, VG_REQUIRED | VG_SECRET, PASSWORD_MIN,           \
      PASSWORD_MAX, .about = "8 to 128 characters" }

const vg_field_t password_change_fields[] = {
    { VG_BODY, "oldPassword", VG_TEXT, VG_REQUIRED | VG_SECRET, 1,
      PASSWORD_MAX, .about = "the present one" },
    NEW_PASSWORD("newPassword"),
    { VG_BOUND, "session", VG_TEXT, .about = "the caller's, which goes on" },
    GUARD,
    LIFETIME,
    VG_FIELDS_END
};

const vg_field_t password_forgot_fields[] = {
    { VG_BODY, "email", VG_TEXT, VG_REQUIRED, 3, 254, .about = "whose" },
    CODE,
    VG_FIELDS_END
};

const vg_field_t password_reset_fields[] = {
    { VG_BODY, "resetId", VG_UUID, VG_REQUIRED,
      .about = "as forgot answered it" },
    { VG_BODY, "code", VG_TEXT, VG_REQUIRED | VG_SECRET, 1, 20,
      .about = "as the mail has it" },
    NEW_PASSWORD("password"),
    LIFETIME,
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
guard_bind(vg_call_t *call)
{
    return vg_bind(call, "address", vg_address(call));
}


vg_rc_t
password_change_check(vg_call_t *call)
{
    vg_str_t session = vg_caller(call)->session;

    if (vg_bind(call, "session", session.len ? session : (vg_str_t){ NULL, 0 })
        != VG_OK)
    {
        return VG_ERROR;
    }
    return guard_bind(call);
}


vg_rc_t
password_forgot_check(vg_call_t *call)
{
    return code_bind(call, CODE_RESET);
}


vg_rc_t
password_reset_check(vg_call_t *call)
{
    return code_is_good(vg_get(call, "code")->text, CODE_RESET)
               ? VG_OK
               : vg_refuse(call, "code_invalid");
}


static vg_rc_t
change_step(vg_call_t *call)
{
    return vg_password_change(call, vg_get(call, "oldPassword")->text,
                              vg_json_text(vg_row(call), "password"),
                              vg_get(call, "newPassword")->text);
}


static vg_rc_t
reset_step(vg_call_t *call)
{
    return vg_password_hash(call, vg_get(call, "password")->text);
}


const vg_step_t password_change_steps[] = {
    { "password", change_step, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t password_reset_steps[] = {
    { "password", reset_step, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
