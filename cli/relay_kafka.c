/*
 * relay_kafka.c: events into a Kafka, by librdkafka.
 *
 * The producer is idempotent: within a session nothing is doubled or changes
 * its order. A topic for each domain, which is the first word of the type;
 * the key is the aggregate, so its events stay in one partition, in order.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "relay.h"

#define KAFKA_TOPIC "voltgate."
#define KAFKA_NAME  249 /* bytes of a topic's name                       */
#define KAFKA_CLOSE 500 /* ms for the last word                          */
#define KAFKA_TURN  10  /* ms, while there is something to be confirmed  */

typedef struct {
    rd_kafka_t *kafka;
    relay_rc_t  rc; /* what a callback met                                */
} kafka_t;

/* message.timeout.ms: then the session is over, and another node may try */
static const struct {
    const char *name, *value;
} settings[] = {
    { "client.id", "voltgate-relay" },
    { "enable.idempotence", "true" },
    /* what is behind an event that was refused does not overtake it */
    { "enable.gapless.guarantee", "true" },
    { "max.in.flight.requests.per.connection", "1" },
    { "message.timeout.ms", "30000" },
    { "linger.ms", "5" },
    { "socket.timeout.ms", "10000" },
    { "socket.connection.setup.timeout.ms", "10000" },
    { "socket.keepalive.enable", "true" },
    /* how large an event may be is the broker's to say */
    { "message.max.bytes", "2097152" },
    /* as Java's clients do, so that a key has one partition for all */
    { "partitioner", "murmur2_random" },
    { "ssl.endpoint.identification.algorithm", "https" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))


/* An event that is not kept ends the session; whoever hears of it first, the
 * report of its delivery or the next event for its topic, counts it. */
static relay_rc_t
kafka_refused(relay_t *r, const char *what, const char *why)
{
    kafka_t *link = r->link;

    r->counts.refused++;
    link->rc = relay_fault(r, "%s: %s", what, why);
    return link->rc;
}


static void
kafka_delivered(rd_kafka_t *kafka, const rd_kafka_message_t *message,
                void *opaque)
{
    relay_t *r = opaque;
    kafka_t *link = r->link;
    int64_t  anew;

    (void) kafka;
    if (link->rc != RELAY_OK) {
        return; /* the session is over; what is behind goes again */
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void) kafka_refused(r, "an event was not kept",
                             rd_kafka_err2str(message->err));
        return;
    }
    anew =
        relay_window_confirm(&r->window, (uintptr_t) message->_private, false);
    r->counts.confirmed += anew > 0 ? (uint64_t) anew : 0;
}


/* The producer can do no more: an event was refused, and to go on would be to
 * leave it out. A new process begins with it. */
static void
kafka_fatal(relay_t *r, rd_kafka_t *kafka)
{
    kafka_t            *link = r->link;
    rd_kafka_resp_err_t code;
    char                why[200];

    if (link->rc == RELAY_OK) {
        r->counts.refused++;
    }
    code = rd_kafka_fatal_error(kafka, why, sizeof(why));
    (void) relay_fault(r, "%s: %s", rd_kafka_err2name(code), why);
    link->rc = RELAY_FATAL;
}


static void
kafka_error(rd_kafka_t *kafka, int code, const char *reason, void *opaque)
{
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        kafka_fatal(opaque, kafka);
    } else {
        relay_say(opaque, RELAY_WARNING, "%s", reason);
    }
}


/* by a thread of the library's: errors come by kafka_error() as well */
static void
kafka_log(const rd_kafka_t *kafka, int level, const char *facility,
          const char *line)
{
    (void) kafka;
    (void) level;
    (void) facility;
    (void) line;
}


static relay_rc_t
kafka_set(relay_t *r, rd_kafka_conf_t *conf, const char *name,
          const char *value)
{
    char why[200];

    if (value != NULL
        && rd_kafka_conf_set(conf, name, value, why, sizeof(why))
               != RD_KAFKA_CONF_OK)
    {
        return relay_fault(r, "%s", why);
    }
    return RELAY_OK;
}


/* who they are, and who we are */
static relay_rc_t
kafka_trust(relay_t *r, rd_kafka_conf_t *conf)
{
    const relay_options_t *o = &r->options;
    const char            *protocols[] = { "plaintext", "ssl", "sasl_plaintext",
                                           "sasl_ssl" };
    char                  *password;
    relay_rc_t             rc;

    rc = kafka_set(r, conf, "security.protocol",
                   protocols[o->tls + 2 * (o->user != NULL)]);
    if (rc == RELAY_OK) {
        rc = kafka_set(r, conf, "ssl.ca.location", o->ca);
    }
    if (rc != RELAY_OK || o->user == NULL) {
        return rc;
    }
    password = relay_password(r);
    if (password == NULL) {
        return RELAY_FAULT;
    }
    rc = kafka_set(r, conf, "sasl.mechanism", o->sasl);
    if (rc == RELAY_OK) {
        rc = kafka_set(r, conf, "sasl.username", o->user);
    }
    /* its error would not show the value either */
    if (rc == RELAY_OK) {
        rc = kafka_set(r, conf, "sasl.password", password);
    }
    explicit_bzero(password, strlen(password));
    free(password);
    return rc;
}


