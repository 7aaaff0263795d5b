/*
 * scope.c: scopes as accounts reads and writes them.
 *
 * Which scopes a role has is the kit's (auth); here is what an identity was
 * narrowed to, which is all that it may pass on.
 */

#include <string.h>

#include "accounts.h"

/* The next word of a list with spaces; data NULL: there is none. */
vg_str_t
scope_next(vg_str_t *list)
{
    vg_str_t scope;

    while (list->len != 0 && *list->data == ' ') {
        list->data++;
        list->len--;
    }

    scope = (vg_str_t){ list->len != 0 ? list->data : NULL, 0 };

    while (list->len != 0 && *list->data != ' ') {
        list->data++;
        list->len--;
        scope.len++;
    }

    return scope;
}

static bool
scope_among(vg_str_t scope, vg_str_t all)
{
    vg_str_t one;

    while ((one = scope_next(&all)).data != NULL) {
        if (one.len == scope.len && memcmp(one.data, scope.data, one.len) == 0)
        {
            return true;
        }
    }

    return false;
}

bool
scope_within(vg_str_t some, vg_str_t all)
{
    vg_str_t one;

    while ((one = scope_next(&some)).data != NULL) {
        if (!scope_among(one, all)) {
            return false;
        }
    }

    return true;
}

bool
scope_held(const vg_caller_t *caller, vg_str_t scope)
{
    return caller->scopes.data == NULL || scope_among(scope, caller->scopes);
}

void
scope_list(vg_out_t *out, const vg_caller_t *caller)
{
    vg_str_t scope, left = caller->scopes;

    if (left.data == NULL) {
        vg_out_null(out);
        return;
    }

    vg_out_open(out, '[');
    while ((scope = scope_next(&left)).data != NULL) {
        vg_out_string(out, scope);
    }
    vg_out_close(out, ']');
}

/* domain:read or domain:write, the domain in lower case with _ */
bool
scope_is_good(vg_str_t scope)
{
    size_t n = 0;

    while (n < scope.len
           && ((scope.data[n] >= 'a' && scope.data[n] <= 'z')
               || scope.data[n] == '_'))
    {
        n++;
    }

    scope.data += n;
    scope.len -= n;

    return n != 0 && (vg_str_eq(scope, ":read") || vg_str_eq(scope, ":write"));
}
