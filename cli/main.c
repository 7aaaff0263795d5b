/*
 * main.c: `voltgate COMMAND`. One row of the table is one command.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>
#include <openssl/evp.h>

#include "cli.h"

#define CONNECT_SECONDS "10"


static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
} commands[] = {
    { "migrate", cli_migrate,
      "[--baseline] [--root DIR] [PLUGIN...]\n"
      "    applies sql/ and each plugin's sql/ as DATABASE_OWNER_URL's owner;\n"
      "    plugins: those of conf/plugins.d, unless named. --baseline notes\n"
      "    the plugins' files as applied without running them" },
    { "token", cli_token,
      "--role R --subject S [--company C] [--scopes \"a b\"] [--ttl 1h]\n"
      "    [--key FILE]\n"
      "    prints a signed token; the key is $VG_STATE/keys/private.pem" },
    { "keys", cli_keys,
      "[rotate | list] [--algorithm ES256|RS256]\n"
      "    makes what is not there: the operator's key pair in "
      "$VG_STATE/keys,\n"
      "    the first signing key in $VG_SIGNING_KEYS, else $VG_STATE/signing.\n"
      "    rotate: a new signing key; the gateway shows it at once, signs "
      "with\n"
      "    it later, and takes tokens of the old one until they have ended" },
    { "plugin", cli_plugin,
      "new NAME --c|--lua | list | check NAME|PATH | reload NAME |\n"
      "    pause NAME | resume NAME | watch\n"
      "    [--built DIR] [--sources DIR] [--hash HASH]\n"
      "    new: plugins/NAME, a copy of plugins/example-c or -lua, in a\n"
      "    clone. check: is it right, without a gateway: files, manifest,\n"
      "    statements, and do its events break nobody? Else versions of\n"
      "    plugins, on the gateway of $VG_STATE and $VG_PORT.\n"
      "    reload: looks at it, runs NAME's pending migrations as\n"
      "    DATABASE_OWNER_URL's owner, if they only add, installs it, and has\n"
      "    the gateway take it into use; --hash: a version installed before" },
    { "schema", cli_schema,
      "check|publish FOLDER...\n"
      "    the schemas of events in FOLDER against its file `published`;\n"
      "    publish: writes down what is new, unless something breaks" },
    { "relay", cli_relay,
      "rabbitmq URL | kafka HOST:PORT[,HOST:PORT...]  [OPTION...]\n"
      "    takes the log of events to a broker; --help has the options" },
    { "audit", cli_audit,
      "verify [--from TIME] [--to TIME] [--anchor FILE] | anchor\n"
      "    is the audit trail as it was sealed? status 3: it is not. anchor\n"
      "    prints the newest seal, a line for FILE, to be kept elsewhere.\n"
      "    As DATABASE_AUDIT_URL's user, or DATABASE_OWNER_URL's" },
    { "simulate", cli_simulate,
      "--url wss://HOST:PORT [--ca FILE] --password-file FILE\n"
      "    --charge-point ID[,ID...] | --prefix P --count N\n"
      "        | --registered --key-file FILE [--api URL]\n"
      "    --id-tag TAG | --remote  [--once] [--script FILE]\n"
      "    [--meter-values N] [--interval S] [--pause S] [--power-w W]\n"
      "    [--measurands LIST] [--spread %] [--faults %] [--seed N]\n"
      "    [--history S [--speed N]] [--ramp-ms N] [--delay-ms N]\n"
      "    plays charge points over OCPP 1.6; cli/README.md has the options" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))


int
main(int argc, char **argv)
{
    if (argc > 1) {
        for (size_t i = 0; i < NCOMMANDS; i++) {
            if (strcmp(argv[1], commands[i].name) == 0) {
                return commands[i].run(argc - 1, argv + 1);
            }
        }
    }

    for (size_t i = 0; i < NCOMMANDS; i++) {
        fprintf(stderr, "voltgate %s %s\n", commands[i].name,
                commands[i].usage);
    }
    return 2;
}


int
cli_fail(const char *fmt, ...)
{
    va_list args;

    fputs("voltgate: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}


char *
cli_read(const char *path, size_t *len)
{
    FILE  *file = fopen(path, "re");
    char  *text = NULL;
    size_t size = 0;

    if (file == NULL || getdelim(&text, &size, '\0', file) < 0) {
        /* an empty file is at its end, and that is no error */
        if (file == NULL || ferror(file)) {
            cli_fail("%s: %s", path, strerror(errno));
            goto failed;
        }
        free(text);
        text = calloc(1, 1);
    }
    if (text == NULL) {
        cli_fail("%s: no memory", path);
        goto failed;
    }
    /* getdelim stops behind a NUL; then there is more, or the NUL is last */
    *len = strlen(text);
    if (fgetc(file) != EOF || (long) *len != ftell(file)) {
        cli_fail("%s: holds a NUL", path);
        goto failed;
    }
    (void) fclose(file);
    return text;

failed:
    if (file != NULL) {
        (void) fclose(file);
    }
    free(text);
    return NULL;
}


int
cli_sha256(const void *data, size_t len, char *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int  size = 0;

    if (EVP_Digest(data, len, digest, &size, EVP_sha256(), NULL) != 1) {
        return cli_fail("SHA-256 is not to be had");
    }
    for (unsigned int i = 0; i < size; i++) {
        (void) sprintf(out + (size_t) 2 * i, "%02x", digest[i]);
    }
    return 0;
}


const char *
cli_state(void)
{
    const char *state = getenv("VG_STATE");

    return state != NULL && *state != '\0' ? state : ".voltgate";
}


char *
cli_key_path(const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/keys/%s", cli_state(), name) < 0) {
        return NULL;
    }
    return path;
}


PGconn *
cli_connect(const char *url)
{
    (void) setenv("PGCONNECT_TIMEOUT", CONNECT_SECONDS, 0);
    return PQconnectdb(url);
}
