/*
 * openapi.c: the OpenAPI 3.1 document, printed from the registry: the same
 * rows that route and validate. There is no second description.
 */

#include "host.h"

static const char *const vg_openapi_types[] = {
    [VG_TEXT] = "string",  [VG_INT] = "integer",   [VG_DECIMAL] = "number",
    [VG_BOOL] = "boolean", [VG_UUID] = "string",   [VG_TIME] = "string",
    [VG_ENUM] = "string",  [VG_OBJECT] = "object", [VG_ARRAY] = "array",
    [VG_ANY] = NULL,
};

static const char *const vg_openapi_formats[] = {
    [VG_INT] = "int64",
    [VG_UUID] = "uuid",
    [VG_TIME] = "date-time",
    [VG_ANY] = NULL,
};

#define VG_OPENAPI_PROBLEM                                                     \
    "\"default\":{\"description\":\"problem\",\"content\":"                    \
    "{\"application/problem+json\":{\"schema\":"                               \
    "{\"$ref\":\"#/components/schemas/Problem\"}}}}}"


static void
vg_openapi_bounds(vg_out_t *out, const vg_field_t *f)
{
    static const char *const names[][2] = {
        [VG_TEXT] = { "minLength", "maxLength" },
        [VG_INT] = { "minimum", "maximum" },
        [VG_DECIMAL] = { "minimum", "maximum" },
        [VG_ARRAY] = { "minItems", "maxItems" },
        [VG_ANY] = { NULL, NULL },
    };

    if (names[f->type][0] == NULL || (f->min == 0 && f->max == 0)) {
        return;
    }
    vg_out_key(out, names[f->type][0]);
    vg_out_int(out, f->min);
    vg_out_key(out, names[f->type][1]);
    vg_out_int(out, f->max);
}


static void
vg_openapi_enum(vg_out_t *out, const char *values)
{
    size_t      n;
    const char *bar;

    vg_out_key(out, "enum");
    vg_out_open(out, '[');
    for (; *values != '\0'; values += n + (values[n] == '|')) {
        bar = strchr(values, '|');
        n = bar ? (size_t) (bar - values) : ngx_strlen(values);
        vg_out_string(out, (vg_str_t){ values, n });
    }
    vg_out_close(out, ']');
}


static void
vg_openapi_schema(vg_out_t *out, const vg_field_t *f)
{
    vg_out_open(out, '{');
    if (vg_openapi_types[f->type] != NULL) {
        vg_out_key(out, "type");
        if (f->flags & VG_NULLABLE) {
            vg_out_open(out, '[');
            vg_out_string(out, vg_str(vg_openapi_types[f->type]));
            vg_out_string(out, VG_STR("null"));
            vg_out_close(out, ']');
        } else {
            vg_out_string(out, vg_str(vg_openapi_types[f->type]));
        }
    }
    if (vg_openapi_formats[f->type] != NULL) {
        vg_out_member(out, "format", vg_str(vg_openapi_formats[f->type]));
    }
    if (f->about != NULL) {
        vg_out_member(out, "description", vg_str(f->about));
    }
    if (f->flags & VG_SECRET) {
        vg_out_key(out, "writeOnly");
        vg_out_bool(out, true);
    }
    vg_openapi_bounds(out, f);
    if (f->type == VG_ENUM && !(f->flags & VG_LENIENT)) {
        vg_openapi_enum(out, f->values);
    }
    if (f->type == VG_ARRAY && f->item != NULL) {
        vg_out_key(out, "items");
        vg_openapi_schema(out, f->item);
    }
    if (f->type == VG_OBJECT && f->fields != NULL) {
        vg_openapi_object(out, f->fields);
    }
    vg_out_close(out, '}');
}


/* the members properties and required, into an object that is open */
void
vg_openapi_object(vg_out_t *out, const vg_field_t *fields)
{
    const vg_field_t *f;

    vg_out_key(out, "properties");
    vg_out_open(out, '{');
    for (f = fields; f->name != NULL; f++) {
        if (f->in == VG_BODY) {
            vg_out_key(out, f->name);
            vg_openapi_schema(out, f);
        }
    }
    vg_out_close(out, '}');
    vg_out_key(out, "required");
    vg_out_open(out, '[');
    for (f = fields; f->name != NULL; f++) {
        if (f->in == VG_BODY && (f->flags & VG_REQUIRED)) {
            vg_out_string(out, vg_str(f->name));
        }
    }
    vg_out_close(out, ']');
}


static void
vg_openapi_parameter(vg_out_t *out, const vg_field_t *f, const char *in)
{
    vg_out_open(out, '{');
    vg_out_member(out, "name", vg_str(f->name));
    vg_out_member(out, "in", vg_str(in));
    vg_out_key(out, "required");
    vg_out_bool(out, f->in == VG_PATH || (f->flags & VG_REQUIRED));
    vg_out_key(out, "schema");
    vg_openapi_schema(out, f);
    vg_out_close(out, '}');
}


