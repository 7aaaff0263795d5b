/*
 * key.c: API keys, `vg_<prefix>_<secret>`.
 *
 * Which keys there are is the business of the plugin that offers the internal
 * route `api_key.find`; here they are only compared, and remembered for
 * VG_KEY_REMEMBERED, unless the log tells that one was revoked: so long one
 * may live on while this node does not hear.
 */

#include <openssl/crypto.h>

#include "identity.h"

#define VG_KEY_MAX        200
#define VG_KEY_REMEMBERED 5000000 /* microseconds */

typedef struct {
    vg_http_t *http;
    vg_call_t *call; /* waits; a reference is held                       */
    vg_str_t   key;
    ngx_uint_t drops; /* heard before it was asked for                   */
} vg_key_ask_t;


static vg_rc_t
vg_key_wrong(vg_http_t *http, vg_call_t *call)
{
    if (http != NULL) {
        http->challenge = "the key is not known";
    }
    return vg_refuse(call, "unauthorized");
}


/* an array of strings as one string with spaces */
static vg_str_t
vg_key_scopes(vg_call_t *call, const vg_json_t *array)
{
    vg_str_t         all = { NULL, 0 };
    const vg_json_t *s;

    if (array == NULL || array->type != VG_JSON_ARRAY) {
        return all;
    }
    all = VG_STR("");
    for (s = array->first; s != NULL; s = s->next) {
        all = vg_printf(&call->arena, "%.*s%s%.*s", (int) all.len, all.data,
                        all.len ? " " : "", (int) s->text.len, s->text.data);
    }
    return all;
}


static vg_str_t
vg_key_copy(vg_call_t *call, vg_str_t s)
{
    return s.data ? vg_printf(&call->arena, "%.*s", (int) s.len, s.data) : s;
}


static vg_rc_t
vg_key_check(vg_key_ask_t *ask, vg_call_t *answer)
{
    vg_str_t         hash, stored;
    vg_call_t       *call = ask->call;
    const vg_json_t *row;

    if (answer->error != NULL) {
        if (answer->error->status == NGX_HTTP_NOT_FOUND) {
            return vg_key_wrong(ask->http, call);
        }
        call->retry_after = 2;
        return vg_refuse(call, "unavailable");
    }
    row = vg_json_parse(&answer->arena, answer->text, NULL);
    stored = vg_json_text(row, "hash");
    hash = vg_sha256(call, vg_json_text(row, "salt"), ask->key);
    if (hash.data == NULL || stored.len != hash.len
        || CRYPTO_memcmp(hash.data, stored.data, hash.len) != 0)
    {
        return vg_key_wrong(ask->http, call);
    }
    call->caller.id = vg_key_copy(call, vg_json_text(row, "id"));
    call->caller.role = vg_key_copy(call, vg_json_text(row, "role"));
    call->caller.company = vg_key_copy(call, vg_json_text(row, "companyId"));
    call->caller.scopes = vg_key_scopes(call, vg_json_get(row, "scopes"));
    if (!vg_role_known(call->caller.role)) {
        return vg_key_wrong(ask->http, call);
    }
    if (ask->drops == vg_tokens_drops()) { /* else it may be the one */
        vg_tokens_keep(call, ask->key, call->now + VG_KEY_REMEMBERED);
    }
    call->expires = call->now + VG_KEY_TRUSTED;
    return VG_OK;
}


static void
vg_key_answered(vg_call_t *answer)
{
    vg_rc_t       rc;
    vg_call_t    *call;
    vg_key_ask_t *ask = answer->owner;

    call = ask->call;
    ask->http = call->owner; /* NULL: the client went */
    if (ask->http != NULL) {
        rc = vg_key_check(ask, answer);
        vg_http_identified(ask->http, rc);
    }
    vg_call_release(call);
}


static bool
vg_key_plain(vg_str_t key)
{
    size_t i;
    char   c;

    for (i = 0; i < key.len; i++) {
        c = key.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
        {
            return false;
        }
    }
    return true;
}


vg_str_t
vg_key_prefix(vg_str_t key)
{
    const char *end;

    if (key.len < 8 || key.len > VG_KEY_MAX || !vg_key_plain(key)
        || ngx_strncmp(key.data, "vg_", 3) != 0)
    {
        return (vg_str_t){ NULL, 0 };
    }
    key.data += 3;
    key.len -= 3;
    end = memchr(key.data, '_', key.len);
    return (vg_str_t){ key.data, end ? (size_t) (end - key.data) : 0 };
}


/* a prefix has no character that JSON would write in another way */
vg_call_t *
vg_key_again(vg_str_t prefix, vg_str_t correlation, void (*done)(vg_call_t *),
             void *owner)
{
    u_char args[VG_KEY_MAX + 32], *end;

    end = ngx_snprintf(args, sizeof(args), "{\"prefix\":\"%*s\"}", prefix.len,
                       prefix.data);
    return vg_ask_start("api_key.find", (vg_str_t){ (char *) args, end - args },
                        correlation, done, owner);
}


vg_rc_t
vg_key_identify(vg_http_t *http, vg_str_t key)
{
    vg_str_t      prefix = vg_key_prefix(key);
    vg_call_t    *call = http->call;
    vg_key_ask_t *ask;

    if (prefix.len == 0) {
        return vg_key_wrong(http, call);
    }
    if (vg_tokens_find(call, key)) {
        call->expires = call->now + VG_KEY_TRUSTED;
        return VG_OK;
    }
    ask = vg_calloc(&call->arena, sizeof(vg_key_ask_t));
    if (ask == NULL) {
        return vg_refuse(call, "internal");
    }
    ask->call = call;
    ask->drops = vg_tokens_drops();
    ask->key = vg_key_copy(call, key);
    vg_call_ref(call);
    if (vg_key_again(prefix, call->correlation, vg_key_answered, ask) == NULL) {
        vg_call_release(call);
        return vg_refuse(call, "unavailable");
    }
    return VG_DONE;
}
