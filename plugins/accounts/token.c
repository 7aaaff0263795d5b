/*
 * token.c: the token endpoint of OAuth 2.0 (RFC 6749).
 *
 * check() sorts out what came; a password is compared by the step, in a thread,
 * whether there is such a user or not; the statement decides, under the user's
 * lock; render() makes the answer, whose tokens are stored nowhere.
 */

#include "accounts.h"

/* clang-format off */

const vg_field_t token_fields[] = {
    { VG_BODY, "grant_type", VG_TEXT, VG_REQUIRED, 1, 100,
      .about = "password, refresh_token or client_credentials" },
    { VG_BODY, "username", VG_TEXT, 0, 1, 254, .about = "email address" },
    { VG_BODY, "password", VG_TEXT, VG_SECRET, 1, PASSWORD_MAX,
      .about = "with username" },
    { VG_BODY, "refresh_token", VG_TEXT, VG_SECRET, 1, 200,
      .about = "the last one that was given" },
    { VG_BODY, "scope", VG_TEXT, 0, 0, 2000,
      .about = "fewer than the role's, by a space; default all" },
    { VG_BODY, "client_id", VG_TEXT, 0, 0, 100,
      .about = "an API key's id or prefix; what is no key is not looked at" },
    { VG_BODY, "client_secret", VG_TEXT, VG_SECRET, 0, 100,
      .about = "the API key" },
    { VG_BOUND, "handle", VG_TEXT, VG_SECRET, .about = "hash of it" },
    { VG_BOUND, "shown", VG_TEXT, VG_SECRET, .about = "hash of what came" },
    { VG_BOUND, "refresh", VG_TEXT, VG_SECRET, .about = "what is given" },
    { VG_BOUND, "next", VG_TEXT, VG_SECRET, .about = "hash of that" },
    { VG_BOUND, "seed", VG_TEXT, VG_SECRET, .about = "of the one after" },
    { VG_BOUND, "granted", VG_TEXT, .about = "scopes by a space; null: all" },
    { VG_SETTING, "refreshLifetime", VG_INT, .about = "s, from the last use" },
    { VG_SETTING, "refreshGrace", VG_INT,
      .about = "s in which one may be shown again" },
    GUARD,
    LIFETIME,
    VG_FIELDS_END
};

/* clang-format on */


static vg_str_t
text_of(vg_call_t *call, const char *field)
{
    const vg_json_t *value = vg_get(call, field);

    return value && value->text.len ? value->text : (vg_str_t){ NULL, 0 };
}


/* of a session a text, of a key an array; data NULL: all of the role's */
static vg_rc_t
scope_held_by(vg_call_t *call, const char *part, vg_str_t *held)
{
    const vg_json_t *one, *scopes;

    *held = vg_json_text(vg_json_get(vg_row(call), part), "scope");
    scopes = vg_json_get(vg_json_get(vg_row(call), part), "scopes");
    if (scopes == NULL || scopes->type != VG_JSON_ARRAY) {
        return VG_OK;
    }
    *held = VG_STR("");
    for (one = scopes->first; one != NULL; one = one->next) {
        *held = vg_printf(vg_pool(call), "%.*s%s%.*s", (int) held->len,
                          held->data, held->len ? " " : "", (int) one->text.len,
                          one->text.data);
        if (held->data == NULL) {
            return vg_refuse(call, "internal");
        }
    }
    return VG_OK;
}


/* part: of the row, what the scopes must be among; NULL: the role alone */
static vg_rc_t
scope_bind(vg_call_t *call, const char *part)
{
    vg_str_t one, left, held = { NULL, 0 }, wanted = text_of(call, "scope");

    if (part != NULL && scope_held_by(call, part, &held) != VG_OK) {
        return VG_ERROR;
    }
    if (wanted.data == NULL) {
        return vg_bind(call, "granted", held);
    }
    left = wanted;
    while ((one = scope_next(&left)).data != NULL) {
        if (!scope_is_good(one)) {
            return vg_refuse(call, "invalid_scope");
        }
    }
    if (held.data != NULL && !scope_within(wanted, held)) {
        return vg_refuse(call, "invalid_scope");
    }
    return vg_bind(call, "granted", wanted);
}


static vg_rc_t
missing(vg_call_t *call, const char *field)
{
    return vg_refuse_with(
        call, "invalid_request",
        vg_printf(vg_pool(call), "{\"message\":\"%s is required\"}", field));
}


static vg_rc_t
password_grant(vg_call_t *call)
{
    if (text_of(call, "username").data == NULL) {
        return missing(call, "username");
    }
    if (text_of(call, "password").data == NULL) {
        return missing(call, "password");
    }
    return scope_bind(call, NULL) == VG_OK ? refresh_begin(call) : VG_ERROR;
}


