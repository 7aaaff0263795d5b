/*
 * owner.c: for which company a caller may write.
 *
 * An admin acts for any company, everybody else for the one in their token.
 * Whose rows a caller may touch is decided in the statements, by the same
 * rule.
 */

#include <string.h>

#include "stations.h"

static bool
owner_is_admin(vg_call_t *call)
{
    return vg_str_eq(vg_caller(call)->role, "admin");
}

static bool
owner_same(vg_str_t a, vg_str_t b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

vg_rc_t
owner_check(vg_call_t *call)
{
    const vg_json_t   *named = vg_get(call, "operatorId");
    const vg_caller_t *caller = vg_caller(call);

    if (owner_is_admin(call)) {
        return VG_OK;
    }

    if (caller->company.len == 0) {
        return vg_refuse(call, "forbidden");
    }

    if (named != NULL && !owner_same(named->text, caller->company)) {
        return vg_refuse(call, "forbidden");
    }

    return VG_OK;
}

vg_rc_t
owner_bind(vg_call_t *call)
{
    vg_str_t         owner = { NULL, 0 };
    const vg_json_t *named = vg_get(call, "operatorId");

    if (owner_check(call) != VG_OK) {
        return VG_ERROR;
    }

    if (!owner_is_admin(call)) {
        owner = vg_caller(call)->company;

    } else if (named != NULL) {
        owner = named->text;
    }

    return vg_bind(call, "owner", owner);
}
