/*
 * request.c: HTTP: vg_http() of vg.h, and one try of it by libcurl.
 *
 * libcurl takes URLs and answers apart; what is ours to check is that nothing
 * which somebody else wrote becomes a header, a host or a scheme.
 */

#include "outbound.h"
#include "value.h"
#include "written.h"

static const char *const vg_request_methods[] = {
    [VG_GET] = "GET",     [VG_POST] = "POST",     [VG_PUT] = "PUT",
    [VG_PATCH] = "PATCH", [VG_DELETE] = "DELETE",
};

/* the kit's to write, or libcurl's */
static const char *const vg_request_ours[] = { "host",
                                               "content-length",
                                               "content-type",
                                               "transfer-encoding",
                                               "connection",
                                               "keep-alive",
                                               "te",
                                               "trailer",
                                               "upgrade",
                                               "expect",
                                               "proxy-authorization",
                                               "user-agent",
                                               "x-correlation-id",
                                               "traceparent",
                                               "tracestate",
                                               "accept-encoding",
                                               "idempotency-key",
                                               NULL };

/* of an answer, what goes into the outcome */
static const char *const vg_request_told[] = { "content-type",  "location",
                                               "etag",          "retry-after",
                                               "cache-control", NULL };


/* --------------------------------------------------------- what is bound */

static ngx_uint_t
vg_request_header(const vg_header_t *header)
{
    ngx_uint_t i;

    if (!vg_written_token(header->name)
        || !vg_written_plain(header->value, 4096, ' '))
    {
        return 0;
    }
    for (i = 0; vg_request_ours[i] != NULL; i++) {
        if (ngx_strcasecmp((u_char *) header->name,
                           (u_char *) vg_request_ours[i])
            == 0) {
            return 0;
        }
    }
    return 1;
}


/* NULL, or what of the request is the plugin's own mistake */
static const char *
vg_request_wrong(const vg_request_t *request)
{
    const vg_header_t *header;

    if (request->method > VG_DELETE) {
        return "method";
    }
    if ((request->target == NULL) == (request->url.data == NULL)) {
        return "target or url";
    }
    if (!vg_written_path(request->path, VG_OUTBOUND_URL)) {
        return "path";
    }
    if (!vg_written_plain(request->idempotency_key, 255, '!')) {
        return "idempotency key";
    }
    if (request->type && !vg_written_plain(vg_str(request->type), 255, ' ')) {
        return "type";
    }
    for (header = request->headers; header && header->name; header++) {
        if (!vg_request_header(header)) {
            return header->name;
        }
    }
    return NULL;
}


/* ------------------------------------------------------------ where it goes */

static ngx_str_t
vg_request_keep(vg_pool_t *pool, const char *format, char *a, char *b, char *c)
{
    vg_str_t text = vg_printf(pool, format, a, b, c);

    return vg_ngx(text);
}


/* Taken apart by libcurl, as it will be when it is called. *host is what is
 * called, "https://example.com:443": names are compared in lower case. */
static ngx_uint_t
vg_request_parse(vg_pool_t *pool, vg_str_t text, ngx_str_t *url,
                 ngx_str_t *host)
{
    char      *scheme = NULL, *name = NULL, *port = NULL, *whole = NULL;
    CURLU     *parts = curl_url();
    vg_str_t   z = vg_printf(pool, "%.*s", (int) text.len, text.data);
    ngx_uint_t good;

    good =
        parts != NULL && z.data != NULL
        && vg_written_plain(text, VG_OUTBOUND_URL, '!')
        && curl_url_set(parts, CURLUPART_URL, z.data, CURLU_DISALLOW_USER) == 0
        && curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0) == 0
        && curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == 0
        && (ngx_strcmp(scheme, "http") == 0 || ngx_strcmp(scheme, "https") == 0)
        && curl_url_get(parts, CURLUPART_HOST, &name, 0) == 0
        && curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == 0
        && curl_url_get(parts, CURLUPART_URL, &whole, 0) == 0;
    if (good) {
        *url = vg_request_keep(pool, "%s%s%s", whole, "", "");
        *host = vg_request_keep(pool, "%s://%s:%s", scheme, name, port);
        ngx_strlow(host->data, host->data, host->len);
        good = url->data != NULL && host->data != NULL;
    }
    curl_free(scheme);
    curl_free(name);
    curl_free(port);
    curl_free(whole);
    curl_url_cleanup(parts);
    return good;
}