static vg_rc_t
refresh_grant(vg_call_t *call)
{
    if (text_of(call, "refresh_token").data == NULL) {
        return missing(call, "refresh_token");
    }
    return refresh_go_on(call) == VG_OK ? scope_bind(call, "session")
                                        : VG_ERROR;
}


static vg_rc_t
client_grant(vg_call_t *call)
{
    return scope_bind(call, "client");
}


static const struct {
    const char *name;
    vg_hook_pt  check;
    bool        client;    /* must say who it is                           */
    const char *part, *id; /* of the row: whose tokens it is about         */
} grants[] = {
    { "password", password_grant, false, "user", "id" },
    { "refresh_token", refresh_grant, false, "session", "userId" },
    { "client_credentials", client_grant, true, "client", "id" },
};

#define GRANTS (sizeof(grants) / sizeof(grants[0]))


/* A client that has a secret shows it in each grant; one that has none is
 * public, and its name says nothing. */
vg_rc_t
token_check(vg_call_t *call)
{
    size_t   i = 0;
    bool     known;
    vg_str_t grant = vg_get(call, "grant_type")->text;

    while (i < GRANTS && !vg_str_eq(grant, grants[i].name)) {
        i++;
    }
    if (i == GRANTS) {
        return vg_refuse(call, "unsupported_grant_type");
    }
    vg_acts(call, vg_json_text(vg_json_get(vg_row(call), grants[i].part),
                               grants[i].id));
    known = vg_json_text(vg_json_get(vg_row(call), "client"), "id").data;
    if ((grants[i].client || known
         || text_of(call, "client_secret").data != NULL)
        && client_check(call) != VG_OK)
    {
        return VG_ERROR;
    }
    return grants[i].check(call) == VG_OK ? guard_bind(call) : VG_ERROR;
}


/* Of nobody, too: so it takes as long. */
static vg_rc_t
password_step(vg_call_t *call)
{
    vg_str_t         hash;
    const vg_json_t *user = vg_json_get(vg_row(call), "user");

    if (!vg_str_eq(vg_get(call, "grant_type")->text, "password")) {
        return VG_DECLINED;
    }
    hash = vg_json_text(user, "password");
    return vg_password_check(call, vg_get(call, "password")->text, hash);
}


const vg_step_t token_steps[] = {
    { "password", password_step, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};


static vg_str_t
or_empty(vg_str_t text)
{
    return text.data ? text : VG_STR("");
}


/* What was asked for and the role has: RFC 6749, 5.1, says it when that is
 * less. Not before the password was right: it would tell the role. */
static vg_str_t
scope_given(vg_call_t *call, vg_str_t role, vg_str_t wanted)
{
    vg_str_t one, given = VG_STR("");

    if (wanted.data == NULL) {
        return wanted;
    }
    while (given.data != NULL && (one = scope_next(&wanted)).data != NULL) {
        if (vg_role_may(call, role, one)) {
            given = vg_printf(vg_pool(call), "%.*s%s%.*s", (int) given.len,
                              given.data, given.len ? " " : "", (int) one.len,
                              one.data);
        }
    }
    return given.data ? given : VG_STR("");
}


vg_rc_t
token_render(vg_call_t *call)
{
    vg_str_t         access, left, refresh = vg_bound(call, "refresh");
    vg_out_t         out;
    vg_token_t       token;
    const vg_json_t *row = vg_row(call);

    token = (vg_token_t){ .subject = vg_json_text(row, "subject"),
                          .role = vg_json_text(row, "role"),
                          .company = or_empty(vg_json_text(row, "company")),
                          .session = vg_json_text(row, "session"),
                          .lifetime = vg_setting_int(call, "access_lifetime") };
    token.scope = scope_given(call, token.role, vg_bound(call, "granted"));
    left = vg_json_text(row, "secondsLeft");
    if (left.data != NULL && number_of(left) < token.lifetime) {
        token.lifetime = number_of(left);
    }
    access = vg_token_mint(call, &token);
    if (access.data == NULL) {
        return vg_refuse(call, "internal");
    }
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_member(&out, "access_token", access);
    vg_out_member(&out, "token_type", VG_STR("Bearer"));
    vg_out_key(&out, "expires_in");
    vg_out_int(&out, token.lifetime);
    if (refresh.data != NULL) {
        vg_out_member(&out, "refresh_token", refresh);
    }
    if (token.scope.data != NULL) {
        vg_out_member(&out, "scope", token.scope);
    }
    vg_out_close(&out, '}');
    return vg_reply(call, vg_out_str(&out));
}
