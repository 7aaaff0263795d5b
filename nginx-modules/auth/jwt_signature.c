/*
 * jwt_signature.c: see jwt_signature.h.
 */

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#include "jwt_signature.h"


/* one number of a signature as DER has it: no zeros in front, never negative;
 * gives the place behind it */
static unsigned char *
jwt_der_integer(unsigned char *to, const unsigned char *bytes, size_t len)
{
    while (len > 1 && bytes[0] == 0) {
        bytes++;
        len--;
    }

    *to++ = 0x02;
    *to++ = (unsigned char) (len + (bytes[0] >> 7));

    if (bytes[0] >> 7) {
        *to++ = 0;
    }

    memcpy(to, bytes, len);

    return to + len;
}


/* JWS has r and s side by side (RFC 7518 3.4), OpenSSL wants them in DER: at
 * most 2 + 2 * (3 + 32) bytes, so that each length is one byte. */
static size_t
jwt_ecdsa_der(size_t half, vg_str_t raw, unsigned char der[72])
{
    unsigned char *end;

    const unsigned char *bytes = (const unsigned char *) raw.data;

    end = jwt_der_integer(der + 2, bytes, half);
    end = jwt_der_integer(end, bytes + half, half);
    der[0] = 0x30;
    der[1] = (unsigned char) (end - der - 2);

    return (size_t) (end - der);
}


static vg_jwt_error_t
jwt_digest_verify(EVP_PKEY *pkey, vg_str_t text, const unsigned char *sig,
                  size_t len)
{
    int         rc;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL
        || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) != 1)
    {
        EVP_MD_CTX_free(ctx);
        return VG_JWT_BROKEN;
    }

    rc = EVP_DigestVerify(ctx, sig, len, (const unsigned char *) text.data,
                          text.len);
    EVP_MD_CTX_free(ctx);

    return rc == 1 ? VG_JWT_OK : VG_JWT_SIGNATURE;
}


vg_jwt_error_t
vg_jwt_signature_mac(vg_str_t secret, vg_str_t text, vg_str_t signature)
{
    unsigned      len = 0;
    unsigned char mac[EVP_MAX_MD_SIZE];

    if (HMAC(EVP_sha256(), secret.data, (int) secret.len,
             (const unsigned char *) text.data, text.len, mac, &len)
        == NULL)
    {
        return VG_JWT_BROKEN;
    }

    return signature.len == len && CRYPTO_memcmp(mac, signature.data, len) == 0
               ? VG_JWT_OK
               : VG_JWT_SIGNATURE;
}


vg_jwt_error_t
vg_jwt_signature_rsa(EVP_PKEY *pkey, vg_str_t text, vg_str_t signature)
{
    return jwt_digest_verify(pkey, text, (const unsigned char *) signature.data,
                             signature.len);
}


vg_jwt_error_t
vg_jwt_signature_ecdsa(EVP_PKEY *pkey, size_t half, vg_str_t text,
                       vg_str_t signature)
{
    size_t        len;
    unsigned char der[72];

    if (signature.len != 2 * half) {
        return VG_JWT_SIGNATURE;
    }

    len = jwt_ecdsa_der(half, signature, der);

    return jwt_digest_verify(pkey, text, der, len);
}
