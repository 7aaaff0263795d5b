/*
 * handshake.c: from a WebSocket request to a connected charge point.
 *
 * The stations are asked twice: what the password is checked against, then,
 * when it is good, for the epoch of this connection. It has a pool of its own,
 * since its answer may come when the client has gone; each goes on from a
 * posted event, so that none ends a request inside of another's function.
 *
 * Who comes again too soon is told so at once. The others stand in a line:
 * so many are let in each second and at once, however many come.
 */

#include "charger.h"
#include "entry.h"
#include "http.h"
#include "module.h"
#include "node.h"

#define VG_HANDSHAKE_ROOM  64    /* under way at once, of one worker         */
#define VG_HANDSHAKE_BURST 32    /* that need not keep to the rate           */
#define VG_HANDSHAKE_WAIT  15000 /* ms; chargers give up at some 30 s        */

typedef struct vg_handshake_s vg_handshake_t;

struct vg_handshake_s {
    ngx_pool_t         *pool;
    vg_pool_t           arena;
    ngx_http_request_t *request; /* NULL: the client left                 */
    ngx_http_cleanup_t *cleanup;
    vg_entry_t          entry;
    vg_str_t            identity; /* in our pool: farewells may need it   */
    vg_call_t          *call;     /* under way                            */
    ngx_event_t         next;
    vg_gate_guest_t     guest;
    uint64_t            key; /* of the guard                              */
    void (*stage)(vg_handshake_t *h);
    ngx_int_t status; /* to refuse with, or 0                   */
    int64_t   epoch;
    unsigned  booted:1;
    unsigned  asking:1;
};

static vg_gate_t vg_handshakes; /* of this worker                        */

static void vg_handshake_checked(vg_handshake_t *h);
static void vg_handshake_registered(vg_handshake_t *h);


/* -------------------------------------------------------------------- end */

static void
vg_handshake_free(vg_handshake_t *h)
{
    if (h->cleanup != NULL) {
        h->cleanup->handler = NULL;
    }
    vg_gate_leave(&vg_handshakes, &h->guest);
    ngx_destroy_pool(h->pool);
}


