/*
 * plugin.c: the manifest of accounts.
 */

#include "accounts.h"
#include "parties.h"

#define READ        "accounts:read"
#define WRITE       "accounts:write"
#define ADMIN_READ  "admin:read" /* which admins alone have */
#define ADMIN_WRITE "admin:write"

/* companies, customers, vehicles: a scope of their own, since who may write
 * accounts makes keys */
#define PARTY_READ  "customers:read"
#define PARTY_WRITE "customers:write"

/* clang-format off */

static const vg_route_t routes[] = {

    /* people: who they are */
    { VG_POST, "/auth/register", VG_PUBLIC, register_fields,
      .check = register_check, .statement = "register", .flags = VG_AWAIT,
      .steps = register_steps,
      .about = "Register; a code is mailed that proves the address" },
    { VG_POST, "/auth/verify", VG_PUBLIC, verify_fields, .check = verify_check,
      .lock = "verify_lock", .statement = "verify",
      .about = "Prove the address by the code" },
    { VG_POST, "/auth/verify/resend", VG_PUBLIC, verify_resend_fields,
      .check = verify_resend_check, .statement = "verify_resend",
      .about = "Mail another code" },
    { VG_POST, "/auth/password", NULL, password_change_fields,
      .load = "password_load", .check = password_change_check,
      .lock = "password_lock", .statement = "password_change",
      .flags = VG_AWAIT, .steps = password_change_steps,
      .about = "Change one's password; all other sessions end" },
    { VG_POST, "/auth/password/forgot", VG_PUBLIC, password_forgot_fields,
      .check = password_forgot_check, .statement = "password_forgot",
      .about = "Mail a code by which a password is set" },
    { VG_POST, "/auth/password/reset", VG_PUBLIC, password_reset_fields,
      .check = password_reset_check, .lock = "password_reset_lock",
      .statement = "password_reset", .flags = VG_AWAIT,
      .steps = password_reset_steps,
      .about = "Set a password by the code; all sessions end" },
    { VG_GET, "/auth/me", .statement = "me", .render = me_render,
      .about = "Who am I" },
    { VG_GET, "/auth/sandbox/mails", ADMIN_WRITE, sandbox_mail_fields,
      .statement = "sandbox_mail_list", .flags = VG_EVERYBODYS | VG_LIST,
      .about = "Mails that a sandbox kept instead of sending them" },

    /* tokens */
    { VG_POST, "/auth/token", VG_PUBLIC, token_fields, "token_load",
      token_check, "token_lock", "token", token_render,
      VG_AWAIT | VG_FORM | VG_OAUTH, token_steps,
      "OAuth 2.0: password, refresh_token, client_credentials" },
    { VG_POST, "/auth/revoke", VG_PUBLIC, token_revoke_fields,
      .check = token_revoke_check, .statement = "token_revoke",
      .flags = VG_FORM | VG_OAUTH, .about = "OAuth 2.0: end a token" },
    { VG_POST, "/auth/introspect", VG_PUBLIC, introspect_fields,
      .load = "introspect_load", .check = introspect_check,
      .statement = "introspect", .render = introspect_render,
      .flags = VG_FORM | VG_OAUTH,
      .about = "OAuth 2.0: what a token is worth, for clients" },

    /* people: what admins do about them */
    { VG_GET, "/users", ADMIN_READ, user_list_fields,
      .statement = "user_list", .flags = VG_EVERYBODYS | VG_LIST,
      .about = "People" },
    { VG_GET, "/users/{id}", ADMIN_READ, user_id_fields,
      .statement = "user_get", .flags = VG_EVERYBODYS,
      .about = "One of them" },
    { VG_PATCH, "/users/{id}", ADMIN_WRITE, user_patch_fields,
      .check = person_check, .statement = "user_patch",
      .flags = VG_EVERYBODYS,
      .about = "Change what is known of a user; block and unblock" },
    { VG_GET, "/users/{id}/roles", ADMIN_READ, user_id_fields,
      .statement = "user_roles_get", .flags = VG_EVERYBODYS, .about = "A user's role" },
    { VG_PUT, "/users/{id}/roles", ADMIN_WRITE, user_roles_fields,
      .check = user_roles_check, .statement = "user_roles_put",
      .flags = VG_EVERYBODYS,
      .about = "Give a user another role; tokens of the old one are void" },

    /* keys */
    { VG_POST, "/api-keys", WRITE, api_key_new_fields,
      .check = api_key_create_check, .statement = "api_key_create",
      .render = api_key_render,
      .about = "Make an API key; it is shown in this answer alone" },
    { VG_GET, "/api-keys", READ, .statement = "api_key_list",
      .flags = VG_LIST, .about = "List API keys" },
    { VG_GET, "/api-keys/{id}", READ, api_key_id_fields,
      .statement = "api_key_get", .about = "An API key, without itself" },
    { VG_PATCH, "/api-keys/{id}", WRITE, api_key_change_fields,
      .check = api_key_change_check, .statement = "api_key_change",
      .about = "Change an API key's name and limits" },
    { VG_DELETE, "/api-keys/{id}", WRITE, api_key_id_fields,
      .statement = "api_key_revoke",
      .about = "Revoke an API key" },

    /* asked by the kit, and by time */
    { VG_INTERNAL, "api_key.find", NULL, api_key_find_fields,
      .statement = "api_key_find",
      .about = "What a presented key is checked against" },
    { VG_INTERNAL, "api_key.used", NULL, api_key_used_fields,
      .statement = "api_key_used", .about = "A key was shown" },
    { VG_INTERNAL, "identity.find", NULL, identity_fields,
      .statement = "identity_find", .about = "Whether a subject may call" },
    { VG_INTERNAL, "identity.revoked", .statement = "identity_revoked",
      .about = "All that is revoked and may still be shown" },
    { VG_JOB, "code.mail", NULL, code_mail_fields, .check = code_mail_check,
      .statement = "code_mailed", .steps = code_mail_steps,
      .about = "Has notifications mail a code" },
    { VG_EVERY, "20s", .statement = "sweep",
      .about = "Takes away what has had its time" },

    { VG_POST, "/companies", "admin:write", company_new_fields,
      .check = company_check, .statement = "company_create",
      .about = "Make a company, a tenant of this house" },
    { VG_GET, "/companies", PARTY_READ, company_list_fields,
      .statement = "company_list", .flags = VG_LIST,
      .about = "Companies; an operator or a fleet sees its own" },
    { VG_GET, "/companies/{id}", PARTY_READ, company_id_fields,
      .statement = "company_get", .about = "A company" },
    { VG_PATCH, "/companies/{id}", PARTY_WRITE, company_change_fields,
      .check = company_check, .statement = "company_change",
      .about = "Change a company" },

    { VG_POST, "/customers", PARTY_WRITE, customer_new_fields,
      .check = customer_create_check, .statement = "customer_create",
      .about = "Make a customer of the company; a driver is one already" },
    { VG_GET, "/customers", PARTY_READ, customer_list_fields,
      .statement = "customer_list", .flags = VG_LIST, .about = "Customers" },
    { VG_GET, "/customers/{id}", PARTY_READ, customer_id_fields,
      .statement = "customer_get", .about = "A customer" },
    { VG_PATCH, "/customers/{id}", PARTY_WRITE, customer_change_fields,
      .check = customer_check, .statement = "customer_change",
      .about = "Change a customer" },
    { VG_DELETE, "/customers/{id}", PARTY_WRITE, erasure_new_fields,
      .check = erasure_new_check, .statement = "customer_erase",
      .about = "Ask that all that is personal of a customer be erased" },
    { VG_GET, "/erasures/{id}", PARTY_READ, erasure_id_fields,
      .statement = "erasure_get",
      .about = "How far an erasure is, and what each plugin erased and kept" },
    { VG_POST, "/customers/{id}/exports", PARTY_WRITE, export_new_fields,
      .check = export_new_check, .statement = "export_create",
      .flags = VG_NO_BODY,
      .about = "Ask for all that is held about a customer" },
    { VG_GET, "/customers/{id}/exports/{exportId}", PARTY_READ,
      export_get_fields, .check = export_get_check, .statement = "export_get",
      .about = "All that is held about a customer, by plugin" },

    { VG_POST, "/customers/{id}/vehicles", PARTY_WRITE, vehicle_new_fields,
      .check = vehicle_create_check, .statement = "vehicle_create",
      .about = "Register a vehicle of a customer" },
    { VG_GET, "/customers/{id}/vehicles", PARTY_READ, customer_id_fields,
      .load = "customer_get", .statement = "vehicle_list", .flags = VG_LIST,
      .about = "A customer's vehicles" },
    { VG_GET, "/vehicles", PARTY_READ, vehicle_list_fields,
      .statement = "vehicle_list", .flags = VG_LIST,
      .about = "Vehicles: a driver's, a fleet's, of an operator's customers" },
    { VG_GET, "/vehicles/{id}", PARTY_READ, vehicle_id_fields,
      .statement = "vehicle_get", .about = "A vehicle" },
    { VG_PATCH, "/vehicles/{id}", PARTY_WRITE, vehicle_change_fields,
      .check = vehicle_check, .statement = "vehicle_change",
      .about = "Change a vehicle" },
    { VG_DELETE, "/vehicles/{id}", PARTY_WRITE, vehicle_id_fields,
      .statement = "vehicle_delete", .about = "Forget a vehicle" },

    { VG_INTERNAL, "party.check", NULL, party_check_fields,
      .statement = "party_check",
      .about = "Whether there is this customer, this vehicle, and whose" },
    { VG_INTERNAL, "party.show", NULL, party_show_fields,
      .statement = "party_show",
      .about = "Names and addresses, as invoices have them" },
    { VG_INTERNAL, "contact.show", NULL, contact_show_fields,
      .statement = "contact_show", .about = "How somebody is written to" },

    { VG_INTERNAL, "accounts.customer_export", NULL, customer_export_fields,
      .statement = "customer_export",
      .about = "What is held here about a customer" },
    { VG_JOB, "customer.export", NULL, export_job_fields,
      .check = export_new_check, .lock = "export_lock",
      .statement = "export_took", .steps = export_job_steps,
      .about = "Asks a plugin for a page of it" },
    { VG_EVENT, "customer.erased.v1", NULL, erasure_told_fields,
      .lock = "erasure_lock",
      .statement = "erasure_note", .about = "A plugin has erased a customer" },
    { VG_EVERY, "2s", NULL, erasure_due_fields, .check = erasure_new_check,
      .statement = "erasure_due", .about = "Begins rounds of erasures" },

    VG_ROUTES_END
};

