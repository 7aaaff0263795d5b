/*
 * api_key.c: keys for partners and machines.
 *
 * A key is random, so a salted SHA-256 keeps it well; it is shown in the
 * answer that made it and nowhere else.
 */

#include <string.h>

#include "accounts.h"
#include "network.h"

#define PREFIX_CHARS 12
#define PREFIX_BYTES 24 /* random ones, from which the letters are picked */
#define SECRET_BYTES 32
#define SALT_BYTES   16

#define ROLES "partner|operator|fleet_manager|driver|planner|admin"

/* clang-format off */

static const vg_field_t scope_item =
    { VG_BODY, "scope", VG_TEXT, 0, 6, 50,
      .about = "domain:read or domain:write" };

static const vg_field_t network_item =
    { VG_BODY, "network", VG_TEXT, 0, 2, 50,
      .about = "an address, or a network in CIDR; IPv4 or IPv6" };

/* of a new key, and of one that is changed */
#define KEY_TERMS \
    { VG_BODY, "expiresAt", VG_TIME, VG_NULLABLE, \
      .about = "when it ends; never by default" }, \
    { VG_BODY, "networks", VG_ARRAY, VG_NULLABLE, 1, 50, \
      .item = &network_item, .about = "from where it may call; default any" }, \
    { VG_BODY, "plan", VG_TEXT, VG_NULLABLE, 1, 50, \
      .about = "rate plan, an admin's to give; default the role's" }, \
    { VG_BODY, "quota", VG_INT, VG_NULLABLE, 1, 1000000000000, \
      .about = "calls a month, an admin's to give; default the plan's" }

const vg_field_t api_key_new_fields[] = {
    { VG_BODY, "name", VG_TEXT, VG_REQUIRED, 1, 100,
      .about = "what it is for" },
    { VG_BODY, "role", VG_ENUM, .values = ROLES,
      .about = "default partner; another one is an admin's to give" },
    { VG_BODY, "scopes", VG_ARRAY, VG_NULLABLE, 0, 50, .item = &scope_item,
      .about = "fewer than the role's; absent or null: those of the caller" },
    { VG_BODY, "companyId", VG_TEXT, VG_NULLABLE, 1, 64,
      .about = "for whom it acts; default the caller's company" },
    KEY_TERMS,
    { VG_BOUND, "company", VG_TEXT, .about = "for whom it will act" },
    { VG_BOUND, "granted", VG_ANY, .about = "the scopes that it will have" },
    { VG_BOUND, "prefix", VG_TEXT, .about = "the part that finds it" },
    { VG_BOUND, "salt", VG_TEXT, VG_SECRET, .about = "of the key" },
    { VG_BOUND, "hash", VG_TEXT, VG_SECRET, .about = "of the key" },
    { VG_BOUND, "key", VG_TEXT, VG_SECRET, .about = "the key itself" },
    VG_FIELDS_END
};

const vg_field_t api_key_id_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "API key" },
    LIFETIME,
    VG_FIELDS_END
};

const vg_field_t api_key_change_fields[] = {
    { VG_PATH, "id", VG_UUID, VG_REQUIRED, .about = "API key" },
    { VG_BODY, "name", VG_TEXT, 0, 1, 100, .about = "what it is for" },
    KEY_TERMS,
    LIFETIME,
    VG_FIELDS_END
};

const vg_field_t api_key_used_fields[] = {
    { VG_BODY, "id", VG_UUID, VG_REQUIRED, .about = "API key" },
    VG_FIELDS_END
};

const vg_field_t api_key_find_fields[] = {
    { VG_BODY, "prefix", VG_TEXT, VG_REQUIRED, 1, 100,
      .about = "the 12 characters behind vg_" },
    VG_FIELDS_END
};

/* clang-format on */

static vg_rc_t
scopes_check(vg_call_t *call)
{
    size_t           i = 0;
    vg_str_t         at;
    vg_rc_t          rc = VG_OK;
    const vg_json_t *scope, *scopes = vg_get(call, "scopes");

    for (scope = scopes ? scopes->first : NULL; scope != NULL;
         scope = scope->next, i++)
    {
        if (scope_is_good(scope->text)) {
            continue;
        }

        at = vg_printf(vg_pool(call), "scopes[%zu]", i);
        if (at.data == NULL) {
            return vg_refuse(call, "internal");
        }

        rc = vg_refuse_field(call, at.data,
                             "must be domain:read or domain:write");
    }

    return rc;
}

static vg_rc_t
networks_check(vg_call_t *call)
{
    size_t           i = 0;
    vg_str_t         at;
    vg_rc_t          rc = VG_OK;
    const char      *fault;
    const vg_json_t *network, *networks = vg_get(call, "networks");

    for (network = networks ? networks->first : NULL; network != NULL;
         network = network->next, i++)
    {
        fault = network_fault(network->text);
        if (fault == NULL) {
            continue;
        }

        at = vg_printf(vg_pool(call), "networks[%zu]", i);
        if (at.data == NULL) {
            return vg_refuse(call, "internal");
        }

        rc = vg_refuse_field(call, at.data, fault);
    }

    return rc;
}

/* A plan is conf's to define; here it is a name. */
static vg_rc_t
plan_check(vg_call_t *call)
{
    const vg_json_t *plan = vg_get(call, "plan");

    for (size_t i = 0; plan != NULL && i < plan->text.len; i++) {
        char c = plan->text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_'
            && c != '-') {
            return vg_refuse_field(call, "plan",
                                   "must be of a to z, 0 to 9, _ and -");
        }
    }

    /* null is less of a limit, too */
    if ((vg_json_get(vg_body(call), "plan") != NULL
         || vg_json_get(vg_body(call), "quota") != NULL)
        && !vg_str_eq(vg_caller(call)->role, "admin"))
    {
        return vg_refuse(call, "forbidden");
    }

    return VG_OK;
}

