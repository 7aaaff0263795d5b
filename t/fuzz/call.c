/* with: t/fuzz/stub/nginx.c nginx-modules/core/router.c nginx-modules/core/fields.c nginx-modules/core/hooks.c nginx-modules/core/bind.c nginx-modules/core/value.c | -Wl,--unresolved-symbols=ignore-all -Wl,-z,now
 *
 * call.c: any method, path, query and body, from the router over the fields
 * to the texts that PostgreSQL gets: those are what their types say. What of
 * hooks.c is not reached here is not linked, and would crash.
 *
 * Input: a letter for the method, the path up to the end of the line, the
 * query likewise, the body.
 */

#include "fuzz.h"
#include "host.h"
#include "value.h"

vg_host_t *vg_host;

static const vg_error_t malformed = { "malformed", 400, "Malformed" };


/* what registry.c would find among the kit's errors */
const vg_error_t *
vg_registry_error(vg_plugin_slot_t *plugin, const char *name, size_t len)
{
    (void) plugin;
    REQUIRE(len == 9 && memcmp(name, malformed.name, len) == 0);
    return &malformed;
}


static const vg_field_t point[] = {
    { VG_BODY, "lat", VG_DECIMAL, VG_REQUIRED, -90, 90, NULL, NULL, NULL, "" },
    { VG_BODY, "name", VG_TEXT, 0, 1, 5, NULL, NULL, NULL, "" },
    VG_FIELDS_END,
};

static const vg_field_t item = { VG_BODY, "item", VG_OBJECT, 0,    0,
                                 0,       NULL,   point,     NULL, "" };

static const vg_field_t fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, 0, 0, NULL, NULL, NULL, "" },
    { VG_PATH, "name", VG_TEXT, VG_REQUIRED, 1, 30, NULL, NULL, NULL, "" },
    { VG_QUERY, "from", VG_TIME, 0, 0, 0, NULL, NULL, NULL, "" },
    { VG_QUERY, "radius", VG_DECIMAL, 0, 0, 200, NULL, NULL, NULL, "" },
    { VG_QUERY, "q", VG_TEXT, 0, 0, 20, NULL, NULL, NULL, "" },
    { VG_BODY, "count", VG_INT, VG_NULLABLE, 0, 0, NULL, NULL, NULL, "" },
    { VG_BODY, "small", VG_INT, 0, -5, 5, NULL, NULL, NULL, "" },
    { VG_BODY, "price", VG_DECIMAL, 0, 0, 0, NULL, NULL, NULL, "" },
    { VG_BODY, "open", VG_BOOL, 0, 0, 0, NULL, NULL, NULL, "" },
    { VG_BODY, "kind", VG_ENUM, 0, 0, 0, "A|Bb", NULL, NULL, "" },
    { VG_BODY, "at", VG_TIME, VG_LENIENT, 0, 0, NULL, NULL, NULL, "" },
    { VG_BODY, "note", VG_TEXT, 0, 0, 9, NULL, NULL, NULL, "" },
    { VG_BODY, "place", VG_OBJECT, 0, 0, 0, NULL, point, NULL, "" },
    { VG_BODY, "list", VG_ARRAY, 0, 1, 3, NULL, NULL, &item, "" },
    { VG_BODY, "any", VG_ANY, 0, 0, 0, NULL, NULL, NULL, "" },
    VG_FIELDS_END,
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]) - 1)

static const vg_field_t none[] = { VG_FIELDS_END };