/* rc is what a handler would give */
static void
vg_handshake_end(vg_handshake_t *h, ngx_int_t rc)
{
    ngx_http_request_t *r = h->request;
    ngx_connection_t   *c = r->connection;

    vg_handshake_free(h);
    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
vg_handshake_left(void *data)
{
    vg_handshake_t *h = data;

    h->request = NULL;
    h->cleanup = NULL;
    if (h->guest.waiting) {
        vg_handshake_free(h);
    } else if (h->call != NULL) {
        vg_call_abandon(h->call);
    }
}


/* ------------------------------------------------------------------- asks */

static void
vg_handshake_go_on(ngx_event_t *ev)
{
    vg_handshake_t *h = ev->data;

    h->stage(h);
}


static void
vg_handshake_told(vg_handshake_t *h, ngx_int_t status)
{
    h->call = NULL;
    h->asking = 0;
    h->status = status;
    ngx_post_event(&h->next, &ngx_posted_events);
}


static void
vg_handshake_ask(vg_handshake_t *h, const char *route, vg_str_t args,
                 void (*done)(vg_call_t *), void (*stage)(vg_handshake_t *))
{
    vg_call_t *call;
    vg_http_t *http = vg_http_get(h->request);

    h->stage = stage;
    h->asking = 1;
    call = args.data == NULL || http == NULL
               ? NULL
               : vg_ask_start(route, args, vg_of(http->correlation), done, h);
    if (call == NULL) {
        vg_handshake_told(h, NGX_HTTP_SERVICE_UNAVAILABLE);
    } else if (h->asking) { /* else it is over, and gone */
        h->call = call;
    }
}


static ngx_int_t
vg_handshake_failure(const vg_call_t *call)
{
    return call->error->status == NGX_HTTP_NOT_FOUND
               ? NGX_HTTP_NOT_FOUND
               : NGX_HTTP_SERVICE_UNAVAILABLE;
}


/* ------------------------------------------------------------ credentials */

static void
vg_handshake_found(vg_call_t *call)
{
    ngx_int_t       status = 0;
    ngx_uint_t      booted = 0;
    vg_handshake_t *h = call->owner;

    if (h->request != NULL && call->error != NULL) {
        status = vg_handshake_failure(call);
    } else if (h->request != NULL) {
        status = vg_credentials_check(call, h->request, h->identity, &booted);
    }
    h->booted = booted;
    vg_handshake_told(h, status);
}


/* ------------------------------------------------------------ connections */

static void
vg_handshake_numbered(vg_call_t *call)
{
    vg_str_t         before, epoch = { NULL, 0 };
    vg_handshake_t  *h = call->owner;
    const vg_json_t *row;

    if (call->error != NULL) {
        vg_handshake_told(h, vg_handshake_failure(call));
        return;
    }
    row = vg_json_parse(&call->arena, call->text, NULL);
    epoch = vg_json_text(row, "epoch");
    before = vg_json_text(row, "before");
    h->epoch =
        epoch.data ? ngx_atoof((u_char *) epoch.data, epoch.len) : NGX_ERROR;
    if (h->epoch > 0 && before.data != NULL) {
        vg_far_replace(before, h->identity, h->epoch);
    }
    vg_handshake_told(h, h->epoch > 0 ? 0 : NGX_HTTP_SERVICE_UNAVAILABLE);
}


static vg_str_t
vg_handshake_args(vg_handshake_t *h, ngx_uint_t all)
{
    vg_out_t out;

    vg_out_init(&out, &h->arena);
    vg_out_open(&out, '{');
    vg_out_member(&out, "chargePoint", h->identity);
    if (all) {
        vg_out_member(&out, "node", vg_of(vg_host->node));
        vg_out_member(&out, "nodeStarted",
                      vg_time_text(&h->arena, vg_table_born()));
        vg_out_member(&out, "protocol", vg_str(h->entry.upgrade.protocol));
        vg_out_member(&out, "address",
                      vg_of(h->request->connection->addr_text));
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static ngx_uint_t
vg_handshake_no(void *owner)
{
    (void) owner;
    return 0;
}


static void
vg_handshake_text(void *owner, vg_str_t text)
{
    (void) owner;
    (void) text;
}


static void
vg_handshake_closed(void *owner)
{
    (void) owner;
}


static const vg_socket_owner_t vg_handshake_hooks = {
    vg_handshake_text,
    vg_handshake_closed,
    vg_handshake_no,
    vg_handshake_no,
    NULL,
};


static vg_socket_conf_t
vg_handshake_conf(const vg_handshake_t *h)
{
    vg_socket_conf_t conf = vg_ocpp_conf()->socket;

    conf.window = h->entry.upgrade.window;
    return conf;
}


/* OCPP-J 3.1.2: no common subprotocol is told by closing, not by refusing. */
static void
vg_handshake_close(vg_handshake_t *h)
{
    vg_socket_t     *s;
    vg_socket_conf_t conf = vg_handshake_conf(h);

    if (vg_upgrade_accept(h->request, &h->entry.upgrade) != NGX_OK) {
        vg_handshake_end(h, NGX_ERROR);
        return;
    }
    s = vg_socket_open(h->request, &conf, &vg_handshake_hooks, NULL);
    if (s == NULL) {
        vg_handshake_end(h, NGX_ERROR);
        return;
    }
    vg_socket_close(s, VG_CLOSE_PROTOCOL, "no common subprotocol");
    vg_handshake_free(h);
}


/* It was not let in. That the stations are away is not its fault. */
static void
vg_handshake_refuse(vg_handshake_t *h)
{
    ngx_uint_t away = h->status == NGX_HTTP_SERVICE_UNAVAILABLE;

    vg_guard_charge(vg_node()->guard, &vg_ocpp_conf()->guard, h->key,
                    (int64_t) ngx_current_msec, away ? -1 : VG_GUARD_FAULT);
    vg_ocpp_count(away ? VG_COUNT_AWAY : VG_COUNT_REFUSED);
    ngx_log_error(NGX_LOG_INFO, h->request->connection->log, 0,
                  "voltgate: charge point \"%*s\" refused with %i",
                  h->identity.len, h->identity.data, h->status);
    vg_handshake_end(h, vg_entry_refuse(h->request, h->status, 0));
}


/* The first answer is here. */
static void
vg_handshake_checked(vg_handshake_t *h)
{
    if (h->request == NULL) {
        vg_handshake_free(h);
    } else if (h->status) {
        vg_handshake_refuse(h);
    } else if (h->entry.upgrade.protocol == NULL) {
        vg_handshake_close(h);
    } else {
        vg_handshake_ask(h, "charge_point.connected", vg_handshake_args(h, 1),
                         vg_handshake_numbered, vg_handshake_registered);
    }
}


/* The second one. From here on an end must be told to the stations. */
static void
vg_handshake_registered(vg_handshake_t *h)
{
    vg_str_t         identity = h->entry.identity; /* in the request's pool */
    vg_socket_conf_t conf = vg_handshake_conf(h);

    if (h->request == NULL) {
        if (!h->status) {
            vg_charger_missed(h->identity, h->epoch);
        }
        vg_handshake_free(h);
        return;
    }
    if (h->status) {
        vg_handshake_refuse(h);
        return;
    }
    if (vg_upgrade_accept(h->request, &h->entry.upgrade) != NGX_OK
        || vg_charger_open(h->request, &conf, identity, h->epoch, h->booted)
               != VG_OK)
    {
        vg_charger_missed(h->identity, h->epoch);
        vg_handshake_end(h, NGX_ERROR);
        return;
    }
    vg_handshake_free(h);
}


/* ------------------------------------------------------------------- line */

/* GCRA in one word of the node: 0, and one more is counted, or the ms until
 * it may be. In us, since ngx_current_msec is the same clock in all workers. */
static ngx_msec_t
vg_handshake_turn(void)
{
    vg_node_t        *node = vg_node();
    ngx_atomic_uint_t due, from, now = ngx_current_msec * 1000;
    ngx_atomic_uint_t step = 1000000 / (ngx_uint_t) vg_ocpp_conf()->rate;

    do {
        due = node->bucket;
        from = ngx_max(due, now);
        if (from - now > step * VG_HANDSHAKE_BURST) {
            return 1 + (from - now - step * VG_HANDSHAKE_BURST) / 1000;
        }
    } while (!ngx_atomic_cmp_set(&node->bucket, due, from + step));
    return 0;
}


static void
vg_handshake_go(vg_gate_guest_t *guest)
{
    vg_handshake_t *h = ngx_queue_data(guest, vg_handshake_t, guest);

    if (ngx_current_msec != guest->since) {
        vg_ocpp_count(VG_COUNT_QUEUED);
    }
    vg_handshake_ask(h, "charge_point.credentials", vg_handshake_args(h, 0),
                     vg_handshake_found, vg_handshake_checked);
}


static void
vg_handshake_late(vg_gate_guest_t *guest)
{
    vg_handshake_t *h = ngx_queue_data(guest, vg_handshake_t, guest);

    vg_ocpp_count(VG_COUNT_FULL);
    vg_handshake_end(
        h, vg_entry_refuse(h->request, NGX_HTTP_SERVICE_UNAVAILABLE, 0));
}


void
vg_handshake_start(void)
{
    vg_handshakes.room = VG_HANDSHAKE_ROOM;
    vg_handshakes.wait = VG_HANDSHAKE_WAIT;
    vg_handshakes.turn = vg_handshake_turn;
    vg_handshakes.go = vg_handshake_go;
    vg_handshakes.late = vg_handshake_late;
    vg_gate_init(&vg_handshakes);
}


/* ------------------------------------------------------------------ start */

/* NULL: no memory */
static vg_handshake_t *
vg_handshake_create(ngx_http_request_t *r, const vg_entry_t *entry)
{
    char           *copy;
    ngx_pool_t     *pool = ngx_create_pool(1024, ngx_cycle->log);
    vg_handshake_t *h;

    if (pool == NULL) {
        return NULL;
    }
    h = ngx_pcalloc(pool, sizeof(vg_handshake_t));
    copy = ngx_pnalloc(pool, entry->identity.len);
    if (h == NULL || copy == NULL
        || (h->cleanup = ngx_http_cleanup_add(r, 0)) == NULL)
    {
        ngx_destroy_pool(pool);
        return NULL;
    }
    ngx_memcpy(copy, entry->identity.data, entry->identity.len);
    h->identity = (vg_str_t){ copy, entry->identity.len };
    h->pool = pool;
    h->arena = vg_charger_arena(pool);
    h->request = r;
    h->entry = *entry;
    h->cleanup->handler = vg_handshake_left;
    h->cleanup->data = h;
    h->next.handler = vg_handshake_go_on;
    h->next.data = h;
    h->next.log = ngx_cycle->log;
    return h;
}


/* for the access log */
static void
vg_handshake_name(ngx_http_request_t *r, vg_str_t identity)
{
    vg_http_t *http = vg_http_get(r);

    if (http != NULL) {
        ngx_str_set(&http->route, "GET /ocpp/{chargePointId}");
        ngx_str_set(&http->role, "charger");
        http->user = vg_ngx(identity);
    }
}


/* 0, or the status to refuse with at once */
static ngx_int_t
vg_handshake_barred(ngx_http_request_t *r, vg_str_t identity, uint64_t *key,
                    ngx_uint_t *retry)
{
    int64_t   wait;
    ngx_str_t parts[] = { vg_ngx(identity), r->connection->addr_text };

    if (ngx_exiting || vg_ocpp_conf() == NULL || vg_node() == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    *key = vg_hash(parts, 2);
    wait = vg_guard_come(vg_node()->guard, &vg_ocpp_conf()->guard, *key,
                         (int64_t) ngx_current_msec);
    if (wait > 0) {
        *retry = 1 + (ngx_uint_t) wait / 1000;
        vg_ocpp_count(VG_COUNT_BACKOFF);
        return NGX_HTTP_TOO_MANY_REQUESTS;
    }
    if (vg_handshakes.waiting >= (ngx_uint_t) vg_ocpp_conf()->queue) {
        vg_ocpp_count(VG_COUNT_FULL);
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    return 0;
}


ngx_int_t
vg_handshake(ngx_http_request_t *r)
{
    uint64_t        key = 0;
    ngx_int_t       status;
    ngx_uint_t      retry = 0;
    vg_entry_t      entry;
    vg_handshake_t *h;

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    status = vg_entry_read(r, &entry);
    if (status == 0 && vg_ocpp_conf() != NULL && vg_ocpp_conf()->deflate) {
        vg_upgrade_press(r, &entry.upgrade);
    }
    if (status == 0) {
        vg_handshake_name(r, entry.identity);
        status = vg_handshake_barred(r, entry.identity, &key, &retry);
    }
    if (status) {
        return vg_entry_refuse(r, status, retry);
    }
    h = vg_handshake_create(r, &entry);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->main->count++;
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    h->key = key;
    vg_gate_come(&vg_handshakes, &h->guest);
    return NGX_DONE;
}
