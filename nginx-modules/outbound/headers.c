/*
 * headers.c: the lines before a body, of requests and of mails, as libcurl
 * wants them.
 */

#include "outbound.h"


static vg_rc_t
vg_post_line(vg_post_t *post, vg_str_t line)
{
    struct curl_slist *more;

    more = line.data ? curl_slist_append(post->headers, line.data) : NULL;
    if (more == NULL) {
        return VG_ERROR;
    }
    post->headers = more;
    return VG_OK;
}


vg_rc_t
vg_post_header(vg_post_t *post, const char *name, vg_str_t value)
{
    /* libcurl takes a header without a value by a semicolon */
    return vg_post_line(post, value.len
                                  ? vg_printf(&post->arena, "%s: %.*s", name,
                                              (int) value.len, value.data)
                                  : vg_printf(&post->arena, "%s;", name));
}


vg_rc_t
vg_post_without(vg_post_t *post, const char *name)
{
    return vg_post_line(post, vg_printf(&post->arena, "%s:", name));
}


vg_str_t
vg_post_key(vg_post_t *post, vg_str_t given)
{
    const vg_call_t *call = post->call;
    vg_str_t         job = call->in.job_id;
    ngx_uint_t       nth = call->outgoing.nth;

    if (given.data == NULL && job.data != NULL && nth > 1) {
        return vg_printf(&post->arena, "%.*s/%lu", (int) job.len, job.data,
                         nth);
    }
    if (given.data != NULL || job.data == NULL || call->step == 0) {
        return given.data != NULL ? given : job;
    }
    return vg_printf(&post->arena, "%.*s/%s", (int) job.len, job.data,
                     call->endpoint->steps[call->step].row->name);
}
