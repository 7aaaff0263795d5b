/*
 * recorder.c: rings in a file: read and written at their place, so that a
 * full disk or a file that was cut is an error and no signal, and that what
 * was written is there when its worker is not.
 *
 * A ring is a head and bytes. A record says its length at both ends, so it is
 * read backwards from the head, until what is found makes no sense: that is
 * where it was written over, or where somebody wrote nonsense.
 */

#include <fcntl.h>
#include <sys/stat.h>

#include "recorder.h"
#include "redact.h"

#define VG_RECORDER_MAGIC 0x7667726563303100ull /* "vgrec01"              */
#define VG_RECORDER_START 4096 /* bytes before the first ring             */
#define VG_RECORDER_PROBE 64
#define VG_RECORDER_TEXT  2048 /* bytes of a message that are kept        */

typedef struct {
    uint64_t magic;
    uint64_t ring, rings;
} vg_recorder_shape_t;

typedef struct {
    uint64_t len; /* of the identity; 0: free                             */
    char     identity[VG_IDENTITY_MAX];
    uint64_t head; /* bytes written since ever                            */
    int64_t  at;   /* us: when it was written last                        */
} vg_ring_t;

typedef struct {
    uint32_t len;   /* of the text                                        */
    uint32_t size;  /* of the message, unredacted                         */
    uint32_t check; /* of the text                                        */
    uint16_t kind;
    uint16_t cut;
    int64_t  at; /* us                                                    */
} vg_record_t;

static ngx_fd_t            vg_recorder_fd = NGX_INVALID_FILE;
static vg_recorder_shape_t vg_recorder; /* of that file                   */

static const char *const vg_record_names[VG_RECORDS] = { "in", "out", "opened",
                                                         "closed" };


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


static vg_rc_t
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


/* VG_OK: *ring is the identity's, and its head is *head. VG_DECLINED: it has
 * none; then *ring is a free one of its neighbours, or the one that nobody
 * has written to for the longest. */
static vg_rc_t
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


/* Two workers must not take one ring for two identities. The kernel gives the
 * lock back when its owner dies. */
static vg_rc_t
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


/* len bytes from position at on, in a ring of size bytes */
static ngx_uint_t
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


/* The record first, then the head: who dies in between wrote nothing. */
void
vg_recorder_note(vg_str_t identity, vg_record_kind_t kind, vg_str_t text)
{
    bool          cut = false;
    size_t        n;
    uint32_t      len;
    uint64_t      ring;
    vg_ring_t     head;
    vg_record_t   record = { 0 };
    static u_char bytes[sizeof(vg_record_t) + VG_RECORDER_TEXT + sizeof(len)];

    if (vg_recorder_fd == NGX_INVALID_FILE || identity.len > VG_IDENTITY_MAX
        || vg_ring_take(identity, &ring, &head) != VG_OK)
    {
        return;
    }
    n = vg_redact(text, (char *) bytes + sizeof(record), VG_RECORDER_TEXT,
                  &cut);
    len = (uint32_t) n;
    record.len = len;
    record.size = (uint32_t) text.len;
    record.check = ngx_murmur_hash2(bytes + sizeof(record), n);
    record.kind = kind;
    record.cut = cut;
    record.at = vg_time_now();
    ngx_memcpy(bytes, &record, sizeof(record));
    ngx_memcpy(bytes + sizeof(record) + n, &len, sizeof(len));
    n += sizeof(record) + sizeof(len);
    if (vg_ring_put(ring, head.head, bytes, n)) {
        head.head += n;
        head.at = record.at;
        (void) vg_ring_write(ring, &head);
    }
}


/* ---------------------------------------------------------------- reading */

/* a ring unrolled: its oldest byte first */
typedef struct {
    u_char *bytes;
    size_t  len;
} vg_unrolled_t;


static vg_rc_t
vg_recorder_unroll(vg_call_t *call, vg_str_t identity, vg_unrolled_t *u)
{
    size_t    size = vg_recorder.ring - sizeof(vg_ring_t), first;
    off_t     place;
    uint64_t  ring;
    vg_ring_t head;

    u->len = 0;
    if (vg_recorder_fd == NGX_INVALID_FILE
        || vg_ring_find(identity, &ring, &head) != VG_OK)
    {
        return VG_OK;
    }
    u->bytes = vg_calloc(vg_pool(call), size);
    if (u->bytes == NULL) {
        return VG_ERROR;
    }
    place = vg_ring_place(ring) + (off_t) sizeof(vg_ring_t);
    first = head.head > size ? head.head % size : 0;
    if (pread(vg_recorder_fd, u->bytes, size - first, place + (off_t) first) < 0
        || pread(vg_recorder_fd, u->bytes + size - first, first, place) < 0)
    {
        return VG_OK;
    }
    u->len = head.head > size ? size : head.head;
    return VG_OK;
}


/* The record that ends at *end; 0: there is none that makes sense. */
static ngx_uint_t
vg_recorder_last(const vg_unrolled_t *u, size_t *end, vg_record_t *record,
                 vg_str_t *text)
{
    size_t   room = sizeof(*record) + sizeof(uint32_t);
    uint32_t len;

    if (*end < room) {
        return 0;
    }
    ngx_memcpy(&len, u->bytes + *end - sizeof(len), sizeof(len));
    if (len > VG_RECORDER_TEXT || *end < room + len) {
        return 0;
    }
    *end -= room + len;
    ngx_memcpy(record, u->bytes + *end, sizeof(*record));
    *text = (vg_str_t){ (char *) u->bytes + *end + sizeof(*record), len };
    return record->len == len && record->kind < VG_RECORDS
           && record->check == ngx_murmur_hash2((u_char *) text->data, len)
           && vg_str_utf8(*text);
}


static void
vg_recorder_show(vg_out_t *out, const vg_record_t *record, vg_str_t text)
{
    vg_out_open(out, '{');
    vg_out_member(out, "time", vg_time_text(out->pool, record->at));
    vg_out_member(out, "direction", vg_str(vg_record_names[record->kind]));
    if (record->kind <= VG_RECORD_OUT) {
        vg_out_member(out, "message", text);
        vg_out_key(out, "size");
        vg_out_int(out, record->size);
        vg_out_key(out, "truncated");
        vg_out_bool(out, record->cut);
    }
    vg_out_close(out, '}');
}


/* newest first, as it is read */
vg_str_t
vg_messages(vg_call_t *call, vg_str_t charge_point, int64_t from, int64_t to)
{
    size_t        end;
    vg_out_t      out;
    vg_str_t      text;
    vg_record_t   record;
    vg_unrolled_t u;

    if (vg_recorder_unroll(call, charge_point, &u) != VG_OK) {
        return (vg_str_t){ NULL, 0 };
    }
    end = u.len;
    vg_out_init(&out, vg_pool(call));
    vg_out_open(&out, '{');
    vg_out_key(&out, "items");
    vg_out_open(&out, '[');
    while (vg_recorder_last(&u, &end, &record, &text)) {
        if (record.at >= from && record.at < to) {
            vg_recorder_show(&out, &record, text);
        }
    }
    vg_out_close(&out, ']');
    vg_out_key(&out, "nextCursor");
    vg_out_null(&out);
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}
