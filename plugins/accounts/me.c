/*
 * me.c: who the caller is, as this house sees it.
 */

#include "accounts.h"

vg_rc_t
me_check(vg_call_t *call)
{
    vg_out_t           out;
    vg_str_t           body, company;
    const vg_caller_t *caller = vg_caller(call);

    company =
        caller->company.len != 0 ? caller->company : (vg_str_t){ NULL, 0 };

    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "id", caller->id);
    vg_out_member(&out, "role", caller->role);
    vg_out_member(&out, "companyId", company);
    vg_out_key(&out, "scopes");
    scope_list(&out, caller);
    vg_out_close(&out, '}');

    body = vg_out_str(&out);

    return body.data == NULL ? vg_refuse(call, "internal")
                             : vg_reply(call, body);
}
