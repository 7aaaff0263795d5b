/*
 * relay_rabbitmq.c: events into a RabbitMQ, by librabbitmq.
 *
 * Events go persistent and mandatory to a topic exchange, their type is the
 * routing key, and count only when the broker has confirmed them. What no
 * subscriber's queue takes goes, by the exchange's alternate, into a queue of
 * ours, so an event comes back (basic.return) only when that is gone as well:
 * then all is declared anew, and the event is sent again.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <openssl/ssl.h>

#include "relay.h"

#define RABBIT_CHANNEL   1
#define RABBIT_FRAME     131072
#define RABBIT_HEARTBEAT 10         /* s                                  */
#define RABBIT_TTL       86400000   /* ms: of what lies in our own queues  */
#define RABBIT_ROOM      1073741824 /* bytes of each; then the oldest goes */
#define RABBIT_SHORT     255        /* bytes of a short string             */

#define EVENTS   "voltgate.events"
#define UNROUTED "voltgate.events.unrouted"
#define DEAD     "voltgate.events.dead"

typedef struct {
    const char *name, *kind, *alternate;
} exchange_t;

typedef struct {
    const char *name, *exchange, *key, *dead;
} queue_t;

/* what an exchange or a queue names comes before it */
static const exchange_t exchanges[] = {
    { DEAD, "topic", NULL },
    { UNROUTED, "fanout", NULL },
    { EVENTS, "topic", UNROUTED },
};

static const queue_t queues[] = {
    { DEAD, DEAD, "#", NULL },
    { UNROUTED, UNROUTED, "", DEAD },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct {
    amqp_connection_state_t amqp;
    bool                    channel;
} rabbit_t;


static amqp_bytes_t
text(const char *s)
{
    return amqp_cstring_bytes(s != NULL ? s : "");
}


static relay_rc_t
rabbit_fault(relay_t *r, const char *what, int status)
{
    return relay_fault(r, "%s: %s", what, amqp_error_string2(status));
}


/* what the broker said as it closed the channel or the connection; its first
 * two members are the same for both */
static relay_rc_t
rabbit_closed(relay_t *r, const char *what, amqp_method_number_t id,
              const void *decoded)
{
    const amqp_channel_close_t *close = decoded;

    if (id != AMQP_CHANNEL_CLOSE_METHOD && id != AMQP_CONNECTION_CLOSE_METHOD) {
        return relay_fault(r, "%s: an answer that was not asked for", what);
    }
    return relay_fault(r, "%s: %d %.*s", what, close->reply_code,
                       (int) close->reply_text.len,
                       (const char *) close->reply_text.bytes);
}


static relay_rc_t
rabbit_reply(relay_t *r, const char *what, amqp_rpc_reply_t reply)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return RELAY_OK;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return rabbit_fault(r, what, reply.library_error);
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        return rabbit_closed(r, what, reply.reply.id, reply.reply.decoded);
    default:
        return relay_fault(r, "%s: no answer", what);
    }
}


/* ----------------------------------------------------------- to the broker */

static amqp_socket_t *
rabbit_socket(relay_t *r, rabbit_t *rabbit, bool tls)
{
    amqp_socket_t *socket;

    if (!tls) {
        return amqp_tcp_socket_new(rabbit->amqp);
    }
    socket = amqp_ssl_socket_new(rabbit->amqp);
    if (socket == NULL) {
        return NULL;
    }
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    if (amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        != AMQP_STATUS_OK)
    {
        return NULL;
    }
    if (r->options.ca == NULL) {
        (void) SSL_CTX_set_default_verify_paths(
            amqp_ssl_socket_get_context(socket));
    } else if (amqp_ssl_socket_set_cacert(socket, r->options.ca)
               != AMQP_STATUS_OK) {
        return NULL;
    }
    return socket;
}


static relay_rc_t
rabbit_login(relay_t *r, rabbit_t *rabbit,
             const struct amqp_connection_info *at)
{
    amqp_table_entry_t name = { .key = text("connection_name"),
                                .value.kind = AMQP_FIELD_KIND_UTF8,
                                .value.value.bytes = text(r->cursor) };
    amqp_table_t       mine = { 1, &name };
    amqp_rpc_reply_t   reply;
    char              *password = relay_password(r);

    if (password == NULL) {
        return RELAY_FAULT;
    }
    reply = amqp_login_with_properties(
        rabbit->amqp, at->vhost, 0, RABBIT_FRAME, RABBIT_HEARTBEAT, &mine,
        AMQP_SASL_METHOD_PLAIN, at->user, password);
    explicit_bzero(password, strlen(password));
    free(password);
    return rabbit_reply(r, "login", reply);
}


