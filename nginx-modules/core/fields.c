/*
 * fields.c: is what came in what the route's table says?
 *
 * Owns the check of body, path and query against vg_field_t rows; all that is
 * wrong goes into one answer. Values that pass hold no NUL, fit PostgreSQL's
 * types, and are kept as text: numbers never become doubles.
 */

#include "host.h"
#include "value.h"

static const vg_json_t *vg_fields_query(vg_call_t *call, const char *name);
static void vg_fields_object(vg_call_t *call, const vg_field_t *fields,
                             const vg_json_t *node, const char *path,
                             bool whole);
static void vg_fields_array(vg_call_t *call, const vg_field_t *field,
                            const vg_json_t *node, const char *path);
static void vg_fields_unknown(vg_call_t *call, const vg_field_t *fields,
                              const vg_json_t *node, const char *path);


static void
vg_fields_wrong(vg_call_t *call, const char *path, const char *message,
                unsigned fault)
{
    if (call->fault == VG_FAULT_NONE) {
        call->fault = fault;
    }
    (void) vg_refuse_field(call, path, message);
}


static const char *
vg_fields_join(vg_call_t *call, const char *path, const char *name)
{
    return path[0] == '\0' ? name
                           : vg_printf(&call->arena, "%s.%s", path, name).data;
}


/* whole: what is required must be there. A merge patch (RFC 7396) names parts
 * of objects, at any depth; an array is written whole, with its items. */
static void
vg_fields_one(vg_call_t *call, const vg_field_t *field, const vg_json_t *node,
              const char *path, bool whole)
{
    unsigned    fault;
    const char *message;

    message = vg_value_check(field, node, &fault);
    if (message != NULL) {
        vg_fields_wrong(call, path, message, fault);
        return;
    }
    if (node->type == VG_JSON_NULL) {
        return;
    }
    if (field->type == VG_OBJECT && field->fields != NULL) {
        vg_fields_object(call, field->fields, node, path, whole);
    } else if (field->type == VG_ARRAY && field->item != NULL) {
        vg_fields_array(call, field, node, path);
    }
}


static void
vg_fields_array(vg_call_t *call, const vg_field_t *field, const vg_json_t *node,
                const char *path)
{
    size_t           i = 0;
    const char      *at;
    const vg_json_t *item;

    for (item = node->first; item != NULL; item = item->next, i++) {
        at = vg_printf(&call->arena, "%s[%zu]", path, i).data;
        if (at == NULL) {
            return;
        }
        vg_fields_one(call, field->item, item, at, true);
    }
}


static void
vg_fields_object(vg_call_t *call, const vg_field_t *fields,
                 const vg_json_t *node, const char *path, bool whole)
{
    const char       *at;
    const vg_json_t  *value;
    const vg_field_t *field;

    for (field = fields; field->name != NULL; field++) {
        value = vg_json_get(node, field->name);
        at = vg_fields_join(call, path, field->name);
        if (at == NULL) {
            return;
        }
        if (value != NULL) {
            vg_fields_one(call, field, value, at, whole);
        } else if ((field->flags & VG_REQUIRED) && whole) {
            vg_fields_wrong(call, at, "is required", VG_FAULT_MISSING);
        }
    }
    vg_fields_unknown(call, fields, node, path);
}


/* A name that came in, short, and fit for the answer whatever bytes it has. */
static const char *
vg_fields_shown(vg_call_t *call, const char *name, size_t len)
{
    char  *shown, *p;
    size_t n = ngx_min(len, 64);

    while (n < len && n > 0 && ((u_char) name[n] & 0xc0) == 0x80) {
        n--; /* not in the middle of a character */
    }
    shown = vg_alloc(&call->arena, n + 1);
    if (shown == NULL) {
        return NULL;
    }
    ngx_memcpy(shown, name, n);
    shown[n] = '\0';
    if (!vg_str_utf8((vg_str_t){ shown, n })) {
        for (p = shown; p < shown + n; p++) {
            *p = (u_char) *p < 0x80 ? *p : '?';
        }
    }
    return shown;
}


