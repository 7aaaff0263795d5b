/*
 * value.c: one value against one field. Pure: no nginx, no database.
 *
 * What passes here must be taken by PostgreSQL: text without NUL, int8,
 * numeric of 18 digits, uuid, timestamptz, jsonb.
 */

#include <string.h>

#include "value.h"

enum { FAULT_TYPE = 2, FAULT_VALUE = 3 };

#define TEXT_MAX   10000
#define NUMBER_MAX 40 /* characters, inside of jsonb */

typedef const char *(*vg_value_pt)(const vg_field_t *, const vg_json_t *,
                                   unsigned *);


static size_t
vg_value_chars(vg_str_t text)
{
    size_t i, n = 0;

    for (i = 0; i < text.len; i++) {
        n += (text.data[i] & 0xc0) != 0x80;
    }
    return n;
}


static bool
vg_value_digits(const char **p, const char *end, size_t *count)
{
    const char *start = *p;

    while (*p < end && **p >= '0' && **p <= '9') {
        (*p)++;
    }
    *count = *p - start;
    return *count > 0;
}


/* jsonb refuses \u0000 and numbers with absurd exponents: so do we, deep */
static const char *
vg_value_deep(const vg_json_t *node)
{
    const char      *wrong;
    const vg_json_t *m;

    if (memchr(node->key.data ? node->key.data : "", '\0', node->key.len)) {
        return "must not contain NUL";
    }
    switch (node->type) {

    case VG_JSON_STRING:
        return memchr(node->text.data, '\0', node->text.len)
                   ? "must not contain NUL"
                   : NULL;

    case VG_JSON_NUMBER:
        if (node->text.len > NUMBER_MAX
            || memchr(node->text.data, 'e', node->text.len)
            || memchr(node->text.data, 'E', node->text.len))
        {
            return "holds a number that is too long or has an exponent";
        }
        return NULL;

    default:
        for (m = node->first; m != NULL; m = m->next) {
            wrong = vg_value_deep(m);
            if (wrong != NULL) {
                return wrong;
            }
        }
        return NULL;
    }
}


static const char *
vg_value_text(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    size_t n;

    if (node->type != VG_JSON_STRING) {
        *fault = FAULT_TYPE;
        return "must be a string";
    }
    if (memchr(node->text.data, '\0', node->text.len)) {
        return "must not contain NUL";
    }
    /* a body is UTF-8 as a whole; paths and queries are any bytes */
    if (field->in != VG_BODY && !vg_str_utf8(node->text)) {
        return "must be UTF-8";
    }
    n = vg_value_chars(node->text);
    if ((int64_t) n < field->min) {
        return "is too short";
    }
    if (n > (size_t) (field->max ? field->max : TEXT_MAX)) {
        return "is too long";
    }
    return NULL;
}


static bool
vg_value_numeric(const vg_json_t *node, const vg_field_t *field)
{
    return node->type == VG_JSON_NUMBER
           || (field->in != VG_BODY && node->type == VG_JSON_STRING);
}


static const char *
vg_value_int(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    size_t      n;
    bool        minus;
    __int128    value = 0;
    const char *p, *end, *d;

    if (!vg_value_numeric(node, field)) {
        *fault = FAULT_TYPE;
        return "must be a whole number";
    }
    p = node->text.data;
    end = p + node->text.len;
    minus = p < end && *p == '-';
    p += minus;
    d = p;
    if (!vg_value_digits(&p, end, &n) || p != end) {
        *fault = FAULT_TYPE;
        return "must be a whole number";
    }
    if (n > 19) {
        return "is out of range";
    }
    while (d < end) {
        value = value * 10 + (*d++ - '0');
    }
    value = minus ? -value : value;
    if (value < INT64_MIN || value > INT64_MAX) {
        return "is out of range";
    }
    if ((field->min || field->max)
        && (value < field->min || value > field->max)) {
        return "is out of range";
    }
    return NULL;
}


static const char *
vg_value_decimal(const vg_field_t *field, const vg_json_t *node,
                 unsigned *fault)
{
    size_t      whole, part = 0, i;
    bool        minus;
    __int128    value = 0, scale = 1000000000;
    const char *p, *end, *d;

    if (!vg_value_numeric(node, field)) {
        *fault = FAULT_TYPE;
        return "must be a number";
    }
    p = node->text.data;
    end = p + node->text.len;
    minus = p < end && *p == '-';
    p += minus;
    d = p;
    if (!vg_value_digits(&p, end, &whole)
        || (p < end && *p == '.' && (p++, !vg_value_digits(&p, end, &part)))
        || p != end)
    {
        return "must be a decimal number without an exponent";
    }
    if (part > 9 || whole + part > 18) {
        return "has too many digits";
    }
    for (i = 0; d < end; d++) {
        if (*d != '.') {
            value = value * 10 + (*d - '0');
            i++;
        }
    }
    for (i = part; i < 9; i++) {
        value *= 10;
    }
    value = minus ? -value : value;
    if ((field->min || field->max)
        && (value < field->min * scale || value > field->max * scale))
    {
        return "is out of range";
    }
    return NULL;
}


