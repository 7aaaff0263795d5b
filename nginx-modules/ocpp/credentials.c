/*
 * credentials.c: is who comes the charge point that it says it is: a password
 * or a certificate, by its security profile.
 */

#include "module.h"
#include "table.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#define VG_KEY_BYTES 20 /* of an AuthorizationKey, at most */


/* Is the one part of that kind in a subject's name this text? One that is
 * there twice could be either. */
static ngx_uint_t
vg_credentials_named(X509 *cert, int nid, vg_str_t text)
{
    int            at, len;
    X509_NAME     *name = X509_get_subject_name(cert);
    ngx_uint_t     same;
    unsigned char *utf8 = NULL;

    at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0) {
        return 0;
    }
    len = ASN1_STRING_to_UTF8(
        &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    same = len == (int) text.len && ngx_memcmp(utf8, text.data, text.len) == 0;
    OPENSSL_free(utf8);
    return same;
}


/* A session that is taken up again brings a certificate that was good then:
 * it may have ended or been revoked since. Of the chain it brings nothing, so
 * what stands between is to be in nginx's file of CAs. */
static ngx_uint_t
vg_credentials_still(SSL *ssl, X509 *cert)
{
    ngx_uint_t      good;
    X509_STORE     *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    good = ctx != NULL && X509_STORE_CTX_init(ctx, store, cert, NULL) == 1
           && X509_STORE_CTX_set_default(ctx, "ssl_client") == 1
           && X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    ERR_clear_error(); /* the next TLS call would take it for its own */
    return good;
}


/* Security profile 3: a certificate that nginx has verified, for this name. */
static ngx_uint_t
vg_credentials_certified(ngx_connection_t *c, vg_str_t identity)
{
    SSL             *ssl = c->ssl ? c->ssl->connection : NULL;
    X509            *cert;
    ngx_uint_t       good;
    const ngx_str_t *organization = &vg_ocpp_conf()->organization;

    cert = ssl && SSL_get_verify_result(ssl) == X509_V_OK
               ? SSL_get_peer_certificate(ssl)
               : NULL;
    if (cert == NULL) {
        return 0;
    }
    good = vg_credentials_named(cert, NID_commonName, identity)
           && (organization->len == 0
               || vg_credentials_named(cert, NID_organizationName,
                                       vg_of(*organization)))
           && (!SSL_session_reused(ssl) || vg_credentials_still(ssl, cert));
    X509_free(cert);
    return good;
}


static ngx_uint_t
vg_credentials_same(vg_call_t *call, vg_str_t salt, vg_str_t hash,
                    vg_str_t password)
{
    vg_str_t mine = vg_sha256(call, salt, password);

    return mine.data != NULL && mine.len == hash.len
           && CRYPTO_memcmp(mine.data, hash.data, hash.len) == 0;
}


/* An AuthorizationKey of OCPP 1.6 is written in hex, in one case or the other;
 * some charge points send that, others the bytes which it stands for. */
static ngx_uint_t
vg_credentials_bytes(vg_call_t *call, vg_str_t salt, vg_str_t hash,
                     ngx_str_t *passwd)
{
    size_t i, len = 2 * passwd->len;
    u_char hex[2 * VG_KEY_BYTES], upper[2 * VG_KEY_BYTES];

    if (passwd->len > VG_KEY_BYTES) {
        return 0;
    }
    ngx_hex_dump(hex, passwd->data, passwd->len);
    for (i = 0; i < len; i++) {
        upper[i] = ngx_toupper(hex[i]);
    }
    return vg_credentials_same(call, salt, hash,
                               (vg_str_t){ (char *) hex, len })
           || vg_credentials_same(call, salt, hash,
                                  (vg_str_t){ (char *) upper, len });
}


/* The user name is the identity; the password is bytes, not text. */
static ngx_uint_t
vg_credentials_password(vg_call_t *call, ngx_http_request_t *r,
                        vg_str_t identity, const vg_json_t *known)
{
    vg_str_t   salt = vg_json_text(known, "salt");
    vg_str_t   hash = vg_json_text(known, "hash");
    ngx_str_t *user = &r->headers_in.user;

    if (ngx_http_auth_basic_user(r) != NGX_OK || user->len != identity.len
        || ngx_memcmp(user->data, identity.data, user->len) != 0
        || salt.data == NULL || hash.data == NULL)
    {
        return 0;
    }
    return vg_credentials_same(call, salt, hash, vg_of(r->headers_in.passwd))
           || vg_credentials_bytes(call, salt, hash, &r->headers_in.passwd);
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
