/*
 * peer.c: the sockets between workers.
 *
 * Level-triggered. A peer is closed from its read event or from its reaper,
 * never while it sends, so callers may go on after a failed send.
 */

#include "peer.h" /* first: nginx chooses the system's dialect */

#include <dirent.h>

#define VG_PEER_TURN    64                 /* messages taken in one event     */
#define VG_PEER_BACKLOG ((size_t) 4 << 20) /* bytes that wait for one peer */
#define VG_PEER_REST    500 /* ms without a descriptor, then a look again */

typedef struct {
    ngx_queue_t queue;
    size_t      len;
    u_char      data[];
} vg_peer_packet_t;

static ngx_queue_t        vg_peers;
static uint64_t           vg_peer_last;
static ngx_connection_t  *vg_peer_listening;
static ngx_event_t        vg_peer_rested;
static struct sockaddr_un vg_peer_own;
static u_char             vg_peer_in[sizeof(vg_peer_head_t) + VG_LINK_MAX];

static void vg_peer_read(ngx_event_t *rev);
static void vg_peer_write(ngx_event_t *wev);


static ngx_int_t
vg_peer_address(struct sockaddr_un *sun, ngx_pid_t pid)
{
    int n;

    ngx_memzero(sun, sizeof(*sun));
    sun->sun_family = AF_UNIX;
    n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%.*s/%d.sock",
                 (int) vg_host->run.len, (char *) vg_host->run.data, (int) pid);
    return n > 0 && (size_t) n < sizeof(sun->sun_path) ? NGX_OK : NGX_ERROR;
}


static void
vg_peer_close(vg_peer_t *peer)
{
    ngx_queue_t *q;

    vg_link_lost(peer);
    if (peer->reaper.posted) {
        ngx_delete_posted_event(&peer->reaper);
    }
    /* the analyzer does not see that what was removed is out of the queue */
    while (!ngx_queue_empty(&peer->out)) {
        q = ngx_queue_head(&peer->out);
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, vg_peer_packet_t, queue));
    }
    ngx_close_connection(peer->connection);
    ngx_queue_remove(&peer->queue);
    ngx_free(peer);
}


static void
vg_peer_reap(ngx_event_t *ev)
{
    vg_peer_close(ev->data);
}


static void
vg_peer_break(vg_peer_t *peer)
{
    peer->broken = 1;
    ngx_post_event(&peer->reaper, &ngx_posted_events);
}


/* Takes over the socket, also when it fails. */
static vg_peer_t *
vg_peer_create(int fd, ngx_pid_t pid)
{
    vg_peer_t        *peer;
    ngx_connection_t *c;

    c = ngx_get_connection(fd, ngx_cycle->log);
    if (c == NULL) {
        (void) close(fd);
        return NULL;
    }
    peer = ngx_calloc(sizeof(vg_peer_t), ngx_cycle->log);
    if (peer == NULL) {
        ngx_close_connection(c);
        return NULL;
    }
    c->log = ngx_cycle->log;
    c->data = peer;
    c->read->handler = vg_peer_read;
    c->write->handler = vg_peer_write;
    c->read->log = c->write->log = c->log;
    peer->connection = c;
    peer->pid = pid;
    peer->number = ++vg_peer_last;
    peer->reaper.handler = vg_peer_reap;
    peer->reaper.data = peer;
    peer->reaper.log = c->log;
    ngx_queue_init(&peer->out);
    ngx_queue_insert_tail(&vg_peers, &peer->queue);

    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
        vg_peer_close(peer);
        return NULL;
    }
    return peer;
}


/* connect() on a local socket ends at once: done, refused, or full. */
static vg_peer_t *
vg_peer_connect(ngx_pid_t pid)
{
    int                fd;
    struct sockaddr_un sun;

    if (vg_peer_address(&sun, pid) != NGX_OK) {
        return NULL;
    }
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      "voltgate: no socket for the link");
        return NULL;
    }
    if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) == -1) {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, ngx_errno,
                      "voltgate: worker %P cannot be reached", pid);
        (void) close(fd);
        return NULL;
    }
    return vg_peer_create(fd, pid);
}


vg_peer_t *
vg_peer_to(ngx_pid_t pid)
{
    vg_peer_t   *peer;
    ngx_queue_t *q;

    for (q = ngx_queue_head(&vg_peers); q != ngx_queue_sentinel(&vg_peers);
         q = ngx_queue_next(q))
    {
        peer = ngx_queue_data(q, vg_peer_t, queue);
        if (pid > 0 && peer->pid == pid && !peer->broken) {
            return peer;
        }
    }
    return pid > 0 ? vg_peer_connect(pid) : NULL;
}


