/*
 * topic.c: who waits for what, and word of it from worker to worker.
 *
 * Each worker has a row in shared memory: how many of its streams wait for
 * topics of each mark, a hash. Who changed something looks there and tells
 * only those that may care; they look for the topic itself. While there are
 * other nodes, the clerk is told of everything, and rings them.
 */

#include <signal.h>

#include "inside.h"
#include "link.h"

#define VG_TOPIC_ROWS 256  /* workers of this node, leaving ones too       */
#define VG_TOPIC_TOLD 7000 /* bytes of topics in one message                */

typedef struct {
    ngx_atomic_t used;   /* rows below this one may have an owner         */
    ngx_atomic_t others; /* other nodes are there, as far as we know      */
    ngx_atomic_t pids[VG_TOPIC_ROWS];
    /* written by the owner alone; others may see it a moment late, which
     * a stream makes up for by reading once more after it joined */
    uint16_t waiting[VG_TOPIC_ROWS][VG_TOPIC_MARK];
} vg_topics_t;

static vg_topics_t *vg_topics;
static ngx_int_t    vg_topic_row = -1;
static ngx_queue_t  vg_topic_here[VG_TOPIC_MARK];
static ngx_event_t  vg_topic_bell;
static char         vg_topic_told[VG_TOPIC_TOLD];
static size_t       vg_topic_len;
static ngx_uint_t   vg_topic_far; /* ... are for other nodes, too         */
static u_char       vg_topic_whom[VG_TOPIC_ROWS];


size_t
vg_stream_shared_size(void)
{
    return sizeof(vg_topics_t);
}


static ngx_uint_t
vg_topic_mark(vg_str_t topic)
{
    ngx_str_t s = vg_ngx(topic);

    return vg_hash(&s, 1) % VG_TOPIC_MARK;
}


static ngx_uint_t
vg_topic_gone(ngx_atomic_uint_t pid)
{
    return kill((pid_t) pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


/* ------------------------------------------------------------ to wait for */

/* A row that nobody has, or a dead one's. Without one, streams are read at
 * each heartbeat alone. */
static void
vg_topic_claim(void)
{
    ngx_uint_t        i;
    ngx_atomic_uint_t pid, used;

    for (i = 0; i < VG_TOPIC_ROWS && vg_topic_row < 0; i++) {
        pid = vg_topics->pids[i];
        if ((pid == 0 || vg_topic_gone(pid))
            && ngx_atomic_cmp_set(&vg_topics->pids[i], pid, ngx_pid))
        {
            ngx_memzero(vg_topics->waiting[i], sizeof(vg_topics->waiting[i]));
            vg_topic_row = i;
        }
    }
    do {
        used = vg_topics->used;
    } while ((ngx_int_t) used <= vg_topic_row
             && !ngx_atomic_cmp_set(&vg_topics->used, used, vg_topic_row + 1));
    if (vg_topic_row < 0) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: no room to wait for topics");
    }
}


void
vg_topic_join(vg_stream_t *s)
{
    if (vg_topic_row < 0) {
        vg_topic_claim();
    }
    s->mark = vg_topic_mark(s->topic);
    ngx_queue_insert_tail(&vg_topic_here[s->mark], &s->same);
    if (vg_topic_row >= 0) {
        vg_topics->waiting[vg_topic_row][s->mark]++;
        ngx_memory_barrier();
    }
}


void
vg_topic_part(vg_stream_t *s)
{
    ngx_queue_remove(&s->same);
    if (vg_topic_row >= 0 && vg_topics->waiting[vg_topic_row][s->mark]) {
        vg_topics->waiting[vg_topic_row][s->mark]--;
    }
}


static void
vg_topic_woken(const char *topic, size_t len)
{
    ngx_uint_t   mark = vg_topic_mark((vg_str_t){ topic, len });
    ngx_queue_t *q, *list = &vg_topic_here[mark];
    vg_stream_t *s;

    for (q = ngx_queue_head(list); q != ngx_queue_sentinel(list);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, vg_stream_t, same);
        if (s->topic.len == len && ngx_memcmp(s->topic.data, topic, len) == 0) {
            vg_stream_rouse(s);
        }
    }
}


/* ---------------------------------------------------------------- to tell */

