/*
 * install.c: copies one version of a plugin into a folder of its own.
 */

#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "install.h"

#define FILES_MAX 512
#define FILE_MAX  (64L * 1024 * 1024)

typedef struct {
    char  *name; /* below the version's folder                             */
    char  *data;
    size_t len;
} file_t;

typedef struct {
    file_t   files[FILES_MAX];
    size_t   count;
    uint64_t seen;  /* of looks: see vg_install_seen()                     */
    bool     looks; /* nothing is read                                     */
} files_t;

/* of a version, the deeper after what they are in */
static const struct {
    const char *name, *ends;
} folders[] = {
    { "sql", ".sql" },
    { "sql/queries", ".sql" },
    { "events", ".json" },
    { NULL, NULL },
};


static const char *
file_read(const char *path, file_t *file)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t     n = 1;
    struct stat st;

    if (fd == -1 || fstat(fd, &st) == -1 || st.st_size > FILE_MAX) {
        if (fd != -1) {
            (void) close(fd);
        }
        return "cannot read a file of it";
    }
    file->data = malloc((size_t) st.st_size + 1);
    while (file->data != NULL && file->len < (size_t) st.st_size && n > 0) {
        n = read(fd, file->data + file->len, (size_t) st.st_size - file->len);
        file->len += n > 0 ? (size_t) n : 0;
    }
    (void) close(fd);
    return file->data != NULL && file->len == (size_t) st.st_size
               ? NULL
               : "cannot read a file of it";
}


/* FNV-1a, over whatever changes when a file does */
static void
file_look(uint64_t *seen, const char *path, const char *name)
{
    struct stat st;

    memset(&st, 0, sizeof(st));
    (void) stat(path, &st);
    uint64_t what[] = { (uint64_t) st.st_ino, (uint64_t) st.st_size,
                        (uint64_t) st.st_mtim.tv_sec,
                        (uint64_t) st.st_mtim.tv_nsec };
    for (const char *p = name; *p != '\0'; p++) {
        *seen = (*seen ^ (unsigned char) *p) * UINT64_C(0x100000001b3);
    }
    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
        *seen = (*seen ^ what[i]) * UINT64_C(0x100000001b3);
    }
}


static const char *
files_add(files_t *all, const char *path, const char *name)
{
    file_t  *file;
    uint64_t one = UINT64_C(0xcbf29ce484222325);

    if (all->looks) {
        file_look(&one, path, name);
        all->seen += one; /* in whatever order a folder gives them */
        return NULL;
    }
    if (all->count == FILES_MAX) {
        return "too many files";
    }
    file = &all->files[all->count++];
    file->name = strdup(name);
    return file->name != NULL ? file_read(path, file) : "no memory";
}


/* what ends otherwise, or begins with a dot, is somebody's draft */
static const char *
files_add_folder(files_t *all, const char *sources, const char *below,
                 const char *ends)
{
    char           path[PATH_MAX], name[PATH_MAX];
    DIR           *dir;
    size_t         len;
    const char    *wrong = NULL;
    struct dirent *entry;

    if (snprintf(path, sizeof(path), "%s/%s", sources, below)
        >= (int) sizeof(path)) {
        return "a path is too long";
    }
    dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOENT ? NULL : "cannot read a folder of it";
    }
    while (wrong == NULL && (entry = readdir(dir)) != NULL) {
        len = strlen(entry->d_name);
        if (len <= strlen(ends) || entry->d_name[0] == '.'
            || strcmp(entry->d_name + len - strlen(ends), ends) != 0)
        {
            continue;
        }
        if (snprintf(name, sizeof(name), "%s%s%s", below, *below ? "/" : "",
                     entry->d_name)
                >= (int) sizeof(name)
            || snprintf(path, sizeof(path), "%s/%s", sources, name)
                   >= (int) sizeof(path))
        {
            wrong = "a path is too long";
        } else {
            wrong = files_add(all, path, name);
        }
    }
    (void) closedir(dir);
    return wrong;
}


