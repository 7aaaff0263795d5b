/*
 * socket.h: one WebSocket to a gateway, over TCP or TLS, on an epoll loop.
 *
 * Owns the connection, the handshake and the frames. What the messages mean
 * is the owner's. Nothing here waits, but for the name in cli_endpoint_open().
 */

#ifndef VG_CLI_SOCKET_H
#define VG_CLI_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* where to: shared by all sockets, and outlives them */
typedef struct {
    char              *host;
    char              *port;
    char              *path; /* without a slash at its end                  */
    struct addrinfo   *addresses;
    struct ssl_ctx_st *tls; /* NULL: plain                                */
    int                epoll;
} cli_endpoint_t;

/* Called from within cli_socket_event() alone. */
typedef struct {
    void (*opened)(void *owner);
    void (*message)(void *owner, const char *text, size_t len);
    /* code: of the close frame; 0: the connection broke. Afterwards the
     * socket may be opened again. */
    void (*closed)(void *owner, unsigned code, const char *why);
} cli_socket_events_t;

typedef enum {
    CLI_SOCKET_CLOSED,
    CLI_SOCKET_CONNECTING, /* TCP                                         */
    CLI_SOCKET_GREETING,   /* TLS                                         */
    CLI_SOCKET_ASKING,     /* the HTTP request is out, or on its way      */
    CLI_SOCKET_OPEN,
} cli_socket_state_t;

typedef struct {
    char  *data;
    size_t len, at, size; /* at: so much of len is dealt with             */
} cli_bytes_t;

int  cli_bytes_add(cli_bytes_t *bytes, const void *data, size_t len);
void cli_bytes_free(cli_bytes_t *bytes);

typedef struct {
    const cli_endpoint_t       *to;
    const cli_socket_events_t  *events;
    void                       *owner;
    cli_socket_state_t          state;
    int                         fd;
    uint32_t                    interest; /* as epoll knows it            */
    const struct addrinfo      *address;  /* that is tried                */
    struct ssl_st              *tls;
    struct wslay_event_context *ws;
    cli_bytes_t                 out;
    cli_bytes_t                 in; /* the answer's head, and what follows */
    char                       *request; /* until it is answered            */
    char                        accept[32];    /* that the server must send  */
    const char                 *why;           /* it failed; NULL: it did not */
    uint8_t                     close_code[2]; /* as the gateway sent it */
    size_t                      close_len;
    bool                        closing; /* a close frame is coming in */
    bool                        within;  /* an event: frames go out after  */
} cli_socket_t;

/* url: ws://HOST[:PORT][/PATH] or wss://…; the path is /ocpp by default. ca:
 * PEM file of whom to trust; NULL: whom the system trusts. 1: reported. */
int  cli_endpoint_open(cli_endpoint_t *to, const char *url, const char *ca);
void cli_endpoint_close(cli_endpoint_t *to);

/* Starts to connect as this charge point; opened() or closed() comes later.
 * The socket is zeroed before its first use. 1: it cannot even begin. */
int cli_socket_open(cli_socket_t *s, const cli_endpoint_t *to,
                    const cli_socket_events_t *events, void *owner,
                    const char *identity, const char *password);

/* One text message. 1: the socket is not open, or out of memory. */
int cli_socket_send(cli_socket_t *s, const char *text, size_t len);

/* Says goodbye; closed() comes when the other side has answered. */
void cli_socket_close(cli_socket_t *s, unsigned code);

/* As if the cable were cut; closed() comes when epoll has seen it. */
void cli_socket_break(cli_socket_t *s);

/* Frees all, at once, without closed(); not from within an event. */
void cli_socket_drop(cli_socket_t *s);

/* epoll says that there is something to do; its data.ptr is the socket */
void cli_socket_event(cli_socket_t *s, uint32_t events);


/* ------------------------- between socket.c, stream.c and upgrade.c */

/* TCP or TLS: how many bytes; 0: none at this moment; -1: it is over. */
ssize_t cli_stream_read(cli_socket_t *s, void *data, size_t len);

/* Sends s->out as far as it goes; epoll is asked for the rest. 1: over. */
int cli_stream_flush(cli_socket_t *s);

/* Fills in s->request and s->accept. 1: a name or password too long. */
int cli_upgrade_request(cli_socket_t *s, const char *identity,
                        const char *password);

/* head: of the answer, up to its last line's end. NULL: we may speak OCPP;
 * else why not, a static text or part of head. */
const char *cli_upgrade_refused(cli_socket_t *s, char *head);

#endif /* VG_CLI_SOCKET_H */
