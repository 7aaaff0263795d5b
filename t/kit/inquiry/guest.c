/*
 * guest.c: a plugin of a test: it asks whatever it is told to.
 */

#include "vg.h"

/* clang-format off */

static const vg_field_t fields[] = {
    { VG_BODY, "route", VG_TEXT, 0, 1, 50, .about = "whom to ask" },
    { VG_BODY, "n", VG_INT, VG_REQUIRED, .about = "for what" },
    { VG_BODY, "otherwise", VG_ANY, .about = "what will do instead" },
    VG_FIELDS_END
};

/* clang-format on */

static vg_rc_t
ask(vg_call_t *call)
{
    vg_str_t         args = { NULL, 0 };
    const vg_json_t *route = vg_get(call, "route"), *n = vg_get(call, "n");
    const vg_json_t *otherwise = vg_get(call, "otherwise");

    if (route == NULL) {
        return VG_OK; /* nobody is asked */
    }

    args =
        vg_printf(vg_pool(call), "{\"n\":%.*s}", (int) n->raw.len, n->raw.data);

    return otherwise == NULL
               ? vg_inquire(call,
                            vg_printf(vg_pool(call), "%.*s",
                                      (int) route->text.len, route->text.data)
                                .data,
                            args)
               : vg_inquire_or(call,
                               vg_printf(vg_pool(call), "%.*s",
                                         (int) route->text.len,
                                         route->text.data)
                                   .data,
                               args, otherwise->raw);
}

/* clang-format off */

static const vg_step_t steps[] = {
    { "ask", ask, NULL, NULL },
    { NULL, NULL, NULL, NULL }
};

static const vg_step_t later[] = {
    { "ask", ask, "note", "miss" },
    { NULL, NULL, NULL, NULL }
};

static const vg_step_t job[] = {
    { "ask", ask, NULL, "miss" },
    { NULL, NULL, NULL, NULL }
};

static const vg_route_t routes[] = {
    { VG_POST, "/guest", NULL, fields, .statement = "note",
      .flags = VG_AWAIT | VG_EVERYBODYS, .steps = steps,
      .about = "Ask, then answer" },
    { VG_POST, "/guest/after", NULL, fields, .statement = "accept",
      .flags = VG_EVERYBODYS, .steps = later, .about = "Answer, then ask" },
    { VG_POST, "/guest/job", NULL, fields, .statement = "leave",
      .about = "Ask in a job" },
    { VG_JOB, "guest.visit", NULL, fields, .statement = "note", .steps = job,
      .about = "Asks" },
    VG_ROUTES_END
};

static const vg_error_t errors[] = {
    { "well_dry", 409, "The guest is thirsty" },
    { NULL, 0, NULL }
};

/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "guest",
    .version = "1",
    .about = "a test",
    .routes = routes,
    .errors = errors,
};
