/*
 * mail.c: vg_mail() of vg.h, and one try of it over SMTP. libcurl writes the
 * MIME; the header's lines are ours, and nothing of a mail may add one.
 */

#include "outbound.h"
#include "written.h"

#define VG_MAIL_TEXT 1048576 /* bytes, of each part */


/* --------------------------------------------------------- what is bound */

/* NULL, or what of the mail is wrong */
static const char *
vg_mail_wrong(const vg_mail_t *mail)
{
    if (mail->target == NULL) {
        return "target";
    }
    if (!vg_written_address(mail->from)) {
        return "from";
    }
    if (!vg_written_address(mail->to)) {
        return "to";
    }
    if (!vg_written_subject(mail->subject)) {
        return "subject";
    }
    if (!vg_written_key(mail->idempotency_key)) {
        return "idempotency key";
    }
    if (mail->text.len > VG_MAIL_TEXT || !vg_str_utf8(mail->text)) {
        return "text";
    }
    if (mail->html.data != NULL
        && (mail->html.len > VG_MAIL_TEXT || !vg_str_utf8(mail->html)))
    {
        return "html";
    }
    return NULL;
}


/* ------------------------------------------------------------ its header */

/* the same over all tries, so that who gets it twice can tell */
static vg_str_t
vg_mail_id(vg_post_t *post)
{
    vg_str_t         key, domain;
    const vg_mail_t *mail = post->what;

    key = vg_post_key(post, mail->idempotency_key);
    if (key.data == NULL) {
        key = vg_call_new_id(post->call);
    }
    domain.data = (const char *) memchr(mail->from.data, '@', mail->from.len);
    domain.len = mail->from.len - (domain.data - mail->from.data);
    return vg_printf(&post->arena, "<%.*s%.*s>", (int) key.len, key.data,
                     (int) domain.len, domain.data);
}


static vg_rc_t
vg_mail_headers(vg_post_t *post)
{
    vg_rc_t          rc = VG_OK;
    vg_str_t         date;
    const vg_mail_t *mail = post->what;

    /* nginx's ends in GMT, which mail calls obsolete */
    date = vg_printf(&post->arena, "%.*s +0000",
                     (int) ngx_cached_http_time.len - 4,
                     (const char *) ngx_cached_http_time.data);
    rc |= vg_post_header(post, "Date", date);
    rc |= vg_post_header(post, "From", mail->from);
    rc |= vg_post_header(post, "To", mail->to);
    rc |= vg_post_header(post, "Subject",
                         vg_written_encoded(&post->arena, mail->subject));
    rc |= vg_post_header(post, "Message-ID", vg_mail_id(post));
    rc |= vg_post_header(post, "Auto-Submitted", VG_STR("auto-generated"));
    return rc == VG_OK ? VG_OK : VG_ERROR;
}


/* -------------------------------------------------------------- one try */

static vg_rc_t
vg_mail_part(curl_mime *mime, const char *type, vg_str_t text)
{
    curl_mimepart *part = curl_mime_addpart(mime);

    return part != NULL && curl_mime_type(part, type) == CURLE_OK
                   && curl_mime_data(part, text.data ? text.data : "", text.len)
                          == CURLE_OK
                   && curl_mime_encoder(part, "base64") == CURLE_OK
               ? VG_OK
               : VG_ERROR;
}


static vg_rc_t
vg_mail_mime(vg_post_t *post)
{
    curl_mime       *both;
    curl_mimepart   *part;
    const vg_mail_t *mail = post->what;

    post->mime = curl_mime_init(post->easy);
    if (post->mime == NULL) {
        return VG_ERROR;
    }
    if (mail->html.data == NULL) {
        return vg_mail_part(post->mime, "text/plain; charset=utf-8",
                            mail->text);
    }
    both = curl_mime_init(post->easy);
    part = curl_mime_addpart(post->mime);
    if (both == NULL || part == NULL
        || vg_mail_part(both, "text/plain; charset=utf-8", mail->text) != VG_OK
        || vg_mail_part(both, "text/html; charset=utf-8", mail->html) != VG_OK
        || curl_mime_subparts(part, both) != CURLE_OK)
    {
        curl_mime_free(both);
        return VG_ERROR;
    }
    /* it belongs to the part from here on */
    return curl_mime_type(part, "multipart/alternative") == CURLE_OK ? VG_OK
                                                                     : VG_ERROR;
}