static const vg_route_t rows[] = {
    { .method = VG_GET, .path = "/a", .fields = none, .flags = VG_LIST },
    { .method = VG_POST, .path = "/a/{id}/b/{name}", .fields = fields },
    { .method = VG_PATCH, .path = "/a/{id}/b/{name}", .fields = fields },
    { .method = VG_GET, .path = "/{id}/{name}", .fields = fields },
    { .method = VG_GET, .path = "/a/b", .fields = none },
    { .method = VG_DELETE, .path = "/{p}/{q}/{r}/{s}", .fields = none },
    { .method = VG_GET, .path = "/.well-known/x", .fields = none },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static vg_endpoint_t  endpoints[ROWS];
static vg_endpoint_t *list[ROWS];
static vg_host_t      host;


static void
host_make(void)
{
    size_t i;

    for (i = 0; i < ROWS; i++) {
        endpoints[i].row = &rows[i];
        endpoints[i].nfields = rows[i].fields == fields ? FIELDS : 0;
        list[i] = &endpoints[i];
    }
    host.endpoints.elts = list;
    host.endpoints.nelts = ROWS;
    vg_host = &host;
}


static void
text_is(const vg_field_t *field, const char *text)
{
    char *end = NULL;
    bool  offset;

    switch (field->type) {
    case VG_INT:
        errno = 0;
        (void) strtoll(text, &end, 10);
        REQUIRE(errno == 0 && end > text && *end == '\0');
        break;
    case VG_DECIMAL:
        REQUIRE(text[strspn(text, "-0123456789.")] == '\0');
        REQUIRE(strlen(text) <= 20 && strpbrk(text, "0123456789") != NULL);
        break;
    case VG_BOOL:
        REQUIRE(strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
        break;
    case VG_UUID:
        REQUIRE(strlen(text) == 36);
        break;
    case VG_TIME:
        REQUIRE(vg_instant(vg_str(text), &offset) && offset);
        break;
    case VG_ENUM:
        REQUIRE(strcmp(text, "A") == 0 || strcmp(text, "Bb") == 0);
        break;
    case VG_TEXT:
        REQUIRE(vg_str_utf8(vg_str(text)));
        break;
    default:
        REQUIRE(strstr(text, "\\u0000") == NULL || strstr(text, "\\\\u0000"));
    }
}


static void
texts_are(vg_call_t *call)
{
    size_t         i;
    vg_param_t     params[FIELDS];
    const char   **texts;
    vg_statement_t statement = { .params = params,
                                 .count = call->endpoint->nfields };

    for (i = 0; i < statement.count; i++) {
        params[i] = (vg_param_t){ .what = VG_BIND_FIELD, .field = i };
    }
    texts = vg_bind_values(call, &statement);
    REQUIRE(texts != NULL);
    for (i = 0; i < statement.count; i++) {
        if (texts[i] != NULL) {
            text_is(&fields[i], texts[i]);
        }
    }
}


static void
call_check(vg_call_t *call, vg_str_t body)
{
    vg_str_t         wrong;
    const vg_json_t *values[FIELDS] = { NULL };
    vg_str_t         bound[FIELDS] = { { NULL, 0 } };

    call->values = values;
    call->bound = bound;
    if (body.len > 0) {
        call->body = vg_json_parse(&call->arena, body, NULL);
        if (call->body == NULL) {
            return;
        }
    }
    if (vg_fields_check(call) == VG_OK) {
        REQUIRE(call->nproblems == 0);
        texts_are(call);
    } else if (call->nproblems > 0) {
        wrong = vg_out_str(&call->problems);
        wrong = vg_printf(&call->arena, "%.*s}", (int) wrong.len, wrong.data);
        REQUIRE(vg_json_parse(&call->arena, wrong, NULL) != NULL);
    } else {
        REQUIRE(call->error != NULL);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ngx_uint_t methods[] = { NGX_HTTP_GET,   NGX_HTTP_POST,
                                          NGX_HTTP_PATCH, NGX_HTTP_DELETE,
                                          NGX_HTTP_HEAD,  NGX_HTTP_OPTIONS };
    char                   *copy = fuzz_copy(data, size);
    size_t                  i;
    vg_str_t                rest = { copy, size }, path;
    vg_pool_t              *pool = vg_arena_create();
    ngx_str_t               values[VG_PATH_VALUES], uri;
    ngx_uint_t              method, allow;
    vg_call_t               call = { .arena = *pool };

    host_make();
    ngx_memzero(values, sizeof(values));
    method = methods[size > 0 ? (uint8_t) copy[0] % 6 : 0];
    path = fuzz_line(&rest);
    uri.data = (u_char *) path.data + (path.len > 0);
    uri.len = path.len - (path.len > 0);
    call.query = fuzz_line(&rest);
    call.query = (vg_str_t){ fuzz_copy((const uint8_t *) call.query.data,
                                       call.query.len),
                             call.query.len };
    call.endpoint = vg_route_match(method, &uri, values, &allow);
    if (call.endpoint != NULL) {
        REQUIRE(allow != 0);
        for (i = 0; i < VG_PATH_VALUES; i++) {
            call.path[i] = (vg_str_t){ (char *) values[i].data, values[i].len };
        }
        call_check(&call, rest);
    }
    free((char *) call.query.data);
    vg_arena_destroy(pool);
    free(copy);
    return 0;
}
