/*
 * redis.c: limits asked of Redis: questions, answers, and what becomes of them
 * when it is away. The connection is redis_link.c's, the words redis_words.c's.
 *
 * Questions of a turn of the loop leave in one write; answers come in their
 * order. The first one that is late, or any fault, closes the connection: all
 * that wait are decided by the node's own words at once, and so is what comes,
 * until a connection is there whose greeting was answered in time. So a slow
 * Redis costs some calls a wait now and then, and not each of them.
 */

#include <hiredis/hiredis.h>

#include "redis.h"

#define VG_REDIS_WAITING  1024  /* questions                                */
#define VG_REDIS_ANSWER   65536 /* bytes without a whole answer              */
#define VG_REDIS_REST     100   /* ms, doubling, until it is tried again    */
#define VG_REDIS_REST_MAX 5000

vg_redis_t vg_redis;


static void
vg_redis_count(vg_redis_end_t end)
{
    (void) ngx_atomic_fetch_add(&vg_limit_shared->counts.redis[end], 1);
}


/* those that wait are told; what comes of that asks in vain */
static void
vg_redis_release(void)
{
    ngx_queue_t     waiting, *q;
    vg_redis_ask_t *ask;

    ngx_queue_init(&waiting);
    if (!ngx_queue_empty(&vg_redis.waiting)) {
        ngx_queue_add(&waiting, &vg_redis.waiting);
        ngx_queue_init(&vg_redis.waiting);
    }
    vg_redis.length = 0;
    while (!ngx_queue_empty(&waiting)) {
        q = ngx_queue_head(&waiting);
        ngx_queue_remove(q);
        ask = ngx_queue_data(q, vg_redis_ask_t, queue);
        vg_redis_count(VG_REDIS_LATE);
        ask->done(ask, 0);
    }
}


void
vg_redis_fail(const char *why)
{
    ngx_msec_t rest = VG_REDIS_REST << ngx_min(vg_redis.failures, 6);

    if (!ngx_exiting
        && (vg_redis.state == VG_REDIS_UP || vg_redis.failures == 0)) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "voltgate: Redis of the limits: %s: this node counts "
                      "alone",
                      why);
    }
    if (vg_redis.state == VG_REDIS_UP) {
        (void) ngx_atomic_fetch_add(&vg_limit_shared->counts.redis_lost, 1);
    }
    vg_redis_close();
    vg_redis.failures++;
    rest = ngx_min(rest, VG_REDIS_REST_MAX);
    if (!ngx_exiting) {
        vg_redis.timer.cancelable = 1;
        vg_redis_timer_set(rest / 2 + (ngx_msec_t) ngx_random() % rest);
    } else if (vg_redis.timer.timer_set) {
        ngx_del_timer(&vg_redis.timer);
    }
    vg_redis_release();
}


static void
vg_redis_late(ngx_event_t *ev)
{
    (void) ev;
    if (vg_redis.state == VG_REDIS_DOWN) {
        vg_redis_open();
    } else {
        vg_redis_fail("no answer in time");
    }
}


/* the timer is that of the first who waits */
void
vg_redis_watch(void)
{
    ngx_msec_int_t  left;
    vg_redis_ask_t *ask;

    if (ngx_queue_empty(&vg_redis.waiting)) {
        if (vg_redis.timer.timer_set) {
            ngx_del_timer(&vg_redis.timer);
        }
        return;
    }
    ask = ngx_queue_data(ngx_queue_head(&vg_redis.waiting), vg_redis_ask_t,
                         queue);
    left = (ngx_msec_int_t) (ask->asked + vg_redis.conf->timeout
                             - ngx_current_msec);
    vg_redis.timer.cancelable = 0;
    vg_redis_timer_set(left > 0 ? (ngx_msec_t) left : 1);
}


/* ------------------------------------------------------------ connection */

static const char *
vg_redis_answer(redisReply *reply)
{
    vg_redis_ask_t *ask;

    if (reply->type == REDIS_REPLY_ERROR) {
        return vg_redis.state == VG_REDIS_GREETS && vg_redis.answers > 2
                   ? "it does not take the password"
                   : "it answered with an error";
    }
    if (vg_redis.state == VG_REDIS_GREETS) {
        return vg_redis_greeted(reply);
    }
    if (ngx_queue_empty(&vg_redis.waiting)) {
        return "it said something unasked";
    }
    ask = ngx_queue_data(ngx_queue_head(&vg_redis.waiting), vg_redis_ask_t,
                         queue);
    if (!vg_redis_take(ask, reply)) {
        return "its answer makes no sense";
    }
    ngx_queue_remove(&ask->queue);
    vg_redis.length--;
    vg_redis.failures = 0;
    vg_redis_count(((redisReply *) reply)->element[0]->integer
                       ? VG_REDIS_REFUSED
                       : VG_REDIS_ALLOWED);
    vg_redis_watch();
    ask->done(ask, 1);
    return NULL;
}


