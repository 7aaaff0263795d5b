/*
 * redis_link.c: the connection to Redis, on nginx's loop: opened, TLS, greeted,
 * closed. What it is for is redis.c's.
 */

#include <hiredis/hiredis.h>
#include <sys/stat.h>

#include "redis.h"

#define VG_REDIS_GREETING 1000 /* ms, until it may be asked                */
#define VG_REDIS_SECRET   1024 /* bytes of a password                      */


void
vg_redis_timer_set(ngx_msec_t ms)
{
    if (vg_redis.timer.timer_set) {
        ngx_del_timer(&vg_redis.timer);
    }
    ngx_add_timer(&vg_redis.timer, ms);
}


void
vg_redis_close(void)
{
    ngx_connection_t *c = vg_redis.connection;

    if (c != NULL) {
        vg_redis.connection = NULL;
        if (c->ssl != NULL) {
            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown = 1;
            (void) ngx_ssl_shutdown(c);
        }
        if (c->pool != NULL) {
            ngx_destroy_pool(c->pool);
            c->pool = NULL;
        }
        ngx_close_connection(c);
    }
    if (vg_redis.reader != NULL) {
        redisReaderFree(vg_redis.reader);
        vg_redis.reader = NULL;
    }
    vg_redis.fed = 0;
    if (vg_redis.out.len > 0) {
        ngx_explicit_memzero(vg_redis.out.data, vg_redis.out.len); /* AUTH */
    }
    vg_redis.out.len = vg_redis.out.sent = 0;
    vg_redis.state = VG_REDIS_DOWN;
}


/* -------------------------------------------------------------- greeting */

/* Read anew at each connect, so that it can be exchanged. Its length, or -1:
 * why. */
static ssize_t
vg_redis_secret(char *text, const char **why)
{
    int         fd;
    ssize_t     n = -1;
    struct stat st;

    fd =
        open((const char *) vg_redis.conf->password.data, O_RDONLY | O_CLOEXEC);
    *why = "its password's file cannot be read";
    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) == 0 && (st.st_mode & 07) != 0) {
        *why = "its password's file may be read by all";
    } else {
        n = read(fd, text, VG_REDIS_SECRET);
    }
    (void) close(fd);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r')) {
        n--;
    }
    return n > 0 ? n : -1;
}


static const char *
vg_redis_auth(void)
{
    int         argc = 0;
    char        secret[VG_REDIS_SECRET];
    size_t      lens[3];
    ssize_t     n;
    const char *argv[3], *why = NULL;

    n = vg_redis_secret(secret, &why);
    if (n < 0) {
        return why;
    }
    argv[argc] = "AUTH";
    lens[argc++] = 4;
    if (vg_redis.conf->user.len) {
        argv[argc] = (const char *) vg_redis.conf->user.data;
        lens[argc++] = vg_redis.conf->user.len;
    }
    argv[argc] = secret;
    lens[argc++] = (size_t) n;
    why = vg_redis_say(&vg_redis.out, argc, argv, lens) ? NULL : "no memory";
    ngx_explicit_memzero(secret, sizeof(secret));
    vg_redis.answers++;
    return why;
}


/* Then PING, by itself: what that takes is what a question would. */
static void
vg_redis_greet(void)
{
    size_t      lens[] = { 6, 4, ngx_strlen(vg_redis_script) };
    const char *why = NULL, *load[] = { "SCRIPT", "LOAD", vg_redis_script };

    vg_redis.answers = 0;
    if (vg_redis.conf->password.len) {
        why = vg_redis_auth();
    }
    if (why == NULL && !vg_redis_say(&vg_redis.out, 3, load, lens)) {
        why = "no memory";
    }
    if (why != NULL) {
        vg_redis_fail(why);
        return;
    }
    vg_redis.answers += 2;
    vg_redis_write(vg_redis.connection->write);
}


/* NULL, or what is wrong */
const char *
vg_redis_greeted(const redisReply *reply)
{
    size_t      len = 4;
    const char *ping = "PING";

    vg_redis.answers--;
    if (vg_redis.answers == 1) { /* of SCRIPT LOAD */
        if (reply->type != REDIS_REPLY_STRING || reply->len != 40) {
            return "it takes no script";
        }
        ngx_memcpy(vg_redis.sha, reply->str, 41);
        vg_redis.greeted = ngx_current_msec;
        if (!vg_redis_say(&vg_redis.out, 1, &ping, &len)) {
            return "no memory";
        }
        ngx_post_event(&vg_redis.flush, &ngx_posted_events);
    } else if (vg_redis.answers == 0) {
        if (ngx_current_msec - vg_redis.greeted > vg_redis.conf->timeout) {
            return "it is slow";
        }
        vg_redis.state = VG_REDIS_UP;
        (void) ngx_atomic_fetch_add(&vg_limit_shared->counts.redis_opened, 1);
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "voltgate: limits are counted in Redis");
        vg_redis_watch();
    }
    return NULL;
}