static rd_kafka_conf_t *
kafka_conf(relay_t *r)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char             queue[12];
    relay_rc_t       rc;

    (void) snprintf(queue, sizeof(queue), "%u", r->options.window);
    rc = kafka_set(r, conf, "bootstrap.servers", r->options.address);
    for (size_t i = 0; rc == RELAY_OK && i < COUNT(settings); i++) {
        rc = kafka_set(r, conf, settings[i].name, settings[i].value);
    }
    if (rc == RELAY_OK) {
        rc = kafka_set(r, conf, "queue.buffering.max.messages", queue);
    }
    if (rc == RELAY_OK) {
        rc = kafka_trust(r, conf);
    }
    if (rc != RELAY_OK) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, r);
    rd_kafka_conf_set_dr_msg_cb(conf, kafka_delivered);
    rd_kafka_conf_set_error_cb(conf, kafka_error);
    rd_kafka_conf_set_log_cb(conf, kafka_log);
    return conf;
}


static relay_rc_t
kafka_open(relay_t *r)
{
    kafka_t         *link = calloc(1, sizeof(kafka_t));
    rd_kafka_conf_t *conf;
    char             why[200];

    r->link = link;
    if (link == NULL) {
        return relay_fault(r, "no memory");
    }
    conf = kafka_conf(r);
    if (conf == NULL) {
        return RELAY_FAULT;
    }
    link->kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (link->kafka == NULL) {
        rd_kafka_conf_destroy(conf);
        return relay_fault(r, "%s", why);
    }
    return RELAY_OK;
}


static void
kafka_close(relay_t *r)
{
    kafka_t *link = r->link;

    if (link->kafka != NULL) {
        if (r->stop && r->window.count == 0) {
            (void) rd_kafka_flush(link->kafka, KAFKA_CLOSE);
        }
        link->rc = RELAY_FAULT; /* what is reported now is too late */
        (void) rd_kafka_purge(link->kafka, RD_KAFKA_PURGE_F_QUEUE
                                               | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(link->kafka);
    }
    free(link);
    r->link = NULL;
}


static relay_rc_t
kafka_publish(relay_t *r, const relay_event_t *event, uint64_t tag)
{
    kafka_t            *link = r->link;
    char                topic[KAFKA_NAME + 1];
    rd_kafka_resp_err_t err;

    (void) snprintf(topic, sizeof(topic), KAFKA_TOPIC "%.*s",
                    (int) strcspn(event->type, "."), event->type);
    err = rd_kafka_producev(
        link->kafka, RD_KAFKA_V_TOPIC(topic),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(event->aggregate, strlen(event->aggregate)),
        RD_KAFKA_V_VALUE((void *) event->body, event->body_len),
        RD_KAFKA_V_TIMESTAMP(event->at_ms),
        RD_KAFKA_V_HEADER("eventId", event->id, -1),
        RD_KAFKA_V_HEADER("type", event->type, -1),
        RD_KAFKA_V_HEADER("correlationId", event->correlation, -1),
        RD_KAFKA_V_OPAQUE((void *) (uintptr_t) tag), RD_KAFKA_V_END);
    switch (err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return RELAY_OK;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return RELAY_FULL;
    case RD_KAFKA_RESP_ERR__FATAL:
        kafka_fatal(r, link->kafka);
        return link->rc;
    default:
        return kafka_refused(r, topic, rd_kafka_err2str(err));
    }
}


static relay_rc_t
kafka_serve(relay_t *r)
{
    kafka_t *link = r->link;

    (void) rd_kafka_poll(link->kafka, 0);
    return link->rc;
}


static int
kafka_fd(relay_t *r)
{
    (void) r;
    return -1;
}


static int64_t
kafka_patience(relay_t *r)
{
    return r->window.count > 0 ? KAFKA_TURN : RELAY_POLL;
}


const relay_broker_t relay_kafka = {
    .kind = "kafka",
    .window = 1000,
    .open = kafka_open,
    .publish = kafka_publish,
    .serve = kafka_serve,
    .fd = kafka_fd,
    .patience = kafka_patience,
    .close = kafka_close,
};
