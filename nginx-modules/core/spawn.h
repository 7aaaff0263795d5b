/*
 * spawn.h: `voltgate` as a process beside nginx.
 */

#ifndef VG_SPAWN_H
#define VG_SPAWN_H

#include "host.h"

/* The program that was built with the plugins, open as long as the conf lives;
 * NGX_INVALID_FILE: why was logged. */
ngx_fd_t vg_spawn_command(ngx_conf_t *cf);

/* A process with one end of a socket as 0, 1 and 2, that is nobody's child
 * here; the other end, non-blocking, or -1. */
ngx_fd_t vg_spawn(ngx_fd_t command, char *const *argv, char *const *envp,
                  ngx_log_t *log);

#endif /* VG_SPAWN_H */
