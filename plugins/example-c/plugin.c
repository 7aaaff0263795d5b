/*
 * plugin.c: the manifest of example: notes that a caller keeps for itself.
 */

#include "vg.h"

/* clang-format off */

static const vg_field_t new_fields[] = {
    { VG_BODY, "text", VG_TEXT, VG_REQUIRED, 1, 200, .about = "what to keep" },
    VG_FIELDS_END
};

static const vg_field_t id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "of the note" },
    VG_FIELDS_END
};

static const vg_route_t routes[] = {

    { VG_POST, "/example", NULL, new_fields, .statement = "note_create",
      .about = "Keep a note" },
    { VG_GET, "/example", NULL, .statement = "note_list", .flags = VG_LIST,
      .about = "List one's notes" },
    { VG_GET, "/example/{id}", NULL, id_fields, .statement = "note_get",
      .about = "One note" },

    VG_ROUTES_END
};

/* clang-format on */

static const char *const publishes[] = { "example.created.v1", NULL };

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "example",
    .version = "0.1.0",
    .about = "Notes that a caller keeps for itself",
    .routes = routes,
    .publishes = publishes,
};
