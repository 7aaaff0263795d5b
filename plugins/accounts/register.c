/*
 * register.c: new people: their address, and the code that proves it.
 */

#include "accounts.h"
#include "email.h"
#include "parties.h"

/* clang-format off */

const vg_field_t register_fields[] = {
    { VG_BODY, "email", VG_TEXT, VG_REQUIRED, 3, 254,
      .about = "address, in ASCII" },
    { VG_BODY, "password", VG_TEXT, VG_REQUIRED | VG_SECRET, PASSWORD_MIN,
      PASSWORD_MAX, .about = "8 to 128 characters" },
    { VG_BODY, "name", VG_TEXT, VG_REQUIRED, 1, 100, .about = "of the person" },
    { VG_BODY, "phone", VG_TEXT, VG_NULLABLE, 8, 16,
      .about = "E.164: +491701234567" },
    CODE,
    VG_FIELDS_END
};

const vg_field_t verify_fields[] = {
    { VG_BODY, "userId", VG_UUID, VG_REQUIRED,
      .about = "as registration answered it" },
    { VG_BODY, "code", VG_TEXT, VG_REQUIRED | VG_SECRET, 1, 20,
      .about = "as the mail has it" },
    VG_FIELDS_END
};

const vg_field_t verify_resend_fields[] = {
    { VG_BODY, "userId", VG_UUID, VG_REQUIRED,
      .about = "as registration answered it" },
    CODE,
    VG_FIELDS_END
};

const vg_field_t sandbox_mail_fields[] = {
    { VG_QUERY, "email", VG_TEXT, 0, 3, 254, .about = "to this address" },
    VG_FIELDS_END
};

/* clang-format on */


static bool
phone_is_good(vg_str_t phone)
{
    if (phone.len < 8 || phone.len > 16 || phone.data[0] != '+'
        || phone.data[1] == '0')
    {
        return false;
    }
    for (size_t i = 1; i < phone.len; i++) {
        if (phone.data[i] < '0' || phone.data[i] > '9') {
            return false;
        }
    }
    return true;
}


vg_rc_t
person_check(vg_call_t *call)
{
    vg_rc_t          rc = VG_OK;
    const vg_json_t *name = vg_get(call, "name"), *phone;

    phone = vg_get(call, "phone");
    /* it goes into mails and on invoices */
    if (name != NULL && !spelling_line(name->text.data, name->text.len)) {
        rc = vg_refuse_field(call, "name", SPELLED_LINE);
    }
    if (phone != NULL && !phone_is_good(phone->text)) {
        rc = vg_refuse_field(call, "phone", "must be like +491701234567");
    }
    return rc;
}


vg_rc_t
register_check(vg_call_t *call)
{
    vg_rc_t     rc = person_check(call);
    const char *fault = email_fault(vg_get(call, "email")->text);

    if (fault != NULL) {
        rc = vg_refuse_field(call, "email", fault);
    }
    return rc == VG_OK ? code_bind(call, CODE_VERIFY) : rc;
}


/* What cannot be one costs nobody a try. */
vg_rc_t
verify_check(vg_call_t *call)
{
    return code_is_good(vg_get(call, "code")->text, CODE_VERIFY)
               ? VG_OK
               : vg_refuse(call, "code_invalid");
}


vg_rc_t
verify_resend_check(vg_call_t *call)
{
    return code_bind(call, CODE_VERIFY);
}


static vg_rc_t
password_step(vg_call_t *call)
{
    return vg_password_hash(call, vg_get(call, "password")->text);
}


const vg_step_t register_steps[] = {
    { "password", password_step, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
