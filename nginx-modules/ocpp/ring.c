/*
 * ring.c: rings in a file, one for each charge point: read and written at
 * their place, so that a full disk or a file that was cut is an error and no
 * signal, and that what was written is there when its worker is not.
 */

#include <fcntl.h>
#include <sys/stat.h>

#include "ring.h"

#define VG_RECORDER_MAGIC 0x7667726563303200ull /* "vgrec02"              */
#define VG_RECORDER_START 4096 /* bytes before the first ring             */
#define VG_RECORDER_PROBE 64

typedef struct {
    uint64_t magic;
    uint64_t ring, rings;
} vg_recorder_shape_t;

static ngx_fd_t            vg_recorder_fd = NGX_INVALID_FILE;
static vg_recorder_shape_t vg_recorder; /* of that file                   */


/* ------------------------------------------------------------------- file */

/* The file, if it is there and of this shape. */
static ngx_fd_t
vg_recorder_join(const char *path, const vg_recorder_shape_t *shape)
{
    ngx_fd_t            fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    vg_recorder_shape_t is;

    if (fd != NGX_INVALID_FILE
        && (pread(fd, &is, sizeof(is), 0) != (ssize_t) sizeof(is)
            || ngx_memcmp(&is, shape, sizeof(is)) != 0))
    {
        (void) close(fd);
        fd = NGX_INVALID_FILE;
    }
    return fd;
}


/* A new one in its place; whoever has the old one goes on with it. */
static ngx_fd_t
vg_recorder_create(const char *path, const vg_recorder_shape_t *shape)
{
    char     fresh[NGX_MAX_PATH + 8];
    ngx_fd_t fd;

    (void) snprintf(fresh, sizeof(fresh), "%s.new", path);
    (void) unlink(fresh);
    fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd != NGX_INVALID_FILE
        && (pwrite(fd, shape, sizeof(*shape), 0) != (ssize_t) sizeof(*shape)
            || rename(fresh, path) == -1))
    {
        (void) close(fd);
        fd = NGX_INVALID_FILE;
    }
    return fd;
}


void
vg_recorder_open(ngx_cycle_t *cycle, const vg_recorder_conf_t *conf)
{
    char                path[NGX_MAX_PATH];
    ngx_fd_t            fd = NGX_INVALID_FILE;
    vg_recorder_shape_t shape = { VG_RECORDER_MAGIC, conf->ring,
                                  (uint64_t) conf->rings };

    if (ngx_test_config) {
        return;
    }
    (void) snprintf(
        path, sizeof(path), "%.*s%s",
        (int) (conf->path.len ? conf->path.len : vg_host->run.len),
        (char *) (conf->path.len ? conf->path.data : vg_host->run.data),
        conf->path.len ? "" : "/recorder");
    if (conf->ring) {
        fd = vg_recorder_join(path, &shape);
    }
    if (conf->ring && fd == NGX_INVALID_FILE) {
        fd = vg_recorder_create(path, &shape);
    }
    if (conf->ring && fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      "voltgate: no flight recorder in \"%s\"", path);
    }
    if (vg_recorder_fd != NGX_INVALID_FILE) {
        (void) close(vg_recorder_fd);
    }
    vg_recorder_fd = fd;
    vg_recorder = shape;
}


/* ------------------------------------------------------------------ rings */

static off_t
vg_ring_place(uint64_t ring)
{
    return (off_t) (VG_RECORDER_START + ring * vg_recorder.ring);
}


/* what has never been written is free */
static vg_ring_t
vg_ring_read(uint64_t ring)
{
    ssize_t   n;
    vg_ring_t head;

    n = pread(vg_recorder_fd, &head, sizeof(head), vg_ring_place(ring));
    if (n != (ssize_t) sizeof(head) || head.len > VG_IDENTITY_MAX) {
        ngx_memzero(&head, sizeof(head));
    }
    return head;
}


vg_rc_t
vg_ring_write(uint64_t ring, const vg_ring_t *head)
{
    ssize_t n =
        pwrite(vg_recorder_fd, head, sizeof(*head), vg_ring_place(ring));

    return n == (ssize_t) sizeof(*head) ? VG_OK : VG_ERROR;
}


static ngx_uint_t
vg_ring_is(const vg_ring_t *head, vg_str_t identity)
{
    return head->len == identity.len
           && ngx_memcmp(head->identity, identity.data, identity.len) == 0;
}


vg_rc_t
vg_ring_find(vg_str_t identity, uint64_t *ring, vg_ring_t *head)
{
    int64_t   oldest = INT64_MAX;
    uint64_t  at, i;
    ngx_str_t parts[] = { vg_ngx(identity) };
    uint64_t  hash = vg_hash(parts, 1);
    vg_ring_t is;

    for (i = 0; i < VG_RECORDER_PROBE; i++) {
        at = (hash + i) % vg_recorder.rings;
        is = vg_ring_read(at);
        if (vg_ring_is(&is, identity)) {
            *ring = at;
            *head = is;
            return VG_OK;
        }
        if (is.len == 0) {
            *ring = at;
            return VG_DECLINED;
        }
        if (is.at < oldest) {
            oldest = is.at;
            *ring = at;
        }
    }
    return VG_DECLINED;
}


/* The kernel gives the lock back when its owner dies. */
vg_rc_t
vg_ring_take(vg_str_t identity, uint64_t *ring, vg_ring_t *head)
{
    vg_rc_t      rc;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

    rc = vg_ring_find(identity, ring, head);
    if (rc == VG_OK) {
        return VG_OK;
    }
    if (fcntl(vg_recorder_fd, F_SETLK, &lock) == -1) {
        return VG_ERROR; /* the next message tries again */
    }
    rc = vg_ring_find(identity, ring, head);
    if (rc != VG_OK) {
        ngx_memzero(head, sizeof(*head));
        head->len = identity.len;
        ngx_memcpy(head->identity, identity.data, identity.len);
        head->at = vg_time_now();
        rc = vg_ring_write(*ring, head);
    }
    lock.l_type = F_UNLCK;
    (void) fcntl(vg_recorder_fd, F_SETLK, &lock);
    return rc;
}


ngx_uint_t
vg_ring_put(uint64_t ring, uint64_t at, const u_char *bytes, size_t len)
{
    size_t   n;
    uint64_t size = vg_recorder.ring - sizeof(vg_ring_t);
    off_t    place = vg_ring_place(ring) + (off_t) sizeof(vg_ring_t);

    while (len > 0) {
        n = ngx_min(len, (size_t) (size - at % size));
        if (pwrite(vg_recorder_fd, bytes, n, place + (off_t) (at % size))
            != (ssize_t) n)
        {
            return 0;
        }
        at += n;
        bytes += n;
        len -= n;
    }
    return 1;
}


size_t
vg_ring_size(void)
{
    return vg_recorder_fd == NGX_INVALID_FILE
               ? 0
               : (size_t) vg_recorder.ring - sizeof(vg_ring_t);
}


/* what was never written is zero */
vg_rc_t
vg_ring_bytes(uint64_t ring, u_char *bytes)
{
    size_t  size = vg_ring_size();
    ssize_t n = pread(vg_recorder_fd, bytes, size,
                      vg_ring_place(ring) + (off_t) sizeof(vg_ring_t));

    if (n < 0) {
        return VG_ERROR;
    }
    ngx_memzero(bytes + n, size - (size_t) n);
    return VG_OK;
}