/* Nobody gives more than they have: a caller who was narrowed makes keys that
 * are as narrow. */
static vg_rc_t
scopes_bind(vg_call_t *call)
{
    vg_out_t           out;
    vg_str_t           granted = { NULL, 0 };
    const vg_json_t   *scope, *scopes = vg_get(call, "scopes");
    const vg_caller_t *caller = vg_caller(call);

    for (scope = scopes ? scopes->first : NULL; scope != NULL;
         scope = scope->next) {
        if (!scope_held(caller, scope->text)) {
            return vg_refuse(call, "forbidden");
        }
    }

    if (scopes != NULL) {
        granted = scopes->raw;

    } else if (caller->scopes.data != NULL) {
        vg_out_init(&out, vg_pool(call));
        scope_list(&out, caller);
        granted = vg_out_str(&out);

        if (granted.data == NULL) { /* bound, it would mean all */
            return vg_refuse(call, "internal");
        }
    }

    return vg_bind(call, "granted", granted);
}

/* An admin gives any role for any company; everybody else the role partner,
 * for their own company. */
static vg_rc_t
rights_check(vg_call_t *call)
{
    vg_str_t           company = { NULL, 0 };
    const vg_json_t   *role = vg_get(call, "role");
    const vg_json_t   *named = vg_get(call, "companyId");
    const vg_caller_t *caller = vg_caller(call);

    if (caller->company.len != 0) {
        company = caller->company;
    }

    if (vg_str_eq(caller->role, "admin")) {
        if (named != NULL) {
            company = named->text;
        }

        if (role != NULL && company.data == NULL
            && (vg_str_eq(role->text, "operator")
                || vg_str_eq(role->text, "fleet_manager")))
        {
            return vg_refuse_field(call, "companyId",
                                   "is required for this role");
        }

        return vg_bind(call, "company", company);
    }

    if (role != NULL && !vg_str_eq(role->text, "partner")) {
        return vg_refuse(call, "forbidden");
    }

    if (named != NULL
        && (company.data == NULL || named->text.len != company.len
            || memcmp(named->text.data, company.data, company.len) != 0))
    {
        return vg_refuse(call, "forbidden");
    }

    return vg_bind(call, "company", company);
}

/* Letters and digits only, so that a key splits at its underscores. data
 * NULL: no randomness. */
static vg_str_t
prefix_make(vg_call_t *call)
{
    size_t   n = 0;
    char    *prefix = vg_alloc(vg_pool(call), PREFIX_CHARS);
    vg_str_t random;

    while (prefix != NULL && n < PREFIX_CHARS) {
        random = vg_secret(call, PREFIX_BYTES);
        if (random.data == NULL) {
            return random;
        }

        for (size_t i = 0; i < random.len && n < PREFIX_CHARS; i++) {
            if (random.data[i] != '-' && random.data[i] != '_') {
                prefix[n++] = random.data[i];
            }
        }
    }

    return (vg_str_t){ prefix, PREFIX_CHARS };
}

static vg_rc_t
key_bind(vg_call_t *call)
{
    vg_str_t prefix = prefix_make(call);
    vg_str_t secret = vg_secret(call, SECRET_BYTES);
    vg_str_t salt = vg_secret(call, SALT_BYTES);
    vg_str_t key, hash;

    if (prefix.data == NULL || secret.data == NULL || salt.data == NULL) {
        return vg_refuse(call, "internal");
    }

    key = vg_printf(vg_pool(call), "vg_%.*s_%.*s", (int) prefix.len,
                    prefix.data, (int) secret.len, secret.data);
    hash = key.data == NULL ? key : vg_sha256(call, salt, key);

    if (hash.data == NULL || vg_bind(call, "prefix", prefix) != VG_OK
        || vg_bind(call, "salt", salt) != VG_OK
        || vg_bind(call, "hash", hash) != VG_OK
        || vg_bind(call, "key", key) != VG_OK)
    {
        return vg_refuse(call, "internal");
    }

    return VG_OK;
}

vg_rc_t
api_key_create_check(vg_call_t *call)
{
    vg_rc_t scopes = scopes_check(call), networks = networks_check(call);

    if (scopes != VG_OK || networks != VG_OK || plan_check(call) != VG_OK
        || rights_check(call) != VG_OK || scopes_bind(call) != VG_OK)
    {
        return VG_ERROR;
    }

    return key_bind(call);
}

vg_rc_t
api_key_change_check(vg_call_t *call)
{
    vg_rc_t networks = networks_check(call), plan = plan_check(call);

    return networks == VG_OK ? plan : networks;
}

/* Adds the key to the answer that made it; a replayed one is without. */
vg_rc_t
api_key_render(vg_call_t *call)
{
    vg_str_t         body, key = vg_bound(call, "key");
    const vg_json_t *row = vg_row(call);

    if (key.data == NULL || row == NULL || row->raw.len < 2) {
        return VG_OK;
    }

    /* base64url needs no escapes */
    body = vg_printf(vg_pool(call), "%.*s, \"key\" : \"%.*s\"}",
                     (int) row->raw.len - 1, row->raw.data, (int) key.len,
                     key.data);

    return body.data == NULL ? vg_refuse(call, "internal")
                             : vg_reply(call, body);
}