vg_peer_t *
vg_peer_find(uint64_t number)
{
    vg_peer_t   *peer;
    ngx_queue_t *q;

    for (q = ngx_queue_head(&vg_peers); q != ngx_queue_sentinel(&vg_peers);
         q = ngx_queue_next(q))
    {
        peer = ngx_queue_data(q, vg_peer_t, queue);
        if (peer->number == number && !peer->broken) {
            return peer;
        }
    }
    return NULL;
}


/* ------------------------------------------------------------------- out */

static ssize_t
vg_peer_put(vg_peer_t *peer, struct iovec *iov, size_t count)
{
    ssize_t       n;
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = count };

    do {
        n = sendmsg(peer->connection->fd, &msg, MSG_NOSIGNAL);
    } while (n == -1 && ngx_errno == NGX_EINTR);
    return n;
}


static vg_rc_t
vg_peer_keep(vg_peer_t *peer, const vg_peer_head_t *head, vg_str_t bytes)
{
    size_t            len = sizeof(*head) + bytes.len;
    ngx_event_t      *wev = peer->connection->write;
    vg_peer_packet_t *packet;

    if (peer->bytes + len > VG_PEER_BACKLOG) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "voltgate: the link to a worker is full");
        return VG_DECLINED;
    }
    packet = ngx_alloc(sizeof(*packet) + len, ngx_cycle->log);
    if (packet == NULL) {
        return VG_DECLINED;
    }
    if (!wev->active
        && ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        ngx_free(packet);
        vg_peer_break(peer);
        return VG_DECLINED;
    }
    packet->len = len;
    ngx_memcpy(packet->data, head, sizeof(*head));
    if (bytes.len) {
        ngx_memcpy(packet->data + sizeof(*head), bytes.data, bytes.len);
    }
    ngx_queue_insert_tail(&peer->out, &packet->queue);
    peer->bytes += len;
    return VG_OK;
}


vg_rc_t
vg_peer_send(vg_peer_t *peer, const vg_peer_head_t *head, vg_str_t bytes)
{
    struct iovec iov[2] = {
        { (void *) head, sizeof(*head) },
        { (void *) bytes.data, bytes.len },
    };

    if (peer->broken || bytes.len > VG_LINK_MAX) {
        return VG_DECLINED;
    }
    if (!ngx_queue_empty(&peer->out)) {
        return vg_peer_keep(peer, head, bytes);
    }
    if (vg_peer_put(peer, iov, 2) != -1) {
        return VG_OK;
    }
    if (ngx_errno == NGX_EAGAIN || ngx_errno == ENOBUFS) {
        return vg_peer_keep(peer, head, bytes);
    }
    vg_peer_break(peer);
    return VG_DECLINED;
}


static void
vg_peer_write(ngx_event_t *wev)
{
    vg_peer_t        *peer = ((ngx_connection_t *) wev->data)->data;
    struct iovec      iov;
    vg_peer_packet_t *packet;

    while (!ngx_queue_empty(&peer->out)) {
        packet =
            ngx_queue_data(ngx_queue_head(&peer->out), vg_peer_packet_t, queue);
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as in vg_peer_close() */
        iov = (struct iovec){ packet->data, packet->len };
        if (vg_peer_put(peer, &iov, 1) == -1) {
            if (ngx_errno != NGX_EAGAIN && ngx_errno != ENOBUFS) {
                vg_peer_close(peer);
            }
            return;
        }
        ngx_queue_remove(&packet->queue);
        peer->bytes -= packet->len;
        ngx_free(packet);
    }
    if (wev->active) {
        (void) ngx_del_event(wev, NGX_WRITE_EVENT, 0);
    }
}


/* -------------------------------------------------------------------- in */

static void
vg_peer_read(ngx_event_t *rev)
{
    ssize_t           n;
    ngx_uint_t        turn;
    vg_peer_head_t    head;
    ngx_connection_t *c = rev->data;
    vg_peer_t        *peer = c->data;

    if (c->close) { /* worker_shutdown_timeout is over */
        vg_peer_close(peer);
        return;
    }
    for (turn = 0; turn < VG_PEER_TURN && !peer->broken; turn++) {
        n = recv(c->fd, vg_peer_in, sizeof(vg_peer_in), 0);
        if (n == -1 && ngx_errno == NGX_EAGAIN) {
            return;
        }
        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }
        if (n < (ssize_t) sizeof(head)) { /* the end, an error, or noise */
            vg_peer_close(peer);
            return;
        }
        ngx_memcpy(&head, vg_peer_in, sizeof(head));
        if (head.layout != VG_PEER_LAYOUT) {
            vg_peer_close(peer);
            return;
        }
        vg_link_received(
            peer, &head,
            (vg_str_t){ (char *) vg_peer_in + sizeof(head), n - sizeof(head) });
    }
}


