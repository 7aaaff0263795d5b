/*
 * code.c: what proves who reads a mailbox: six digits for an address, ten
 * characters for a password, which is worth more guesses. And the job that
 * mails it: the code is drawn there, so that it is written down nowhere.
 */

#include <ctype.h>
#include <string.h>

#include "accounts.h"

#define RANDOM_BYTES 60 /* 80 characters, of which some 12 are digits */
#define SALT_BYTES   16

/* clang-format off */

const vg_field_t code_mail_fields[] = {
    { VG_BODY, "email", VG_TEXT, VG_REQUIRED, .about = "to whom" },
    { VG_BODY, "template", VG_TEXT, VG_REQUIRED, .about = "what" },
    { VG_BODY, "codeId", VG_UUID,
      .about = "by which the code is shown; none: the mail brings none" },
    { VG_BODY, "userId", VG_UUID, .about = "whose the code is" },
    { VG_BODY, "name", VG_TEXT, .about = "of the person" },
    CODE,
    VG_FIELDS_END
};

/* clang-format on */

static const struct {
    size_t      length;
    const char *letters; /* no two that look alike; all are base64url's */
} shapes[] = {
    [CODE_VERIFY] = { 6, "0123456789" },
    [CODE_RESET] = { 10, "0123456789ABCDEFGHJKMNPQRSTVWXYZ" },
};


/* In lower case, too: the statement folds it. */
bool
code_is_good(vg_str_t code, code_t kind)
{
    for (size_t i = 0; i < code.len; i++) {
        if (code.data[i] == '\0'
            || strchr(shapes[kind].letters,
                      toupper((unsigned char) code.data[i]))
                   == NULL)
        {
            return false;
        }
    }
    return code.len == shapes[kind].length;
}


/* Its letters among random characters of base64url: each as likely as the
 * others. data NULL: no randomness. */
static vg_str_t
code_make(vg_call_t *call, code_t kind)
{
    size_t   n = 0, length = shapes[kind].length;
    char    *code = vg_alloc(vg_pool(call), length);
    vg_str_t random;

    while (code != NULL && n < length) {
        random = vg_secret(call, RANDOM_BYTES);
        if (random.data == NULL) {
            return random;
        }
        for (size_t i = 0; i < random.len && n < length; i++) {
            if (strchr(shapes[kind].letters, random.data[i]) != NULL) {
                code[n++] = random.data[i];
            }
        }
    }
    return (vg_str_t){ code, length };
}


vg_rc_t
code_bind(vg_call_t *call, code_t kind)
{
    vg_str_t code = code_make(call, kind);
    vg_str_t salt = vg_secret(call, SALT_BYTES);
    vg_str_t hash;

    if (code.data == NULL || salt.data == NULL) {
        return vg_refuse(call, "internal");
    }
    hash = vg_sha256(call, salt, code);
    if (hash.data == NULL || vg_bind(call, "code", code) != VG_OK
        || vg_bind(call, "salt", salt) != VG_OK
        || vg_bind(call, "hash", hash) != VG_OK)
    {
        return vg_refuse(call, "internal");
    }
    return VG_OK;
}


vg_rc_t
code_mail_check(vg_call_t *call)
{
    return code_bind(call,
                     vg_str_eq(vg_get(call, "template")->text, "password.reset")
                         ? CODE_RESET
                         : CODE_VERIFY);
}


static vg_rc_t
mail_step(vg_call_t *call)
{
    vg_out_t         out;
    const vg_json_t *body = vg_body(call);

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "email", vg_json_text(body, "email"));
    vg_out_member(&out, "template", vg_json_text(body, "template"));
    vg_out_key(&out, "data");
    vg_out_open(&out, '{');
    if (vg_get(call, "name") != NULL) {
        vg_out_member(&out, "name", vg_json_text(body, "name"));
    }
    if (vg_get(call, "codeId") != NULL) {
        vg_out_member(&out, "id", vg_json_text(body, "codeId"));
        vg_out_member(&out, "code", vg_bound(call, "code"));
    }
    vg_out_close(&out, '}');
    vg_out_close(&out, '}');
    return vg_inquire(call, "notification.mail", vg_out_str(&out));
}


const vg_step_t code_mail_steps[] = {
    { "mail", mail_step, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
