/*
 * socket.c: TCP, TLS, the WebSocket handshake, and wslay behind it.
 *
 * epoll is level-triggered. wslay hands out a frame in two pieces, so it
 * writes into a buffer, which leaves in one write.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <wslay/wslay.h>

#include "socket.h"

#define HEAD_MAX    8192
#define MESSAGE_MAX (UINT64_C(1) << 20)

static int  socket_connect(cli_socket_t *s);
static void socket_end(cli_socket_t *s, unsigned code, const char *why);


/* ----------------------------------------------------------------- frames */

static ssize_t
frame_recv(wslay_event_context_ptr ws, uint8_t *data, size_t len, int flags,
           void *user)
{
    cli_socket_t *s = user;
    size_t        left = s->in.len - s->in.at;
    ssize_t       n;

    (void) flags;
    if (left > 0) { /* came with the answer's head */
        n = (ssize_t) (left < len ? left : len);
        memcpy(data, s->in.data + s->in.at, (size_t) n);
        s->in.at += (size_t) n;
        return n;
    }
    cli_bytes_free(&s->in); /* never again: thousands of them wait */
    n = cli_stream_read(s, data, len);
    if (n > 0) {
        return n;
    }
    wslay_event_set_error(ws, n == 0 ? WSLAY_ERR_WOULDBLOCK
                                     : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}


static ssize_t
frame_send(wslay_event_context_ptr ws, const uint8_t *data, size_t len,
           int flags, void *user)
{
    cli_socket_t *s = user;

    (void) flags;
    if (cli_bytes_add(&s->out, data, len) != 0) {
        wslay_event_set_error(ws, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t) len;
}


static int
frame_mask(wslay_event_context_ptr ws, uint8_t *data, size_t len, void *user)
{
    (void) user;
    if (RAND_bytes(data, (int) len) != 1) {
        wslay_event_set_error(ws, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return 0;
}


static void
frame_message(wslay_event_context_ptr                   ws,
              const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
    cli_socket_t *s = user;

    (void) ws;
    if (arg->opcode == WSLAY_TEXT_FRAME) {
        s->events->message(s->owner, (const char *) arg->msg, arg->msg_length);
    }
}


/* wslay takes codes that are newer than itself (1012) for an error and keeps
 * them, so the frame is looked at before wslay does. */
static void
frame_begins(wslay_event_context_ptr                           ws,
             const struct wslay_event_on_frame_recv_start_arg *arg, void *user)
{
    cli_socket_t *s = user;

    (void) ws;
    s->closing = arg->opcode == WSLAY_CONNECTION_CLOSE;
}


static void
frame_piece(wslay_event_context_ptr                           ws,
            const struct wslay_event_on_frame_recv_chunk_arg *arg, void *user)
{
    cli_socket_t *s = user;

    (void) ws;
    for (size_t i = 0; s->closing && i < arg->data_length; i++) {
        if (s->close_len < sizeof(s->close_code)) {
            s->close_code[s->close_len++] = arg->data[i];
        }
    }
}


static void
socket_pump(cli_socket_t *s)
{
    unsigned code;

    if (wslay_event_send(s->ws) != 0 || cli_stream_flush(s) != 0) {
        socket_end(s, 0, "the connection broke");
    } else if (wslay_event_get_close_sent(s->ws)
               && !wslay_event_want_read(s->ws) && s->out.at == s->out.len)
    {
        code = s->close_len < sizeof(s->close_code)
                   ? 0
                   : s->close_code[0] << 8 | s->close_code[1];
        socket_end(s, code,
                   s->closing ? "closed by the gateway"
                              : "a frame was malformed");
    }
}


static void
socket_frames(cli_socket_t *s)
{
    int rc;

    s->within = true;
    rc = wslay_event_recv(s->ws);
    s->within = false;
    if (rc != 0) {
        socket_end(s, 0, "the connection broke");
        return;
    }
    socket_pump(s);
}


/* --------------------------------------------------------------- handshake */

/* 0: opened; 1: refused, and s->why says by what */
static int
socket_switch(cli_socket_t *s)
{
    static const struct wslay_event_callbacks calls = {
        .recv_callback = frame_recv,
        .send_callback = frame_send,
        .genmask_callback = frame_mask,
        .on_frame_recv_start_callback = frame_begins,
        .on_frame_recv_chunk_callback = frame_piece,
        .on_msg_recv_callback = frame_message,
    };
    char *head = s->in.data;
    char *end = strstr(head, "\r\n\r\n");

    end[2] = '\0';
    s->in.at = (size_t) (end - head) + 4;
    s->why = cli_upgrade_refused(s, head);
    if (s->why != NULL) {
        return 1;
    }
    if (wslay_event_context_client_init(&s->ws, &calls, s) != 0) {
        s->why = "no memory";
        return 1;
    }
    wslay_event_config_set_max_recv_msg_length(s->ws, MESSAGE_MAX);
    free(s->request);
    s->request = NULL;
    s->state = CLI_SOCKET_OPEN;
    return 0;
}


/* 0: the head is whole, 1 it is not yet, -1 it is over */
static int
socket_read_head(cli_socket_t *s)
{
    char    data[1024];
    ssize_t n;

    while ((n = cli_stream_read(s, data, sizeof(data))) > 0) {
        if (s->in.len + (size_t) n > HEAD_MAX
            || cli_bytes_add(&s->in, data, (size_t) n) != 0)
        {
            return -1;
        }
        /* cli_bytes_add() left no room for the NUL */
        if (cli_bytes_add(&s->in, "", 1) != 0) {
            return -1;
        }
        s->in.len--;
        if (strstr(s->in.data, "\r\n\r\n") != NULL) {
            return 0;
        }
    }
    return n < 0 ? -1 : 1;
}


/* ------------------------------------------------------------------ states */

static void
state_connecting(cli_socket_t *s)
{
    int       error = 0, one = 1;
    socklen_t len = sizeof(error);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0
        || error != 0) {
        (void) close(s->fd);
        s->fd = -1;
        s->address = s->address->ai_next;
        if (socket_connect(s) != 0) {
            socket_end(s, 0, "connection refused");
        }
        return;
    }
    (void) setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (cli_bytes_add(&s->out, s->request, strlen(s->request)) != 0) {
        socket_end(s, 0, "no memory");
        return;
    }
    s->state = CLI_SOCKET_ASKING;
    if (s->to->tls == NULL) {
        return;
    }
    s->state = CLI_SOCKET_GREETING;
    s->tls = SSL_new(s->to->tls);
    if (s->tls == NULL || SSL_set_fd(s->tls, s->fd) != 1
        || SSL_set_tlsext_host_name(s->tls, s->to->host) != 1
        || SSL_set1_host(s->tls, s->to->host) != 1)
    {
        socket_end(s, 0, "no memory");
        return;
    }
    SSL_set_connect_state(s->tls);
}


static void
state_greeting(cli_socket_t *s)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
    int                error, rc = SSL_do_handshake(s->tls);

    if (rc == 1) {
        s->state = CLI_SOCKET_ASKING;
        return;
    }
    error = SSL_get_error(s->tls, rc);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        socket_end(
            s, 0,
            SSL_get_verify_result(s->tls) != X509_V_OK
                ? X509_verify_cert_error_string(SSL_get_verify_result(s->tls))
                : "the TLS handshake failed");
        return;
    }
    event.events |= error == SSL_ERROR_WANT_WRITE ? EPOLLOUT : 0;
    s->interest = event.events;
    (void) epoll_ctl(s->to->epoll, EPOLL_CTL_MOD, s->fd, &event);
}


static void
state_asking(cli_socket_t *s)
{
    int rc = cli_stream_flush(s) == 0 ? socket_read_head(s) : -1;

    if (rc < 0) {
        socket_end(s, 0, "the handshake was not answered");
    } else if (rc == 0) {
        if (socket_switch(s) != 0) {
            socket_end(s, 0, s->why);
            return;
        }
        s->within = true;
        s->events->opened(s->owner);
        s->within = false;
    }
}


void
cli_socket_event(cli_socket_t *s, uint32_t events)
{
    (void) events; /* reading tells more than EPOLLERR and EPOLLHUP do */
    if (s->state == CLI_SOCKET_CONNECTING) {
        state_connecting(s);
    }
    if (s->state == CLI_SOCKET_GREETING) {
        state_greeting(s);
    }
    if (s->state == CLI_SOCKET_ASKING) {
        state_asking(s);
    }
    if (s->state == CLI_SOCKET_OPEN) {
        socket_frames(s);
    }
}


/* -------------------------------------------------------------- life, end */

/* Outside of an event nobody expects closed(): what is broken is shut, so that
 * epoll tells of it. */
static void
socket_push(cli_socket_t *s)
{
    if (!s->within
        && (wslay_event_send(s->ws) != 0 || cli_stream_flush(s) != 0)) {
        (void) shutdown(s->fd, SHUT_RDWR);
    }
}


/* the first of the addresses that are left which does not fail at once */
static int
socket_connect(cli_socket_t *s)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = s };

    s->state = CLI_SOCKET_CONNECTING;
    for (; s->address != NULL; s->address = s->address->ai_next) {
        s->fd = socket(s->address->ai_family,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (s->fd < 0) {
            return 1;
        }
        s->interest = event.events;
        if ((connect(s->fd, s->address->ai_addr, s->address->ai_addrlen) == 0
             || errno == EINPROGRESS)
            && epoll_ctl(s->to->epoll, EPOLL_CTL_ADD, s->fd, &event) == 0)
        {
            return 0;
        }
        (void) close(s->fd);
        s->fd = -1;
    }
    return 1;
}