/* ------------------------------------------------------------ connection */

/* verify-full: a chain to who is trusted, and the name or address that the
 * conf has */
static ngx_uint_t
vg_redis_trusted(ngx_connection_t *c)
{
    X509      *cert = SSL_get_peer_certificate(c->ssl->connection);
    ngx_str_t *host = &vg_redis.conf->host;
    ngx_uint_t good;
    char       name[256];

    if (cert == NULL) {
        return 0;
    }
    (void) ngx_cpystrn((u_char *) name, host->data,
                       ngx_min(host->len + 1, sizeof(name)));
    good = SSL_get_verify_result(c->ssl->connection) == X509_V_OK
           && (X509_check_ip_asc(cert, name, 0) == 1
               || X509_check_host(cert, name, 0, 0, NULL) == 1);
    X509_free(cert);
    return good;
}


static void
vg_redis_shaken(ngx_connection_t *c)
{
    if (c != vg_redis.connection) {
        return;
    }
    if (!c->ssl->handshaked) {
        vg_redis_fail("TLS cannot be had");
        return;
    }
    if (!vg_redis_trusted(c)) {
        vg_redis_fail("its certificate is not trusted");
        return;
    }
    c->read->handler = vg_redis_read;
    c->write->handler = vg_redis_write;
    vg_redis_greet();
}


static void
vg_redis_shake(ngx_connection_t *c)
{
    char             name[256];
    ngx_str_t       *host = &vg_redis.conf->host;
    vg_redis_conf_t *conf = vg_redis.conf;

    if (ngx_ssl_create_connection(conf->ssl, c, NGX_SSL_CLIENT) != NGX_OK) {
        vg_redis_fail("no memory");
        return;
    }
    (void) ngx_cpystrn((u_char *) name, host->data,
                       ngx_min(host->len + 1, sizeof(name)));
    (void) SSL_set_tlsext_host_name(c->ssl->connection, name);
    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = vg_redis_shaken;
        return;
    }
    vg_redis_shaken(c);
}


static void
vg_redis_connected(ngx_event_t *ev)
{
    int               error = 0;
    socklen_t         len = sizeof(error);
    ngx_connection_t *c = ev->data;

    if (c->close) {
        vg_redis_fail("the worker goes");
        return;
    }
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 || error) {
        vg_redis_fail("it cannot be reached");
        return;
    }
    c->read->handler = vg_redis_read;
    c->write->handler = vg_redis_write;
    if (vg_redis.conf->ssl != NULL) {
        vg_redis_shake(c);
    } else {
        vg_redis_greet();
    }
}


void
vg_redis_open(void)
{
    ngx_int_t             rc;
    ngx_addr_t           *addr;
    ngx_connection_t     *c;
    ngx_peer_connection_t peer;

    addr = &vg_redis.conf->addrs[vg_redis.address++ % vg_redis.conf->naddrs];
    ngx_memzero(&peer, sizeof(peer));
    peer.sockaddr = addr->sockaddr;
    peer.socklen = addr->socklen;
    peer.name = &addr->name;
    peer.get = ngx_event_get_peer;
    peer.log = ngx_cycle->log;
    peer.log_error = NGX_ERROR_ERR;
    rc = ngx_event_connect_peer(&peer);
    c = vg_redis.connection = peer.connection;
    if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
        vg_redis.connection = NULL; /* it is closed already */
        vg_redis_fail("it cannot be reached");
        return;
    }
    vg_redis.state = VG_REDIS_GREETS;
    vg_redis.reader = redisReaderCreate();
    c->pool = ngx_create_pool(256, ngx_cycle->log);
    if (c->pool == NULL || vg_redis.reader == NULL) {
        vg_redis_fail("no memory");
        return;
    }
    c->idle = 1; /* closed when the worker is told to go */
    c->log = ngx_cycle->log;
    c->read->log = c->write->log = c->log;
    c->read->handler = c->write->handler = vg_redis_connected;
    (void) ngx_tcp_nodelay(c);
    vg_redis.timer.cancelable = 0;
    vg_redis_timer_set(VG_REDIS_GREETING);
    if (rc == NGX_OK) {
        vg_redis_connected(c->write);
    }
}
