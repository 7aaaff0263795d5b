/*
 * mint.c: access tokens of this house (RFC 7519), signed by libjwt.
 */

#include <stdlib.h>

#include <jwt.h>

#include "issuer.h"


/* iat has a fraction (RFC 7519, 2): what is revoked is what was issued before,
 * also within the same second. It is when the call began: a role that changed
 * since it was looked at is of a later moment. */
static vg_str_t
vg_mint_claims(vg_call_t *call, const vg_token_t *token)
{
    char     jti[37];
    int64_t  now = call->now;
    vg_out_t out;

    vg_uuid7(jti, now);
    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '{');
    vg_out_member(&out, "iss", vg_of(vg_host->url));
    vg_out_member(&out, "aud", VG_STR("voltgate"));
    vg_out_member(&out, "sub", token->subject);
    vg_out_member(&out, "role", token->role);
    if (token->company.len) {
        vg_out_member(&out, "company", token->company);
    }
    if (token->scope.data != NULL) {
        vg_out_member(&out, "scope", token->scope);
    }
    if (token->session.len) {
        vg_out_member(&out, "sid", token->session);
    }
    vg_out_member(&out, "jti", vg_str(jti));
    vg_out_member_raw(&out, "iat",
                      vg_printf(&call->arena, "%lld.%06lld",
                                (long long) (now / 1000000),
                                (long long) (now % 1000000)));
    vg_out_key(&out, "exp");
    vg_out_int(&out, now / 1000000 + token->lifetime);
    vg_out_close(&out, '}');
    return vg_printf(&call->arena, "%.*s", (int) out.len, out.data);
}


static char *
vg_mint_sign(const vg_signing_key_t *key, const char *claims)
{
    char     *text = NULL;
    jwt_t    *jwt = NULL;
    jwt_alg_t alg =
        ngx_strcmp(key->alg, "ES256") == 0 ? JWT_ALG_ES256 : JWT_ALG_RS256;

    if (jwt_new(&jwt) == 0
        && jwt_set_alg(jwt, alg, (unsigned char *) key->pem, (int) key->len)
               == 0
        && jwt_add_header(jwt, "kid", key->kid) == 0
        && jwt_add_grants_json(jwt, claims) == 0)
    {
        text = jwt_encode_str(jwt);
    }
    jwt_free(jwt);
    return text;
}


vg_str_t
vg_token_mint(vg_call_t *call, const vg_token_t *token)
{
    char                   *text = NULL;
    vg_str_t                claims = vg_mint_claims(call, token), minted;
    const vg_signing_t     *keys = vg_keyring();
    const vg_signing_key_t *key = NULL;

    if (keys != NULL) {
        key = vg_signing_present(keys, vg_time_now() / 1000000,
                                 vg_issuer->announce);
    }
    if (key != NULL && claims.data != NULL) {
        text = vg_mint_sign(key, claims.data);
    }
    if (text == NULL) {
        vg_log(call, VG_LOG_ERROR, "a token could not be signed");
        return (vg_str_t){ NULL, 0 };
    }
    minted = vg_printf(&call->arena, "%s", text);
    free(text);
    return minted;
}
