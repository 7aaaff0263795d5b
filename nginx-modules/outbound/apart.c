/*
 * apart.c: transfers in threads, for what libcurl does not do without waiting.
 *
 * Mail is such: whatever the interface, libcurl waits in a loop of its own for
 * the server's word after the final dot, and after a QUIT. So a try of a mail
 * is one curl_easy_perform() in a thread of a pool of nginx's. The thread has
 * the handle and the task from when it is posted until nginx's loop hears that
 * it is done, and calls nothing of nginx; whoever is told before that leaves
 * the post to it, see `left`. A connection rests with its handle, on the loop's
 * side, so there is no lock.
 */

#include <sys/socket.h>
#include <unistd.h>

#include "outbound.h"
#include "threads.h"

#define VG_APART_NAME    "voltgate_mail"
#define VG_APART_THREADS 16 /* a worker's; mails that wait for more */
#define VG_APART_QUEUE   64
#define VG_APART_LEAST                                                         \
    1000 /* ms: that a thread is waited for, whatever wait= */
#define VG_APART_KEPT 16
#define VG_APART_REST 60000 /* ms: older connections are not used again    */

/* who has the try; by compare-and-set, since both sides ask */
enum { VG_APART_QUEUED, VG_APART_BEGUN, VG_APART_GIVEN_UP };

typedef struct {
    vg_post_t *post; /* the loop's                                        */
    CURL      *easy;
    CURLcode   rc;
    int        state, stop;
} vg_apart_t;

typedef struct {
    CURL              *easy;
    const vg_target_t *target;
    ngx_msec_t         since;
} vg_apart_kept_t;

static ngx_thread_pool_t *vg_apart_pool;
static vg_apart_kept_t    vg_apart_kept[VG_APART_KEPT];


/* --------------------------------------------------------------- the pool */

ngx_int_t
vg_apart_ready(ngx_conf_t *cf)
{
    return vg_threads_add(cf, VG_APART_NAME, VG_APART_THREADS, VG_APART_QUEUE);
}


void
vg_apart_start(void)
{
    vg_apart_pool = vg_threads_get(VG_APART_NAME);
}


/* ---------------------------------------------------------- connections */

/* SMTP ends with QUIT, for whose answer libcurl waits; on a socket that is
 * shut it cannot be sent, and nobody waits. */
static void
vg_apart_end(CURL *easy)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK
        && fd != CURL_SOCKET_BAD)
    {
        (void) shutdown(fd, SHUT_RDWR);
    }
    curl_easy_cleanup(easy);
    vg_multi_hush();
}


/* What came on it since it rests (a goodbye, an end) would be taken for the
 * answer to what is sent next. */
static ngx_uint_t
vg_apart_fit(const vg_apart_kept_t *kept)
{
    char          byte;
    curl_socket_t fd = CURL_SOCKET_BAD;

    return ngx_current_msec - kept->since < VG_APART_REST
           && curl_easy_getinfo(kept->easy, CURLINFO_ACTIVESOCKET, &fd)
                  == CURLE_OK
           && fd != CURL_SOCKET_BAD
           && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1
           && (ngx_socket_errno == NGX_EAGAIN);
}


/* a handle with a connection of the target, or a new one */
CURL *
vg_apart_open(const vg_target_t *target)
{
    CURL      *easy;
    ngx_uint_t i, fit;

    for (i = 0; i < VG_APART_KEPT; i++) {
        easy = vg_apart_kept[i].easy;
        if (easy == NULL || vg_apart_kept[i].target != target) {
            continue;
        }
        fit = vg_apart_fit(&vg_apart_kept[i]);
        vg_apart_kept[i].easy = NULL;
        if (fit) {
            curl_easy_reset(easy); /* connections stay */
            return easy;
        }
        vg_apart_end(easy);
    }
    return curl_easy_init();
}


/* what it points to goes with the post */
static void
vg_apart_keep(CURL *easy, const vg_target_t *target)
{
    ngx_uint_t i, at = 0;

    (void) curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    (void) curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, NULL);
    (void) curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    for (i = 0; i < VG_APART_KEPT && vg_apart_kept[at].easy != NULL; i++) {
        if (vg_apart_kept[i].easy == NULL
            || (ngx_msec_int_t) (vg_apart_kept[i].since
                                 - vg_apart_kept[at].since)
                   < 0)
        {
            at = i;
        }
    }
    if (vg_apart_kept[at].easy != NULL) {
        vg_apart_end(vg_apart_kept[at].easy);
    }
    vg_apart_kept[at] =
        (vg_apart_kept_t){ easy, target, (ngx_msec_t) ngx_current_msec };
}


