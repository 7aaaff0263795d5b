/*
 * jwt_signature.h: is a signature, in JWS's form, one of a text by a key? Pure
 * C over OpenSSL, whose queue of errors is the caller's to clear.
 */

#ifndef VG_JWT_SIGNATURE_H
#define VG_JWT_SIGNATURE_H

#include "jwt.h"

#include <openssl/evp.h>

/* each: VG_JWT_OK, VG_JWT_SIGNATURE or VG_JWT_BROKEN; SHA-256 */
vg_jwt_error_t vg_jwt_signature_rsa(EVP_PKEY *pkey, vg_str_t text,
                                    vg_str_t signature);
vg_jwt_error_t vg_jwt_signature_mac(vg_str_t secret, vg_str_t text,
                                    vg_str_t signature);

/* half: bytes of r, and of s, 32 at most */
vg_jwt_error_t vg_jwt_signature_ecdsa(EVP_PKEY *pkey, size_t half,
                                      vg_str_t text, vg_str_t signature);

#endif /* VG_JWT_SIGNATURE_H */
