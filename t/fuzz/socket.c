/* with: t/fuzz/stub/nginx.c nginx-modules/websocket/socket.c nginx-modules/websocket/message.c nginx-modules/websocket/wire.c nginx-modules/websocket/deflate.c nginx-modules/ocpp/frame.c nginx-modules/ocpp/action.c | -lwslay -lz
 *
 * socket.c: any bytes from a charger behind the handshake: WebSocket frames,
 * messages, pings, closes, cut anywhere. The owner answers each message, and
 * closes when it is told to; it hears nothing after closed().
 *
 * Input: a byte each for what a read gives at most, what a write takes at
 * most, and after which message the owner closes; then what comes in.
 */

#include "frame.h"
#include "fuzz.h"
#include "wire.h"

#define MESSAGE_MAX 4096

/* one connection and its owner */
static struct {
    const uint8_t     *data, *end;
    size_t             chunk, takes, closes, messages;
    bool               open, finalized;
    vg_socket_t       *socket;
    void              *context;
    ngx_pool_t        *pool;
    ngx_http_cleanup_t cleanup;
} at;


/* ------------------------------------------------------------------ nginx */

void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    (void) pool;
    return calloc(1, size);
}


ngx_int_t
ngx_pfree(ngx_pool_t *pool, void *p)
{
    (void) pool;
    (void) p;
    return NGX_DECLINED; /* small pieces go with their pool */
}


ngx_http_cleanup_t *
ngx_http_cleanup_add(ngx_http_request_t *r, size_t size)
{
    (void) r;
    (void) size;
    return &at.cleanup;
}


void
ngx_http_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    (void) r;
    (void) rc;
    REQUIRE(!at.finalized && !at.open);
    at.finalized = true;
}


void
ngx_http_run_posted_requests(ngx_connection_t *c)
{
    (void) c;
}


static ssize_t
from_charger(ngx_connection_t *c, u_char *buf, size_t size)
{
    size_t n = ngx_min(size, ngx_min(at.chunk, (size_t) (at.end - at.data)));

    (void) c;
    if (n == 0) {
        return at.data == at.end ? 0 : NGX_AGAIN;
    }
    memcpy(buf, at.data, n);
    at.data += n;
    return (ssize_t) n;
}


static ssize_t
to_charger(ngx_connection_t *c, u_char *buf, size_t size)
{
    uint8_t sum = 0;

    (void) c;
    for (size_t i = 0; i < size; i++) {
        sum ^= buf[i]; /* all of them may be read */
    }
    (void) sum;
    return at.takes > 0 ? (ssize_t) ngx_min(size, at.takes) : NGX_ERROR;
}


/* ------------------------------------------------------------------ owner */

static void
text(void *owner, vg_str_t message)
{
    vg_pool_t *pool = vg_arena_create();
    vg_frame_t frame = { .type = 0 };

    (void) owner;
    REQUIRE(at.open && message.len <= MESSAGE_MAX);
    if (vg_frame_parse(pool, message, &frame) == VG_FRAME_GOOD) {
        vg_socket_send(at.socket,
                       vg_frame_result(pool, frame.id, VG_STR("{}")));
    } else {
        vg_socket_send(at.socket,
                       VG_STR("[4,\"-1\",\"GenericError\",\"\",{}]"));
    }
    vg_arena_destroy(pool);
    if (++at.messages == at.closes) {
        vg_socket_close(at.socket, VG_CLOSE_POLICY, "enough");
    }
}


static void
closed(void *owner)
{
    (void) owner;
    REQUIRE(at.open);
    at.open = false;
}


static ngx_uint_t
never(void *owner)
{
    (void) owner;
    return 0;
}


static const vg_socket_owner_t owner = { text, closed, never, never, NULL };


/* ------------------------------------------------------------------- turn */

static void
run_posted(ngx_queue_t *queue)
{
    ngx_event_t *ev;
    ngx_queue_t *q;

    while (!ngx_queue_empty(queue) && !at.finalized) {
        q = ngx_queue_head(queue);
        ev = ngx_queue_data(q, ngx_event_t, queue);
        ngx_delete_posted_event(ev);
        ev->handler(ev);
    }
}


static void
run(ngx_connection_t *c)
{
    int turn;

    for (turn = 0; turn < 4000 && !at.finalized; turn++) {
        run_posted(&ngx_posted_events);
        run_posted(&ngx_posted_next_events);
        if (at.finalized) {
            return;
        }
        if (turn % 7 == 6) {
            c->write->handler(c->write);
        } else {
            c->read->handler(c->read);
        }
    }
    if (!at.finalized) { /* it waits for a goodbye: the request is cut */
        at.cleanup.handler(at.cleanup.data);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ngx_log_t          log;
    static ngx_http_request_t request, *r = &request;
    ngx_event_t               read = { 0 }, write = { 0 };
    ngx_buf_t                 empty = { 0 };
    ngx_connection_t          c = { 0 };
    vg_socket_conf_t          conf = { 60000, MESSAGE_MAX, 15 };

    if (size < 3) {
        return 0;
    }
    memset(&at, 0, sizeof(at));
    at.chunk = data[0] + 1;
    at.takes = (size_t) data[1] * 16;
    at.closes = data[2];
    at.data = data + 3;
    at.end = data + size;
    at.open = true;
    ngx_queue_init(&ngx_posted_events);
    ngx_queue_init(&ngx_posted_next_events);
    c.recv = from_charger;
    c.send = to_charger;
    c.read = &read;
    c.write = &write;
    c.log = &log;
    c.data = r;
    read.data = write.data = &c;
    request.connection = &c;
    request.header_in = &empty;
    request.ctx = &at.context;
    ngx_http_voltgate_websocket_module.ctx_index = 0;
    at.socket = vg_socket_open(r, &conf, &owner, NULL);
    REQUIRE(at.socket != NULL);
    run(&c);
    REQUIRE(!at.open);
    free(at.socket);
    return 0;
}