int
cli_socket_open(cli_socket_t *s, const cli_endpoint_t *to,
                const cli_socket_events_t *events, void *owner,
                const char *identity, const char *password)
{
    *s = (cli_socket_t){ .to = to,
                         .events = events,
                         .owner = owner,
                         .fd = -1,
                         .address = to->addresses };
    if (cli_upgrade_request(s, identity, password) != 0
        || socket_connect(s) != 0) {
        cli_socket_drop(s);
        return 1;
    }
    return 0;
}


int
cli_socket_send(cli_socket_t *s, const char *text, size_t len)
{
    const struct wslay_event_msg message = {
        .opcode = WSLAY_TEXT_FRAME,
        .msg = (const uint8_t *) text,
        .msg_length = len,
    };

    if (s->state != CLI_SOCKET_OPEN
        || wslay_event_queue_msg(s->ws, &message) != 0) {
        return 1;
    }
    socket_push(s);
    return 0;
}


void
cli_socket_close(cli_socket_t *s, unsigned code)
{
    if (s->state == CLI_SOCKET_OPEN) {
        (void) wslay_event_queue_close(s->ws, (uint16_t) code, NULL, 0);
        socket_push(s);
    }
}


void
cli_socket_break(cli_socket_t *s)
{
    if (s->fd >= 0) {
        (void) shutdown(s->fd, SHUT_RDWR);
    }
}


void
cli_socket_drop(cli_socket_t *s)
{
    if (s->ws != NULL) {
        wslay_event_context_free(s->ws);
    }
    SSL_free(s->tls);
    if (s->fd >= 0) {
        (void) close(s->fd);
    }
    cli_bytes_free(&s->in);
    cli_bytes_free(&s->out);
    free(s->request);
    s->request = NULL;
    s->ws = NULL;
    s->tls = NULL;
    s->fd = -1;
    s->state = CLI_SOCKET_CLOSED;
}


static void
socket_end(cli_socket_t *s, unsigned code, const char *why)
{
    char reason[128]; /* why may lie in what is freed */

    (void) snprintf(reason, sizeof(reason), "%s", why);
    cli_socket_drop(s);
    s->events->closed(s->owner, code, reason);
}