static vg_target_t *
vg_request_target(vg_call_t *call, const vg_request_t *request, ngx_str_t *url,
                  vg_end_t *end)
{
    ngx_str_t    host = ngx_null_string;
    vg_target_t *target;

    if (request->target != NULL) {
        target = vg_target_named(request->target);
        *end = target && !target->mail ? VG_END_OK : VG_END_INTERNAL;
        if (*end != VG_END_OK) {
            vg_log(call, VG_LOG_ERROR, "no target %s for HTTP in the conf",
                   request->target);
            return NULL;
        }
        *url = vg_ngx(vg_printf(&call->arena, "%s%.*s", target->url.data,
                                (int) request->path.len,
                                request->path.len ? request->path.data : ""));
        return target;
    }
    *end = VG_END_REFUSED_URL;
    if (!vg_request_parse(&call->arena, request->url, url, &host)) {
        return NULL;
    }
    target = vg_target_of_users(host);
    *end = target ? VG_END_OK : VG_END_BUSY;
    return target;
}


/* ---------------------------------------------------------------- one try */

/* an answer is bounded, or who is called says how much memory we have */
static size_t
vg_request_body(char *data, size_t size, size_t count, void *to)
{
    vg_post_t *post = to;
    size_t     len = size * count, most = post->target->terms.answer;

    if (post->answer == NULL) {
        post->answer = vg_alloc(&post->arena, most);
    }
    if (post->answer == NULL || len > most - post->length) {
        post->large = 1;
        return 0;
    }
    ngx_memcpy(post->answer + post->length, data, len);
    post->length += len;
    return len;
}


static size_t
vg_request_line(char *data, size_t size, size_t count, void *to)
{
    vg_post_t *post = to;

    (void) data;
    post->header_length += size * count;
    post->large |= post->header_length > VG_OUTBOUND_HEADERS;
    return post->large ? 0 : size * count;
}


static vg_str_t
vg_request_key(vg_post_t *post)
{
    return vg_post_key(post,
                       ((const vg_request_t *) post->what)->idempotency_key);
}


static ngx_uint_t
vg_request_safe(vg_post_t *post)
{
    vg_method_t method = ((const vg_request_t *) post->what)->method;

    return vg_request_key(post).len != 0 || method == VG_GET || method == VG_PUT
           || method == VG_DELETE;
}


static vg_rc_t
vg_request_trace(vg_post_t *post)
{
    char      trace[VG_TRACEPARENT + 1];
    ngx_str_t given = vg_ngx(post->call->traceparent);

    vg_trace_make(trace, given.data ? &given : NULL);
    return vg_post_header(post, "traceparent", vg_str(trace));
}


static vg_rc_t
vg_request_secret(vg_post_t *post)
{
    const vg_terms_t *terms = &post->target->terms;
    vg_str_t          value;

    if (terms->header.len == 0) {
        return VG_OK;
    }
    value =
        vg_printf(&post->arena, "%.*s%.*s", (int) terms->prefix.len,
                  (const char *) terms->prefix.data, (int) terms->secret.len,
                  (const char *) terms->secret.data);
    return value.data
               ? vg_post_header(post, (const char *) terms->header.data, value)
               : VG_ERROR;
}


static vg_rc_t
vg_request_headers(vg_post_t *post)
{
    vg_rc_t             rc = VG_OK;
    vg_str_t            key = vg_request_key(post);
    const vg_header_t  *header;
    const vg_request_t *request = post->what;

    for (header = request->headers; header && header->name; header++) {
        rc |= vg_post_header(post, header->name, header->value);
    }
    rc |= vg_request_secret(post);
    if (vg_written_plain(post->call->correlation, 255, '!')) {
        rc |= vg_post_header(post, "X-Correlation-ID", post->call->correlation);
    }
    rc |= vg_request_trace(post);
    if (key.len != 0) {
        rc |= vg_post_header(post, "Idempotency-Key", key);
    }
    if (request->body.data != NULL) {
        rc |= vg_post_header(
            post, "Content-Type",
            vg_str(request->type ? request->type : "application/json"));
    }
    rc |= vg_post_without(post, "Expect"); /* nobody waits for a 100 */
    return rc == VG_OK ? VG_OK : VG_ERROR;
}


/* A request that came to nothing on a connection which was used before is sent
 * again by libcurl itself, whatever its method: what must not be sent twice
 * gets a connection of its own. */
