/*
 * multi.c: libcurl's multi interface on nginx's event loop.
 *
 * A worker has one for each kind of connection, made when it starts, never in
 * the master: resolver threads do not survive a fork. Sockets are libcurl's:
 * it tells which it wants to read or write, level-triggered, and takes each
 * out of the loop before it closes it.
 */

#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "outbound.h"

#define VG_MULTI_KEPT    256  /* connections that wait for another call    */
#define VG_MULTI_SOCKETS 1024 /* of a worker                             */

typedef struct {
    CURLM      *multi;
    ngx_event_t timer;
} vg_multi_t;

typedef struct {
    int fd;
    int port, peer; /* of both ends; 0: not asked for yet                 */
} vg_multi_socket_t;

static vg_multi_t        vg_multis[VG_MULTIS];
static vg_multi_socket_t vg_multi_sockets[VG_MULTI_SOCKETS];
static ngx_uint_t        vg_multi_nsockets;


/* ------------------------------------------------------------- the loop */

/* OpenSSL keeps errors for the whole thread: what libcurl leaves there would be
 * nginx's, in the middle of somebody's request. */
void
vg_multi_hush(void)
{
    ERR_clear_error();
}


static void
vg_multi_reap(vg_multi_t *m)
{
    int      left;
    char    *post;
    CURLcode rc;
    CURLMsg *message;

    while ((message = curl_multi_info_read(m->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        rc = message->data.result; /* gone with the next call */
        (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post);
        (void) curl_multi_remove_handle(m->multi, message->easy_handle);
        vg_multi_hush();
        vg_post_ran((vg_post_t *) (void *) post, rc);
    }
}


static void
vg_multi_act(vg_multi_t *m, curl_socket_t fd, int what)
{
    int running;

    (void) curl_multi_socket_action(m->multi, fd, what, &running);
    vg_multi_hush();
    vg_multi_reap(m);
}


static void
vg_multi_ready(ngx_event_t *ev)
{
    ngx_connection_t *c = ev->data;

    if (c->close) {
        c->close = 0; /* worker_shutdown_timeout: posts have their own */
        return;
    }
    vg_multi_act(c->data, c->fd,
                 ev->write ? CURL_CSELECT_OUT : CURL_CSELECT_IN);
}


static ngx_int_t
vg_multi_want(ngx_event_t *ev, ngx_int_t event, ngx_uint_t want)
{
    if (want && !ev->active) {
        return ngx_add_event(ev, event, NGX_LEVEL_EVENT);
    }
    if (!want && ev->active) {
        return ngx_del_event(ev, event, 0);
    }
    return NGX_OK;
}


static void
vg_multi_forget(ngx_connection_t *c)
{
    (void) vg_multi_want(c->read, NGX_READ_EVENT, 0);
    (void) vg_multi_want(c->write, NGX_WRITE_EVENT, 0);
    if (c->read->posted) { /* with accept_mutex events come later */
        ngx_delete_posted_event(c->read);
    }
    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }
    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1; /* what came in this turn is not for another */
}


static ngx_connection_t *
vg_multi_watch(vg_multi_t *m, curl_socket_t fd)
{
    ngx_connection_t *c = ngx_get_connection(fd, ngx_cycle->log);

    if (c == NULL) {
        return NULL;
    }
    c->data = m;
    c->log_error = NGX_ERROR_INFO;
    c->read->handler = c->write->handler = vg_multi_ready;
    c->read->log = c->write->log = ngx_cycle->log;
    (void) curl_multi_assign(m->multi, fd, c);
    return c;
}


static int
vg_multi_socket(CURL *easy, curl_socket_t fd, int what, void *data,
                void *watched)
{
    ngx_connection_t *c = watched;

    (void) easy;
    if (what == CURL_POLL_REMOVE) {
        if (c != NULL) {
            vg_multi_forget(c);
        }
        return 0;
    }
    c = c ? c : vg_multi_watch(data, fd);
    if (c == NULL) {
        return -1; /* ends the transfer */
    }
    return vg_multi_want(c->read, NGX_READ_EVENT, what & CURL_POLL_IN) == NGX_OK
                   && vg_multi_want(c->write, NGX_WRITE_EVENT,
                                    what & CURL_POLL_OUT)
                          == NGX_OK
               ? 0
               : -1;
}


static void
vg_multi_timeout(ngx_event_t *ev)
{
    vg_multi_act(ev->data, CURL_SOCKET_TIMEOUT, 0);
}


/* nginx leaves a timer as it is when the change is small: take it out first */
static int
vg_multi_timer(CURLM *multi, long ms, void *data)
{
    vg_multi_t *m = data;

    (void) multi;
    if (m->timer.timer_set) {
        ngx_del_timer(&m->timer);
    }
    if (ms >= 0) {
        ngx_add_timer(&m->timer, (ngx_msec_t) ms);
    }
    return 0;
}


/* ------------------------------------------------------------- transfers */

/* The address is looked at here, where it is called and not before: a name may
 * mean another one each time it is asked for. */
static curl_socket_t
vg_multi_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    int        fd;
    vg_post_t *post = data;

    (void) purpose;
    if (!vg_target_may(post->target, &address->addr, address->addrlen)) {
        post->refused = 1;
        return CURL_SOCKET_BAD;
    }
    if (vg_multi_nsockets == VG_MULTI_SOCKETS) {
        return CURL_SOCKET_BAD;
    }
    fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                address->protocol);
    if (fd == -1) {
        return CURL_SOCKET_BAD;
    }
    post->opened = 1;
    vg_multi_sockets[vg_multi_nsockets++] = (vg_multi_socket_t){ fd, 0, 0 };
    return fd;
}


