/*
 * keys.c: the keys in which a gateway trusts: the operator's own pair, for
 * `voltgate token`, and those that the house signs its tokens with, each a file
 * under the moment when it was made (nginx-modules/issuer/signing.h).
 */

#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "cli.h"
#include "signing.h"

#define KEPT                                                                   \
    ((int64_t) 7 * 86400) /* s: beyond any token's life and any keep=         */

typedef EVP_PKEY *(*generate_pt)(void);


static EVP_PKEY *
generate_ec(void)
{
    return EVP_EC_gen("P-256");
}


static EVP_PKEY *
generate_rsa(void)
{
    return EVP_RSA_gen(3072);
}


/* A new file that is whole or not there: 0600, and its folder's owner's. */
static int
key_write(const char *path, EVP_PKEY *key, int secret)
{
    int         fd, good = 0;
    char       *fresh = NULL, *slash;
    FILE       *file = NULL;
    struct stat st;

    if (key == NULL || asprintf(&fresh, "%s.new", path) < 0) {
        return cli_fail("%s: no memory", path);
    }
    (void) unlink(fresh);
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
              secret ? 0600 : 0644);
    file = fd == -1 ? NULL : fdopen(fd, "w");
    if (file != NULL) {
        good = secret
                   ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)
                   : PEM_write_PUBKEY(file, key);
        slash = strrchr(fresh, '/');
        *slash = '\0';
        good = good && fflush(file) == 0 && fsync(fd) == 0
               && stat(fresh, &st) == 0
               && (st.st_uid == geteuid()
                   || fchown(fd, st.st_uid, st.st_gid) == 0);
        *slash = '/';
        good = fclose(file) == 0 && good && rename(fresh, path) == 0;
    }
    if (!good) {
        cli_fail("%s: %s", path, strerror(errno));
        (void) unlink(fresh);
    }
    free(fresh);
    return !good;
}


/* ------------------------------------------------- the operator's own pair */

/* A private key without its public half (a run that was cut) is replaced:
 * nobody trusted it yet. */
static int
pair_make(void)
{
    int   rc = 1;
    char *folder = cli_key_path(""),
         *private_path = cli_key_path("private.pem");
    char     *public_path = cli_key_path("public.pem");
    EVP_PKEY *key = NULL;

    if (folder == NULL || private_path == NULL || public_path == NULL) {
        cli_fail("no memory");
    } else if (access(private_path, F_OK) == 0
               && access(public_path, F_OK) == 0) {
        rc = 0;
    } else if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        cli_fail("%s: %s", folder, strerror(errno));
    } else {
        key = generate_ec();
        rc = key_write(private_path, key, 1) || key_write(public_path, key, 0);
    }
    EVP_PKEY_free(key);
    free(folder);
    free(private_path);
    free(public_path);
    return rc;
}


/* ------------------------------------------------------------ signing keys */

/* from malloc: $VG_SIGNING_KEYS, else $VG_STATE/signing */
static char *
signing_folder(void)
{
    char       *path = NULL;
    const char *named = getenv("VG_SIGNING_KEYS");

    if (named != NULL && *named != '\0') {
        return strdup(named);
    }
    if (asprintf(&path, "%s/signing", cli_state()) < 0) {
        return NULL;
    }
    return path;
}


static int
signing_add(const char *folder, generate_pt generate)
{
    int       rc;
    char      name[32], *path = NULL;
    time_t    now = time(NULL);
    EVP_PKEY *key;
    struct tm tm;

    (void) gmtime_r(&now, &tm);
    (void) strftime(name, sizeof(name), "%Y%m%dT%H%M%SZ.pem", &tm);
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return cli_fail("no memory");
    }
    if (access(path, F_OK) == 0) {
        rc = cli_fail("%s: made within this second; try again", path);
    } else {
        key = generate();
        rc = key_write(path, key, 1);
        EVP_PKEY_free(key);
    }
    free(path);
    return rc;
}