static const vg_keep_t keeps[] = {
    { "export", "7d", "export_retire", "exports, since they were asked for" },
    { "erasure", "3y", "erasure_retire", "reports of erasures" },
    { NULL, NULL, NULL, NULL }
};

static const vg_error_t errors[] = {
    { "expiry_passed", 422, "expiresAt has passed" },
    { "code_invalid", 422, "The code is wrong, or has had its time" },
    { "password_wrong", 422, "The present password is another one" },
    { "invalid_request", 400, "Something is missing or malformed" },
    { "invalid_client", 401, "No such client, or another secret" },
    { "invalid_grant", 400, "Wrong, used, expired or revoked" },
    { "invalid_scope", 400, "More than there is to give" },
    { "unsupported_grant_type", 400, "Not a grant of this house" },
    { "unsupported_token_type", 400, "A token without an id of its own" },
    { "company_unknown", 422, "No such company" },
    { "customer_taken", 409, "There is a customer with this id" },
    { "exports_too_many", 409, "Ten exports are kept already" },
    { "customer_erased", 409, "The customer is erased, or is to be" },
    { "plate_taken", 409, "The customer has a vehicle with this plate" },
    { NULL, 0, NULL }
};

static const vg_setting_t settings[] = {
    { "access_lifetime", VG_INT, "900", .min = 60, .max = 86400,
      .about = "seconds that an access token lives; so long a revocation is "
               "kept" },
    { "refresh_lifetime", VG_INT, "2592000", .min = 60, .max = 31536000,
      .about = "seconds after which a session ends that is not used" },
    { "refresh_grace", VG_INT, "10", .max = 600,
      .about = "seconds in which a refresh token may be shown again by a "
               "client that lost the answer; 0: never, which ends the session "
               "of a client that asks twice at once" },
    { "code_lifetime", VG_INT, "900", .min = 60, .max = 86400,
      .about = "seconds in which a mailed code is good" },
    { "attempts", VG_INT, "5", .min = 1, .max = 1000,
      .about = "wrong passwords for an account from one place, after which the "
               "next waits: 1 s, doubling to 15 min" },
    { "attempts_anywhere", VG_INT, "50", .min = 1, .max = 1000000,
      .about = "the same from all places together; not for where the user got "
               "in before" },
    { "mails", VG_INT, "5", .min = 1, .max = 1000,
      .about = "codes that are mailed to an address within an hour" },
    { "sandbox", VG_BOOL, "off",
      .about = "off: mails are given to notifications, and wait as jobs until "
               "a plugin offers notification.mail; on: they are kept in a "
               "table, where who reads it can be anybody" },
    { "erasure_again", VG_INT, "60", .max = 86400,
      .about = "seconds after which plugins are asked once more to erase a "
               "customer, for what was on its way, or not over" },
    { "export_whole", VG_INT, "4194304", .max = 16777216,
      .about = "bytes up to which an export is answered undivided; longer ones "
               "by plugin and part" },
    { .name = NULL },
};

static const char *const publishes[] = {
    "api_key.revoked.v1",
    "api_key.updated.v1",
    "user.registered.v1",
    "user.roles_changed.v1",
    "identity.revoked.v1",
    "login.failures.v1",
    "company.created.v1",
    "company.updated.v1",
    "customer.created.v1",
    "customer.updated.v1",
    "customer.erasure_requested.v1",
    "vehicle.created.v1",
    "vehicle.updated.v1",
    "vehicle.removed.v1",
    NULL
};

/* clang-format on */

const vg_plugin_t vg_plugin = {
    .abi = VG_ABI,
    .name = "accounts",
    .version = "1.0.0",
    .about = "Who may call: people, their sessions, API keys",
    .routes = routes,
    .errors = errors,
    .settings = settings,
    .publishes = publishes,
    .keeps = keeps,
};
