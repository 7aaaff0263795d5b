/*
 * relay.c: `voltgate relay rabbitmq|kafka`: its options, and what it says.
 *
 * Secrets come in files, the database's address in the environment: arguments
 * are seen by all users of the machine.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "relay.h"

#define WINDOW_MOST 100000

static const char usage[] =
    "voltgate relay rabbitmq amqps://USER@HOST[:PORT]/VHOST [OPTION...]\n"
    "voltgate relay kafka HOST:PORT[,HOST:PORT...] [OPTION...]\n"
    "    Takes the log of events to a broker, each at least once, until it is\n"
    "    ended by TERM. $DATABASE_URL is the gateway's database; the relay\n"
    "    logs in as vg_relay. The gateway starts it by itself: voltgate_relay\n"
    "    in its conf.\n"
    "    --password-file FILE  the broker's password, in its first line\n"
    "    --ca FILE             whom to trust; else the system's\n"
    "    --name NAME           of its place in the log: relay:NAME; else the\n"
    "                          kind of broker\n"
    "    --from start|end      where it begins when it has no place yet: with\n"
    "                          all that is kept (this), or what comes now\n"
    "    --log NAME            of that database in the gateway's conf; else\n"
    "                          home\n"
    "    --window N            events that may be unconfirmed; 200, kafka "
    "1000\n"
    "    --tls, --user NAME, --sasl MECHANISM\n"
    "                          kafka: TLS; SASL, by SCRAM-SHA-512 unless said\n"
    "    --stdin               ends when standard input does, and looks at "
    "the\n"
    "                          log for each word on it\n";

typedef enum {
    OPTION_TEXT,
    OPTION_FLAG,
    OPTION_NUMBER,
    OPTION_KAFKA_TEXT,
    OPTION_KAFKA_FLAG,
} option_type_t;

/* clang-format off */
static const struct {
    const char   *name;
    option_type_t type;
    size_t        offset;
} table[] = {
    { "password-file", OPTION_TEXT, offsetof(relay_options_t, password_file) },
    { "ca", OPTION_TEXT, offsetof(relay_options_t, ca) },
    { "name", OPTION_TEXT, offsetof(relay_options_t, name) },
    { "from", OPTION_TEXT, offsetof(relay_options_t, from) },
    { "log", OPTION_TEXT, offsetof(relay_options_t, log) },
    { "window", OPTION_NUMBER, offsetof(relay_options_t, window) },
    { "tls", OPTION_KAFKA_FLAG, offsetof(relay_options_t, tls) },
    { "user", OPTION_KAFKA_TEXT, offsetof(relay_options_t, user) },
    { "sasl", OPTION_KAFKA_TEXT, offsetof(relay_options_t, sasl) },
    { "stdin", OPTION_FLAG, offsetof(relay_options_t, held) },
    { "help", OPTION_FLAG, 0 },
};
/* clang-format on */

#define OPTIONS (sizeof(table) / sizeof(table[0]))
#define HELP    (OPTIONS - 1)

static const relay_broker_t *const brokers[] = { &relay_rabbitmq,
                                                 &relay_kafka };

#define BROKERS (sizeof(brokers) / sizeof(brokers[0]))


void
relay_say(const relay_t *r, relay_level_t level, const char *fmt, ...)
{
    char    text[512];
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    /* a broker's words may be of several lines */
    for (char *c = text; *c != '\0'; c++) {
        *c = (unsigned char) *c < ' ' ? ' ' : *c;
    }
    /* levels as the journal reads them: whoever holds us, or a service */
    if (r->options.held || getenv("JOURNAL_STREAM") != NULL) {
        fprintf(stderr, "<%d>%s (%s) %s\n", (int) level, r->cursor,
                r->options.log, text);
    } else {
        fprintf(stderr, "voltgate: %s (%s) %s\n", r->cursor, r->options.log,
                text);
    }
}


relay_rc_t
relay_fault(relay_t *r, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(r->why, sizeof(r->why), fmt, args);
    va_end(args);
    return RELAY_FAULT;
}


