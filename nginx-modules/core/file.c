/*
 * file.c: a file that the conf names, as a whole; and one that is a secret:
 * nobody else may read it, and it is wiped when the configuration goes.
 */

#include <fcntl.h>
#include <sys/stat.h>

#include "file.h"

typedef struct {
    u_char *data;
    size_t  len;
} vg_file_wipe_t;


static void
vg_file_wiped(void *data)
{
    vg_file_wipe_t *wipe = data;

    ngx_explicit_memzero(wipe->data, wipe->len);
}


static ngx_int_t
vg_file_wipe(ngx_pool_t *pool, const ngx_str_t *text)
{
    vg_file_wipe_t     *wipe;
    ngx_pool_cleanup_t *cln = ngx_pool_cleanup_add(pool, sizeof(*wipe));

    if (cln == NULL) {
        return NGX_ERROR;
    }
    wipe = cln->data;
    *wipe = (vg_file_wipe_t){ text->data, text->len };
    cln->handler = vg_file_wiped;
    return NGX_OK;
}


static const char *
vg_file_whole(int fd, size_t most, ngx_pool_t *pool, ngx_uint_t secret,
              ngx_str_t *text)
{
    struct stat st;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        return "cannot be read";
    }
    if (secret && (st.st_mode & 07) != 0) {
        return "may be read by all: chmod o-rwx";
    }
    if (st.st_size <= 0 || (size_t) st.st_size > most) {
        return st.st_size <= 0 ? "is empty" : "is too large";
    }
    text->len = (size_t) st.st_size;
    text->data = ngx_pcalloc(pool, text->len + 1);
    if (text->data == NULL || (secret && vg_file_wipe(pool, text) != NGX_OK)) {
        return "has no memory";
    }
    return read(fd, text->data, text->len) == (ssize_t) text->len
               ? NULL
               : "cannot be read";
}


const char *
vg_file_read(ngx_conf_t *cf, ngx_str_t *name, size_t most, ngx_uint_t secret,
             ngx_str_t *text)
{
    int         fd = -1;
    const char *why = "cannot be read";

    if (ngx_conf_full_name(cf->cycle, name, 1) == NGX_OK) {
        fd = open((const char *) name->data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd != -1) {
        why = vg_file_whole(fd, most, cf->pool, secret, text);
        (void) close(fd);
    }
    return why;
}


const char *
vg_file_secret(ngx_conf_t *cf, ngx_str_t *name, size_t most, ngx_str_t *secret)
{
    size_t      i;
    const char *why = vg_file_read(cf, name, most, 1, secret);

    while (why == NULL && secret->len
           && (secret->data[secret->len - 1] == '\n'
               || secret->data[secret->len - 1] == '\r'))
    {
        secret->data[--secret->len] = '\0';
    }
    for (i = 0; why == NULL && i < secret->len; i++) {
        if (secret->data[i] < ' ' || secret->data[i] > '~') {
            why = "holds more than one line of ASCII";
        }
    }
    return why == NULL && secret->len == 0 ? "is empty" : why;
}
