/*
 * claims.c: see claims.h.
 */

#include <string.h>

#include "claims.h"

#define CLAIMS_TEXT 255 /* bytes of a company or a role                   */


/* A member by a part of the path that ends at a dot or at its end, the
 * longest first; then on in what it holds. */
static const vg_json_t *
claims_at(const vg_json_t *node, vg_str_t path)
{
    size_t           len = path.len;
    const vg_json_t *member, *found;

    while (node != NULL && node->type == VG_JSON_OBJECT && len > 0) {
        for (member = node->first; member != NULL; member = member->next) {
            if (member->key.len == len
                && memcmp(member->key.data, path.data, len) == 0) {
                found =
                    len == path.len
                        ? member
                        : claims_at(member, (vg_str_t){ path.data + len + 1,
                                                        path.len - len - 1 });
                if (found != NULL) {
                    return found;
                }
            }
        }

        for (len--; len > 0 && path.data[len] != '.'; len--) {
            /* the dot before */
        }
    }

    return NULL;
}


static bool
claims_text(const vg_json_t *node)
{
    return node->type == VG_JSON_STRING && node->text.len > 0
           && node->text.len <= CLAIMS_TEXT
           && memchr(node->text.data, '\0', node->text.len) == NULL;
}


/* is it the value, or an array that has it? */
static bool
claims_has(const vg_json_t *node, vg_str_t value)
{
    if (node->type != VG_JSON_ARRAY) {
        return claims_text(node) && node->text.len == value.len
               && memcmp(node->text.data, value.data, value.len) == 0;
    }

    for (node = node->first; node != NULL; node = node->next) {
        if (node->type != VG_JSON_ARRAY && claims_has(node, value)) {
            return true;
        }
    }

    return false;
}


/* Where nothing is mapped it is one role, by its name. */
static vg_jwt_error_t
claims_role(const vg_claims_map_t *map, const vg_json_t *payload,
            vg_str_t *role)
{
    const vg_json_t *node = claims_at(payload, map->role);

    *role = map->default_role;

    for (size_t i = 0; node != NULL && i < map->count; i++) {
        if (claims_has(node, map->roles[i].value)) {
            *role = map->roles[i].role;
            return VG_JWT_OK;
        }
    }

    if (node != NULL && map->count == 0) {
        if (!claims_text(node)) {
            return VG_JWT_CLAIMS;
        }

        *role = node->text;
    }

    return role->len != 0 ? VG_JWT_OK : VG_JWT_ROLE;
}


static vg_jwt_error_t
claims_company(const vg_claims_map_t *map, const vg_json_t *payload,
               vg_str_t *company)
{
    const vg_json_t *node = claims_at(payload, map->company);

    if (node == NULL) {
        return VG_JWT_OK;
    }

    if (node->type == VG_JSON_STRING && node->text.len == 0) {
        return VG_JWT_OK; /* none */
    }

    if (!claims_text(node)) {
        return VG_JWT_CLAIMS;
    }

    *company = node->text;

    return VG_JWT_OK;
}


/* A string of words, as RFC 8693 has it. */
static vg_jwt_error_t
claims_scope(const vg_claims_map_t *map, const vg_json_t *payload,
             vg_str_t *scope)
{
    const vg_json_t *node = claims_at(payload, map->scope);

    if (node == NULL) {
        return VG_JWT_OK;
    }

    if (node->type != VG_JSON_STRING
        || (node->text.len > 0
            && memchr(node->text.data, '\0', node->text.len) != NULL))
    {
        return VG_JWT_CLAIMS;
    }

    *scope = node->text.len ? node->text : VG_STR("");

    return VG_JWT_OK;
}


vg_jwt_error_t
vg_claims_read(const vg_claims_map_t *map, const vg_json_t *payload,
               vg_claims_t *claims)
{
    vg_jwt_error_t error;

    memset(claims, 0, sizeof(*claims));

    error = claims_role(map, payload, &claims->role);
    if (error == VG_JWT_OK) {
        error = claims_company(map, payload, &claims->company);
    }

    return error == VG_JWT_OK ? claims_scope(map, payload, &claims->scope)
                              : error;
}