/* those that another followed long ago: nothing that they signed is valid */
static int
signing_prune(const char *folder, vg_signing_t *keys)
{
    char     *path;
    char      name[32];
    time_t    made;
    int       rc = 0;
    struct tm tm;

    for (size_t i = 0; i + 1 < keys->count && rc == 0; i++) {
        if (keys->key[i + 1].made + KEPT >= time(NULL)) {
            break;
        }
        made = (time_t) keys->key[i].made;
        (void) gmtime_r(&made, &tm);
        (void) strftime(name, sizeof(name), "%Y%m%dT%H%M%SZ.pem", &tm);
        if (asprintf(&path, "%s/%s", folder, name) < 0) {
            return cli_fail("no memory");
        }
        if (unlink(path) != 0) {
            rc = cli_fail("%s: %s", path, strerror(errno));
        }
        free(path);
    }
    return rc;
}


static int
signing_rotate(const char *folder, generate_pt generate)
{
    int           rc;
    char          why[256];
    vg_signing_t *keys = vg_signing_read(folder, why);

    if (keys == NULL) {
        return cli_fail("%s: %s", folder, why);
    }
    rc = signing_prune(folder, keys);
    if (rc == 0 && keys->count == VG_SIGNING_MAX
        && keys->key[1].made + KEPT >= time(NULL))
    {
        rc = cli_fail("%s: there are %d keys that tokens may still need",
                      folder, VG_SIGNING_MAX);
    }
    vg_signing_free(keys);
    return rc ? rc : signing_add(folder, generate);
}


static int
signing_list(const char *folder)
{
    char          why[256], when[32];
    time_t        made;
    struct tm     tm;
    vg_signing_t *keys = vg_signing_read(folder, why);

    if (keys == NULL) {
        return cli_fail("%s: %s", folder, why);
    }
    for (size_t i = 0; i < keys->count; i++) {
        made = (time_t) keys->key[i].made;
        (void) gmtime_r(&made, &tm);
        (void) strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
        printf("%s  %s  made %s\n", keys->key[i].kid, keys->key[i].alg, when);
    }
    vg_signing_free(keys);
    return 0;
}


/* whether there is one */
static int
is_pem(const struct dirent *entry)
{
    return vg_signing_made(entry->d_name) >= 0;
}


/* the first one, unless there is one */
static int
signing_make(const char *folder, generate_pt generate)
{
    int             n;
    struct dirent **names = NULL;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return cli_fail("%s: %s", folder, strerror(errno));
    }
    n = scandir(folder, &names, is_pem, NULL);
    for (int i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
    if (n < 0) {
        return cli_fail("%s: %s", folder, strerror(errno));
    }
    return n > 0 ? 0 : signing_add(folder, generate);
}


/* ---------------------------------------------------------------- commands */

static int
keys_generate(int argc, char **argv, generate_pt *generate)
{
    static const struct option options[] = {
        { "algorithm", required_argument, NULL, 'a' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    *generate = generate_ec;
    /* getopt's state is the process's, and one command runs in it */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'a') {
            return 2;
        }
        if (strcmp(optarg, "RS256") == 0) {
            *generate = generate_rsa;
        } else if (strcmp(optarg, "ES256") != 0) {
            return cli_fail("--algorithm is ES256 or RS256");
        }
    }
    return 0;
}


int
cli_keys(int argc, char **argv)
{
    int         rc;
    char       *folder = signing_folder();
    generate_pt generate;

    rc = keys_generate(argc, argv, &generate);
    if (rc != 0 || folder == NULL) {
        free(folder);
        return rc ? rc : cli_fail("no memory");
    }
    if (optind == argc) {
        rc = pair_make() || signing_make(folder, generate);
    } else if (optind + 1 < argc) {
        rc = 2;
    } else if (strcmp(argv[optind], "rotate") == 0) {
        rc = signing_rotate(folder, generate);
    } else if (strcmp(argv[optind], "list") == 0) {
        rc = signing_list(folder);
    } else {
        rc = 2;
    }
    free(folder);
    return rc;
}
