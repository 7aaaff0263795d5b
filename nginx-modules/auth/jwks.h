/*
 * jwks.h: a JSON Web Key Set (RFC 7517), as an issuer publishes it. Pure C.
 */

#ifndef VG_JWKS_H
#define VG_JWKS_H

#include "jwt_keys.h"

#define VG_JWKS_MAX 65536 /* bytes                                        */

/* Its keys that verify by one of these algorithms. What is for another use, or
 * of a kind that we do not know, is left out, as RFC 7517, 5 asks. NULL: it is
 * none, holds no such key, or is refused as a whole, and *why (static) says so:
 * two keys of one name, or anything that belongs to a private key. */
vg_jwt_keys_t *vg_jwks_read(vg_pool_t *pool, vg_str_t text, unsigned algorithms,
                            const char **why);

#endif /* VG_JWKS_H */
