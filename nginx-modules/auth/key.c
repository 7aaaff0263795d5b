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
    vg_http_t  *http;
    vg_call_t  *call; /* waits; a reference is held                      */
    vg_str_t    key;
    ngx_uint_t  drops; /* heard before it was asked for                  */
    vg_proved_t proved;
} vg_key_ask_t;


static vg_rc_t
vg_key_wrong(vg_http_t *http)
{
    return vg_auth_refuse(http, "the key is not known");
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


/* Networks that it may be used from; a key with one that cannot be read is
 * used from nowhere. 0: so it is, or there is no memory. */
static ngx_uint_t
vg_key_networks(vg_call_t *call, const vg_json_t *array, vg_proved_t *proved)
{
    vg_str_t         text;
    vg_network_t    *network;
    const vg_json_t *node;

    if (array == NULL || array->type != VG_JSON_ARRAY || array->count == 0) {
        return array == NULL || array->type == VG_JSON_NULL
               || array->type == VG_JSON_ARRAY;
    }
    network = vg_alloc(&call->arena, array->count * sizeof(vg_network_t));
    proved->networks = network;
    proved->count = array->count;
    for (node = array->first; network != NULL && node != NULL;
         node = node->next, network++)
    {
        text = node->type == VG_JSON_STRING ? vg_key_copy(call, node->text)
                                            : (vg_str_t){ NULL, 0 };
        if (text.data == NULL || !vg_network_read(text.data, network)) {
            return 0;
        }
    }
    return network != NULL;
}


/* a whole number of calls a month; -1: no bound */
static int64_t
vg_key_quota(const vg_json_t *row)
{
    ngx_int_t n;
    vg_str_t  text = vg_json_text(row, "quota");

    n = text.data ? ngx_atoi((u_char *) text.data, text.len) : NGX_ERROR;
    return n == NGX_ERROR ? -1 : n;
}


ngx_uint_t
vg_key_terms(vg_call_t *call, const vg_json_t *row, vg_proved_t *proved)
{
    call->caller.plan = vg_key_copy(call, vg_json_text(row, "plan"));
    call->quota = vg_key_quota(row);
    return vg_key_networks(call, vg_json_get(row, "networks"), proved);
}


static void
vg_key_caller(vg_call_t *call, const vg_json_t *row)
{
    call->caller.id = vg_key_copy(call, vg_json_text(row, "id"));
    call->caller.role = vg_key_copy(call, vg_json_text(row, "role"));
    call->caller.company = vg_key_copy(call, vg_json_text(row, "companyId"));
    call->caller.scopes = vg_key_scopes(call, vg_json_get(row, "scopes"));
    call->caller.session = call->caller.id;
}


static void
vg_key_noted(vg_call_t *answer)
{
    (void) answer; /* when it was used last is coarse anyway */
}


/* Whoever keeps the keys wants to know that it was used: nobody waits. */
static void
vg_key_note(vg_call_t *call, const vg_json_t *row)
{
    vg_out_t         args;
    const vg_json_t *stale = vg_json_get(row, "stale");

    if (stale == NULL || stale->type != VG_JSON_TRUE) {
        return;
    }
    vg_out_init(&args, &call->arena);
    vg_out_open(&args, '{');
    vg_out_member(&args, "id", call->caller.id);
    vg_out_close(&args, '}');
    if (vg_out_str(&args).data != NULL) {
        (void) vg_ask_start("api_key.used", vg_out_str(&args),
                            call->correlation, vg_key_noted, NULL);
    }
}


static vg_rc_t
vg_key_check(vg_key_ask_t *ask, vg_call_t *answer)
{
    vg_str_t         hash, stored;
    vg_call_t       *call = ask->call;
    const vg_json_t *row;

    if (answer->error != NULL) {
        return answer->error->status == NGX_HTTP_NOT_FOUND
                   ? vg_key_wrong(ask->http)
                   : vg_auth_away(call, 2);
    }
    row = vg_json_parse(&answer->arena, answer->text, NULL);
    stored = vg_json_text(row, "hash");
    hash = vg_sha256(call, vg_json_text(row, "salt"), ask->key);
    if (hash.data == NULL || stored.len != hash.len
        || CRYPTO_memcmp(hash.data, stored.data, hash.len) != 0)
    {
        return vg_key_wrong(ask->http);
    }
    vg_key_caller(call, row);
    if (!vg_role_known(call->caller.role)
        || !vg_key_terms(call, row, &ask->proved)) {
        return vg_key_wrong(ask->http);
    }
    if (ask->drops == vg_tokens_drops()) { /* else it may be the one */
        ask->proved.until = call->now + VG_KEY_REMEMBERED;
        vg_tokens_keep(call, ask->key, &ask->proved);
    }
    call->expires = call->now + VG_KEY_TRUSTED;
    vg_key_note(call, row);
    return vg_proved_here(ask->http, &ask->proved);
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
    vg_proved_t   proved;
    vg_key_ask_t *ask;

    if (prefix.len == 0) {
        return vg_key_wrong(http);
    }
    if (vg_tokens_find(call, key, &proved)) {
        call->expires = call->now + VG_KEY_TRUSTED;
        return vg_proved_here(http, &proved);
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
