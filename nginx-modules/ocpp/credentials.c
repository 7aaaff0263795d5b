/*
 * credentials.c: is who comes the charge point that it says it is: a password
 * or a certificate, by its security profile.
 */

#include "module.h"
#include "table.h"

#include <openssl/crypto.h>


/* Security profile 3: a certificate that nginx has verified, for this name. */
static ngx_uint_t
vg_credentials_certified(ngx_connection_t *c, vg_str_t identity)
{
    int   n = -1;
    char  name[VG_IDENTITY_MAX + 2];
    X509 *cert;

    if (!c->ssl || SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
        return 0;
    }
    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert != NULL) {
        n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                      NID_commonName, name, sizeof(name));
        X509_free(cert);
    }
    return n == (int) identity.len
           && ngx_memcmp(name, identity.data, identity.len) == 0;
}


/* The user name is the identity; the password is bytes, not text. */
static ngx_uint_t
vg_credentials_password(vg_call_t *call, ngx_http_request_t *r,
                        vg_str_t identity, const vg_json_t *known)
{
    vg_str_t   salt = vg_json_text(known, "salt");
    vg_str_t   hash = vg_json_text(known, "hash"), mine;
    ngx_str_t *user = &r->headers_in.user;

    if (ngx_http_auth_basic_user(r) != NGX_OK || user->len != identity.len
        || ngx_memcmp(user->data, identity.data, user->len) != 0
        || salt.data == NULL || hash.data == NULL)
    {
        return 0;
    }
    mine = vg_sha256(call, salt, vg_of(r->headers_in.passwd));
    return mine.data != NULL && mine.len == hash.len
           && CRYPTO_memcmp(mine.data, hash.data, hash.len) == 0;
}


/* A charge point of one profile that comes with less is refused; one that
 * comes with TLS to spare is not. */
ngx_int_t
vg_credentials_check(vg_call_t *call, ngx_http_request_t *r, vg_str_t identity,
                     ngx_uint_t *booted)
{
    vg_str_t          profile;
    const vg_json_t  *known, *node;
    ngx_connection_t *c = r->connection;

    known = vg_json_parse(&call->arena, call->text, NULL);
    if (known == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    node = vg_json_get(known, "booted");
    *booted = node != NULL && node->type == VG_JSON_TRUE;
    profile = vg_json_text(known, "securityProfile");
    if (vg_str_eq(profile, "3")) {
        return vg_credentials_certified(c, identity) ? 0
                                                     : NGX_HTTP_UNAUTHORIZED;
    }
    if (!vg_credentials_password(call, r, identity, known)) {
        return NGX_HTTP_UNAUTHORIZED;
    }
    return vg_str_eq(profile, "2") && !c->ssl ? NGX_HTTP_FORBIDDEN : 0;
}
