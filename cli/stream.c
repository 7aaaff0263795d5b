/*
 * stream.c: bytes in and out of a socket, over TCP or TLS.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "socket.h"


int
cli_bytes_add(cli_bytes_t *bytes, const void *data, size_t len)
{
    size_t size = bytes->size ? bytes->size : 256;
    char  *grown;

    if (bytes->at == bytes->len) {
        bytes->at = bytes->len = 0;
    }
    while (size - bytes->len < len) {
        size *= 2;
    }
    if (size != bytes->size) {
        grown = realloc(bytes->data, size);
        if (grown == NULL) {
            return 1;
        }
        bytes->data = grown;
        bytes->size = size;
    }
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
    return 0;
}


void
cli_bytes_free(cli_bytes_t *bytes)
{
    free(bytes->data);
    *bytes = (cli_bytes_t){ .data = NULL };
}


ssize_t
cli_stream_read(cli_socket_t *s, void *data, size_t len)
{
    ssize_t n;
    int     error;

    if (s->tls == NULL) {
        n = read(s->fd, data, len);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return 0;
        }
        return n > 0 ? n : -1;
    }
    n = SSL_read(s->tls, data, (int) len);
    if (n > 0) {
        return n;
    }
    error = SSL_get_error(s->tls, (int) n);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0
                                                                         : -1;
}


static ssize_t
stream_write(cli_socket_t *s, const void *data, size_t len)
{
    ssize_t n;
    int     error;

    if (s->tls == NULL) {
        n = send(s->fd, data, len, MSG_NOSIGNAL);
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
    }
    n = SSL_write(s->tls, data, (int) len);
    if (n > 0) {
        return n;
    }
    error = SSL_get_error(s->tls, (int) n);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0
                                                                         : -1;
}


int
cli_stream_flush(cli_socket_t *s)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
    ssize_t            n = 1;

    while (s->out.at < s->out.len && n > 0) {
        n = stream_write(s, s->out.data + s->out.at, s->out.len - s->out.at);
        if (n < 0) {
            return 1;
        }
        s->out.at += (size_t) n;
    }
    if (s->out.at < s->out.len) {
        event.events |= EPOLLOUT;
    } else {
        cli_bytes_free(&s->out);
    }
    if (event.events != s->interest) {
        s->interest = event.events;
        return epoll_ctl(s->to->epoll, EPOLL_CTL_MOD, s->fd, &event) != 0;
    }
    return 0;
}