/* Our own clients hear of a misspelt member; chargers and events may send
 * more than we know, and so may clients of OAuth (RFC 6749, 3.2). */
static void
vg_fields_unknown(vg_call_t *call, const vg_field_t *fields,
                  const vg_json_t *node, const char *path)
{
    const char       *name;
    const vg_json_t  *m;
    const vg_field_t *f;

    if (call->endpoint->row->method > VG_DELETE
        || (call->endpoint->row->flags & VG_OAUTH))
    {
        return;
    }
    for (m = node->first; m != NULL; m = m->next) {
        for (f = fields; f != NULL && f->name != NULL; f++) {
            if (f->in == VG_BODY && vg_str_eq(m->key, f->name)) {
                break;
            }
        }
        if (f != NULL && f->name != NULL) {
            continue;
        }
        name = vg_fields_shown(call, m->key.data, m->key.len);
        name = name ? vg_fields_join(call, path, name) : NULL;
        if (name != NULL) {
            vg_fields_wrong(call, name, "is not known", VG_FAULT_VALUE);
        }
    }
}


/* The next name=value of the query, or a name alone, as they stand; false: none
 * is left. */
static bool
vg_fields_pair(const vg_call_t *call, size_t *at, vg_str_t *name,
               vg_str_t *value)
{
    const char *p, *amp, *equals, *last = call->query.data + call->query.len;

    if (*at >= call->query.len) {
        return false;
    }
    p = call->query.data + *at;
    amp = memchr(p, '&', last - p);
    amp = amp ? amp : last;
    equals = memchr(p, '=', amp - p);
    *name = (vg_str_t){ p, (equals ? equals : amp) - p };
    *value = equals ? (vg_str_t){ equals + 1, amp - equals - 1 }
                    : (vg_str_t){ amp, 0 };
    *at += amp - p + 1;
    return true;
}


/* What the query has of that name, percent-decoded; NULL when absent. */
static const vg_json_t *
vg_fields_query(vg_call_t *call, const char *name)
{
    size_t     i, at = 0;
    u_char    *from, *to;
    vg_str_t   given, value;
    vg_json_t *node;

    do {
        if (!vg_fields_pair(call, &at, &given, &value)) {
            return NULL;
        }
    } while (!vg_str_eq(given, name));
    node = vg_calloc(&call->arena, sizeof(vg_json_t));
    to = vg_alloc(&call->arena, value.len);
    if (node == NULL || to == NULL) {
        return NULL;
    }
    for (i = 0; i < value.len; i++) {
        to[i] = value.data[i] == '+' ? ' ' : (u_char) value.data[i];
    }
    node->type = VG_JSON_STRING;
    node->text.data = (char *) to;
    from = to;
    ngx_unescape_uri(&to, &from, value.len, 0); /* a "?" is part of it */
    node->text.len = (char *) to - node->text.data;
    return node;
}


static bool
vg_fields_query_known(const vg_call_t *call, const vg_field_t *fields,
                      vg_str_t name)
{
    const vg_field_t *f;

    if ((call->endpoint->row->flags & VG_LIST)
        && (vg_str_eq(name, "limit") || vg_str_eq(name, "cursor")))
    {
        return true;
    }
    for (f = fields; f != NULL && f->name != NULL; f++) {
        if (f->in == VG_QUERY && vg_str_eq(name, f->name)) {
            return true;
        }
    }
    return false;
}


static void
vg_fields_query_unknown(vg_call_t *call, const vg_field_t *fields)
{
    size_t      at = 0;
    vg_str_t    name, value;
    const char *shown;

    while (vg_fields_pair(call, &at, &name, &value)) {
        if (name.len == 0 || vg_fields_query_known(call, fields, name)) {
            continue;
        }
        shown = vg_fields_shown(call, name.data, name.len);
        if (shown != NULL) {
            vg_fields_wrong(call, shown, "is not known", VG_FAULT_VALUE);
        }
    }
}