/* All answers that are whole. What done() does may end the connection. */
static void
vg_redis_answers(void)
{
    void        *reply;
    const char  *why = NULL;
    redisReader *reader = vg_redis.reader;

    while (why == NULL && vg_redis.reader == reader && reader != NULL) {
        reply = NULL;
        if (redisReaderGetReply(reader, &reply) != REDIS_OK) {
            why = "it speaks another protocol";
        } else if (reply == NULL) {
            return;
        } else {
            vg_redis.fed = 0;
            why = vg_redis_answer(reply);
            freeReplyObject(reply);
        }
    }
    if (why != NULL) {
        vg_redis_fail(why);
    }
}


void
vg_redis_read(ngx_event_t *ev)
{
    u_char            buffer[16384];
    ssize_t           n;
    ngx_connection_t *c = ev->data;

    while (c == vg_redis.connection && !c->close) {
        n = c->recv(c, buffer, sizeof(buffer));
        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                vg_redis_fail("no memory");
            }
            return;
        }
        if (n > 0 && vg_redis.state == VG_REDIS_UP
            && ngx_queue_empty(&vg_redis.waiting))
        {
            vg_redis_fail("it said something unasked");
            return;
        }
        vg_redis.fed += n > 0 ? (size_t) n : 0;
        if (n <= 0
            || redisReaderFeed(vg_redis.reader, (char *) buffer, (size_t) n)
                   != REDIS_OK)
        {
            vg_redis_fail("the connection broke");
            return;
        }
        vg_redis_answers();
        if (c == vg_redis.connection && vg_redis.fed > VG_REDIS_ANSWER) {
            vg_redis_fail("its answer does not end");
            return;
        }
    }
    if (c == vg_redis.connection) {
        vg_redis_fail("the worker goes");
    }
}


void
vg_redis_write(ngx_event_t *ev)
{
    ssize_t           n;
    vg_redis_out_t   *out = &vg_redis.out;
    ngx_connection_t *c = ev->data;

    while (out->sent < out->len) {
        n = c->send(c, (u_char *) out->data + out->sent, out->len - out->sent);
        if (n == NGX_AGAIN) {
            break;
        }
        if (n <= 0) {
            vg_redis_fail("the connection broke");
            return;
        }
        out->sent += (size_t) n;
    }
    if (out->sent == out->len) {
        ngx_explicit_memzero(out->data, out->len); /* AUTH was in it */
        out->sent = out->len = 0;
    }
    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        vg_redis_fail("no memory");
    }
}


static void
vg_redis_flush(ngx_event_t *ev)
{
    (void) ev;
    if (vg_redis.connection != NULL && vg_redis.out.len) {
        vg_redis_write(vg_redis.connection->write);
    }
}


/* ----------------------------------------------------------- from outside */

vg_rc_t
vg_redis_ask(vg_redis_ask_t *ask)
{
    if (vg_redis.conf == NULL) {
        return VG_DECLINED;
    }
    if (vg_redis.state != VG_REDIS_UP || vg_redis.length >= VG_REDIS_WAITING
        || !vg_redis_say_ask(&vg_redis.out, vg_redis.sha,
                             &vg_redis.conf->prefix, ask))
    {
        vg_redis_count(VG_REDIS_LOCAL);
        return VG_DECLINED;
    }
    ask->asked = ngx_current_msec;
    ngx_queue_insert_tail(&vg_redis.waiting, &ask->queue);
    if (vg_redis.length++ == 0) {
        vg_redis_watch();
    }
    ngx_post_event(&vg_redis.flush, &ngx_posted_events);
    return VG_OK;
}


ngx_uint_t
vg_redis_up(void)
{
    return vg_redis.state == VG_REDIS_UP;
}


void
vg_redis_start(vg_redis_conf_t *conf)
{
    ngx_memzero(&vg_redis, sizeof(vg_redis));
    vg_redis.conf = conf;
    ngx_queue_init(&vg_redis.waiting);
    vg_redis.timer.handler = vg_redis_late;
    vg_redis.flush.handler = vg_redis_flush;
    vg_redis.timer.data = vg_redis.flush.data = &vg_nobody;
    vg_redis.timer.log = vg_redis.flush.log = ngx_cycle->log;
    vg_redis_open();
}


void
vg_redis_stop(void)
{
    if (vg_redis.conf == NULL) {
        return;
    }
    vg_redis_close();
    free(vg_redis.out.data);
    vg_redis.out.data = NULL;
    vg_redis.conf = NULL;
}