/* the connection may outlive the post that opened it */
static int
vg_multi_close(void *data, curl_socket_t fd)
{
    ngx_uint_t i;

    (void) data;
    for (i = 0; i < vg_multi_nsockets; i++) {
        if (vg_multi_sockets[i].fd == fd) {
            vg_multi_sockets[i] = vg_multi_sockets[--vg_multi_nsockets];
            break;
        }
    }
    return close(fd);
}


static int
vg_multi_port(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *) address)->sin6_port
                     : ((const struct sockaddr_in *) address)->sin_port);
}


static void
vg_multi_ends(vg_multi_socket_t *s)
{
    socklen_t               len = sizeof(struct sockaddr_storage);
    struct sockaddr_storage address;

    if (getsockname(s->fd, (struct sockaddr *) &address, &len) == 0) {
        s->port = vg_multi_port(&address);
    }
    len = sizeof(address);
    if (getpeername(s->fd, (struct sockaddr *) &address, &len) == 0) {
        s->peer = vg_multi_port(&address);
    }
}


/* Before a request goes out. A connection that rests has nothing to say: what
 * came on it since (a second answer, a goodbye, an end) would be taken for the
 * answer to this one. libcurl does not look, and says of a connection only
 * which ports it has; those of two may be alike, then both are looked at. */
static int
vg_multi_before(void *data, char *peer_ip, char *ip, int peer, int port)
{
    char               byte;
    ngx_uint_t         i, n = 0;
    vg_post_t         *post = data;
    vg_multi_socket_t *s, *stale = NULL;

    (void) peer_ip;
    (void) ip;
    for (i = 0; !post->opened && i < vg_multi_nsockets; i++) {
        s = &vg_multi_sockets[i];
        if (s->port == 0 || s->peer == 0) {
            vg_multi_ends(s);
        }
        if (s->port == port && s->peer == peer) {
            n++;
            stale =
                recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ? s : stale;
        }
    }
    if (stale == NULL) {
        return CURL_PREREQFUNC_OK;
    }
    if (n == 1) {
        (void) shutdown(stale->fd, SHUT_RDWR); /* nobody else takes it */
    }
    post->stale = 1;
    return CURL_PREREQFUNC_ABORT;
}


