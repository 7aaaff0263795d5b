/*
 * caller.c: what t/outbound adds to a plugin: routes and jobs that call
 * whatever they are told to. See t/lib/Voltgate/Caller.pm.
 */

#include "caller.h"

/* clang-format off */
#define CALL_FIELDS                                                            \
    { VG_BODY, "target", VG_TEXT, 0, 1, 64 },                                  \
    { VG_BODY, "url", VG_TEXT, 0, 0, 5000 },                                   \
    { VG_BODY, "path", VG_TEXT, 0, 0, 5000 },                                  \
    { VG_BODY, "method", VG_ENUM, 0, .values = "GET|POST|PUT|PATCH|DELETE" },  \
    { VG_BODY, "text", VG_TEXT, 0, 0, 100000 },                                \
    { VG_BODY, "type", VG_TEXT, 0, 0, 200 },                                   \
    { VG_BODY, "key", VG_TEXT, 0, 0, 300 },                                    \
    { VG_BODY, "name", VG_TEXT, 0, 0, 100 },                                   \
    { VG_BODY, "value", VG_TEXT, 0, 0, 5000 },                                 \
    { VG_BODY, "any", VG_BOOL },                                               \
    { VG_BODY, "refuse", VG_TEXT, 0, 0, 100 }

const vg_field_t call_fields[] = { CALL_FIELDS, VG_FIELDS_END };

const vg_field_t call_later_fields[] = {
    CALL_FIELDS,
    { VG_BODY, "kind", VG_TEXT, 0, 1, 100 },
    { VG_BODY, "once", VG_TEXT, 0, 1, 100 },
    { VG_BODY, "after", VG_INT, 0, 0, 1000000 },
    { VG_BODY, "note", VG_TEXT, 0, 0, 100 },
    VG_FIELDS_END
};

const vg_field_t call_job_fields[] = {
    CALL_FIELDS,
    { VG_BODY, "note", VG_TEXT, 0, 0, 100 },
    VG_FIELDS_END
};

const vg_field_t mail_fields[] = {
    { VG_BODY, "target", VG_TEXT, VG_REQUIRED, 1, 64 },
    { VG_BODY, "from", VG_TEXT, VG_REQUIRED, 0, 5000 },
    { VG_BODY, "to", VG_TEXT, VG_REQUIRED, 0, 5000 },
    { VG_BODY, "subject", VG_TEXT, VG_REQUIRED, 0, 5000 },
    { VG_BODY, "text", VG_TEXT, VG_REQUIRED, 0, 100000 },
    { VG_BODY, "html", VG_TEXT, 0, 0, 100000 },
    VG_FIELDS_END
};
/* clang-format on */


static vg_str_t
text_of(vg_call_t *call, const char *name)
{
    const vg_json_t *node = vg_get(call, name);

    return node ? node->text : (vg_str_t){ NULL, 0 };
}


static const char *
word_of(vg_call_t *call, const char *name)
{
    vg_str_t s = text_of(call, name);

    return s.data ? vg_printf(vg_pool(call), "%.*s", (int) s.len, s.data).data
                  : NULL;
}


static vg_method_t
method_of(vg_call_t *call)
{
    int                      i;
    vg_str_t                 method = text_of(call, "method");
    static const char *const names[] = { "GET", "POST", "PUT", "PATCH",
                                         "DELETE" };

    for (i = 0; method.data && i < 5; i++) {
        if (vg_str_eq(method, names[i])) {
            return (vg_method_t) i;
        }
    }
    return VG_GET;
}


static vg_rc_t
call_command(vg_call_t *call)
{
    vg_header_t     *headers = vg_calloc(vg_pool(call), 2 * sizeof(*headers));
    const vg_json_t *any = vg_get(call, "any");

    if (text_of(call, "refuse").data != NULL) {
        return vg_refuse(call, word_of(call, "refuse"));
    }
    headers[0].name = word_of(call, "name");
    headers[0].value = text_of(call, "value");
    return vg_http(call,
                   &(vg_request_t){ .target = word_of(call, "target"),
                                    .url = text_of(call, "url"),
                                    .path = text_of(call, "path"),
                                    .method = method_of(call),
                                    .headers = headers,
                                    .body = text_of(call, "text"),
                                    .type = word_of(call, "type"),
                                    .idempotency_key = text_of(call, "key"),
                                    .flags = any && any->type == VG_JSON_TRUE
                                                 ? VG_ANY_STATUS
                                                 : 0 });
}


static vg_rc_t
mail_command(vg_call_t *call)
{
    return vg_mail(call, &(vg_mail_t){ .target = word_of(call, "target"),
                                       .from = text_of(call, "from"),
                                       .to = text_of(call, "to"),
                                       .subject = text_of(call, "subject"),
                                       .text = text_of(call, "text"),
                                       .html = text_of(call, "html") });
}


const vg_step_t call_steps[] = {
    { "call", call_command, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t call_after_steps[] = {
    { "call", call_command, "call_noted", "call_undone" },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t call_job_steps[] = {
    { "call", call_command, NULL, "call_given_up" },
    { NULL, NULL, NULL, NULL },
};

const vg_step_t mail_steps[] = {
    { "mail", mail_command, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
