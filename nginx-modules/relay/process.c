/*
 * process.c: one relay while its worker lives: started, heard, woken, and
 * started again when it ends.
 */

#include "relay.h"
#include "spawn.h"

#define VG_RELAY_PAUSE   1000  /* ms until it is started again, doubling   */
#define VG_RELAY_LONGEST 15000 /* ms                                       */
#define VG_RELAY_WELL    60000 /* ms: who ran so long begins anew          */
#define VG_RELAY_ENV     64    /* words of its environment                 */

static void vg_relay_run(vg_relay_t *relay);


/* "<level>text", as the journal has it; lines of a loader or a sanitizer have
 * no level */
static void
vg_relay_said(vg_relay_t *relay, u_char *line, size_t len)
{
    ngx_uint_t level = NGX_LOG_WARN;

    if (len > 3 && line[0] == '<' && line[2] == '>') {
        level = line[1] <= '3'   ? NGX_LOG_ERR
                : line[1] == '4' ? NGX_LOG_WARN
                                 : NGX_LOG_NOTICE;
        line += 3;
        len -= 3;
    }
    ngx_log_error(level, relay->again.log, 0, "voltgate: %*s", len, line);
}


static void
vg_relay_lines(vg_relay_t *relay)
{
    u_char *end, *p = relay->line, *last = p + relay->len;

    while ((end = ngx_strlchr(p, last, '\n')) != NULL) {
        vg_relay_said(relay, p, end - p);
        p = end + 1;
    }
    relay->len = last - p;
    if (relay->len == VG_RELAY_LINE) { /* longer than a line is */
        vg_relay_said(relay, p, relay->len);
        relay->len = 0;
    }
    ngx_memmove(relay->line, p, relay->len);
}


static void
vg_relay_ended(vg_relay_t *relay)
{
    ngx_msec_t ran = ngx_current_msec - relay->began;

    if (relay->held != NULL) {
        ngx_close_connection(relay->held);
        relay->held = NULL;
    }
    if (ngx_exiting || ngx_quit || ngx_terminate) {
        return;
    }
    if (ran > VG_RELAY_WELL) {
        relay->pause = VG_RELAY_PAUSE;
    }
    ngx_log_error(NGX_LOG_ERR, relay->again.log, 0,
                  "voltgate: relay:%V has ended; again in %M ms", &relay->name,
                  relay->pause);
    ngx_add_timer(&relay->again, relay->pause);
    relay->pause = ngx_min(relay->pause * 2, VG_RELAY_LONGEST);
}


static void
vg_relay_heard(ngx_event_t *ev)
{
    ssize_t           n;
    ngx_connection_t *c = ev->data;
    vg_relay_t       *relay = c->data;

    for (;;) {
        if (c->close) { /* the worker takes its leave */
            vg_relay_ended(relay);
            return;
        }
        n = recv(c->fd, relay->line + relay->len, VG_RELAY_LINE - relay->len,
                 0);
        if (n > 0) {
            relay->len += n;
            vg_relay_lines(relay);
            continue;
        }
        if (n < 0 && ngx_errno == NGX_EINTR) {
            continue;
        }
        if (n < 0 && ngx_errno == NGX_EAGAIN
            && ngx_handle_read_event(ev, 0) == NGX_OK) {
            return;
        }
        vg_relay_ended(relay);
        return;
    }
}


static void
vg_relay_due(ngx_event_t *ev)
{
    vg_relay_run(ev->data);
}


/* the worker's environment, and whom the relay reads from */
static ngx_fd_t
vg_relay_open(vg_relay_t *relay)
{
    char      *envp[VG_RELAY_ENV + 2];
    ngx_uint_t i, n = 0;

    for (i = 0; environ[i] != NULL && n < VG_RELAY_ENV; i++) {
        if (ngx_strncmp(environ[i], "DATABASE_URL=", 13) != 0) {
            envp[n++] = environ[i];
        }
    }
    envp[n++] = relay->database;
    envp[n] = NULL;
    return vg_spawn(relay->command, relay->words, envp, relay->again.log);
}


static void
vg_relay_run(vg_relay_t *relay)
{
    ngx_fd_t          fd;
    ngx_connection_t *c;

    relay->began = ngx_current_msec;
    relay->len = 0;
    fd = vg_relay_open(relay);
    c = fd == -1 ? NULL : ngx_get_connection(fd, relay->again.log);
    if (c == NULL) {
        if (fd != -1) {
            (void) close(fd);
        }
        vg_relay_ended(relay);
        return;
    }
    c->data = relay;
    c->log = relay->again.log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = vg_relay_heard;
    c->idle = 1; /* so that it hears of the worker's end */
    relay->held = c;
    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        vg_relay_ended(relay);
    }
}


void
vg_relay_start(vg_relay_t *relay)
{
    relay->held = NULL;
    relay->pause = VG_RELAY_PAUSE;
    relay->again.handler = vg_relay_due;
    relay->again.data = relay;
    relay->again.log = ngx_cycle->log;
    relay->again.cancelable = 1;
    vg_relay_run(relay);
}
