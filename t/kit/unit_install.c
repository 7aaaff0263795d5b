/* with: nginx-modules/core/install.c nginx-modules/core/prune.c | -lcrypto
 *
 * unit_install.c: versions are installed, and the old ones taken away but for
 * those that are linked, kept by name, or of another plugin.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../nginx-modules/core/install.h"

#define VERSIONS (VG_INSTALL_KEPT + 5)

static int  tests, failures;
static char root[] = "/tmp/unit_install.XXXXXX";


static void
ok(bool good, const char *name)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++tests, name);
    failures += !good;
}


static int
drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void) st;
    (void) kind;
    (void) where;
    return remove(path);
}


static const char *
at(const char *path)
{
    static char all[256];

    (void) snprintf(all, sizeof(all), "%s/%s", root, path);
    return all;
}


static void
put(const char *path, const char *text)
{
    FILE *file = fopen(at(path), "w");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}


static bool
there(const char *name, const char *hash)
{
    char path[64];

    (void) snprintf(path, sizeof(path), "into/%s.%s", name, hash);
    return access(at(path), F_OK) == 0;
}


/* in the order of their ages, however coarse the clock of files is */
static void
install(const char *name, const char *text, int second, char *hash)
{
    char            so[64], version[64], built[64], sources[64], into[64];
    struct timespec times[2] = { { .tv_sec = second }, { .tv_sec = second } };
    vg_install_t    what = { name, built, sources, into };

    (void) snprintf(so, sizeof(so), "built/%s.so", name);
    put(so, text);
    (void) snprintf(built, sizeof(built), "%s/built", root);
    (void) snprintf(sources, sizeof(sources), "%s/sources", root);
    (void) snprintf(into, sizeof(into), "%s/into", root);
    if (vg_install(&what, hash) != NULL) {
        perror("install");
        exit(1);
    }
    (void) snprintf(version, sizeof(version), "into/%s.%s", name, hash);
    (void) utimensat(AT_FDCWD, at(version), times, 0);
}


int
main(void)
{
    int         i, left = 0;
    char        hash[VERSIONS][VG_INSTALL_HASH + 1], text[16], mine[64];
    char        other[VG_INSTALL_HASH + 1], into[64], so[64];
    struct stat st;
    const char *keep[] = { hash[1], NULL }, *none[] = { NULL };

    if (mkdtemp(root) == NULL || mkdir(at("built"), 0755) != 0
        || mkdir(at("sources"), 0755) != 0)
    {
        perror(root);
        return 1;
    }
    install("notes2", "another's", 1, other);
    for (i = 0; i < VERSIONS; i++) {
        (void) snprintf(text, sizeof(text), "version %d", i);
        install("notes", text, 100 + i, hash[i]);
    }
    install("notes", "version 3", 103, hash[3]); /* linked, and old */
    (void) snprintf(mine, sizeof(mine), "into/.notes.%ld", (long) getppid());
    (void) mkdir(at(mine), 0755);
    (void) mkdir(at("into/.notes.2147483647"), 0755);
    put("into/.notes.2147483647/notes.so", "half");
    (void) snprintf(into, sizeof(into), "%s/into", root);

    vg_install_prune(into, "notes", keep);
    ok(!there("notes", hash[0]), "the oldest is gone");
    ok(there("notes", hash[1]), "not what is kept by name");
    ok(!there("notes", hash[2]) && !there("notes", hash[4]), "nor its like");
    ok(there("notes", hash[3]), "not what is linked");
    for (i = VERSIONS - VG_INSTALL_KEPT; i < VERSIONS; i++) {
        left += there("notes", hash[i]);
    }
    ok(left == VG_INSTALL_KEPT, "those installed last stay");
    ok(there("notes2", other), "another plugin's does");
    ok(access(at("into/.notes.2147483647"), F_OK) != 0,
       "what a dead process left is gone");
    ok(access(at(mine), F_OK) == 0, "not what one is at");

    (void) snprintf(so, sizeof(so), "into/notes.%s/notes.so", hash[1]);
    put(so, "ver"); /* what a disk may have of it when power came back */
    install("notes", "version 1", 200, hash[1]);
    ok(stat(at(so), &st) == 0 && st.st_size == (off_t) strlen("version 1"),
       "one of which a part was lost is whole again");
    vg_install_prune(into, "notes", none);
    ok(there("notes", hash[1]), "installed again is installed last");
    vg_install_prune(into, "nothing", none);
    ok(there("notes", hash[1]), "of what is not there nothing goes");

    (void) nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
    printf("1..%d\n", tests);
    return failures != 0;
}
