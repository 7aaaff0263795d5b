/*
 * well.c: a plugin of a test: it is asked.
 */

#include "vg.h"

/* clang-format off */

static const vg_field_t fields[] = {
    { VG_BODY, "n", VG_INT, VG_REQUIRED, -9, 999, .about = "which water" },
    VG_FIELDS_END
};

/* clang-format on */

static vg_rc_t
still(vg_call_t *call)
{
    return vg_reply(call, VG_STR("{\"still\":true}"));
}

static vg_rc_t
closed(vg_call_t *call)
{
    return vg_refuse_with(call, "conflict", VG_STR("{\"lid\":\"on\"}"));
}

/* clang-format off */

static const vg_route_t routes[] = {
    { VG_INTERNAL, "well.look", NULL, fields, .statement = "look",
      .about = "A read" },
    { VG_INTERNAL, "well.draw", NULL, fields, .statement = "draw",
      .about = "A change" },
    { VG_INTERNAL, "well.still", NULL, fields, .check = still,
      .about = "No statement" },
    { VG_INTERNAL, "well.closed", NULL, fields, .check = closed,
      .about = "No statement, and no answer" },
    VG_ROUTES_END
};

static const vg_error_t errors[] = {
    { "well_dry", 409, "There is no water" },
    { "well_shut", 422, "The lid is on" },
    { NULL, 0, NULL }
};

/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "well",
    .version = "1",
    .about = "a test",
    .routes = routes,
    .errors = errors,
};
