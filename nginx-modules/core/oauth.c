/*
 * oauth.c: what OAuth 2.0 wants of HTTP at its endpoints (VG_OAUTH): a client
 * that says by HTTP Basic who it is (RFC 6749, 2.3.1), and errors in a form of
 * their own (5.2). Which client that is, and what it may, is the plugin's.
 */

#include "form.h"
#include "http.h"

#define VG_OAUTH_CLIENT 512 /* bytes of id, and of secret */

typedef struct {
    ngx_int_t   status;
    const char *error;
} vg_oauth_word_t;

/* errors of the kit; a plugin's own go by their names */
static const vg_oauth_word_t vg_oauth_words[] = {
    { NGX_HTTP_UNAUTHORIZED, "invalid_client" },
    { NGX_HTTP_FORBIDDEN, "unauthorized_client" },
    { NGX_HTTP_TOO_MANY_REQUESTS, "temporarily_unavailable" },
    { NGX_HTTP_INTERNAL_SERVER_ERROR, "server_error" },
    { NGX_HTTP_BAD_GATEWAY, "temporarily_unavailable" },
    { NGX_HTTP_SERVICE_UNAVAILABLE, "temporarily_unavailable" },
    { NGX_HTTP_GATEWAY_TIME_OUT, "temporarily_unavailable" },
    { 0, "invalid_request" },
};


/* ----------------------------------------------------------- who it says */

/* id and secret are form-encoded within Basic */
static vg_rc_t
vg_oauth_basic(vg_http_t *http, vg_str_t *id, vg_str_t *secret)
{
    vg_pool_t             *pool = &http->call->arena;
    ngx_str_t             *value;
    ngx_http_headers_in_t *in = &http->request->headers_in;

    value = vg_http_header(http->request, "Authorization");
    if (value == NULL || value->len < 5
        || ngx_strncasecmp(value->data, (u_char *) "Basic", 5) != 0)
    {
        return VG_DECLINED;
    }
    http->basic = 1;
    if (ngx_http_auth_basic_user(http->request) != NGX_OK
        || in->user.len > VG_OAUTH_CLIENT || in->passwd.len > VG_OAUTH_CLIENT
        || !vg_form_decode(pool, vg_of(in->user), id)
        || !vg_form_decode(pool, vg_of(in->passwd), secret))
    {
        return vg_refuse(http->call, "unauthorized");
    }
    return VG_OK;
}


/* Puts client_id and client_secret into the body's text, before what is there:
 * a client that says both is refused for a member that comes twice. */
vg_rc_t
vg_oauth_client(vg_http_t *http, vg_str_t *json)
{
    size_t   i = 0;
    vg_rc_t  rc;
    vg_str_t id = VG_STR(""), secret = VG_STR(""), rest;
    vg_out_t out;

    rc = vg_oauth_basic(http, &id, &secret);
    if (rc != VG_OK) {
        return rc == VG_DECLINED ? VG_OK : rc;
    }
    while (i < json->len && strchr(" \t\r\n", json->data[i]) != NULL) {
        i++;
    }
    if (i == json->len || json->data[i] != '{') {
        return VG_OK; /* whatever it is, it is no object */
    }
    rest = (vg_str_t){ json->data + i + 1, json->len - i - 1 };
    for (i = 0; i < rest.len && strchr(" \t\r\n", rest.data[i]); i++) {
        continue;
    }
    vg_out_init(&out, &http->call->arena);
    vg_out_open(&out, '{');
    vg_out_member(&out, "client_id", id);
    vg_out_member(&out, "client_secret", secret);
    *json = vg_out_str(&out);
    *json =
        vg_printf(&http->call->arena, "%.*s%s%.*s", (int) json->len, json->data,
                  i < rest.len && rest.data[i] == '}' ? "" : ",",
                  (int) rest.len, rest.data);
    return json->data ? VG_OK : vg_refuse(http->call, "internal");
}


/* ------------------------------------------------------------- its errors */

/* RFC 6749, 5.2: no quotes, no backslashes, ASCII that prints */
static void
vg_oauth_plain(char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '\\') {
            text[i] = '?';
        } else if (text[i] == '"') {
            text[i] = '\'';
        }
    }
}


static vg_str_t
vg_oauth_description(vg_call_t *call)
{
    vg_str_t         text = vg_str(call->error->title);
    const vg_json_t *detail, *field, *fields = NULL;

    detail = call->detail.data ? vg_json_parse(&call->arena, call->detail, NULL)
                               : NULL;
    if (vg_json_text(detail, "message").data != NULL) {
        text = vg_json_text(detail, "message");
    }
    if (call->nproblems) {
        fields = vg_json_parse(&call->arena, vg_out_str(&call->problems), NULL);
    }
    for (field = fields ? fields->first : NULL; field; field = field->next) {
        text =
            vg_printf(&call->arena, "%.*s%s%.*s %.*s",
                      field == fields->first ? 0 : (int) text.len, text.data,
                      field == fields->first ? "" : "; ", (int) field->key.len,
                      field->key.data, (int) field->text.len, field->text.data);
    }
    text = vg_printf(&call->arena, "%.*s", (int) text.len, text.data);
    vg_oauth_plain((char *) text.data, text.data ? text.len : 0);
    return text;
}


vg_str_t
vg_oauth_error(vg_call_t *call)
{
    vg_out_t               out;
    const char            *error = call->error->name;
    const vg_oauth_word_t *word = vg_oauth_words;

    if (vg_kit_error(error, ngx_strlen(error)) == call->error) {
        while (word->status && word->status != call->error->status) {
            word++;
        }
        error = word->error;
    }
    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '{');
    vg_out_member(&out, "error", vg_str(error));
    vg_out_member(&out, "error_description", vg_oauth_description(call));
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}
