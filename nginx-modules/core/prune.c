/*
 * prune.c: takes away versions that nobody goes back to, and what was left
 * where somebody was killed while installing. See install.h.
 */

#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "install.h"

#define PRUNE_MAX  512 /* at a time                                         */
#define TREE_FILES 8   /* open ones                                         */

typedef struct {
    char            hash[VG_INSTALL_HASH + 1];
    struct timespec at; /* of its last install                              */
} version_t;


static int
entry_drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void) st;
    (void) kind;
    (void) at;
    return remove(path);
}


static void
tree_drop(const char *path)
{
    (void) nftw(path, entry_drop, TREE_FILES, FTW_DEPTH | FTW_PHYS);
}


static int
version_order(const void *a, const void *b)
{
    const struct timespec *x = &((const version_t *) a)->at;
    const struct timespec *y = &((const version_t *) b)->at;

    if (x->tv_sec != y->tv_sec) {
        return x->tv_sec < y->tv_sec ? 1 : -1;
    }
    return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}


/* ".name.PID" of a process that is gone */
static bool
is_left(const char *entry, const char *name)
{
    size_t len = strlen(name);
    char  *end;
    long   pid;

    if (entry[0] != '.' || strncmp(entry + 1, name, len) != 0
        || entry[1 + len] != '.')
    {
        return false;
    }
    pid = strtol(entry + len + 2, &end, 10);
    return pid > 0 && *end == '\0' && kill((pid_t) pid, 0) == -1
           && errno == ESRCH;
}


/* "name.HASH" */
static bool
is_version(const char *entry, const char *name)
{
    size_t len = strlen(name);

    return strncmp(entry, name, len) == 0 && entry[len] == '.'
           && strlen(entry) == len + 1 + VG_INSTALL_HASH
           && strspn(entry + len + 1, "0123456789abcdef") == VG_INSTALL_HASH;
}


static size_t
versions_find(version_t *all, const char *into, const char *name)
{
    DIR           *dir = opendir(into);
    char           path[PATH_MAX];
    size_t         n = 0;
    struct stat    st;
    struct dirent *entry;

    while (dir != NULL && n < PRUNE_MAX && (entry = readdir(dir)) != NULL) {
        (void) snprintf(path, sizeof(path), "%s/%s", into, entry->d_name);
        if (is_left(entry->d_name, name)) {
            tree_drop(path);
        } else if (is_version(entry->d_name, name) && stat(path, &st) == 0) {
            memcpy(all[n].hash, entry->d_name + strlen(name) + 1,
                   sizeof(all[n].hash));
            all[n++].at = st.st_mtim;
        }
    }
    if (dir != NULL) {
        (void) closedir(dir);
    }
    return n;
}


static bool
is_kept(const char *hash, const char *const *keep)
{
    for (; *keep != NULL; keep++) {
        if (strcmp(*keep, hash) == 0) {
            return true;
        }
    }
    return false;
}


void
vg_install_prune(const char *into, const char *name, const char *const *keep)
{
    char       path[PATH_MAX], aside[PATH_MAX], linked[VG_INSTALL_HASH + 1];
    size_t     i, n;
    version_t *all = calloc(PRUNE_MAX, sizeof(version_t));

    if (all == NULL || vg_installed(into, name, linked) != NULL) {
        free(all);
        return;
    }
    n = versions_find(all, into, name);
    qsort(all, n, sizeof(version_t), version_order);
    (void) snprintf(aside, sizeof(aside), "%s/.%s.%ld", into, name,
                    (long) getpid());
    for (i = VG_INSTALL_KEPT; i < n; i++) {
        if (strcmp(all[i].hash, linked) == 0 || is_kept(all[i].hash, keep)) {
            continue;
        }
        /* renamed first: a version is there whole or not at all */
        (void) snprintf(path, sizeof(path), "%s/%s.%s", into, name,
                        all[i].hash);
        if (rename(path, aside) == 0) {
            tree_drop(aside);
        }
    }
    free(all);
}
