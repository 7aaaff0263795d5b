/*
 * plugin.c: the manifest of accounts. It begins with API keys; people,
 * companies and customers come with the identity issue.
 */

#include "accounts.h"

#define READ  "accounts:read"
#define WRITE "accounts:write"

/* clang-format off */

static const vg_route_t routes[] = {

    { VG_GET, "/auth/me", .check = me_check, .about = "Who am I" },

    { VG_POST, "/api-keys", WRITE, api_key_new_fields,
      .check = api_key_create_check, .statement = "api_key_create",
      .render = api_key_render,
      .about = "Make an API key; it is shown in this answer alone" },
    { VG_GET, "/api-keys", READ, .statement = "api_key_list",
      .flags = VG_LIST, .about = "List API keys" },
    { VG_DELETE, "/api-keys/{id}", WRITE, api_key_id_fields,
      .statement = "api_key_revoke", .about = "Revoke an API key" },

    { VG_INTERNAL, "api_key.find", NULL, api_key_find_fields,
      .statement = "api_key_find",
      .about = "What a presented key is checked against" },

    VG_ROUTES_END
};

static const vg_error_t errors[] = {
    { "expiry_passed", 422, "expiresAt has passed" },
    { NULL, 0, NULL }
};

static const char *const publishes[] = { "api_key.revoked.v1", NULL };

/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "accounts",
    .version = "0.1.0",
    .about = "Who may call: API keys",
    .routes = routes,
    .errors = errors,
    .publishes = publishes,
};
