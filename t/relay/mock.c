/*
 * mock.c: a Kafka of librdkafka's own (its mock cluster, over real sockets),
 * and a consumer of it, for t/relay/kafka.t.
 *
 * The first line says its address. Then a line for each message: topic,
 * partition, key, the headers eventId and type, the value, parted by tabs.
 * Commands, a line each, are answered "ok":
 *
 *     fail N     the next N produce requests meet errors that may be repeated
 *     lose N     the next N answers to them are withheld: the connection breaks
 *     refuse     the next one is told that it may not write: no retry helps
 *     down, up   the broker
 */

#define _GNU_SOURCE

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define PRODUCE 0 /* Kafka's number of that request                        */
#define TURN    20

static rd_kafka_t              *consumer;
static rd_kafka_mock_cluster_t *cluster;


static void
fail(const char *what)
{
    (void) fprintf(stderr, "%s\n", what);
    exit(1);
}


static rd_kafka_t *
client(rd_kafka_type_t type, const char *servers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t      *kafka;
    char             why[200];
    const char      *set[][2] = { { "group.id", "mock" },
                                  { "auto.offset.reset", "earliest" },
                                  { "enable.auto.commit", "false" },
                                  { "log_level", "0" } };

    for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
        (void) rd_kafka_conf_set(conf, set[i][0], set[i][1], why, sizeof(why));
    }
    if (servers != NULL) {
        (void) rd_kafka_conf_set(conf, "bootstrap.servers", servers, why,
                                 sizeof(why));
    }
    kafka = rd_kafka_new(type, conf, why, sizeof(why));
    if (kafka == NULL) {
        fail(why);
    }
    return kafka;
}


/* all partitions of one topic, from their beginning */
static void
begin(const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *all =
        rd_kafka_topic_partition_list_new(partitions);

    for (int i = 0; i < partitions; i++) {
        rd_kafka_topic_partition_list_add(all, topic, i)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    }
    if (rd_kafka_assign(consumer, all) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail("assign");
    }
    rd_kafka_topic_partition_list_destroy(all);
}


static const char *
header(const rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers;
    const void         *value = NULL;
    size_t              size;

    if (rd_kafka_message_headers(message, &headers)
            != RD_KAFKA_RESP_ERR_NO_ERROR
        || rd_kafka_header_get_last(headers, name, &value, &size)
               != RD_KAFKA_RESP_ERR_NO_ERROR)
    {
        return "";
    }
    return value; /* librdkafka ends it with a NUL */
}


static void
take(void)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, TURN);

    if (message == NULL) {
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        printf("%s\t%d\t%.*s\t%s\t%s\t%.*s\n",
               rd_kafka_topic_name(message->rkt), (int) message->partition,
               (int) message->key_len, (const char *) message->key,
               header(message, "eventId"), header(message, "type"),
               (int) message->len, (const char *) message->payload);
    }
    rd_kafka_message_destroy(message);
}


static void
errors(rd_kafka_resp_err_t err, int count)
{
    while (count-- > 0) {
        rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, err);
    }
}


static void
obey(const char *line)
{
    int count = (int) strtol(line + strcspn(line, " "), NULL, 10);

    if (strncmp(line, "fail", 4) == 0) {
        errors(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, count);
    } else if (strncmp(line, "lose", 4) == 0) {
        errors(RD_KAFKA_RESP_ERR__TRANSPORT, count);
    } else if (strncmp(line, "refuse", 6) == 0) {
        errors(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
    } else if (strncmp(line, "down", 4) == 0) {
        rd_kafka_mock_broker_set_down(cluster, 1);
    } else if (strncmp(line, "up", 2) == 0) {
        rd_kafka_mock_broker_set_up(cluster, 1);
    } else {
        fail(line);
    }
    puts("ok");
}


int
main(int argc, char **argv)
{
    struct pollfd in = { .fd = 0, .events = POLLIN };
    rd_kafka_t   *owner;
    char          line[80];

    if (argc != 2) {
        fail("mock TOPIC");
    }
    (void) setvbuf(stdout, NULL, _IOLBF, 0);
    (void) setvbuf(stdin, NULL, _IONBF, 0);
    owner = client(RD_KAFKA_PRODUCER, NULL);
    cluster = rd_kafka_mock_cluster_new(owner, 1);
    if (cluster == NULL
        || rd_kafka_mock_topic_create(cluster, argv[1], 3, 1)
               != RD_KAFKA_RESP_ERR_NO_ERROR)
    {
        fail("no mock cluster");
    }
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    consumer =
        client(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(cluster));
    begin(argv[1], 3);
    for (;;) {
        take();
        if (poll(&in, 1, 0) > 0) {
            if (fgets(line, sizeof(line), stdin) == NULL) {
                break;
            }
            obey(line);
        }
    }
    rd_kafka_destroy(consumer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return 0;
}