static void
vg_openapi_parameters(vg_out_t *out, const vg_endpoint_t *e)
{
    const vg_route_t       *row = e->row;
    const vg_field_t       *f;
    static const vg_field_t key = {
        .name = "Idempotency-Key", .type = VG_TEXT, .min = 1, .max = 255
    };
    static const vg_field_t match = { .name = "If-Match",
                                      .type = VG_TEXT,
                                      .about = "an ETag; else 412" };
    static const vg_field_t none_match = { .name = "If-None-Match",
                                           .type = VG_TEXT,
                                           .about = "an ETag; then 304" };

    vg_out_key(out, "parameters");
    vg_out_open(out, '[');
    for (f = row->fields; f && f->name != NULL; f++) {
        if (f->in == VG_PATH || f->in == VG_QUERY) {
            vg_openapi_parameter(out, f, f->in == VG_PATH ? "path" : "query");
        }
    }
    if (row->flags & VG_LIST) {
        vg_openapi_parameter(out, &vg_field_limit, "query");
        vg_openapi_parameter(out, &vg_field_cursor, "query");
    }
    if (row->method == VG_POST) {
        vg_openapi_parameter(out, &key, "header");
    }
    if (e->matches) {
        vg_openapi_parameter(out, &match, "header");
    }
    if (row->method == VG_GET && !(row->flags & VG_LIST)) {
        vg_openapi_parameter(out, &none_match, "header");
    }
    vg_out_close(out, ']');
}


static void
vg_openapi_media(vg_out_t *out, const char *type, const vg_field_t *fields)
{
    vg_out_key(out, type);
    vg_out_open(out, '{');
    vg_out_key(out, "schema");
    vg_out_open(out, '{');
    vg_out_member(out, "type", VG_STR("object"));
    vg_openapi_object(out, fields);
    vg_out_close(out, '}');
    vg_out_close(out, '}');
}


static void
vg_openapi_body(vg_out_t *out, const vg_route_t *row)
{
    const vg_field_t *f;

    for (f = row->fields; f && f->name != NULL; f++) {
        if (f->in == VG_BODY) {
            break;
        }
    }
    if ((f == NULL || f->name == NULL) && !(row->flags & VG_RAW)) {
        return;
    }
    vg_out_key(out, "requestBody");
    vg_out_open(out, '{');
    vg_out_key(out, "content");
    vg_out_open(out, '{');
    if (row->flags & VG_RAW) {
        vg_out_member_raw(out, "*/*", VG_STR("{}"));
    } else if (row->flags & VG_ROWS) {
        vg_out_member_raw(out, "text/csv", VG_STR("{}"));
        vg_out_member_raw(out, "application/geo+json", VG_STR("{}"));
    } else {
        vg_openapi_media(out, "application/json", row->fields);
    }
    if (row->method == VG_PATCH) {
        vg_openapi_media(out, "application/merge-patch+json", row->fields);
    }
    if (row->flags & VG_FORM) {
        vg_openapi_media(out, "application/x-www-form-urlencoded", row->fields);
    }
    vg_out_close(out, '}');
    vg_out_close(out, '}');
}


