/*
 * problem.c: errors by name, and the problem+json document of one (RFC 9457).
 */

#include "host.h"

#define VG_ERROR_ROW(token, status, name, title) { name, status, title },
static const vg_error_t vg_errors[] = {
#include "errors.def"
    { NULL, 0, NULL }
};
#undef VG_ERROR_ROW


const vg_error_t *
vg_kit_error(const char *name, size_t len)
{
    const vg_error_t *e;

    for (e = vg_errors; e->name != NULL; e++) {
        if (ngx_strlen(e->name) == len && ngx_strncmp(e->name, name, len) == 0)
        {
            return e;
        }
    }
    return NULL;
}


/* the first of the kit's with this status; for what nginx itself refuses */
const vg_error_t *
vg_kit_error_status(ngx_int_t status)
{
    const vg_error_t *e;

    for (e = vg_errors; e->name != NULL; e++) {
        if (e->status == status) {
            return e;
        }
    }
    return status >= 500 ? vg_kit_error("internal", 8)
                         : vg_kit_error("malformed", 9);
}


static void
vg_problem_detail(vg_out_t *out, vg_pool_t *pool, vg_str_t detail,
                  bool *message)
{
    vg_json_t *object, *m;

    object = detail.data ? vg_json_parse(pool, detail, NULL) : NULL;
    if (object == NULL || object->type != VG_JSON_OBJECT) {
        return;
    }
    for (m = object->first; m != NULL; m = m->next) {
        vg_out_name(out, m->key);
        vg_out_raw(out, m->raw);
        *message |= vg_str_eq(m->key, "message");
    }
}


vg_str_t
vg_problem_render(vg_pool_t *pool, const vg_error_t *error, vg_str_t detail,
                  vg_str_t errors, ngx_uint_t count, vg_str_t timestamp,
                  vg_str_t correlation)
{
    bool     message = false;
    vg_out_t out;

    vg_out_init(&out, pool);
    vg_out_open(&out, '{');
    vg_out_member(
        &out, "type",
        vg_printf(pool, "https://voltgate.dev/problems/%s", error->name));
    vg_out_member(&out, "title", vg_str(error->title));
    vg_out_key(&out, "status");
    vg_out_int(&out, error->status);
    vg_problem_detail(&out, pool, detail, &message);
    if (count) {
        vg_out_member(&out, "message",
                      vg_printf(pool, "%d field%s not valid", (int) count,
                                count == 1 ? " is" : "s are"));
        vg_out_member_raw(&out, "errors", errors);
    } else if (!message) {
        vg_out_member(&out, "message", vg_str(error->title));
    }
    vg_out_member(&out, "timestamp", timestamp);
    vg_out_member(&out, "correlationId", correlation);
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}