static vg_rc_t
vg_multi_tls(vg_post_t *post)
{
    vg_rc_t           rc = VG_OK;
    const vg_terms_t *terms = &post->target->terms;
    struct curl_blob  ca = { .data = terms->ca.data,
                             .len = terms->ca.len,
                             .flags = CURL_BLOB_NOCOPY };

    VG_POST_SET(rc, post, CURLOPT_SSL_VERIFYPEER, 1L);
    VG_POST_SET(rc, post, CURLOPT_SSL_VERIFYHOST, 2L);
    VG_POST_SET(rc, post, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    /* Debian's folder beside its file would have libcurl read all of both anew
     * for each connection; the file alone it reads once a day */
    VG_POST_SET(rc, post, CURLOPT_CAPATH, NULL);
    if (terms->ca.len) { /* these alone */
        VG_POST_SET(rc, post, CURLOPT_CAINFO_BLOB, &ca);
    }
    return rc;
}


/* A handle that is given up while its name is looked up must not wait for the
 * resolver's thread: quick exit leaves that to end by itself. */
vg_rc_t
vg_multi_options(vg_post_t *post)
{
    vg_rc_t rc = VG_OK;

    VG_POST_SET(rc, post, CURLOPT_PRIVATE, post);
    VG_POST_SET(rc, post, CURLOPT_ERRORBUFFER, post->why);
    VG_POST_SET(rc, post, CURLOPT_NOSIGNAL, 1L);
    VG_POST_SET(rc, post, CURLOPT_QUICK_EXIT, 1L);
    VG_POST_SET(rc, post, CURLOPT_TIMEOUT_MS,
                (long) post->target->terms.timeout);
    VG_POST_SET(rc, post, CURLOPT_PROXY, "");
    VG_POST_SET(rc, post, CURLOPT_NOPROXY, "*");
    return rc == VG_OK ? vg_multi_tls(post) : rc;
}


static CURLM *
vg_multi_of(const vg_post_t *post)
{
    return vg_multis[post->target->guarded ? VG_MULTI_GUARDED : VG_MULTI_NAMED]
        .multi;
}


vg_rc_t
vg_multi_add(vg_post_t *post)
{
    vg_rc_t rc = VG_OK;

    VG_POST_SET(rc, post, CURLOPT_OPENSOCKETFUNCTION, vg_multi_open);
    VG_POST_SET(rc, post, CURLOPT_OPENSOCKETDATA, post);
    VG_POST_SET(rc, post, CURLOPT_CLOSESOCKETFUNCTION, vg_multi_close);
    VG_POST_SET(rc, post, CURLOPT_PREREQFUNCTION, vg_multi_before);
    VG_POST_SET(rc, post, CURLOPT_PREREQDATA, post);
    if (post->fresh) {
        VG_POST_SET(rc, post, CURLOPT_FRESH_CONNECT, 1L);
    }
    return rc == VG_OK
                   && curl_multi_add_handle(vg_multi_of(post), post->easy)
                          == CURLM_OK
               ? VG_OK
               : VG_ERROR;
}


void
vg_multi_remove(vg_post_t *post)
{
    (void) curl_multi_remove_handle(vg_multi_of(post), post->easy);
    vg_multi_hush();
}


/* ---------------------------------------------------------- of a worker */

ngx_int_t
vg_multi_start(void)
{
    ngx_uint_t  i;
    vg_multi_t *m;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return NGX_ERROR;
    }
    for (i = 0; i < VG_MULTIS; i++) {
        m = &vg_multis[i];
        m->multi = curl_multi_init();
        if (m->multi == NULL) {
            return NGX_ERROR;
        }
        m->timer.handler = vg_multi_timeout;
        m->timer.data = m;
        m->timer.log = ngx_cycle->log;
        m->timer.cancelable = 1;
        (void) curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION,
                                 vg_multi_socket);
        (void) curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m);
        (void) curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION,
                                 vg_multi_timer);
        (void) curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m);
        (void) curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS,
                                 (long) VG_MULTI_KEPT);
    }
    return NGX_OK;
}


void
vg_multi_stop(void)
{
    ngx_uint_t i;

    for (i = 0; i < VG_MULTIS; i++) {
        if (vg_multis[i].multi != NULL) {
            (void) curl_multi_cleanup(vg_multis[i].multi);
            vg_multis[i].multi = NULL;
        }
        if (vg_multis[i].timer.timer_set) {
            ngx_del_timer(&vg_multis[i].timer);
        }
    }
}
