/*
 * jwt.c: see jwt.h.
 *
 * The order is that of trust: size, shape, header; then key and signature; the
 * claims are looked at only when the signature has held, but for the issuer's
 * name, by which the keys are found.
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
    [VG_JWT_ROLE] = "the token gives no role",
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


bool
vg_jwt_base64url(vg_pool_t *pool, vg_str_t in, vg_str_t *out)
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

    if (!vg_jwt_base64url(pool, part, &text)) {
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


/* An optional string member: false when it is there and is none. */
static bool
jwt_optional(const vg_json_t *object, const char *name, vg_str_t *value)
{
    *value = jwt_string(object, name);

    return value->data != NULL || vg_json_get(object, name) == NULL;
}


static vg_jwt_error_t
jwt_header(vg_pool_t *pool, vg_str_t part, vg_jwt_t *jwt)
{
    vg_str_t         typ;
    const vg_json_t *header = jwt_object(pool, part);

    /* crit names extensions that must be understood; none is, and RFC 7515
     * 4.1.11 then asks for a refusal */
    if (header == NULL || vg_json_get(header, "crit") != NULL) {
        return VG_JWT_MALFORMED;
    }

    jwt->alg = jwt_string(header, "alg");
    if (jwt->alg.data == NULL || !jwt_optional(header, "kid", &jwt->kid)) {
        return VG_JWT_MALFORMED;
    }

    if (vg_json_get(header, "typ") != NULL) {
        typ = jwt_string(header, "typ");
        if (!vg_str_eq(typ, "JWT") && !vg_str_eq(typ, "at+jwt")) {
            return VG_JWT_MALFORMED;
        }
    }

    return VG_JWT_OK;
}


vg_jwt_error_t
vg_jwt_read(vg_pool_t *pool, vg_str_t token, vg_jwt_t *jwt)
{
    jwt_parts_t    parts;
    vg_jwt_error_t error;

    memset(jwt, 0, sizeof(*jwt));

    if (token.len > VG_JWT_MAX) {
        return VG_JWT_TOO_LONG;
    }

    if (token.len == 0 || !jwt_split(token, &parts)) {
        return VG_JWT_MALFORMED;
    }

    error = jwt_header(pool, parts.header, jwt);
    if (error != VG_JWT_OK) {
        return error;
    }

    jwt->signed_part = parts.signed_part;
    jwt->payload = jwt_object(pool, parts.payload);

    if (jwt->payload == NULL
        || (parts.signature.len != 0
            && !vg_jwt_base64url(pool, parts.signature, &jwt->signature)))
    {
        return VG_JWT_MALFORMED;
    }

    jwt->issuer = jwt_string(jwt->payload, "iss");

    return VG_JWT_OK;
}


/* ---------------------------------------------------------------- claims */

/* NumericDate, in microseconds: a plain decimal number, what is finer is cut;
 * no sign, no exponent, at most 11 digits before the point (the year 5138). */
static bool
jwt_time(const vg_json_t *node, int64_t *us)
{
    size_t   i, digits;
    int64_t  unit = 1000000;
    vg_str_t text;

    if (node->type != VG_JSON_NUMBER) {
        return false;
    }

    text = node->text;
    *us = 0;

    for (i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
    {
        if (i == 11) {
            return false;
        }

        *us = *us * 10 + (text.data[i] - '0');
    }

    digits = i;
    *us *= unit;

    if (i < text.len && text.data[i] == '.') {
        for (i++; i < text.len; i++) {
            if (text.data[i] < '0' || text.data[i] > '9') {
                return false;
            }

            unit /= 10;
            *us += unit * (text.data[i] - '0');
        }
    }

    return digits != 0 && i == text.len;
}


/* Seconds are compared, as most issuers count in them. */
static vg_jwt_error_t
jwt_times(const vg_json_t *payload, int64_t leeway, int64_t now_us,
          vg_jwt_claims_t *claims)
{
    int64_t          from, now = now_us / 1000000;
    const vg_json_t *node = vg_json_get(payload, "exp");

    static const char *const begins[] = { "nbf", "iat" };

    if (node == NULL || !jwt_time(node, &claims->exp)) {
        return VG_JWT_CLAIMS;
    }

    for (size_t i = 0; i < 2; i++) {
        node = vg_json_get(payload, begins[i]);
        from = 0;

        if (node != NULL && !jwt_time(node, &from)) {
            return VG_JWT_CLAIMS;
        }

        if (from / 1000000 > now + leeway) {
            return VG_JWT_NOT_YET;
        }

        claims->iat = from; /* the last of the two */
    }

    return now < claims->exp / 1000000 + leeway ? VG_JWT_OK : VG_JWT_EXPIRED;
}


static bool
jwt_same(vg_str_t a, vg_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static vg_jwt_error_t
jwt_audience(const vg_json_t *payload, vg_str_t audience)
{
    bool             ours = false;
    const vg_json_t *node = vg_json_get(payload, "aud");

    if (node == NULL) {
        return VG_JWT_AUDIENCE;
    }

    if (node->type == VG_JSON_STRING) {
        return jwt_same(node->text, audience) ? VG_JWT_OK : VG_JWT_AUDIENCE;
    }

    if (node->type != VG_JSON_ARRAY) {
        return VG_JWT_CLAIMS;
    }

    for (node = node->first; node != NULL; node = node->next) {
        if (node->type != VG_JSON_STRING) {
            return VG_JWT_CLAIMS;
        }

        ours |= jwt_same(node->text, audience);
    }

    return ours ? VG_JWT_OK : VG_JWT_AUDIENCE;
}


static vg_jwt_error_t
jwt_claims(const vg_json_t *payload, const vg_jwt_terms_t *terms,
           int64_t now_us, vg_jwt_claims_t *claims)
{
    vg_jwt_error_t error;

    error = jwt_times(payload, terms->leeway, now_us, claims);
    if (error != VG_JWT_OK) {
        return error;
    }

    error = jwt_audience(payload, terms->audience);
    if (error != VG_JWT_OK) {
        return error;
    }

    claims->sub = jwt_string(payload, "sub");

    if (claims->sub.len == 0 || !jwt_optional(payload, "sid", &claims->sid)
        || !jwt_optional(payload, "jti", &claims->jti))
    {
        return VG_JWT_CLAIMS;
    }

    return VG_JWT_OK;
}


vg_jwt_error_t
vg_jwt_verify(const vg_jwt_t *jwt, const vg_jwt_keys_t *keys,
              const vg_jwt_terms_t *terms, int64_t now_us,
              vg_jwt_claims_t *claims)
{
    vg_jwt_error_t      error;
    const vg_jwt_key_t *key;

    memset(claims, 0, sizeof(*claims));

    if (jwt->issuer.data == NULL || !jwt_same(jwt->issuer, terms->issuer)) {
        return VG_JWT_ISSUER;
    }

    key = vg_jwt_keys_find(keys, jwt->kid, jwt->alg, now_us);
    if (key == NULL) {
        return VG_JWT_KEY;
    }

    if (!vg_str_eq(jwt->alg, vg_jwt_key_alg(key))) {
        return VG_JWT_ALGORITHM;
    }

    error = vg_jwt_key_verify(key, jwt->signed_part, jwt->signature);
    if (error != VG_JWT_OK) {
        return error;
    }

    return jwt_claims(jwt->payload, terms, now_us, claims);
}
