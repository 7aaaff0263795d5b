/*
 * spawn.c: a process beside a worker, or beside the master.
 *
 * It is not their child: nginx's handler of SIGCHLD reaps whatever
 * ends, and raises an alert about what was killed. It is its grandchild, and
 * the process between ends at once. What ties the two is a socket, which the
 * kernel closes however either of them ends.
 */

#define _GNU_SOURCE

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "spawn.h"

#define VG_SPAWN_COMMAND 3 /* the descriptor, behind 0, 1 and 2            */


/* Not all that nginx opens is closed by exec: listening sockets, for one. */
static void
vg_spawn_close(void)
{
    long fd, most;

    if (syscall(SYS_close_range, VG_SPAWN_COMMAND + 1, ~0U, 0) == 0) {
        return;
    }
    most = sysconf(_SC_OPEN_MAX);
    for (fd = VG_SPAWN_COMMAND + 1; fd < most; fd++) {
        (void) close((int) fd);
    }
}


/* In a process that was forked out of one with threads: system calls alone. */
static void
vg_spawn_become(ngx_fd_t command, ngx_fd_t end, char *const *argv,
                char *const *envp)
{
    sigset_t none;

    (void) setsid();
    (void) dup2(end, 0);
    (void) dup2(end, 1);
    (void) dup2(end, 2);
    if (command != VG_SPAWN_COMMAND) {
        (void) dup2(command, VG_SPAWN_COMMAND);
    }
    (void) fcntl(VG_SPAWN_COMMAND, F_SETFD, FD_CLOEXEC);
    vg_spawn_close();
    (void) signal(SIGPIPE, SIG_DFL);
    (void) sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    (void) syscall(SYS_execveat, VG_SPAWN_COMMAND, "", argv, envp,
                   AT_EMPTY_PATH);
    _exit(126);
}


/* The process between is waited for here, and its SIGCHLD taken off, so that
 * nginx hears nothing of either. */
static ngx_int_t
vg_spawn_fork(ngx_fd_t command, ngx_fd_t end, char *const *argv,
              char *const *envp)
{
    int             status = -1;
    pid_t           pid;
    sigset_t        child, before;
    struct timespec none = { 0, 0 };

    (void) sigemptyset(&child);
    (void) sigaddset(&child, SIGCHLD);
    (void) sigprocmask(SIG_BLOCK, &child, &before);
    pid = fork();
    if (pid == 0) {
        pid = fork();
        if (pid == 0) {
            vg_spawn_become(command, end, argv, envp);
        }
        _exit(pid < 0);
    }
    if (pid > 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) { /* void */
        }
        (void) sigtimedwait(&child, NULL, &none);
    }
    (void) sigprocmask(SIG_SETMASK, &before, NULL);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NGX_OK
                                                                    : NGX_ERROR;
}


/* The program, beside the plugins that were built. It is opened while the conf
 * is read: workers may not be able to enter the folder. */
ngx_fd_t
vg_spawn_command(ngx_conf_t *cf)
{
    u_char                  *path;
    ngx_fd_t                 fd;
    vg_host_t               *host = vg_host_conf(cf);
    ngx_pool_cleanup_t      *cleanup;
    ngx_pool_cleanup_file_t *file;

    path = ngx_pnalloc(cf->pool, host->built.len + sizeof("/../voltgate"));
    cleanup = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_pool_cleanup_file_t));
    if (path == NULL || cleanup == NULL) {
        return NGX_INVALID_FILE;
    }
    ngx_sprintf(path, "%V/../voltgate%Z", &host->built);
    fd = open((char *) path, O_RDONLY | O_CLOEXEC);
    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "\"%s\"", path);
        return fd;
    }
    file = cleanup->data;
    file->fd = fd;
    file->name = path;
    file->log = &cf->cycle->new_log; /* which lives as long */
    cleanup->handler = ngx_pool_cleanup_file;
    return fd;
}


ngx_fd_t
vg_spawn(ngx_fd_t command, char *const *argv, char *const *envp, ngx_log_t *log)
{
    int       ends[2];
    ngx_int_t rc;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno, "socketpair() failed");
        return -1;
    }
    rc = vg_spawn_fork(command, ends[1], argv, envp);
    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno, "fork() failed");
    }
    (void) close(ends[1]);
    if (rc != NGX_OK || ngx_nonblocking(ends[0]) == -1) {
        (void) close(ends[0]);
        return -1;
    }
    return ends[0];
}