/* the post needs it no more; its mime is freed already */
void
vg_apart_close(vg_post_t *post)
{
    if (post->verdict.end == VG_END_OK && post->tries != 0 && !ngx_exiting) {
        vg_apart_keep(post->easy, post->target);
    } else {
        vg_apart_end(post->easy);
    }
}


/* threads are gone by now: the pool ends before this room */
void
vg_apart_stop(void)
{
    ngx_uint_t i;

    for (i = 0; i < VG_APART_KEPT; i++) {
        if (vg_apart_kept[i].easy != NULL) {
            vg_apart_end(vg_apart_kept[i].easy);
            vg_apart_kept[i].easy = NULL;
        }
    }
}


/* ------------------------------------------------------------ in a thread */

static curl_socket_t
vg_apart_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void) data;
    (void) purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}


/* asked once a second at least, also where libcurl waits for a goodbye */
static int
vg_apart_goes_on(void *data, curl_off_t dltotal, curl_off_t dlnow,
                 curl_off_t ultotal, curl_off_t ulnow)
{
    vg_apart_t *a = data;

    (void) dltotal;
    (void) dlnow;
    (void) ultotal;
    (void) ulnow;
    return ngx_terminate || __atomic_load_n(&a->stop, __ATOMIC_ACQUIRE);
}


static void
vg_apart_perform(void *data, ngx_log_t *log)
{
    int         queued = VG_APART_QUEUED;
    vg_apart_t *a = data;

    (void) log;
    if (!ngx_terminate
        && __atomic_compare_exchange_n(&a->state, &queued, VG_APART_BEGUN,
                                       false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE))
    {
        a->rc = curl_easy_perform(a->easy);
        vg_multi_hush(); /* this thread's */
    }
}


/* ------------------------------------------------------------- on the loop */

static void
vg_apart_done(ngx_event_t *ev)
{
    vg_apart_t *a = ev->data;

    vg_post_back(a->post, a->rc);
}


static vg_rc_t
vg_apart_options(vg_post_t *post, vg_apart_t *a)
{
    vg_rc_t rc = VG_OK;
    long    s = ((long) post->target->terms.timeout + 999) / 1000;

    VG_POST_SET(rc, post, CURLOPT_OPENSOCKETFUNCTION, vg_apart_socket);
    VG_POST_SET(rc, post, CURLOPT_NOPROGRESS, 0L);
    VG_POST_SET(rc, post, CURLOPT_XFERINFOFUNCTION, vg_apart_goes_on);
    VG_POST_SET(rc, post, CURLOPT_XFERINFODATA, a);
    /* a goodbye is waited for beyond the timeout; 120 s without this */
    VG_POST_SET(rc, post, CURLOPT_SERVER_RESPONSE_TIMEOUT, s);
    VG_POST_SET(rc, post, CURLOPT_MAXCONNECTS, 1L);
    return rc;
}


/* A thread is waited for like a place, and no longer than that; then the time
 * of the try begins. */
vg_rc_t
vg_apart_run(vg_post_t *post)
{
    vg_apart_t        *a;
    ngx_thread_task_t *task =
        ngx_thread_task_alloc(post->pool, sizeof(vg_apart_t));

    if (task == NULL || vg_apart_pool == NULL) {
        return VG_ERROR;
    }
    a = task->ctx;
    ngx_memzero(a, sizeof(vg_apart_t));
    a->post = post;
    a->easy = post->easy;
    a->rc = CURLE_ABORTED_BY_CALLBACK;
    task->handler = vg_apart_perform;
    task->event.handler = vg_apart_done;
    task->event.data = a;
    if (vg_apart_options(post, a) != VG_OK
        || ngx_thread_task_post(vg_apart_pool, task) != NGX_OK)
    {
        return VG_ERROR;
    }
    post->apart = a;
    ngx_add_timer(&post->timer,
                  (ngx_msec_t) ngx_max(post->target->terms.wait,
                                       (ngx_int_t) VG_APART_LEAST));
    return VG_OK;
}


/* Its timer. VG_OK: it was not begun, and never will be; VG_DECLINED: it has
 * its time from now on; VG_ERROR: it had. */
vg_rc_t
vg_apart_late(vg_post_t *post)
{
    int         queued = VG_APART_QUEUED;
    vg_apart_t *a = post->apart;

    if (__atomic_compare_exchange_n(&a->state, &queued, VG_APART_GIVEN_UP,
                                    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return VG_OK;
    }
    if (post->late) {
        __atomic_store_n(&a->stop, 1, __ATOMIC_RELEASE);
        return VG_ERROR;
    }
    post->late = 1;
    ngx_add_timer(&post->timer,
                  (ngx_msec_t) post->target->terms.timeout + VG_OUTBOUND_GUARD);
    return VG_DECLINED;
}
