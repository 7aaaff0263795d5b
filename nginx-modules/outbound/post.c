/*
 * post.c: one call of a target, from the question whether it may go to the
 * last of its tries.
 *
 * It waits for one of the target's permits and for its rate, then goes past
 * the breaker; what fails and may be repeated comes again after a while, as
 * long as retries are few. Its timer, which no shutdown cancels, is set before
 * each wait, so that it ends, and with it a worker that was told to go.
 */

#include <unistd.h>

#include "outbound.h"

#define VG_POST_POLL 20 /* ms: another worker may have given a permit back */

static ngx_uint_t vg_posts; /* of this worker */

static void vg_post_admit(vg_post_t *post);
static void vg_post_run(vg_post_t *post);
static void vg_post_next(vg_target_t *target);


/* ---------------------------------------------------------------- the end */

static vg_str_t
vg_post_detail(vg_post_t *post)
{
    vg_out_t out;

    vg_out_init(&out, &post->arena);
    vg_out_open(&out, '{');
    if (post->target != NULL) {
        vg_out_member(&out, "target", vg_of(post->target->name));
    }
    if (post->verdict.status != 0) {
        vg_out_key(&out, "answered");
        vg_out_int(&out, post->verdict.status);
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


/* of a URL that users gave nothing is logged but that it was theirs */
static void
vg_post_log(vg_post_t *post)
{
    ngx_uint_t hidden = post->left || (post->target && post->target->users);
    ngx_str_t  none = ngx_string("nobody that is known");

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "voltgate: a call to %V failed: %s%s%s, status %i, try %i, "
                  "correlation %*s",
                  post->target ? &post->target->name : &none,
                  vg_end_words[post->verdict.end],
                  hidden || post->why[0] == '\0' ? "" : ": ",
                  hidden ? "" : post->why, post->verdict.status, post->tries,
                  post->call->correlation.len, post->call->correlation.data);
}


/* what a try had for itself; the next one begins anew */
static void
vg_post_clear(vg_post_t *post)
{
    if (post->running && !post->kind->apart) {
        vg_multi_remove(post);
    }
    post->running = 0;
    curl_mime_free(post->mime); /* takes itself out of the handle */
    if (post->easy != NULL && post->kind->apart) {
        vg_apart_close(post);
    } else if (post->easy != NULL) {
        curl_easy_cleanup(post->easy);
        vg_multi_hush();
    }
    post->easy = NULL;
    curl_slist_free_all(post->headers);
    curl_slist_free_all(post->recipients);
    post->mime = NULL;
    post->headers = post->recipients = NULL;
}


static void
vg_post_end(vg_post_t *post)
{
    vg_end_t  end = post->verdict.end;
    vg_said_t said = { .error = NULL };

    if (post->timer.timer_set) {
        ngx_del_timer(&post->timer);
    }
    if (end == VG_END_OK) {
        said.result = post->kind->tell(post);
        end = said.result.data ? end : VG_END_UPSTREAM; /* no memory for it */
    }
    post->left = post->apart != NULL;
    if (!post->left) {
        vg_post_clear(post);
    }
    if (end != VG_END_OK) {
        said.error = vg_end_words[end];
        said.detail = vg_post_detail(post);
        vg_post_log(post);
    }
    if (post->target != NULL) {
        vg_target_count(post->target, end, ngx_current_msec - post->begun);
    }
    vg_posts--;
    post->said(post->data, &said);
    if (!post->left) {
        ngx_destroy_pool(post->pool);
    }
}


/* A try that sent nothing, for want of memory or a thread. `busy` says that no
 * other did either: jobs rely on it. */
static void
vg_post_unsent(vg_post_t *post)
{
    vg_end_t end = post->tries > 1 ? post->verdict.end : VG_END_BUSY;

    post->verdict = (vg_verdict_t){ .end = end,
                                    .breaker = VG_BREAKER_NONE,
                                    .status = post->verdict.status };
}


/* what a try has come to says more than why there is no other */
static void
vg_post_refuse(vg_post_t *post, vg_end_t end)
{
    if (post->tries == 0) {
        post->verdict = (vg_verdict_t){ .end = end };
    } else if (post->verdict.end == VG_END_OK) {
        post->verdict.end = VG_END_UPSTREAM; /* its answer is gone */
    }
    vg_post_end(post);
}


/* --------------------------------------------------------------- one try */

static vg_breaker_conf_t
vg_post_breaker(vg_post_t *post)
{
    const vg_terms_t *terms = &post->target->terms;

    return (vg_breaker_conf_t){ .window = (unsigned) terms->window,
                                .trials = (unsigned) terms->trials,
                                .open = (uint64_t) terms->open };
}


/* half of the time to the whole of it, so that not all come at once */
static ngx_msec_t
vg_post_delay(vg_post_t *post)
{
    uint32_t   random;
    ngx_msec_t most = (ngx_msec_t) post->target->terms.backoff
                      << (post->tries - 1);

    vg_random_id(&random, sizeof(random));
    return most / 2 + random % (most / 2 + 1);
}


/* is there time and budget for another? */
static ngx_uint_t
vg_post_may_again(vg_post_t *post, ngx_msec_t delay)
{
    vg_target_t      *target = post->target;
    const vg_terms_t *terms = &target->terms;

    if (!post->verdict.again || post->tries >= terms->tries
        || ngx_current_msec - post->begun + delay + terms->wait + terms->timeout
               > VG_OUTBOUND_DEADLINE)
    {
        return 0;
    }
    if (!vg_budget_again(&target->shared->budget, ngx_current_msec / 1000)) {
        (void) ngx_atomic_fetch_add(&target->counts->unpaid, 1);
        return 0;
    }
    (void) ngx_atomic_fetch_add(&target->counts->retries, 1);
    return 1;
}


static void
vg_post_over(vg_post_t *post)
{
    ngx_msec_t        delay;
    vg_target_t      *target = post->target;
    vg_breaker_conf_t breaker = vg_post_breaker(post);

    vg_breaker_end(&target->shared->breaker, &breaker, ngx_current_msec,
                   post->pass,
                   target->crowd ? VG_BREAKER_NONE : post->verdict.breaker);
    vg_permit_give(target->shared->permits, post->permit, (uint32_t) ngx_pid);
    delay = vg_post_delay(post);
    if (vg_post_may_again(post, delay)) {
        vg_post_clear(post);
        ngx_add_timer(&post->timer, delay);
    } else {
        vg_post_end(post);
    }
    vg_post_next(target);
}


/* libcurl was given less time than this; it did not keep to it */
static void
vg_post_stuck(vg_post_t *post)
{
    vg_rc_t rc = post->kind->apart ? vg_apart_late(post) : VG_ERROR;

    if (rc == VG_DECLINED) {
        return;
    }
    if (rc == VG_OK) {
        vg_post_unsent(post);
        vg_post_over(post);
        return;
    }
    post->verdict =
        (vg_verdict_t){ .end = VG_END_SILENT, .breaker = VG_BREAKER_FAULT };
    vg_post_over(post);
}


/* A connection that was to be used again has said or heard something since, or
 * is gone: what comes on it would be no answer to us. Nothing was sent. */
static ngx_uint_t
vg_post_stale(vg_post_t *post)
{
    if (!post->stale || post->fresh) {
        return 0;
    }
    vg_post_clear(post);
    post->fresh = 1;
    post->tries--;
    (void) ngx_atomic_fetch_add(&post->target->counts->tries, -1);
    vg_post_run(post);
    return 1;
}


/* libcurl is done with it, well or not */
void
vg_post_ran(vg_post_t *post, CURLcode rc)
{
    ngx_del_timer(&post->timer);
    post->running = 0;
    if (!vg_post_stale(post)) {
        post->kind->judge(post, rc, &post->verdict);
        vg_post_over(post);
    }
}


/* a thread gives it back, perhaps when its end was told long ago */
void
vg_post_back(vg_post_t *post, CURLcode rc)
{
    post->apart = NULL;
    if (!post->left) {
        vg_post_ran(post, rc);
        return;
    }
    vg_post_clear(post);
    ngx_destroy_pool(post->pool);
}


static vg_rc_t
vg_post_go(vg_post_t *post)
{
    post->easy =
        post->kind->apart ? vg_apart_open(post->target) : curl_easy_init();
    if (post->easy == NULL || post->kind->prepare(post) != VG_OK
        || vg_multi_options(post) != VG_OK)
    {
        return VG_ERROR;
    }
    return post->kind->apart ? vg_apart_run(post) : vg_multi_add(post);
}


static void
vg_post_run(vg_post_t *post)
{
    post->tries++;
    post->length = post->header_length = 0;
    post->refused = post->opened = post->large = post->stale = 0;
    post->late = 0;
    post->why[0] = '\0';
    (void) ngx_atomic_fetch_add(&post->target->counts->tries, 1);
    if (post->tries == 1) {
        vg_budget_call(&post->target->shared->budget, ngx_current_msec / 1000);
    }
    ngx_add_timer(&post->timer,
                  (ngx_msec_t) post->target->terms.timeout + VG_OUTBOUND_GUARD);
    if (vg_post_go(post) == VG_OK) {
        post->running = 1;
        return;
    }
    vg_post_unsent(post);
    vg_post_over(post);
}


/* ---------------------------------------------------------- may it begin? */

/* Of the master's group, as workers of a conf before are too. That a process
 * of that number runs says little: numbers are used again. */
static bool
vg_post_alive(uint32_t pid)
{
    return getpgid((pid_t) pid) == getpgrp();
}


/* VG_OK: it may run. VG_DECLINED: not yet, *why is what it would end with and
 * *wait (ms) when to ask again. VG_ERROR: never, see *why. */
static vg_rc_t
vg_post_may(vg_post_t *post, vg_end_t *why, ngx_msec_t *wait)
{
    uint64_t            later;
    const vg_terms_t   *terms = &post->target->terms;
    vg_breaker_conf_t   breaker = vg_post_breaker(post);
    vg_target_shared_t *shared = post->target->shared;

    *wait = VG_POST_POLL;
    *why = VG_END_BREAKER_OPEN;
    if (vg_breaker_look(&shared->breaker, ngx_current_msec) == VG_BREAKER_OPEN)
    {
        return VG_ERROR;
    }
    *why = VG_END_BUSY;
    post->permit = vg_permit_take(shared->permits, (unsigned) terms->concurrent,
                                  (uint32_t) ngx_pid, vg_post_alive);
    if (post->permit == -1) {
        return VG_DECLINED;
    }
    *why = VG_END_BREAKER_OPEN;
    if (!vg_breaker_try(&shared->breaker, &breaker, ngx_current_msec,
                        &post->pass)) {
        vg_permit_give(shared->permits, post->permit, (uint32_t) ngx_pid);
        return VG_ERROR;
    }
    later = vg_rate_take(&shared->rate, (unsigned) terms->rate,
                         (uint64_t) ngx_current_msec * 1000);
    if (later == 0) {
        return VG_OK;
    }
    vg_breaker_end(&shared->breaker, &breaker, ngx_current_msec, post->pass,
                   VG_BREAKER_NONE);
    vg_permit_give(shared->permits, post->permit, (uint32_t) ngx_pid);
    *why = VG_END_RATE;
    *wait = later / 1000 + 1;
    return VG_DECLINED;
}


static void
vg_post_leave_queue(vg_post_t *post)
{
    if (post->waits) {
        ngx_queue_remove(&post->queue);
        post->waits = 0;
    }
    if (post->timer.timer_set) {
        ngx_del_timer(&post->timer);
    }
}


/* Runs it, has it wait in its place, or ends it. */
static void
vg_post_ask(vg_post_t *post)
{
    vg_rc_t    rc;
    vg_end_t   why;
    ngx_msec_t wait, left = (ngx_msec_t) post->target->terms.wait,
                     waited = ngx_current_msec - post->asked;

    rc = vg_post_may(post, &why, &wait);
    left = left > waited ? left - waited : 0;
    if (rc == VG_OK) {
        vg_post_leave_queue(post);
        vg_post_run(post);
    } else if (rc == VG_ERROR || left == 0
               || (why == VG_END_RATE && wait > left)) {
        vg_post_leave_queue(post);
        vg_post_refuse(post, why);
    } else {
        if (!post->waits) {
            ngx_queue_insert_tail(&post->target->waiting, &post->queue);
            post->waits = 1;
        }
        if (post->timer.timer_set) {
            ngx_del_timer(&post->timer);
        }
        ngx_add_timer(&post->timer, ngx_min(wait, left));
    }
}


/* a new one, and a try that comes again: behind those that wait already */
static void
vg_post_admit(vg_post_t *post)
{
    post->asked = ngx_current_msec;
    post->target->shared->used = ngx_current_msec;
    if (!ngx_queue_empty(&post->target->waiting)
        && post->target->terms.wait > 0) {
        ngx_queue_insert_tail(&post->target->waiting, &post->queue);
        post->waits = 1;
        ngx_add_timer(&post->timer, VG_POST_POLL);
        return;
    }
    vg_post_ask(post);
}


/* who has waited longest asks first */
static void
vg_post_next(vg_target_t *target)
{
    if (!ngx_queue_empty(&target->waiting)) {
        vg_post_ask(
            ngx_queue_data(ngx_queue_head(&target->waiting), vg_post_t, queue));
    }
}


static void
vg_post_timer(ngx_event_t *ev)
{
    vg_post_t *post = ev->data;

    if (post->tries == 0 && post->verdict.end != VG_END_OK) {
        vg_post_end(post); /* it was refused before it began */
    } else if (post->running) {
        vg_post_stuck(post);
    } else if (post->waits) {
        vg_post_ask(post);
    } else {
        vg_post_admit(post);
    }
}


/* ------------------------------------------------------------- the start */

static void
vg_post_nothing(vg_said_pt said, void *data)
{
    vg_said_t none = { .error = vg_end_words[VG_END_BUSY] };

    said(data, &none);
}


void
vg_post_begin(vg_call_t *call, const vg_post_kind_t *kind, vg_target_t *target,
              ngx_str_t url, vg_end_t end, const void *what, vg_said_pt said,
              void *data)
{
    vg_post_t  *post;
    ngx_pool_t *pool = ngx_create_pool(2048, ngx_cycle->log);

    post = pool ? ngx_pcalloc(pool, sizeof(vg_post_t)) : NULL;
    if (post == NULL) {
        if (pool != NULL) {
            ngx_destroy_pool(pool);
        }
        vg_post_nothing(said, data);
        return;
    }
    post->pool = pool;
    post->arena = vg_arena_of(pool);
    post->kind = kind;
    post->what = what;
    post->call = call;
    post->said = said;
    post->data = data;
    post->target = target;
    post->url = url;
    post->begun = ngx_current_msec;
    post->verdict.end = ++vg_posts > VG_OUTBOUND_POSTS ? VG_END_BUSY : end;
    post->timer.handler = vg_post_timer;
    post->timer.data = post;
    post->timer.log = ngx_cycle->log;
    ngx_add_timer(&post->timer, 0); /* nobody is told before this returns */
}