static vg_rc_t
vg_request_prepare(vg_post_t *post)
{
    vg_rc_t             rc = vg_request_headers(post);
    const vg_request_t *request = post->what;

    VG_POST_SET(rc, post, CURLOPT_URL, post->url.data);
    VG_POST_SET(rc, post, CURLOPT_PROTOCOLS_STR, "http,https");
    VG_POST_SET(rc, post, CURLOPT_FOLLOWLOCATION, 0L);
    VG_POST_SET(rc, post, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    VG_POST_SET(rc, post, CURLOPT_USERAGENT, "voltgate");
    VG_POST_SET(rc, post, CURLOPT_HTTPHEADER, post->headers);
    VG_POST_SET(rc, post, CURLOPT_WRITEFUNCTION, vg_request_body);
    VG_POST_SET(rc, post, CURLOPT_WRITEDATA, post);
    VG_POST_SET(rc, post, CURLOPT_HEADERFUNCTION, vg_request_line);
    VG_POST_SET(rc, post, CURLOPT_HEADERDATA, post);
    post->fresh |= !vg_request_safe(post);
    if (request->body.data != NULL || request->method == VG_POST
        || request->method == VG_PUT || request->method == VG_PATCH)
    {
        VG_POST_SET(rc, post, CURLOPT_POSTFIELDS,
                    request->body.data ? request->body.data : "");
        VG_POST_SET(rc, post, CURLOPT_POSTFIELDSIZE_LARGE,
                    (curl_off_t) request->body.len);
    }
    VG_POST_SET(rc, post, CURLOPT_CUSTOMREQUEST,
                vg_request_methods[request->method]);
    return rc;
}


/* ------------------------------------------------------------ what it was */

static void
vg_request_broken(vg_post_t *post, CURLcode rc, vg_verdict_t *verdict)
{
    long sent = 0;

    (void) curl_easy_getinfo(post->easy, CURLINFO_REQUEST_SIZE, &sent);
    *verdict = vg_verdict_broken(post, rc);
    verdict->again &= vg_request_safe(post) || sent == 0;
}


static void
vg_request_judge(vg_post_t *post, CURLcode rc, vg_verdict_t *verdict)
{
    long                status = 0;
    const vg_request_t *request = post->what;

    if (rc != CURLE_OK) {
        vg_request_broken(post, rc, verdict);
        return;
    }
    (void) curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    *verdict = (vg_verdict_t){ .end = VG_END_REJECTED,
                               .breaker = VG_BREAKER_GOOD,
                               .status = status };
    if (status >= 500) {
        verdict->end = VG_END_UPSTREAM;
        verdict->breaker = VG_BREAKER_FAULT;
        verdict->again = vg_request_safe(post);
    }
    if ((status >= 200 && status < 300) || (request->flags & VG_ANY_STATUS)) {
        verdict->end = VG_END_OK;
    }
}


static void
vg_request_tell_headers(vg_post_t *post, vg_out_t *out)
{
    ngx_uint_t          i;
    struct curl_header *header;

    vg_out_key(out, "headers");
    vg_out_open(out, '{');
    for (i = 0; vg_request_told[i] != NULL; i++) {
        if (curl_easy_header(post->easy, vg_request_told[i], 0, CURLH_HEADER,
                             -1, &header)
                == CURLHE_OK
            && vg_str_utf8(vg_str(header->value)))
        {
            vg_out_member(out, vg_request_told[i], vg_str(header->value));
        }
    }
    vg_out_close(out, '}');
}


static vg_str_t
vg_request_tell(vg_post_t *post)
{
    vg_out_t out;
    vg_str_t body = { post->answer, post->length };

    vg_out_init(&out, &post->arena);
    vg_out_open(&out, '{');
    vg_out_key(&out, "status");
    vg_out_int(&out, post->verdict.status);
    vg_request_tell_headers(post, &out);
    vg_out_key(&out, "body");
    if (body.len == 0 || memchr(body.data, '\0', body.len) != NULL
        || !vg_str_utf8(body))
    {
        vg_out_null(&out);
    } else {
        vg_out_raw(&out, vg_value_stored(&post->arena, body));
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static const vg_post_kind_t vg_request_kind = {
    0,
    vg_request_prepare,
    vg_request_judge,
    vg_request_tell,
};


static void
vg_request_way(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    vg_end_t     end;
    ngx_str_t    url = ngx_null_string;
    vg_target_t *target = vg_request_target(call, what, &url, &end);

    vg_post_begin(call, &vg_request_kind, target, url, end, what, said, data);
}


vg_rc_t
vg_http(vg_call_t *call, const vg_request_t *request)
{
    const char   *wrong = vg_request_wrong(request);
    vg_request_t *copy = vg_alloc(&call->arena, sizeof(vg_request_t));

    if (wrong != NULL || copy == NULL) {
        vg_log(call, VG_LOG_ERROR, "a request cannot be made so: its %s",
               wrong ? wrong : "memory");
        return vg_refuse(call, "internal");
    }
    *copy = *request;
    call->outgoing.send = vg_request_way;
    call->outgoing.what = copy;
    return VG_OK;
}


void
vg_outbound_get(vg_call_t *call, const char *target, vg_str_t path,
                vg_said_pt said, void *data)
{
    vg_said_t     none = { .error = vg_end_words[VG_END_BUSY] };
    vg_request_t *request = vg_calloc(&call->arena, sizeof(vg_request_t));

    if (request == NULL) {
        said(data, &none);
        return;
    }
    request->target = target;
    request->path = path;
    request->method = VG_GET;
    vg_request_way(call, request, said, data);
}
