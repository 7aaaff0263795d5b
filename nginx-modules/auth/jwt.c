/*
 * jwt.c: see jwt.h.
 *
 * The order is that of trust: size, shape, header, key, signature; the claims
 * are looked at only when the signature has held.
 */

#include <string.h>

#include "jwt_keys.h"

/* the three parts of a compact token, still encoded */
typedef struct {
    vg_str_t header, payload, signature;
    vg_str_t signed_part; /* header "." payload */
} jwt_parts_t;

static const char *const jwt_texts[] = {
    [VG_JWT_OK] = "the token is valid",
    [VG_JWT_TOO_LONG] = "the token is too long",
    [VG_JWT_MALFORMED] = "the token is malformed",
    [VG_JWT_ALGORITHM] = "the algorithm does not belong to the key",
    [VG_JWT_KEY] = "the key is unknown",
    [VG_JWT_SIGNATURE] = "the signature is wrong",
    [VG_JWT_CLAIMS] = "a claim is missing or has the wrong type",
    [VG_JWT_EXPIRED] = "the token has expired",
    [VG_JWT_NOT_YET] = "the token is not valid yet",
    [VG_JWT_ISSUER] = "the issuer is not accepted",
    [VG_JWT_AUDIENCE] = "the token is for somebody else",
    [VG_JWT_BROKEN] = "the token cannot be verified at present",
};


const char *
vg_jwt_error_text(vg_jwt_error_t error)
{
    return jwt_texts[error];
}


/* ----------------------------------------------------------------- shape */

static int
jwt_base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    return c == '-' ? 62 : c == '_' ? 63 : -1;
}


/* Strict: no padding, no white space, and the unused bits of the last digit
 * are zero, so that bytes have one spelling (a token is remembered by its
 * text). false: not base64url, or no memory. */
static bool
jwt_base64url_decode(vg_pool_t *pool, vg_str_t in, vg_str_t *out)
{
    int      digit;
    char    *data;
    size_t   len = 0;
    unsigned bits = 0;
    uint32_t acc = 0;

    if (in.len == 0 || in.len % 4 == 1) {
        return false;
    }

    data = vg_alloc(pool, in.len);
    if (data == NULL) {
        return false;
    }

    for (size_t i = 0; i < in.len; i++) {
        digit = jwt_base64url_digit(in.data[i]);
        if (digit < 0) {
            return false;
        }

        acc = (acc << 6 | (uint32_t) digit) & 0xffff;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            data[len++] = (char) (acc >> bits & 0xff);
        }
    }

    out->data = data;
    out->len = len;

    return (acc & ((1u << bits) - 1)) == 0;
}


static bool
jwt_split(vg_str_t token, jwt_parts_t *parts)
{
    const char *end = token.data + token.len;
    const char *dot1, *dot2;

    dot1 = memchr(token.data, '.', token.len);
    if (dot1 == NULL) {
        return false;
    }

    dot2 = memchr(dot1 + 1, '.', (size_t) (end - dot1 - 1));
    if (dot2 == NULL) {
        return false;
    }

    parts->header = (vg_str_t){ token.data, (size_t) (dot1 - token.data) };
    parts->payload = (vg_str_t){ dot1 + 1, (size_t) (dot2 - dot1 - 1) };
    parts->signature = (vg_str_t){ dot2 + 1, (size_t) (end - dot2 - 1) };
    parts->signed_part = (vg_str_t){ token.data, (size_t) (dot2 - token.data) };

    /* a third dot is no digit of base64url and fails there */
    return true;
}


static const vg_json_t *
jwt_object(vg_pool_t *pool, vg_str_t part)
{
    vg_str_t   text;
    vg_json_t *node;

    if (!jwt_base64url_decode(pool, part, &text)) {
        return NULL;
    }

    node = vg_json_parse(pool, text, NULL);

    return node != NULL && node->type == VG_JSON_OBJECT ? node : NULL;
}


/* The text of a string member without NUL; data NULL: absent or not such. */
static vg_str_t
jwt_string(const vg_json_t *object, const char *name)
{
    const vg_json_t *node = vg_json_get(object, name);

    if (node == NULL || node->type != VG_JSON_STRING
        || (node->text.len != 0
            && memchr(node->text.data, '\0', node->text.len) != NULL))
    {
        return (vg_str_t){ NULL, 0 };
    }

    return node->text;
}


static vg_jwt_error_t
jwt_header(const vg_jwt_keys_t *keys, vg_pool_t *pool, vg_str_t part,
           const vg_jwt_key_t **key)
{
    vg_str_t         kid, alg, typ;
    const vg_json_t *header = jwt_object(pool, part);

    /* crit names extensions that must be understood; none is, and RFC 7515
     * 4.1.11 then asks for a refusal */
    if (header == NULL || vg_json_get(header, "crit") != NULL) {
        return VG_JWT_MALFORMED;
    }

    kid = jwt_string(header, "kid");
    alg = jwt_string(header, "alg");
    if (kid.data == NULL || alg.data == NULL) {
        return VG_JWT_MALFORMED;
    }

    if (vg_json_get(header, "typ") != NULL) {
        typ = jwt_string(header, "typ");
        if (!vg_str_eq(typ, "JWT") && !vg_str_eq(typ, "at+jwt")) {
            return VG_JWT_MALFORMED;
        }
    }

    *key = vg_jwt_keys_find(keys, kid);
    if (*key == NULL) {
        return VG_JWT_KEY;
    }

    return vg_str_eq(alg, vg_jwt_key_alg(*key)) ? VG_JWT_OK : VG_JWT_ALGORITHM;
}