/* The folder is for our workers alone, but a look costs nothing. */
static ngx_int_t
vg_peer_trusted(int fd)
{
    socklen_t    len = sizeof(struct ucred);
    struct ucred who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0
           && (who.uid == geteuid() || who.uid == 0);
}


static void
vg_peer_on_rested(ngx_event_t *ev)
{
    ngx_connection_t *c = ev->data;

    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK) {
        ngx_add_timer(ev, VG_PEER_REST);
    }
}


/* Whoever cannot be let in waits in the backlog; looking at him again and
 * again would take all of the processor. */
static void
vg_peer_rest(ngx_connection_t *c)
{
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, ngx_errno,
                  "voltgate: no descriptor for the link");
    if (ngx_del_event(c->read, NGX_READ_EVENT, 0) != NGX_OK) {
        return;
    }
    vg_peer_rested.handler = vg_peer_on_rested;
    vg_peer_rested.data = c;
    vg_peer_rested.log = ngx_cycle->log;
    vg_peer_rested.cancelable = 1;
    ngx_add_timer(&vg_peer_rested, VG_PEER_REST);
}


static void
vg_peer_accept(ngx_event_t *rev)
{
    int               fd;
    ngx_connection_t *c = rev->data;

    if (c->close) {
        return;
    }
    for (;;) {
        fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1) {
            if (ngx_errno == NGX_EMFILE || ngx_errno == NGX_ENFILE
                || ngx_errno == ENOBUFS || ngx_errno == NGX_ENOMEM)
            {
                vg_peer_rest(c);
            }
            return;
        }
        if (!vg_peer_trusted(fd)) {
            (void) close(fd);
            continue;
        }
        (void) vg_peer_create(fd, 0);
    }
}


/* -------------------------------------------------------- start and stop */

/* what workers left that had no time to remove their sockets */
static void
vg_peer_sweep(void)
{
    long           pid;
    DIR           *dir;
    char          *end;
    char           path[NGX_MAX_PATH];
    struct dirent *entry;

    ngx_snprintf((u_char *) path, sizeof(path), "%V%Z", &vg_host->run);
    dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        pid = strtol(entry->d_name, &end, 10);
        if (pid <= 0 || pid > INT_MAX || ngx_strcmp(end, ".sock") != 0) {
            continue;
        }
        if (kill((pid_t) pid, 0) == -1 && ngx_errno == ESRCH) {
            (void) unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    (void) closedir(dir);
}


static int
vg_peer_bind(ngx_log_t *log)
{
    int fd;

    if (vg_peer_address(&vg_peer_own, ngx_pid) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "voltgate: the path %V is too long for a socket",
                      &vg_host->run);
        return -1;
    }
    (void) unlink(vg_peer_own.sun_path); /* of an earlier life of this pid */
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1
        || bind(fd, (struct sockaddr *) &vg_peer_own, sizeof(vg_peer_own)) == -1
        || chmod(vg_peer_own.sun_path, 0600) == -1 || listen(fd, 511) == -1)
    {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "voltgate: cannot listen on %s", vg_peer_own.sun_path);
        if (fd != -1) {
            (void) close(fd);
        }
        return -1;
    }
    return fd;
}


ngx_int_t
vg_peer_listen(ngx_log_t *log)
{
    int               fd;
    ngx_connection_t *c;

    ngx_queue_init(&vg_peers);
    vg_peer_sweep();
    fd = vg_peer_bind(log);
    if (fd == -1) {
        return NGX_ERROR;
    }
    c = ngx_get_connection(fd, log);
    if (c == NULL) {
        (void) close(fd);
        return NGX_ERROR;
    }
    c->log = log;
    c->read->log = c->write->log = log;
    c->read->handler = vg_peer_accept;
    vg_peer_listening = c;
    return ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}


void
vg_peer_stop(void)
{
    if (vg_peer_listening == NULL) {
        return;
    }
    (void) unlink(vg_peer_own.sun_path);
    if (vg_peer_rested.timer_set) {
        ngx_del_timer(&vg_peer_rested);
    }
    ngx_close_connection(vg_peer_listening);
    vg_peer_listening = NULL;
    while (!ngx_queue_empty(&vg_peers)) {
        vg_peer_close(
            ngx_queue_data(ngx_queue_head(&vg_peers), vg_peer_t, queue));
    }
}