static const char *
vg_value_bool(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    if (field->in != VG_BODY
        && (vg_str_eq(node->text, "true") || vg_str_eq(node->text, "false")))
    {
        return NULL;
    }
    *fault = FAULT_TYPE;
    return node->type == VG_JSON_TRUE || node->type == VG_JSON_FALSE
               ? NULL
               : "must be true or false";
}


static const char *
vg_value_uuid(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    size_t i;
    char   c;

    (void) field;
    if (node->type != VG_JSON_STRING) {
        *fault = FAULT_TYPE;
        return "must be a string";
    }
    if (node->text.len != 36) {
        return "must be a UUID";
    }
    for (i = 0; i < 36; i++) {
        c = node->text.data[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') {
                return "must be a UUID";
            }
        } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
                     || (c >= 'A' && c <= 'F')))
        {
            return "must be a UUID";
        }
    }
    return NULL;
}


static const char *
vg_value_when(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    bool offset;

    if (node->type != VG_JSON_STRING) {
        *fault = FAULT_TYPE;
        return "must be a string";
    }
    if (!vg_instant(node->text, &offset)) {
        return "must be an RFC 3339 time from 1970 to 9999";
    }
    return offset || (field->flags & VG_LENIENT) ? NULL
                                                 : "must have an offset or Z";
}


static const char *
vg_value_enum(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    size_t      n;
    const char *p, *bar;

    if (node->type != VG_JSON_STRING) {
        *fault = FAULT_TYPE;
        return "must be a string";
    }
    if (field->flags & VG_LENIENT) {
        return vg_value_text(field, node, fault);
    }
    for (p = field->values; *p != '\0'; p += n + (p[n] == '|')) {
        bar = strchr(p, '|');
        n = bar ? (size_t) (bar - p) : strlen(p);
        if (node->text.len == n && memcmp(p, node->text.data, n) == 0) {
            return NULL;
        }
    }
    return "is not one of the known values";
}


static const char *
vg_value_object(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    (void) field;
    if (node->type != VG_JSON_OBJECT) {
        *fault = FAULT_TYPE;
        return "must be an object";
    }
    return vg_value_deep(node);
}


static const char *
vg_value_array(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    if (node->type != VG_JSON_ARRAY) {
        *fault = FAULT_TYPE;
        return "must be an array";
    }
    if ((int64_t) node->count < field->min) {
        return "has too few items";
    }
    if (field->max && (int64_t) node->count > field->max) {
        return "has too many items";
    }
    return vg_value_deep(node);
}


static const char *
vg_value_any(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    (void) field;
    (void) fault;
    return vg_value_deep(node);
}


static const vg_value_pt vg_value_checks[] = {
    [VG_TEXT] = vg_value_text,       [VG_INT] = vg_value_int,
    [VG_DECIMAL] = vg_value_decimal, [VG_BOOL] = vg_value_bool,
    [VG_UUID] = vg_value_uuid,       [VG_TIME] = vg_value_when,
    [VG_ENUM] = vg_value_enum,       [VG_OBJECT] = vg_value_object,
    [VG_ARRAY] = vg_value_array,     [VG_ANY] = vg_value_any,
};


const char *
vg_value_check(const vg_field_t *field, const vg_json_t *node, unsigned *fault)
{
    *fault = FAULT_VALUE;
    if (node->type == VG_JSON_NULL && field->type != VG_ANY) {
        *fault = FAULT_TYPE;
        return field->flags & VG_NULLABLE ? NULL : "must not be null";
    }
    return vg_value_checks[field->type](field, node, fault);
}


static void
vg_value_write(vg_out_t *out, const vg_json_t *node)
{
    const vg_json_t *m;

    switch (node->type) {

    case VG_JSON_NULL:
        vg_out_null(out);
        return;

    case VG_JSON_TRUE:
    case VG_JSON_FALSE:
        vg_out_bool(out, node->type == VG_JSON_TRUE);
        return;

    case VG_JSON_NUMBER:
        vg_out_raw(out, node->text);
        return;

    case VG_JSON_STRING:
        vg_out_string(out, node->text);
        return;

    case VG_JSON_ARRAY:
        vg_out_open(out, '[');
        for (m = node->first; m != NULL; m = m->next) {
            vg_value_write(out, m);
        }
        vg_out_close(out, ']');
        return;

    case VG_JSON_OBJECT:
        vg_out_open(out, '{');
        for (m = node->first; m != NULL; m = m->next) {
            vg_out_name(out, m->key);
            vg_value_write(out, m);
        }
        vg_out_close(out, '}');
        return;
    }
}


vg_str_t
vg_value_json(vg_pool_t *pool, const vg_json_t *node)
{
    vg_out_t out;

    vg_out_init(&out, pool);
    vg_value_write(&out, node);
    return vg_out_str(&out);
}


vg_str_t
vg_value_stored(vg_pool_t *pool, vg_str_t json)
{
    vg_out_t   out;
    vg_json_t *node;

    if (json.data == NULL) {
        return json;
    }
    node = vg_json_parse(pool, json, NULL);
    if (node != NULL && vg_value_deep(node) == NULL) {
        return json;
    }
    vg_out_init(&out, pool);
    vg_out_string(&out, vg_str_utf8(json) ? json : VG_STR("not UTF-8"));
    return vg_out_str(&out);
}
