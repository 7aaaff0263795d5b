/*
 * me.c: who the caller is, as this house sees it.
 */

#include "accounts.h"

/* What a token or key says, and of a user what is kept of them besides. */
vg_rc_t
me_render(vg_call_t *call)
{
    static const char *const more[] = { "email", "emailVerified", "name",
                                        "phone", "createdAt",     "version",
                                        NULL };

    vg_out_t           out;
    vg_str_t           company;
    const vg_json_t   *value, *user = vg_json_get(vg_row(call), "user");
    const vg_caller_t *caller = vg_caller(call);

    company =
        caller->company.len != 0 ? caller->company : (vg_str_t){ NULL, 0 };

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "id", caller->id);
    vg_out_member(&out, "role", caller->role);
    vg_out_key(&out, "roles");
    vg_out_open(&out, '[');
    vg_out_string(&out, caller->role);
    vg_out_close(&out, ']');
    vg_out_member(&out, "companyId", company);
    vg_out_key(&out, "scopes");
    scope_list(&out, caller);
    for (size_t i = 0; more[i] != NULL; i++) {
        value = vg_json_get(user, more[i]);
        if (value != NULL) {
            vg_out_member_raw(&out, more[i], value->raw);
        }
    }
    vg_out_close(&out, '}');

    return vg_reply(call, vg_out_str(&out));
}