static vg_rc_t
vg_mail_envelope(vg_post_t *post)
{
    vg_rc_t           rc = VG_OK;
    vg_str_t          from, to;
    const vg_mail_t  *mail = post->what;
    const vg_terms_t *terms = &post->target->terms;

    from = vg_printf(&post->arena, "<%.*s>", (int) mail->from.len,
                     mail->from.data);
    to = vg_printf(&post->arena, "<%.*s>", (int) mail->to.len, mail->to.data);
    post->recipients = to.data ? curl_slist_append(NULL, to.data) : NULL;
    if (from.data == NULL || post->recipients == NULL) {
        return VG_ERROR;
    }
    VG_POST_SET(rc, post, CURLOPT_MAIL_FROM, from.data);
    VG_POST_SET(rc, post, CURLOPT_MAIL_RCPT, post->recipients);
    if (terms->user.len) {
        VG_POST_SET(rc, post, CURLOPT_USERNAME, (char *) terms->user.data);
        VG_POST_SET(rc, post, CURLOPT_PASSWORD, (char *) terms->secret.data);
    }
    return rc;
}


static vg_rc_t
vg_mail_prepare(vg_post_t *post)
{
    vg_rc_t rc = VG_OK;

    if (vg_mail_headers(post) != VG_OK || vg_mail_mime(post) != VG_OK
        || vg_mail_envelope(post) != VG_OK)
    {
        return VG_ERROR;
    }
    VG_POST_SET(rc, post, CURLOPT_URL, post->url.data);
    VG_POST_SET(rc, post, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    VG_POST_SET(rc, post, CURLOPT_USE_SSL,
                (long) (post->target->terms.starttls ? CURLUSESSL_ALL
                                                     : CURLUSESSL_NONE));
    VG_POST_SET(rc, post, CURLOPT_HTTPHEADER, post->headers);
    VG_POST_SET(rc, post, CURLOPT_MIMEPOST, post->mime);
    return rc;
}


/* ------------------------------------------------------------ what it was */

static void
vg_mail_judge(vg_post_t *post, CURLcode rc, vg_verdict_t *verdict)
{
    long       code = 0;
    curl_off_t sent = 0;

    (void) curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &code);
    (void) curl_easy_getinfo(post->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (rc == CURLE_OK) {
        *verdict = (vg_verdict_t){ .end = VG_END_OK,
                                   .breaker = VG_BREAKER_GOOD,
                                   .status = code };
        return;
    }
    *verdict = vg_verdict_broken(post, rc);
    verdict->again &= sent == 0;
    if (code < 400 || verdict->end != VG_END_UNREACHABLE) {
        return;
    }
    /* the server speaks: 421 is about itself, 4xx about now, 5xx for good */
    verdict->status = code;
    verdict->end = code < 500 ? VG_END_UPSTREAM : VG_END_REJECTED;
    verdict->breaker = code == 421 ? VG_BREAKER_FAULT : VG_BREAKER_GOOD;
    verdict->again &= code < 500;
}


static vg_str_t
vg_mail_tell(vg_post_t *post)
{
    return vg_printf(&post->arena, "{\"code\":%ld}",
                     (long) post->verdict.status);
}


static const vg_post_kind_t vg_mail_kind = {
    1,
    vg_mail_prepare,
    vg_mail_judge,
    vg_mail_tell,
};


static void
vg_mail_way(vg_call_t *call, const void *what, vg_said_pt said, void *data)
{
    vg_end_t         end = VG_END_OK;
    const vg_mail_t *mail = what;
    vg_target_t     *target = vg_target_named(mail->target);
    ngx_str_t        url = ngx_null_string;

    if (target == NULL || !target->mail) {
        vg_log(call, VG_LOG_ERROR, "no target %s for mail in the conf",
               mail->target);
        target = NULL;
        end = VG_END_INTERNAL;
    } else {
        url = target->url;
    }
    vg_post_begin(call, &vg_mail_kind, target, url, end, what, said, data);
}


vg_rc_t
vg_mail(vg_call_t *call, const vg_mail_t *mail)
{
    vg_mail_t  *copy = vg_alloc(&call->arena, sizeof(vg_mail_t));
    const char *wrong = vg_mail_wrong(mail);

    if (wrong != NULL || copy == NULL) {
        vg_log(call, VG_LOG_ERROR, "a mail cannot be sent so: its %s",
               wrong ? wrong : "memory");
        return vg_refuse(call, "internal");
    }
    *copy = *mail;
    call->outgoing.send = vg_mail_way;
    call->outgoing.what = copy;
    return VG_OK;
}
