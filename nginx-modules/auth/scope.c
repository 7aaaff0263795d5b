/*
 * scope.c: a role is a named set of scopes; a token may carry fewer.
 */

#include "identity.h"

typedef struct {
    const char *role;
    const char *scopes; /* space separated; "*": all */
} vg_role_t;

static const vg_role_t vg_roles[] = {
    { "driver", "stations:read pricing:read charging:read charging:write "
                "reservations:read reservations:write billing:read "
                "billing:write parking:read parking:write accounts:read "
                "customers:read customers:write notifications:read "
                "notifications:write" },
    { "operator", "stations:read stations:write pricing:read pricing:write "
                  "charging:read charging:write reservations:read "
                  "reservations:write billing:read billing:write "
                  "parking:read parking:write telemetry:read "
                  "telemetry:write analytics:read accounts:read "
                  "accounts:write customers:read customers:write "
                  "events:read notifications:read notifications:write "
                  "alerts:read alerts:write" },
    { "fleet_manager", "stations:read pricing:read charging:read "
                       "charging:write reservations:read reservations:write "
                       "billing:read billing:write parking:read fleet:read "
                       "fleet:write analytics:read accounts:read "
                       "customers:read customers:write events:read "
                       "notifications:read notifications:write "
                       "alerts:read alerts:write" },
    { "planner", "analytics:read" },
    { "partner", "stations:read pricing:read charging:read "
                 "reservations:read accounts:read customers:read "
                 "events:read" },
    { "admin", "*" },
    { NULL, NULL }
};


static bool
vg_scope_among(vg_str_t scopes, const char *scope)
{
    size_t      len = ngx_strlen(scope);
    const char *p = scopes.data, *end = p + scopes.len, *space;

    while (p < end) {
        space = memchr(p, ' ', end - p);
        space = space ? space : end;
        if ((size_t) (space - p) == len && ngx_strncmp(p, scope, len) == 0) {
            return true;
        }
        p = space + 1;
    }
    return false;
}


static const vg_role_t *
vg_role_find(vg_str_t role)
{
    const vg_role_t *r;

    for (r = vg_roles; r->role != NULL; r++) {
        if (vg_str_eq(role, r->role)) {
            return r;
        }
    }
    return NULL;
}


bool
vg_role_known(vg_str_t role)
{
    return vg_role_find(role) != NULL;
}


static bool
vg_role_has(const vg_role_t *role, const char *scope)
{
    return role != NULL
           && (ngx_strcmp(role->scopes, "*") == 0
               || vg_scope_among(vg_str(role->scopes), scope));
}


bool
vg_role_may(vg_call_t *call, vg_str_t role, vg_str_t scope)
{
    vg_str_t z = vg_printf(&call->arena, "%.*s", (int) scope.len, scope.data);

    return z.data != NULL && vg_role_has(vg_role_find(role), z.data);
}


/* both must hold it: the role always, the token when it names any */
vg_rc_t
vg_auth_scope(vg_call_t *call, const char *scope)
{
    vg_str_t detail;

    if (scope == NULL || ngx_strcmp(scope, VG_PUBLIC) == 0) {
        return VG_OK;
    }
    if (vg_role_has(vg_role_find(call->caller.role), scope)
        && (call->caller.scopes.data == NULL
            || vg_scope_among(call->caller.scopes, scope)))
    {
        return VG_OK;
    }
    detail =
        vg_printf(&call->arena, "{\"message\":\"scope %s is needed\"}", scope);
    return vg_refuse_with(call, "forbidden", detail);
}
