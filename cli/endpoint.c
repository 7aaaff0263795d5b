/*
 * endpoint.c: where the simulated charge points connect to: the URL's parts,
 * its addresses, and whom TLS trusts.
 */

#define _GNU_SOURCE

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "cli.h"
#include "socket.h"


/* ws://HOST[:PORT][/PATH]; an IPv6 address stands in brackets */
static int
endpoint_parse(cli_endpoint_t *to, const char *url, bool *tls)
{
    const char *host, *end, *colon, *path;

    *tls = strncmp(url, "wss://", 6) == 0;
    if (!*tls && strncmp(url, "ws://", 5) != 0) {
        return cli_fail("--url is ws://HOST:PORT or wss://HOST:PORT");
    }
    host = strchr(url, '/') + 2;
    path = host + strcspn(host, "/?#");
    end = path;
    colon = memrchr(host, ':', (size_t) (path - host));
    if (colon != NULL && memchr(colon, ']', (size_t) (path - colon)) == NULL) {
        end = colon;
        to->port = strndup(colon + 1, (size_t) (path - colon - 1));
    } else {
        to->port = strdup(*tls ? "443" : "80");
    }
    if (*host == '[' && end > host + 1 && end[-1] == ']') {
        host++;
        end--;
    }
    to->host = strndup(host, (size_t) (end - host));
    to->path = strdup(path[strspn(path, "/")] != '\0' ? path : "/ocpp");
    if (to->host == NULL || to->port == NULL || to->path == NULL) {
        return cli_fail("no memory");
    }
    if (*to->host == '\0' || strpbrk(to->path, "?# \r\n") != NULL) {
        return cli_fail("--url: no host, or a path that no charger has");
    }
    while (to->path[strlen(to->path) - 1] == '/') {
        to->path[strlen(to->path) - 1] = '\0';
    }
    return 0;
}


static int
endpoint_trust(cli_endpoint_t *to, const char *ca)
{
    to->tls = SSL_CTX_new(TLS_client_method());
    if (to->tls == NULL
        || SSL_CTX_set_min_proto_version(to->tls, TLS1_2_VERSION) != 1)
    {
        return cli_fail("TLS is not to be had");
    }
    if (ca != NULL ? SSL_CTX_load_verify_file(to->tls, ca) != 1
                   : SSL_CTX_set_default_verify_paths(to->tls) != 1)
    {
        return cli_fail("%s: %s", ca != NULL ? ca : "the system's certificates",
                        ERR_reason_error_string(ERR_peek_last_error()));
    }
    SSL_CTX_set_verify(to->tls, SSL_VERIFY_PEER, NULL);
    /* what is written next may lie elsewhere, for the buffer grows */
    SSL_CTX_set_mode(to->tls, SSL_MODE_ENABLE_PARTIAL_WRITE
                                  | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                  | SSL_MODE_RELEASE_BUFFERS);
    return 0;
}


int
cli_endpoint_open(cli_endpoint_t *to, const char *url, const char *ca)
{
    static const struct addrinfo want = { .ai_family = AF_UNSPEC,
                                          .ai_socktype = SOCK_STREAM };
    bool                         tls;
    int                          rc;

    *to = (cli_endpoint_t){ .epoll = -1 };
    if (endpoint_parse(to, url, &tls) != 0
        || (tls && endpoint_trust(to, ca) != 0)) {
        return 1;
    }
    rc = getaddrinfo(to->host, to->port, &want, &to->addresses);
    if (rc != 0) {
        return cli_fail("%s:%s: %s", to->host, to->port, gai_strerror(rc));
    }
    to->epoll = epoll_create1(EPOLL_CLOEXEC);
    return to->epoll < 0 ? cli_fail("no epoll") : 0;
}


void
cli_endpoint_close(cli_endpoint_t *to)
{
    if (to->epoll >= 0) {
        (void) close(to->epoll);
    }
    if (to->addresses != NULL) {
        freeaddrinfo(to->addresses);
    }
    SSL_CTX_free(to->tls);
    free(to->host);
    free(to->port);
    free(to->path);
}