/* "GET /stations/{id}" as get_stations_id: stable, and a name in code */
static vg_str_t
vg_openapi_id(vg_pool_t *pool, vg_endpoint_t *e)
{
    char      *p;
    size_t     i;
    u_char     c;
    ngx_uint_t gap = 0;
    vg_str_t   id;

    p = vg_alloc(pool, e->label.len + 1);
    if (p == NULL) {
        return (vg_str_t){ NULL, 0 };
    }
    id = (vg_str_t){ p, 0 };
    for (i = 0; i < e->label.len; i++) {
        c = ngx_tolower(e->label.data[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            gap = id.len > 0;
            continue;
        }
        if (gap) {
            p[id.len++] = '_';
            gap = 0;
        }
        p[id.len++] = (char) c;
    }
    return id;
}


static vg_str_t
vg_openapi_answers(const vg_route_t *row)
{
    if (row->flags & VG_STREAM) {
        return VG_STR(
            "{\"101\":{\"description\":\"frames over a WebSocket\"},"
            "\"2XX\":{\"description\":\"frames as they come, or one\","
            "\"content\":{\"text/event-stream\":{},"
            "\"application/json\":{}}}," VG_OPENAPI_PROBLEM);
    }
    if (row->flags & VG_LIST) {
        return VG_STR(
            "{\"2XX\":{\"description\":\"a page\",\"content\":"
            "{\"application/json\":{},\"text/csv\":{}}}," VG_OPENAPI_PROBLEM);
    }
    return VG_STR("{\"2XX\":{\"description\":\"done\"}," VG_OPENAPI_PROBLEM);
}


static void
vg_openapi_route(vg_out_t *out, vg_pool_t *pool, vg_endpoint_t *e)
{
    const vg_route_t *row = e->row;

    vg_out_open(out, '{');
    vg_out_member(out, "operationId", vg_openapi_id(pool, e));
    vg_out_key(out, "tags");
    vg_out_open(out, '[');
    vg_out_string(out, vg_of(e->plugin->name));
    vg_out_close(out, ']');
    if (row->about != NULL) {
        vg_out_member(out, "summary", vg_str(row->about));
    }
    vg_openapi_parameters(out, e);
    vg_openapi_body(out, row);
    if (row->scope == NULL || ngx_strcmp(row->scope, VG_PUBLIC) != 0) {
        vg_out_member_raw(out, "security",
                          VG_STR("[{\"bearer\":[]},{\"apiKey\":[]}]"));
    }
    if (row->scope != NULL && ngx_strcmp(row->scope, VG_PUBLIC) != 0) {
        vg_out_member(out, "x-scope", vg_str(row->scope));
    }
    if (vg_owner_of(e) != NULL) {
        vg_out_member(out, "x-owner", vg_str(vg_owner_of(e)));
    }
    vg_out_member_raw(out, "responses", vg_openapi_answers(row));
    vg_out_close(out, '}');
}


/* all methods of one path stand together, once */
static void
vg_openapi_path(vg_out_t *out, vg_pool_t *pool, vg_host_t *host, ngx_uint_t i)
{
    u_char          method[8], *last;
    ngx_uint_t      j;
    const char     *name;
    vg_endpoint_t **e = host->endpoints.elts;

    for (j = 0; j < i; j++) {
        if (e[j]->row->method <= VG_DELETE
            && ngx_strcmp(e[j]->row->path, e[i]->row->path) == 0)
        {
            return;
        }
    }
    vg_out_key(out, vg_printf(pool, "/api/v1%s", e[i]->row->path).data);
    vg_out_open(out, '{');
    for (j = i; j < host->endpoints.nelts; j++) {
        if (e[j]->row->method > VG_DELETE
            || ngx_strcmp(e[j]->row->path, e[i]->row->path) != 0)
        {
            continue;
        }
        name = vg_method_name(e[j]->row->method);
        ngx_strlow(method, (u_char *) name, ngx_strlen(name));
        last = method + ngx_strlen(name);
        *last = '\0';
        vg_out_key(out, (const char *) method);
        vg_openapi_route(out, pool, e[j]);
    }
    vg_out_close(out, '}');
}


#define VG_OPENAPI_TEXT "{\"type\":\"string\"}"

static void
vg_openapi_components(vg_out_t *out)
{
    vg_out_key(out, "components");
    vg_out_open(out, '{');
    vg_out_member_raw(
        out, "securitySchemes",
        VG_STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
               "\"bearerFormat\":\"JWT\"},\"apiKey\":{\"type\":\"apiKey\","
               "\"in\":\"header\",\"name\":\"X-API-Key\"}}"));
    vg_out_key(out, "schemas");
    vg_out_open(out, '{');
    vg_out_member_raw(
        out, "Problem",
        VG_STR("{\"type\":\"object\",\"properties\":{\"type\":" VG_OPENAPI_TEXT
               ",\"title\":" VG_OPENAPI_TEXT ",\"status\":{\"type\":"
               "\"integer\"},\"message\":" VG_OPENAPI_TEXT
               ",\"errors\":{\"type\":\"object\"},\"timestamp\":{\"type\":"
               "\"string\",\"format\":\"date-time\"},"
               "\"correlationId\":" VG_OPENAPI_TEXT "}}"));
    vg_webhooks_envelope(out);
    vg_out_close(out, '}');
    vg_out_close(out, '}');
}


ngx_int_t
vg_openapi_render(vg_host_t *host)
{
    vg_out_t        out;
    vg_pool_t       pool;
    ngx_uint_t      i;
    ngx_pool_t     *own = ngx_create_pool(65536, host->log);
    vg_endpoint_t **e = host->endpoints.elts;

    if (own == NULL) {
        return NGX_ERROR;
    }
    pool = vg_arena_of(own);
    vg_out_init(&out, &pool);
    vg_out_open(&out, '{');
    vg_out_member(&out, "openapi", VG_STR("3.1.0"));
    vg_out_member_raw(&out, "info",
                      VG_STR("{\"title\":\"Voltgate\",\"version\":\"1\"}"));
    vg_out_key(&out, "paths");
    vg_out_open(&out, '{');
    for (i = 0; i < host->endpoints.nelts; i++) {
        if (e[i]->row->method <= VG_DELETE) {
            vg_openapi_path(&out, &pool, host, i);
        }
    }
    vg_out_close(&out, '}');
    vg_webhooks_render(&out, host);
    vg_openapi_components(&out);
    vg_out_close(&out, '}');
    if (vg_out_str(&out).data == NULL) {
        ngx_destroy_pool(own);
        return NGX_ERROR;
    }
    host->openapi = vg_ngx(vg_out_str(&out));
    if (host->openapi_pool != NULL) {
        ngx_destroy_pool(host->openapi_pool);
    }
    host->openapi_pool = own;
    return NGX_OK;
}