/* the next of topics that are parted by spaces; 0: there is none */
static size_t
vg_topic_next(vg_str_t *rest, const char **topic)
{
    size_t n = 0;

    while (rest->len && *rest->data == ' ') {
        rest->data++;
        rest->len--;
    }
    *topic = rest->data;
    while (n < rest->len && rest->data[n] != ' ') {
        n++;
    }
    rest->data += n;
    rest->len -= n;
    return n;
}


static void
vg_topic_all_woken(vg_str_t topics)
{
    size_t      n;
    const char *topic;

    while ((n = vg_topic_next(&topics, &topic)) > 0) {
        vg_topic_woken(topic, n);
    }
}


/* what moved in this turn of the loop, in one message for each worker */
static void
vg_topic_tell(ngx_event_t *ev)
{
    vg_str_t          all = { vg_topic_told, vg_topic_len };
    ngx_uint_t        i;
    ngx_atomic_uint_t pid;

    (void) ev;
    for (i = 0; i < vg_topics->used; i++) {
        pid = vg_topics->pids[i];
        if (!vg_topic_whom[i] || pid == 0) {
            continue;
        }
        if ((ngx_int_t) i == vg_topic_row) {
            vg_topic_all_woken(all);
        } else if (vg_link_tell((ngx_pid_t) pid, VG_LINK_MOVED, all) != VG_OK
                   && vg_topic_gone(pid))
        {
            (void) ngx_atomic_cmp_set(&vg_topics->pids[i], pid, 0);
        }
    }
    if (vg_topic_far) {
        (void) vg_link_tell(vg_link_clerk(), VG_LINK_AFAR, all);
    }
    vg_topic_len = vg_topic_far = 0;
    ngx_memzero(vg_topic_whom, sizeof(vg_topic_whom));
}


static ngx_uint_t
vg_topic_cared_for(ngx_uint_t mark)
{
    ngx_uint_t i, n = 0;

    for (i = 0; i < vg_topics->used; i++) {
        if (vg_topics->pids[i] != 0 && vg_topics->waiting[i][mark] != 0) {
            vg_topic_whom[i] = 1;
            n++;
        }
    }
    return n;
}


/* far: tell other nodes as well; what was heard of them never is, or it would
 * go to and fro */
static void
vg_topic_told_of(vg_str_t topics, ngx_uint_t far)
{
    size_t      n;
    const char *topic;

    while ((n = vg_topic_next(&topics, &topic)) > 0) {
        if (n > VG_TOPIC_MAX) {
            continue;
        }
        if (vg_topic_len + n + 1 > VG_TOPIC_TOLD || vg_topic_far != far) {
            vg_topic_tell(&vg_topic_bell);
        }
        if (vg_topic_cared_for(vg_topic_mark((vg_str_t){ topic, n })) || far) {
            ngx_memcpy(vg_topic_told + vg_topic_len, topic, n);
            vg_topic_told[vg_topic_len + n] = ' ';
            vg_topic_len += n + 1;
            vg_topic_far = far;
            ngx_post_event(&vg_topic_bell, &ngx_posted_events);
        }
    }
}


void
vg_stream_moved(vg_str_t topics)
{
    if (vg_topics != NULL) {
        vg_topic_told_of(topics, vg_topics->others != 0);
    }
}


void
vg_stream_heard(vg_str_t topics)
{
    if (vg_topics != NULL) {
        vg_topic_told_of(topics, 0);
    }
}


void
vg_stream_others(ngx_uint_t others)
{
    if (vg_topics != NULL) {
        vg_topics->others = others;
    }
}


static void
vg_topic_heard(vg_link_ref_t ref, vg_str_t bytes, ngx_msec_t timeout)
{
    (void) ref;
    (void) timeout;
    vg_topic_all_woken(bytes);
}


/* --------------------------------------------------------- start and stop */

void
vg_topic_start(void)
{
    ngx_uint_t i;

    for (i = 0; i < VG_TOPIC_MARK; i++) {
        ngx_queue_init(&vg_topic_here[i]);
    }
    vg_topics = vg_shared(VG_SHARED_STREAMS);
    vg_topic_bell.handler = vg_topic_tell;
    vg_topic_bell.log = ngx_cycle->log;
    vg_link_on(VG_LINK_MOVED, vg_topic_heard);
}


void
vg_topic_stop(void)
{
    if (vg_topics != NULL && vg_topic_row >= 0) {
        (void) ngx_atomic_cmp_set(&vg_topics->pids[vg_topic_row], ngx_pid, 0);
        vg_topic_row = -1;
    }
}
