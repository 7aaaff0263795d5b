/*
 * upgrade.c: the HTTP request that asks for a WebSocket, and whether the
 * answer gives it.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "socket.h"

#define IDENTITY_MAX 48
#define PASSWORD_MAX 128

/* RFC 6455, 1.3 */
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static char *
put_path(char *at, const char *identity)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *identity != '\0'; identity++) {
        if (strchr(plain, *identity) != NULL) {
            *at++ = *identity;
        } else {
            at += sprintf(at, "%%%02X", (unsigned char) *identity);
        }
    }
    *at = '\0';
    return at;
}


/* the request of one charge point, and the answer that it must get */
int
cli_upgrade_request(cli_socket_t *s, const char *identity, const char *password)
{
    unsigned char nonce[16], digest[EVP_MAX_MD_SIZE], basic[256] = "";
    char          key[64], pair[IDENTITY_MAX + PASSWORD_MAX + 2];
    char          path[IDENTITY_MAX * 3 + 1], text[128];
    unsigned int  len = 0;
    int           n;

    if (strlen(identity) > IDENTITY_MAX || strlen(password) > PASSWORD_MAX
        || RAND_bytes(nonce, sizeof(nonce)) != 1)
    {
        return 1;
    }
    (void) EVP_EncodeBlock((unsigned char *) key, nonce, sizeof(nonce));
    (void) snprintf(text, sizeof(text), "%s" ACCEPT_GUID, key);
    if (EVP_Digest(text, strlen(text), digest, &len, EVP_sha1(), NULL) != 1) {
        return 1;
    }
    (void) EVP_EncodeBlock((unsigned char *) s->accept, digest, (int) len);
    n = snprintf(pair, sizeof(pair), "%s:%s", identity, password);
    (void) EVP_EncodeBlock(basic, (unsigned char *) pair, n);
    (void) put_path(path, identity);
    n = asprintf(&s->request,
                 "GET %s/%s HTTP/1.1\r\n"
                 "Host: %s:%s\r\n"
                 "Upgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: %s\r\n"
                 "Sec-WebSocket-Protocol: ocpp1.6\r\n"
                 "Authorization: Basic %s\r\n\r\n",
                 s->to->path, path, s->to->host, s->to->port, key, basic);
    if (n < 0) {
        s->request = NULL;
        return 1;
    }
    return 0;
}


/* the value of a header in the head; NULL: it is not there */
static const char *
head_value(const char *head, const char *name)
{
    size_t len = strlen(name);

    for (; (head = strstr(head, "\r\n")) != NULL; head += 2) {
        if (strncasecmp(head + 2, name, len) == 0 && head[2 + len] == ':') {
            head += 3 + len;
            return head + strspn(head, " ");
        }
    }
    return NULL;
}


/* whether value is text, and ends there */
static bool
head_is(const char *value, const char *text)
{
    size_t len = strlen(text);

    return value != NULL && strncmp(value, text, len) == 0
           && (value[len] == '\r' || value[len] == '\0' || value[len] == ' ');
}


const char *
cli_upgrade_refused(cli_socket_t *s, char *head)
{
    if (strncmp(head, "HTTP/1.1 101 ", 13) != 0) {
        head[strcspn(head, "\r")] = '\0';
        return head;
    }
    if (!head_is(head_value(head, "Sec-WebSocket-Accept"), s->accept)) {
        return "Sec-WebSocket-Accept is wrong";
    }
    if (!head_is(head_value(head, "Sec-WebSocket-Protocol"), "ocpp1.6")) {
        return "the gateway does not speak ocpp1.6";
    }
    return NULL;
}
