/*
 * watch.c: `voltgate plugin watch`: whatever changes among the files of a
 * plugin that is installed is reloaded. It ends when its standard input does:
 * that is nginx's end of a socket.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#define WATCH_LOOK    1000 /* ms between two looks                           */
#define WATCH_PLUGINS 64

typedef struct {
    char     name[NAME_MAX + 1];
    uint64_t seen;
    int      moved; /* it changed, and has not stayed so for a look yet      */
} watched_t;

static watched_t watched[WATCH_PLUGINS];
static size_t    count;


static watched_t *
watched_named(const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(watched[i].name, name) == 0) {
            return &watched[i];
        }
    }
    return NULL;
}


/* each that is installed: its link says so */
static void
watch_find(const vg_install_t *what)
{
    char           hash[VG_INSTALL_HASH + 1];
    DIR           *dir = opendir(what->into);
    watched_t     *one;
    vg_install_t   of = *what;
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || count == WATCH_PLUGINS
            || watched_named(entry->d_name) != NULL
            || vg_installed(what->into, entry->d_name, hash) != NULL)
        {
            continue;
        }
        one = &watched[count++];
        (void) snprintf(one->name, sizeof(one->name), "%s", entry->d_name);
        of.name = one->name;
        one->seen = vg_install_seen(&of);
        one->moved = 0;
    }
    if (dir != NULL) {
        (void) closedir(dir);
    }
}


/* in a process of its own: it ends as the command would */
static void
watch_reload(const char *name, int (*reload)(const char *name))
{
    int   status;
    pid_t pid;

    printf("voltgate: watch: %s has changed\n", name);
    (void) fflush(stdout);
    pid = fork();
    if (pid == 0) {
        status = reload(name);
        (void) fflush(stdout);
        _exit(status);
    }
    while (pid > 0 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
    }
}


static void
watch_look(const vg_install_t *what, int (*reload)(const char *name))
{
    uint64_t     seen;
    vg_install_t of = *what;

    watch_find(what);
    for (size_t i = 0; i < count; i++) {
        of.name = watched[i].name;
        seen = vg_install_seen(&of);
        if (seen != watched[i].seen) {
            watched[i].seen = seen;
            watched[i].moved = 1;
        } else if (watched[i].moved) {
            watched[i].moved = 0;
            watch_reload(watched[i].name, reload);
        }
    }
}


/* what it says goes where nginx's words go */
static int
watch_log(const char *path)
{
    int fd = open(*path != '\0' ? path : "/dev/null",
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

    if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1
        || dup2(fd, STDERR_FILENO) == -1) {
        return cli_fail("%s: %s", path, strerror(errno));
    }
    (void) close(fd);
    return 0;
}


int
cli_plugin_watch(const vg_install_t *what, const char *log,
                 int (*reload)(const char *name))
{
    int           n;
    char          none[64];
    struct pollfd in = { STDIN_FILENO, POLLIN, 0 };

    if (log != NULL && watch_log(log) != 0) {
        return 1;
    }
    for (;;) {
        watch_look(what, reload);
        n = poll(&in, 1, WATCH_LOOK);
        if (n > 0 && read(STDIN_FILENO, none, sizeof(none)) <= 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return cli_fail("poll: %s", strerror(errno));
        }
    }
}