const vg_field_t vg_field_limit = {
    .in = VG_QUERY, .name = "limit", .type = VG_INT, .min = 1, .max = 200
};
const vg_field_t vg_field_cursor = {
    .in = VG_QUERY, .name = "cursor", .type = VG_TEXT, .min = 1, .max = 200
};


static void
vg_fields_page(vg_call_t *call)
{
    const vg_json_t *node;

    call->in.limit = 50;
    node = vg_fields_query(call, "limit");
    if (node != NULL) {
        vg_fields_one(call, &vg_field_limit, node, "limit", true);
        call->in.limit = ngx_atoi((u_char *) node->text.data, node->text.len);
    }
    node = vg_fields_query(call, "cursor");
    if (node != NULL) {
        vg_fields_one(call, &vg_field_cursor, node, "cursor", true);
        call->in.cursor = node->text;
    }
}


static const vg_json_t *
vg_fields_value(vg_call_t *call, const vg_field_t *field, ngx_uint_t *path)
{
    vg_json_t *node;

    switch (field->in) {

    case VG_BODY:
        return vg_json_get(call->body, field->name);

    case VG_QUERY:
        return vg_fields_query(call, field->name);

    case VG_PATH:
        node = vg_calloc(&call->arena, sizeof(vg_json_t));
        if (node != NULL) {
            node->type = VG_JSON_STRING;
            node->text = call->path[(*path)++];
        }
        return node;

    default:
        return NULL;
    }
}


static vg_rc_t
vg_fields_body(vg_call_t *call, const vg_field_t *fields)
{
    ngx_uint_t        wanted = 0, needed = 0;
    const vg_field_t *f;

    for (f = fields; f != NULL && f->name != NULL; f++) {
        wanted += f->in == VG_BODY;
        needed += f->in == VG_BODY && (f->flags & VG_REQUIRED);
    }
    if (call->body != NULL && call->body->type != VG_JSON_OBJECT) {
        return vg_refuse_with(
            call, "malformed",
            VG_STR("{\"message\":\"body must be a JSON object\"}"));
    }
    if (call->body == NULL && needed && call->endpoint->row->method <= VG_PATCH
        && call->endpoint->row->method != VG_GET)
    {
        return vg_refuse_with(call, "malformed",
                              VG_STR("{\"message\":\"body is required\"}"));
    }
    if (call->body != NULL && (wanted || fields == NULL)) {
        vg_fields_unknown(call, fields, call->body, "");
    }
    return VG_OK;
}


vg_rc_t
vg_fields_check(vg_call_t *call)
{
    ngx_uint_t        i, path = 0;
    const vg_json_t  *value;
    const vg_route_t *row = call->endpoint->row;
    const vg_field_t *field;

    if (vg_fields_body(call, row->fields) != VG_OK) {
        return VG_ERROR;
    }
    if (row->method <= VG_DELETE) {
        vg_fields_query_unknown(call, row->fields);
    }
    if (row->flags & VG_LIST) {
        vg_fields_page(call);
    }
    for (i = 0; i < call->endpoint->nfields; i++) {
        field = &row->fields[i];
        value = vg_fields_value(call, field, &path);
        if (value == NULL) {
            if ((field->flags & VG_REQUIRED) && row->method != VG_PATCH) {
                vg_fields_wrong(call, field->name, "is required",
                                VG_FAULT_MISSING);
            }
            continue;
        }
        vg_fields_one(call, field, value, field->name, row->method != VG_PATCH);
        if (value->type != VG_JSON_NULL) {
            call->values[i] = value;
        }
    }
    return call->nproblems ? VG_ERROR : VG_OK;
}
