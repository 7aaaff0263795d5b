/*
 * revoke.c: tokens that are to be void (RFC 7009), and what a token is worth
 * now (RFC 7662).
 *
 * Who shows a token may end it: no more is needed to do worse with it. What
 * one is worth is told to clients alone, so that nobody tries out tokens here.
 */

#include "accounts.h"

/* clang-format off */

#define TOKEN                                                                  \
    { VG_BODY, "token", VG_TEXT, VG_REQUIRED | VG_SECRET, 1, 16384,            \
      .about = "access or refresh token" },                                    \
    { VG_BODY, "token_type_hint", VG_TEXT, 0, 0, 100,                          \
      .about = "is not needed" },                                              \
    { VG_BODY, "client_id", VG_TEXT, 0, 0, 100,                                \
      .about = "an API key's id or prefix" },                                  \
    { VG_BODY, "client_secret", VG_TEXT, VG_SECRET, 0, 100,                    \
      .about = "the API key" }

const vg_field_t token_revoke_fields[] = {
    TOKEN,
    { VG_BOUND, "tokenId", VG_TEXT, .about = "jti of an access token" },
    { VG_BOUND, "tokenLeft", VG_INT, .about = "s until that expires" },
    LIFETIME,
    VG_FIELDS_END
};

const vg_field_t introspect_fields[] = {
    TOKEN,
    { VG_BOUND, "claims", VG_ANY, .about = "of an access token" },
    { VG_BOUND, "address", VG_TEXT, .about = "who asks: its IP address" },
    VG_FIELDS_END
};

const vg_field_t identity_fields[] = {
    { VG_BODY, "id", VG_TEXT, VG_REQUIRED, 1, 255, .about = "a subject" },
    VG_FIELDS_END
};

/* clang-format on */


vg_rc_t
token_revoke_check(vg_call_t *call)
{
    vg_str_t   text, id;
    vg_json_t *claims;
    int64_t    left;

    text = vg_token_read(call, vg_get(call, "token")->text);
    if (text.data == NULL) {
        return VG_OK;
    }
    claims = vg_json_parse(vg_pool(call), text, NULL);
    id = vg_json_text(claims, "jti");
    if (id.data == NULL) {
        return vg_refuse(call, "unsupported_token_type");
    }
    left = number_of(vg_json_text(claims, "exp")) - vg_now(call) / 1000000;
    text = vg_printf(vg_pool(call), "%lld", (long long) (left > 0 ? left : 0));
    if (text.data == NULL || vg_bind(call, "tokenId", id) != VG_OK
        || vg_bind(call, "tokenLeft", text) != VG_OK)
    {
        return vg_refuse(call, "internal");
    }
    return VG_OK;
}


vg_rc_t
introspect_check(vg_call_t *call)
{
    vg_str_t claims;

    if (client_check(call) != VG_OK) {
        return VG_ERROR;
    }
    claims = vg_token_read(call, vg_get(call, "token")->text);
    if (vg_bind(call, "claims", claims) != VG_OK) {
        return VG_ERROR;
    }
    return vg_bind(call, "address", vg_address(call));
}


vg_rc_t
introspect_render(vg_call_t *call)
{
    const vg_json_t *here = vg_json_get(vg_row(call), "here");
    const vg_json_t *answer = vg_json_get(vg_row(call), "answer");

    if (here == NULL || here->type != VG_JSON_TRUE || answer == NULL) {
        return vg_refuse(call, "invalid_client");
    }
    return vg_reply(call, answer->raw);
}