static relay_rc_t
rabbit_connect(relay_t *r, rabbit_t *rabbit, struct amqp_connection_info *at)
{
    struct timeval patience = { RELAY_PATIENCE, 0 };
    amqp_socket_t *socket;
    int            status;

    (void) amqp_set_handshake_timeout(rabbit->amqp, &patience);
    (void) amqp_set_rpc_timeout(rabbit->amqp, &patience);
    socket = rabbit_socket(r, rabbit, at->ssl);
    if (socket == NULL) {
        return relay_fault(r, "no socket for %s: is ca= right?", at->host);
    }
    status = amqp_socket_open_noblock(socket, at->host, at->port, &patience);
    if (status != AMQP_STATUS_OK) {
        return rabbit_fault(r, at->host, status);
    }
    return rabbit_login(r, rabbit, at);
}


/* -------------------------------------------------------------- what is there */

static relay_rc_t
rabbit_exchange(relay_t *r, rabbit_t *rabbit, const exchange_t *exchange)
{
    amqp_table_entry_t entry = { .key = text("alternate-exchange"),
                                 .value.kind = AMQP_FIELD_KIND_UTF8,
                                 .value.value.bytes =
                                     text(exchange->alternate) };
    amqp_table_t       arguments = { exchange->alternate != NULL, &entry };

    (void) amqp_exchange_declare(rabbit->amqp, RABBIT_CHANNEL,
                                 text(exchange->name), text(exchange->kind), 0,
                                 1, 0, 0, arguments);
    return rabbit_reply(r, exchange->name, amqp_get_rpc_reply(rabbit->amqp));
}


static relay_rc_t
rabbit_queue(relay_t *r, rabbit_t *rabbit, const queue_t *queue)
{
    amqp_table_entry_t entries[3] = {
        { .key = text("x-message-ttl"),
          .value.kind = AMQP_FIELD_KIND_I32,
          .value.value.i32 = RABBIT_TTL },
        { .key = text("x-max-length-bytes"),
          .value.kind = AMQP_FIELD_KIND_I64,
          .value.value.i64 = RABBIT_ROOM },
        { .key = text("x-dead-letter-exchange"),
          .value.kind = AMQP_FIELD_KIND_UTF8,
          .value.value.bytes = text(queue->dead) },
    };
    amqp_table_t arguments = { queue->dead != NULL ? 3 : 2, entries };
    relay_rc_t   rc;

    (void) amqp_queue_declare(rabbit->amqp, RABBIT_CHANNEL, text(queue->name),
                              0, 1, 0, 0, arguments);
    rc = rabbit_reply(r, queue->name, amqp_get_rpc_reply(rabbit->amqp));
    if (rc != RELAY_OK) {
        return rc;
    }
    (void) amqp_queue_bind(rabbit->amqp, RABBIT_CHANNEL, text(queue->name),
                           text(queue->exchange), text(queue->key),
                           amqp_empty_table);
    return rabbit_reply(r, queue->name, amqp_get_rpc_reply(rabbit->amqp));
}


static relay_rc_t
rabbit_declare(relay_t *r, rabbit_t *rabbit)
{
    relay_rc_t rc;

    (void) amqp_channel_open(rabbit->amqp, RABBIT_CHANNEL);
    rc = rabbit_reply(r, "channel", amqp_get_rpc_reply(rabbit->amqp));
    rabbit->channel = rc == RELAY_OK;
    for (size_t i = 0; rc == RELAY_OK && i < COUNT(exchanges); i++) {
        rc = rabbit_exchange(r, rabbit, &exchanges[i]);
    }
    for (size_t i = 0; rc == RELAY_OK && i < COUNT(queues); i++) {
        rc = rabbit_queue(r, rabbit, &queues[i]);
    }
    if (rc == RELAY_OK) {
        (void) amqp_confirm_select(rabbit->amqp, RABBIT_CHANNEL);
        rc = rabbit_reply(r, "confirms", amqp_get_rpc_reply(rabbit->amqp));
    }
    return rc;
}


static relay_rc_t
rabbit_open(relay_t *r)
{
    struct amqp_connection_info at;
    rabbit_t                   *rabbit = calloc(1, sizeof(rabbit_t));
    char                       *url = strdup(r->options.address);
    relay_rc_t                  rc;

    r->link = rabbit;
    if (rabbit == NULL || url == NULL
        || (rabbit->amqp = amqp_new_connection()) == NULL)
    {
        free(url);
        return relay_fault(r, "no memory");
    }
    amqp_default_connection_info(&at);
    if (amqp_parse_url(url, &at) != AMQP_STATUS_OK) {
        rc = relay_fault(r, "not a URL of AMQP");
    } else {
        rc = rabbit_connect(r, rabbit, &at);
    }
    if (rc == RELAY_OK) {
        rc = rabbit_declare(r, rabbit);
    }
    free(url);
    return rc;
}