int64_t
relay_now(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


/* Read anew for each session: it may have been changed. */
char *
relay_password(relay_t *r)
{
    size_t len;
    char  *text;

    if (r->options.password_file == NULL) {
        (void) relay_fault(r, "there is no password file");
        return NULL;
    }
    text = cli_read(r->options.password_file, &len);
    if (text == NULL) {
        (void) relay_fault(r, "%s cannot be read", r->options.password_file);
        return NULL;
    }
    text[strcspn(text, "\r\n")] = '\0';
    return text;
}


static int
option_set(relay_options_t *o, size_t option, const char *text)
{
    void *place = (char *) o + table[option].offset;
    char *end;
    long  number;

    switch (table[option].type) {
    case OPTION_FLAG:
    case OPTION_KAFKA_FLAG:
        *(bool *) place = true;
        return 0;
    case OPTION_NUMBER:
        errno = 0;
        number = strtol(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0' || number < 1
            || number > WINDOW_MOST)
        {
            return cli_fail("--%s is a number from 1 to %d", table[option].name,
                            WINDOW_MOST);
        }
        *(unsigned *) place = (unsigned) number;
        return 0;
    default:
        *(const char **) place = text;
        return 0;
    }
}


/* 0, 2 for what there is not, -1: help was asked for */
static int
options_parse(relay_t *r, int argc, char **argv)
{
    struct option options[OPTIONS + 1];
    int           i, rc = 0;

    for (size_t n = 0; n < OPTIONS; n++) {
        options[n] =
            (struct option){ table[n].name,
                             table[n].type == OPTION_FLAG
                                     || table[n].type == OPTION_KAFKA_FLAG
                                 ? no_argument
                                 : required_argument,
                             NULL, (int) n };
    }
    options[OPTIONS] = (struct option){ .name = NULL };
    while (rc == 0 && (i = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (i < 0 || (size_t) i >= OPTIONS) {
            return 2;
        }
        if ((size_t) i == HELP) {
            return -1;
        }
        if (table[i].type >= OPTION_KAFKA_TEXT && r->broker != &relay_kafka) {
            return cli_fail("--%s is of kafka", table[i].name);
        }
        rc = option_set(&r->options, (size_t) i, optarg);
    }
    return rc;
}


static int
check_address(const relay_t *r)
{
    const char *at = r->options.address;
    const char *end, *colon;

    if (r->broker == &relay_kafka) {
        return at[strspn(at, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-[]_")]
                           == '\0'
                       && *at != '\0'
                   ? 0
                   : cli_fail("not HOST:PORT[,HOST:PORT...]: %s", at);
    }
    if (strncmp(at, "amqps://", 8) != 0 && strncmp(at, "amqp://", 7) != 0) {
        return cli_fail("the address begins with amqps:// (or amqp://)");
    }
    at = strstr(at, "://") + 3;
    end = at + strcspn(at, "@/");
    colon = memchr(at, ':', (size_t) (end - at));
    if (*end != '@' || end == at || colon != NULL) {
        return cli_fail("the address names a user and no password, as in"
                        " amqps://USER@HOST/VHOST; that is in a file");
    }
    return 0;
}


static int
check_options(relay_t *r)
{
    relay_options_t *o = &r->options;
    const char       letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

    if (strcmp(o->from, "start") != 0 && strcmp(o->from, "end") != 0) {
        return cli_fail("--from is start or end");
    }
    if (*o->name == '\0' || strlen(o->name) > 40
        || o->name[strspn(o->name, letters)] != '\0')
    {
        return cli_fail("--name has up to 40 of a-z, 0-9, _ and -");
    }
    if (r->broker == &relay_kafka
        && (o->user == NULL) != (o->password_file == NULL))
    {
        return cli_fail("--user and --password-file go together");
    }
    o->database = getenv("DATABASE_URL");
    if (o->database == NULL || *o->database == '\0') {
        return cli_fail("DATABASE_URL is not set");
    }
    return check_address(r);
}


static int
options_take(relay_t *r, int argc, char **argv)
{
    int rc;

    for (size_t i = 0; i < BROKERS && argc > 1; i++) {
        if (strcmp(argv[1], brokers[i]->kind) == 0) {
            r->broker = brokers[i];
        }
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        return -1;
    }
    if (r->broker == NULL) {
        fputs(usage, stderr);
        return 2;
    }
    r->options = (relay_options_t){ .name = r->broker->kind,
                                    .from = "start",
                                    .log = "home",
                                    .sasl = "SCRAM-SHA-512",
                                    .window = r->broker->window };
    rc = options_parse(r, argc - 1, argv + 1);
    if (rc != 0) {
        return rc;
    }
    if (optind + 2 != argc) {
        return cli_fail("relay needs one address");
    }
    r->options.address = argv[optind + 1];
    return check_options(r);
}


int
cli_relay(int argc, char **argv)
{
    relay_t r = { .broker = NULL };
    int     rc;

    rc = options_take(&r, argc, argv);
    if (rc < 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    (void) snprintf(r.cursor, sizeof(r.cursor), "relay:%s", r.options.name);
    if (!relay_window_make(&r.window, r.options.window)) {
        rc = cli_fail("no memory");
    } else {
        rc = relay_run(&r);
    }
    relay_window_free(&r.window);
    return rc;
}
