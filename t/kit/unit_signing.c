/* with: nginx-modules/issuer/signing.c nginx-modules/core/vg_json.c | -lyajl -lcrypto
 *
 * unit_signing.c: which key signs, which are shown, what a folder may hold.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "../../nginx-modules/issuer/signing.h"

#define MINUTE ((int64_t) 60)
#define DAY    ((int64_t) 86400)

static int  tests, failures;
static char folder[64], path[128];


static void
ok(int good, const char *what)
{
    tests++;
    failures += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", tests, what);
}


static void
put(const char *name, EVP_PKEY *key, mode_t mode)
{
    FILE *file;

    (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    if (file == NULL
        || (key != NULL
            && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1))
    {
        exit(1);
    }
    (void) fclose(file);
    (void) chmod(path, mode);
    EVP_PKEY_free(key);
}


static void
gone(const char *name)
{
    (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void) unlink(path);
}


static void
refused(const char *name, EVP_PKEY *key, mode_t mode, const char *wanted)
{
    char          why[256] = "";
    vg_signing_t *keys;

    put(name, key, mode);
    keys = vg_signing_read(folder, why);
    ok(keys == NULL && strstr(why, wanted) != NULL, wanted);
    if (strstr(why, wanted) == NULL) {
        printf("# %s\n", why);
    }
    vg_signing_free(keys);
    gone(name);
}


static void
names(void)
{
    ok(vg_signing_made("19700101T000001Z.pem") == 1, "a name is a moment");
    ok(vg_signing_made("20261121T104500Z.pem") == 1795257900, "in UTC");
    ok(vg_signing_made("20261121T104500Z.pem.new") == -1
           && vg_signing_made("2026112-T104500Z.pem") == -1
           && vg_signing_made("20261121 104500Z.pem") == -1
           && vg_signing_made("20261321T104500Z.pem") == -1
           && vg_signing_made("") == -1 && vg_signing_made("..") == -1,
       "what is none is no key");
}


/* made at 0, 100 and 200 minutes */
static void
times(void)
{
    vg_signing_t keys = { .count = 3 };

    for (int64_t i = 0; i < 3; i++) {
        keys.key[i].made = i * 100 * MINUTE;
    }
#define SIGNS(minute)                                                          \
    (vg_signing_present(&keys, (minute) *MINUTE, 10 * MINUTE) - keys.key)
    ok(SIGNS(0) == 0 && SIGNS(-5) == 0, "the first signs at once");
    ok(SIGNS(100) == 0 && SIGNS(109) == 0, "the next is announced first");
    ok(SIGNS(110) == 1 && SIGNS(209) == 1 && SIGNS(210) == 2, "then it signs");
    keys.count = 0;
    ok(vg_signing_present(&keys, 0, 0) == NULL, "no key, no signature");
    keys.count = 3;
#define SHOWN(i, minute)                                                       \
    vg_signing_shown(&keys, i, (minute) *MINUTE, 10 * MINUTE, DAY)
    ok(SHOWN(2, 0) && SHOWN(2, 100000), "the newest is always shown");
    ok(SHOWN(0, 110) && SHOWN(0, 110 + 1439), "an old one for a day more");
    ok(!SHOWN(0, 110 + 1440), "and not longer");
}


static void
folders(void)
{
    char          why[256] = "";
    vg_signing_t *keys = vg_signing_read("/nowhere", why);

    ok(keys == NULL && strcmp(why, "No such file or directory") == 0, why);
    keys = vg_signing_read(folder, why);
    ok(keys == NULL && strcmp(why, "there is no key in it") == 0, why);

    refused("20260101T000000Z.pem", EVP_EC_gen("P-256"), 0644, "may read it");
    refused("20260101T000000Z.pem", EVP_EC_gen("P-384"), 0600, "neither");
    refused("20260101T000000Z.pem", EVP_RSA_gen(1024), 0600, "neither");
    refused("20260101T000000Z.pem", NULL, 0600, "cannot be read");

    put("20260201T000000Z.pem", EVP_RSA_gen(2048), 0600);
    put("20260101T000000Z.pem", EVP_EC_gen("P-256"), 0640);
    put("20260301T000000Z.pem.new", NULL, 0600);
    keys = vg_signing_read(folder, why);
    ok(keys != NULL && keys->count == 2, "two keys, and a file that is none");
    ok(keys != NULL && strcmp(keys->key[0].alg, "ES256") == 0
           && strcmp(keys->key[1].alg, "RS256") == 0,
       "oldest first");
    ok(keys != NULL && strstr(keys->key[0].jwk, "\"crv\":\"P-256\"") != NULL
           && strstr(keys->key[0].jwk, "\"d\"") == NULL
           && strstr(keys->key[1].jwk, "\"e\":\"AQAB\"") != NULL,
       "their public halves");
    vg_signing_free(keys);
    for (int i = 10; i < 10 + VG_SIGNING_MAX; i++) {
        (void) snprintf(why, sizeof(why), "202603%dT000000Z.pem", i);
        put(why, NULL, 0600);
    }
    keys = vg_signing_read(folder, why);
    ok(keys == NULL && strcmp(why, "there are too many keys in it") == 0, why);
    for (int i = 10; i < 10 + VG_SIGNING_MAX; i++) {
        (void) snprintf(why, sizeof(why), "202603%dT000000Z.pem", i);
        gone(why);
    }
    gone("20260201T000000Z.pem");
    gone("20260101T000000Z.pem");
    gone("20260301T000000Z.pem.new");
}


int
main(void)
{
    strcpy(folder, "/tmp/signing.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    names();
    times();
    folders();
    (void) rmdir(folder);
    printf("1..%d\n", tests);
    return failures != 0;
}