/* ---------------------------------------------------------------- claims */

/* NumericDate: seconds as a plain decimal number, fraction allowed and cut;
 * no sign, no exponent, at most 11 digits (the year 5138). */
static bool
jwt_seconds(const vg_json_t *node, int64_t *seconds)
{
    size_t   i, digits;
    vg_str_t text;

    if (node->type != VG_JSON_NUMBER) {
        return false;
    }

    text = node->text;
    *seconds = 0;

    for (i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
    {
        if (i == 11) {
            return false;
        }

        *seconds = *seconds * 10 + (text.data[i] - '0');
    }

    digits = i;
    if (i < text.len && text.data[i] == '.') {
        for (i++; i < text.len; i++) {
            if (text.data[i] < '0' || text.data[i] > '9') {
                return false;
            }
        }
    }

    return digits != 0 && i == text.len;
}


static vg_jwt_error_t
jwt_times(const vg_json_t *payload, int64_t now_us, int64_t *exp_us)
{
    int64_t          exp, from, now = now_us / 1000000;
    const vg_json_t *node = vg_json_get(payload, "exp");

    static const char *const begins[] = { "nbf", "iat" };

    if (node == NULL || !jwt_seconds(node, &exp)) {
        return VG_JWT_CLAIMS;
    }

    *exp_us = exp * 1000000;

    for (size_t i = 0; i < 2; i++) {
        node = vg_json_get(payload, begins[i]);
        if (node == NULL) {
            continue;
        }

        if (!jwt_seconds(node, &from)) {
            return VG_JWT_CLAIMS;
        }

        if (from > now + VG_JWT_LEEWAY) {
            return VG_JWT_NOT_YET;
        }
    }

    return now < exp + VG_JWT_LEEWAY ? VG_JWT_OK : VG_JWT_EXPIRED;
}


static vg_jwt_error_t
jwt_audience(const vg_json_t *payload, const char *audience)
{
    bool             ours = false;
    const vg_json_t *node = vg_json_get(payload, "aud");

    if (node == NULL) {
        return VG_JWT_AUDIENCE;
    }

    if (node->type == VG_JSON_STRING) {
        return vg_str_eq(node->text, audience) ? VG_JWT_OK : VG_JWT_AUDIENCE;
    }

    if (node->type != VG_JSON_ARRAY) {
        return VG_JWT_CLAIMS;
    }

    for (node = node->first; node != NULL; node = node->next) {
        if (node->type != VG_JSON_STRING) {
            return VG_JWT_CLAIMS;
        }

        ours |= vg_str_eq(node->text, audience);
    }

    return ours ? VG_JWT_OK : VG_JWT_AUDIENCE;
}


/* An optional string claim: false when it is there and is none. */
static bool
jwt_optional(const vg_json_t *payload, const char *name, vg_str_t *value)
{
    *value = jwt_string(payload, name);

    return value->data != NULL || vg_json_get(payload, name) == NULL;
}


static vg_jwt_error_t
jwt_claims(const vg_jwt_keys_t *keys, const vg_json_t *payload, int64_t now_us,
           vg_jwt_claims_t *claims)
{
    vg_str_t       issuer;
    vg_jwt_error_t error;

    error = jwt_times(payload, now_us, &claims->exp);
    if (error != VG_JWT_OK) {
        return error;
    }

    issuer = jwt_string(payload, "iss");
    if (issuer.data == NULL || !vg_str_eq(issuer, vg_jwt_keys_issuer(keys))) {
        return VG_JWT_ISSUER;
    }

    error = jwt_audience(payload, vg_jwt_keys_audience(keys));
    if (error != VG_JWT_OK) {
        return error;
    }

    claims->sub = jwt_string(payload, "sub");
    claims->role = jwt_string(payload, "role");

    if (claims->sub.len == 0 || claims->role.len == 0
        || !jwt_optional(payload, "company", &claims->company)
        || !jwt_optional(payload, "scope", &claims->scope)
        || !jwt_optional(payload, "sid", &claims->session))
    {
        return VG_JWT_CLAIMS;
    }

    return VG_JWT_OK;
}


vg_jwt_error_t
vg_jwt_verify(const vg_jwt_keys_t *keys, vg_pool_t *pool, vg_str_t token,
              int64_t now_us, vg_jwt_claims_t *claims)
{
    vg_str_t            signature;
    jwt_parts_t         parts;
    vg_jwt_error_t      error;
    const vg_json_t    *payload;
    const vg_jwt_key_t *key;

    memset(claims, 0, sizeof(*claims));

    if (token.len > VG_JWT_MAX) {
        return VG_JWT_TOO_LONG;
    }

    if (token.len == 0 || !jwt_split(token, &parts)) {
        return VG_JWT_MALFORMED;
    }

    error = jwt_header(keys, pool, parts.header, &key);
    if (error != VG_JWT_OK) {
        return error;
    }

    if (!jwt_base64url_decode(pool, parts.signature, &signature)) {
        return VG_JWT_MALFORMED;
    }

    error = vg_jwt_key_verify(key, parts.signed_part, signature);
    if (error != VG_JWT_OK) {
        return error;
    }

    payload = jwt_object(pool, parts.payload);
    if (payload == NULL) {
        return VG_JWT_MALFORMED;
    }

    claims->payload = payload->raw;

    return jwt_claims(keys, payload, now_us, claims);
}
