/*
 * nginx.c: as much of nginx as the targets reach, whose sources Debian does
 * not ship. Timers never fire by themselves; events are posted for real.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

volatile ngx_msec_t   ngx_current_msec;
volatile ngx_cycle_t *ngx_cycle;
ngx_rbtree_t          ngx_event_timer_rbtree;
ngx_queue_t           ngx_posted_events, ngx_posted_next_events;
ngx_uint_t            ngx_exiting;
ngx_module_t          ngx_core_module;
ngx_connection_t      vg_nobody = { .fd = -1 };


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
                   const char *fmt, ...)
{
    (void) level;
    (void) log;
    (void) err;
    (void) fmt;
}


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    (void) log;
    return malloc(size);
}


ngx_int_t
ngx_atoi(u_char *line, size_t n)
{
    ngx_int_t value = 0;

    if (n == 0 || n > 18) {
        return NGX_ERROR;
    }
    for (; n > 0; n--, line++) {
        if (*line < '0' || *line > '9') {
            return NGX_ERROR;
        }
        value = value * 10 + (*line - '0');
    }
    return value;
}


static int
hex(u_char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}


/* every %XX, also of what nginx leaves alone: the worst that may come */
void
ngx_unescape_uri(u_char **dst, u_char **src, size_t size, ngx_uint_t type)
{
    u_char *d = *dst, *s = *src, *end = s + size;

    (void) type;
    while (s < end) {
        if (*s == '%' && end - s > 2 && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
            *d++ = (u_char) (hex(s[1]) << 4 | hex(s[2]));
            s += 3;
        } else {
            *d++ = *s++;
        }
    }
    *dst = d;
    *src = s;
}


void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    (void) tree;
    (void) node;
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    (void) tree;
    (void) node;
}


ngx_int_t
ngx_handle_read_event(ngx_event_t *rev, ngx_uint_t flags)
{
    (void) rev;
    (void) flags;
    return NGX_OK;
}


ngx_int_t
ngx_handle_write_event(ngx_event_t *wev, size_t lowat)
{
    (void) wev;
    (void) lowat;
    return NGX_OK;
}


ngx_int_t
ngx_tcp_nodelay(ngx_connection_t *c)
{
    (void) c;
    return NGX_OK;
}


void
ngx_ssl_free_buffer(ngx_connection_t *c)
{
    (void) c;
}
