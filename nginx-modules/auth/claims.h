/*
 * claims.h: from the claims of an issuer to role, company and scopes of this
 * house. Pure C.
 */

#ifndef VG_CLAIMS_H
#define VG_CLAIMS_H

#include "jwt.h"

/* a value among those of the role's claim, and what it is here */
typedef struct {
    vg_str_t value, role;
} vg_claims_role_t;

/* A claim is a path: members parted by dots, "realm_access.roles"; a member
 * whose own name has dots is found, too ("https://a.example/role"). */
typedef struct {
    vg_str_t                role, company, scope; /* len 0: not looked at */
    const vg_claims_role_t *roles; /* first that fits; none: the claim's own
                                      value is the role                   */
    size_t                  count;
    vg_str_t                default_role; /* len 0: none, and it is refused */
} vg_claims_map_t;

/* Strings lie in the payload or in the map. */
typedef struct {
    vg_str_t role;
    vg_str_t company; /* data NULL: none                                 */
    vg_str_t scope;   /* words by one space; data NULL: all of the role's */
} vg_claims_t;

/* VG_JWT_OK; VG_JWT_ROLE: none fits; VG_JWT_CLAIMS: of a wrong type */
vg_jwt_error_t vg_claims_read(const vg_claims_map_t *map,
                              const vg_json_t *payload, vg_claims_t *claims);

#endif /* VG_CLAIMS_H */