static int
file_order(const void *a, const void *b)
{
    return strcmp(((const file_t *) a)->name, ((const file_t *) b)->name);
}


static const char *
files_read(files_t *all, const vg_install_t *what)
{
    char        path[PATH_MAX], name[NAME_MAX];
    size_t      i;
    const char *wrong;

    (void) snprintf(path, sizeof(path), "%s/%s/" VG_INSTALL_LUA, what->sources,
                    what->name);
    if (access(path, F_OK) == 0) {
        (void) snprintf(path, sizeof(path), "%s/%s", what->sources, what->name);
        wrong = files_add_folder(all, path, "", ".lua");
    } else {
        (void) snprintf(name, sizeof(name), "%s.so", what->name);
        (void) snprintf(path, sizeof(path), "%s/%s", what->built, name);
        wrong = files_add(all, path, name);
        (void) snprintf(path, sizeof(path), "%s/%s", what->sources, what->name);
    }
    for (i = 0; wrong == NULL && folders[i].name != NULL; i++) {
        wrong = files_add_folder(all, path, folders[i].name, folders[i].ends);
    }
    qsort(all->files, all->count, sizeof(file_t), file_order);
    return wrong;
}


static const char *
files_hash(const files_t *all, char *hash)
{
    size_t        i;
    EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
    unsigned char md[EVP_MAX_MD_SIZE];
    bool          ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (i = 0; ok && i < all->count; i++) {
        const file_t *f = &all->files[i];

        ok = EVP_DigestUpdate(ctx, f->name, strlen(f->name) + 1) == 1
             && EVP_DigestUpdate(ctx, &f->len, sizeof(f->len)) == 1
             && EVP_DigestUpdate(ctx, f->data, f->len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, md, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    for (i = 0; ok && i < VG_INSTALL_HASH / 2; i++) {
        (void) sprintf(hash + 2 * i, "%02x", md[i]);
    }
    return ok ? NULL : "SHA-256 is not to be had";
}


static const char *
file_write(const char *folder, const file_t *file)
{
    char    path[PATH_MAX];
    int     fd = -1;
    size_t  put = 0;
    ssize_t n = 1;

    if (snprintf(path, sizeof(path), "%s/%s", folder, file->name)
        < (int) sizeof(path))
    {
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    }
    while (fd != -1 && put < file->len && n > 0) {
        n = write(fd, file->data + put, file->len - put);
        put += n > 0 ? (size_t) n : 0;
    }
    if (fd == -1 || fchmod(fd, 0644) == -1 || close(fd) == -1
        || put < file->len) {
        return "cannot write it where it is installed";
    }
    return NULL;
}


static bool
folder_make(const char *path)
{
    return (mkdir(path, 0755) == 0 || errno == EEXIST)
           && chmod(path, 0755) == 0; /* whatever the umask is */
}


/* the version's own, and those below it: what is above comes first */
static bool
folders_make(const char *folder)
{
    char   path[PATH_MAX];
    size_t i;
    bool   made = folder_make(folder);

    for (i = 0; made && folders[i].name != NULL; i++) {
        (void) snprintf(path, sizeof(path), "%s/%.16s", folder,
                        folders[i].name);
        made = folder_make(path);
    }
    return made;
}


/* what a failed copy left; its names are those of all->files */
static void
folder_drop(const files_t *all, const char *folder)
{
    size_t i;
    char   path[PATH_MAX];

    for (i = 0; i < all->count; i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", folder,
                        all->files[i].name);
        (void) unlink(path);
    }
    for (i = sizeof(folders) / sizeof(folders[0]) - 1; i-- > 0;) {
        (void) snprintf(path, sizeof(path), "%s/%.16s", folder,
                        folders[i].name);
        (void) rmdir(path);
    }
    (void) rmdir(folder);
}


/* as far as sizes tell: where power failed a disk may have the names of files
 * whose bytes it never had */
static bool
version_whole(const files_t *all, const char *version)
{
    size_t      i;
    char        path[PATH_MAX];
    bool        is = true;
    struct stat st;

    for (i = 0; is && i < all->count; i++) {
        is = snprintf(path, sizeof(path), "%s/%s", version, all->files[i].name)
                 < (int) sizeof(path)
             && stat(path, &st) == 0
             && (size_t) st.st_size == all->files[i].len;
    }
    return is;
}


/* written aside, then renamed: a version is there whole or not at all */
static const char *
files_write(const files_t *all, const vg_install_t *what, const char *version)
{
    char        aside[PATH_MAX - 32];
    size_t      i;
    const char *wrong = NULL;

    if (access(version, R_OK) == 0) { /* else it may come, whole, meanwhile */
        if (version_whole(all, version)) {
            (void) utimensat(AT_FDCWD, version, NULL, 0); /* see prune.c */
            return NULL;
        }
        folder_drop(all, version);
    }
    (void) snprintf(aside, sizeof(aside), "%s/.%s.%ld", what->into, what->name,
                    (long) getpid());
    if (!folder_make(what->into) || !folders_make(aside)) {
        return "cannot make the folder where it is installed";
    }
    for (i = 0; wrong == NULL && i < all->count; i++) {
        wrong = file_write(aside, &all->files[i]);
    }
    if (wrong == NULL && rename(aside, version) == -1 && errno != EEXIST
        && errno != ENOTEMPTY)
    {
        wrong = "cannot write it where it is installed";
    }
    folder_drop(all, aside); /* also when somebody else was quicker */
    return wrong;
}


static const char *
version_link(const vg_install_t *what, const char *target)
{
    char aside[PATH_MAX], path[PATH_MAX];

    (void) snprintf(aside, sizeof(aside), "%s/.%s.%ld", what->into, what->name,
                    (long) getpid());
    (void) snprintf(path, sizeof(path), "%s/%s", what->into, what->name);
    (void) unlink(aside);
    if (symlink(target, aside) == -1 || rename(aside, path) == -1) {
        return "cannot write the link to what is installed";
    }
    return NULL;
}


const char *
vg_install(const vg_install_t *what, char *hash)
{
    char        version[PATH_MAX], target[NAME_MAX + 1];
    size_t      i;
    files_t    *all = calloc(1, sizeof(files_t));
    const char *wrong;

    if (all == NULL) {
        return "no memory";
    }
    wrong = files_read(all, what);
    wrong = wrong ? wrong : files_hash(all, hash);
    if (wrong == NULL) {
        (void) snprintf(target, sizeof(target), "%s.%s", what->name, hash);
        (void) snprintf(version, sizeof(version), "%s/%s", what->into, target);
        wrong = files_write(all, what, version);
    }
    wrong = wrong ? wrong : version_link(what, target);
    for (i = 0; i < all->count; i++) {
        free(all->files[i].name);
        free(all->files[i].data);
    }
    free(all);
    return wrong;
}


uint64_t
vg_install_seen(const vg_install_t *what)
{
    files_t *all = calloc(1, sizeof(files_t));
    uint64_t seen = 0;

    if (all != NULL) {
        all->looks = true;
        (void) files_read(all, what);
        seen = all->seen;
    }
    free(all);
    return seen;
}


const char *
vg_installed(const char *into, const char *name, char *hash)
{
    char    path[PATH_MAX], target[NAME_MAX];
    size_t  len = strlen(name);
    ssize_t n;

    (void) snprintf(path, sizeof(path), "%s/%s", into, name);
    n = readlink(path, target, sizeof(target) - 1);
    if (n != (ssize_t) (len + 1 + VG_INSTALL_HASH)
        || strncmp(target, name, len) != 0 || target[len] != '.')
    {
        return "nothing of that name is installed";
    }
    target[n] = '\0';
    memcpy(hash, target + len + 1, VG_INSTALL_HASH + 1);
    return NULL;
}