static void
rabbit_close(relay_t *r)
{
    rabbit_t *rabbit = r->link;

    if (rabbit->amqp != NULL) {
        /* a word to the broker, if there is one; destroy closes the socket */
        if (rabbit->channel && r->stop) {
            (void) amqp_connection_close(rabbit->amqp, AMQP_REPLY_SUCCESS);
        }
        (void) amqp_destroy_connection(rabbit->amqp);
    }
    free(rabbit);
    r->link = NULL;
}


/* ------------------------------------------------------------------- events */

/* Waits for the socket while the broker takes nothing, until two heartbeats
 * of its are missing. */
static relay_rc_t
rabbit_publish(relay_t *r, const relay_event_t *event, uint64_t tag)
{
    rabbit_t               *rabbit = r->link;
    amqp_basic_properties_t p = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG
                  | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG
                  | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG,
        .content_type = text("application/json"),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .message_id = text(event->id),
        .timestamp = (uint64_t) event->at_ms / 1000,
        .type = text(event->type),
        .app_id = text("voltgate"),
    };
    int status;

    (void) tag; /* both sides count from 1 */
    if (strlen(event->correlation) <= RABBIT_SHORT) {
        p._flags |= AMQP_BASIC_CORRELATION_ID_FLAG;
        p.correlation_id = text(event->correlation);
    }
    status = amqp_basic_publish(
        rabbit->amqp, RABBIT_CHANNEL, text(EVENTS), text(event->type), 1, 0, &p,
        (amqp_bytes_t){ event->body_len, (void *) event->body });
    return status == AMQP_STATUS_OK ? RELAY_OK
                                    : rabbit_fault(r, "publishing", status);
}


static relay_rc_t
rabbit_confirmed(relay_t *r, uint64_t tag, bool multiple)
{
    int64_t anew = relay_window_confirm(&r->window, tag, multiple);

    if (anew < 0) {
        return relay_fault(r, "a confirm of what was not sent");
    }
    r->counts.confirmed += (uint64_t) anew;
    return RELAY_OK;
}


/* What came back or was refused ends the session before its confirm is looked
 * at, so it is sent again, and all behind it in order. */
static relay_rc_t
rabbit_method(relay_t *r, const amqp_method_t *method)
{
    const amqp_basic_ack_t          *ack = method->decoded;
    const amqp_basic_return_t       *back = method->decoded;
    const amqp_connection_blocked_t *blocked = method->decoded;

    switch (method->id) {
    case AMQP_BASIC_ACK_METHOD:
        return rabbit_confirmed(r, ack->delivery_tag, ack->multiple);
    case AMQP_BASIC_NACK_METHOD:
        r->counts.refused++;
        return relay_fault(r, "the broker could not keep an event");
    case AMQP_BASIC_RETURN_METHOD:
        r->counts.returned++;
        return relay_fault(r, "%.*s came back: %s is gone",
                           (int) back->routing_key.len,
                           (const char *) back->routing_key.bytes, UNROUTED);
    case AMQP_CONNECTION_BLOCKED_METHOD:
        relay_say(r, RELAY_WARNING, "the broker takes nothing for now: %.*s",
                  (int) blocked->reason.len,
                  (const char *) blocked->reason.bytes);
        return RELAY_OK;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        relay_say(r, RELAY_NOTICE, "the broker takes events again");
        return RELAY_OK;
    default:
        return rabbit_closed(r, "the broker", method->id, method->decoded);
    }
}


/* Also sends heartbeats, and misses those of the broker. */
static relay_rc_t
rabbit_serve(relay_t *r)
{
    rabbit_t      *rabbit = r->link;
    struct timeval now = { 0, 0 };
    amqp_frame_t   frame;
    relay_rc_t     rc = RELAY_OK;
    int            status;

    while (rc == RELAY_OK) {
        amqp_maybe_release_buffers(rabbit->amqp);
        status = amqp_simple_wait_frame_noblock(rabbit->amqp, &frame, &now);
        if (status == AMQP_STATUS_TIMEOUT) {
            break;
        }
        if (status != AMQP_STATUS_OK) {
            return rabbit_fault(r, "the broker", status);
        }
        if (frame.frame_type == AMQP_FRAME_METHOD) {
            rc = rabbit_method(r, &frame.payload.method);
        }
    }
    return rc;
}


static int
rabbit_fd(relay_t *r)
{
    rabbit_t *rabbit = r->link;

    return amqp_get_sockfd(rabbit->amqp);
}


/* It may have asked for a heartbeat more often than we did. */
static int64_t
rabbit_patience(relay_t *r)
{
    rabbit_t *rabbit = r->link;
    int       seconds = amqp_get_heartbeat(rabbit->amqp);

    return seconds > 0 ? seconds * INT64_C(1000) / 2 : RELAY_POLL;
}


const relay_broker_t relay_rabbitmq = {
    .kind = "rabbitmq",
    .window = 200,
    .open = rabbit_open,
    .publish = rabbit_publish,
    .serve = rabbit_serve,
    .fd = rabbit_fd,
    .patience = rabbit_patience,
    .close = rabbit_close,
};
