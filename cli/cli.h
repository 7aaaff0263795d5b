/*
 * cli.h: what the commands share. A command returns the exit status.
 */

#ifndef VG_CLI_H
#define VG_CLI_H

#include <limits.h>
#include <stddef.h>

#include "install.h"

int cli_migrate(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_keys(int argc, char **argv);
int cli_relay(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_plugin(int argc, char **argv);
int cli_audit(int argc, char **argv);

int cli_schema(int argc, char **argv);

/* Whether who reads the events of folder `was` can read those of `is`; what
 * breaks them, or is no schema, is told. was may be NULL. 0 or 1. */
int cli_schemas_follow(const char *is, const char *was);

/* Whether what is published in a folder breaks what its `published` says. */
int cli_schemas_published(const char *folder);

/* Where plugins are; what is not "" is as an option named it. alone: without a
 * conf this clone stands for it, and nothing is installed. */
typedef struct {
    char built[PATH_MAX], sources[PATH_MAX], into[PATH_MAX];
} cli_places_t;

int cli_places(cli_places_t *p, int alone);

/* Opens the version in `folder` as a gateway would, and says what is wrong. */
int cli_plugin_try(const char *name, const char *folder, const char *built,
                   const char *sources);

/* A file or folder beside this program, where it was built. From malloc. */
char *cli_beside(const char *name);

int cli_plugin_new(const char *name, const char *like);

/* Reloads each plugin whose files change, until standard input ends. log: a
 * file for what is said, or NULL. */
int cli_plugin_watch(const vg_install_t *what, const char *log,
                     int (*reload)(const char *name));

/* The pending migrations of a plugin, as `voltgate migrate` runs them; with
 * expand only if they take nothing away from the version that runs. */
int cli_migrate_plugin(const char *plugin, const char *root, int expand);

/* expand.c: what of a migration would take something away from a running
 * version: a static text; NULL: it only adds. */
const char *cli_contracts(const char *sql);

/* prints "voltgate: ..." to stderr; always returns 1 */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A whole file, NUL-terminated, from malloc; NULL: it could not be read (and
 * was reported), or holds a NUL. */
char *cli_read(const char *path, size_t *len);

/* SHA-256 in lower-case hex; out holds 65 bytes. 0, or 1 when it failed. */
int cli_sha256(const void *data, size_t len, char *out);

/* the state folder: $VG_STATE, else .voltgate */
const char *cli_state(void);

/* The path of a key in it. From malloc. */
char *cli_key_path(const char *name);

/* A connection, or one that says what is wrong: PQstatus(). Ten seconds to
 * connect unless it is given, for libpq would wait for ever. */
struct pg_conn *cli_connect(const char *url);

#endif /* VG_CLI_H */
