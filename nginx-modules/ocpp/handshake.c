/*
 * handshake.c: from a WebSocket request to a connected charge point.
 *
 * The stations are asked twice: what the password is checked against, then,
 * when it is good, for the epoch of this connection. A handshake lives in a
 * pool of its own, since its answer may come when the client has gone; each
 * answer goes on from a posted event, so that none ends a request inside of
 * somebody else's function.
 */

#include "charger.h"
#include "entry.h"
#include "http.h"
#include "module.h"

#include <openssl/crypto.h>

#define VG_HANDSHAKE_MAX 512 /* at once and worker; storms are to be spread */

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
    void (*stage)(vg_handshake_t *h);
    ngx_int_t status; /* to refuse with, or 0                   */
    int64_t   epoch;
    unsigned  booted:1;
    unsigned  asking:1;
};

static ngx_uint_t vg_handshakes; /* under way in this worker             */

static void vg_handshake_checked(vg_handshake_t *h);
static void vg_handshake_registered(vg_handshake_t *h);


/* -------------------------------------------------------------------- end */

static void
vg_handshake_free(vg_handshake_t *h)
{
    if (h->cleanup != NULL) {
        h->cleanup->handler = NULL;
    }
    vg_handshakes--;
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
    if (h->call != NULL) {
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

/* Security profile 3: a certificate that nginx has verified, for this name. */
static ngx_uint_t
vg_handshake_certified(ngx_connection_t *c, vg_str_t identity)
{
    int   n = -1;
    char  name[VG_IDENTITY_MAX + 2];
    X509 *cert;

    if (!c->ssl || SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
        return 0;
    }
    cert = SSL_get_peer_certificate(c->ssl->connection);
    if (cert != NULL) {
        n = X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                      NID_commonName, name, sizeof(name));
        X509_free(cert);
    }
    return n == (int) identity.len
           && ngx_memcmp(name, identity.data, identity.len) == 0;
}


/* The user name is the identity; the password is bytes, not text. */
static ngx_uint_t
vg_handshake_password_good(vg_call_t *call, vg_handshake_t *h,
                           const vg_json_t *known)
{
    vg_str_t            salt = vg_json_text(known, "salt");
    vg_str_t            hash = vg_json_text(known, "hash"), mine;
    ngx_str_t          *user = &h->request->headers_in.user;
    ngx_http_request_t *r = h->request;

    if (ngx_http_auth_basic_user(r) != NGX_OK || user->len != h->identity.len
        || ngx_memcmp(user->data, h->identity.data, user->len) != 0
        || salt.data == NULL || hash.data == NULL)
    {
        return 0;
    }
    mine = vg_sha256(call, salt, vg_of(r->headers_in.passwd));
    return mine.data != NULL && mine.len == hash.len
           && CRYPTO_memcmp(mine.data, hash.data, hash.len) == 0;
}


/* 0, or the status to refuse with. A charge point of one profile that comes
 * with less is refused; one that comes with TLS to spare is not. */
static ngx_int_t
vg_handshake_verdict(vg_call_t *call, vg_handshake_t *h)
{
    vg_str_t          profile;
    const vg_json_t  *known, *booted;
    ngx_connection_t *c = h->request->connection;

    if (call->error != NULL) {
        return vg_handshake_failure(call);
    }
    known = vg_json_parse(&call->arena, call->text, NULL);
    if (known == NULL) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    booted = vg_json_get(known, "booted");
    h->booted = booted != NULL && booted->type == VG_JSON_TRUE;
    profile = vg_json_text(known, "securityProfile");
    if (vg_str_eq(profile, "3")) {
        return vg_handshake_certified(c, h->identity) ? 0
                                                      : NGX_HTTP_UNAUTHORIZED;
    }
    if (!vg_handshake_password_good(call, h, known)) {
        return NGX_HTTP_UNAUTHORIZED;
    }
    return vg_str_eq(profile, "2") && !c->ssl ? NGX_HTTP_FORBIDDEN : 0;
}


static void
vg_handshake_found(vg_call_t *call)
{
    vg_handshake_t *h = call->owner;

    vg_handshake_told(h, h->request ? vg_handshake_verdict(call, h) : 0);
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


/* The first answer is here. */
static void
vg_handshake_checked(vg_handshake_t *h)
{
    if (h->request == NULL) {
        vg_handshake_free(h);
    } else if (h->status) {
        ngx_log_error(NGX_LOG_INFO, h->request->connection->log, 0,
                      "voltgate: charge point \"%*s\" refused with %i",
                      h->identity.len, h->identity.data, h->status);
        vg_handshake_end(h, vg_entry_refuse(h->request, h->status));
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

    if (h->status) {
        if (h->request == NULL) {
            vg_handshake_free(h);
        } else {
            vg_handshake_end(h, vg_entry_refuse(h->request, h->status));
        }
        return;
    }
    if (h->request == NULL) {
        vg_farewell(h->identity, h->epoch);
        vg_handshake_free(h);
        return;
    }
    if (vg_upgrade_accept(h->request, &h->entry.upgrade) != NGX_OK
        || vg_charger_open(h->request, &conf, identity, h->epoch, h->booted)
               != VG_OK)
    {
        vg_farewell(h->identity, h->epoch);
        vg_handshake_end(h, NGX_ERROR);
        return;
    }
    vg_handshake_free(h);
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
    vg_handshakes++;
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


ngx_int_t
vg_handshake(ngx_http_request_t *r)
{
    ngx_int_t       status;
    vg_entry_t      entry;
    vg_handshake_t *h;

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    status = vg_entry_read(r, &entry);
    if (status == 0 && vg_ocpp_conf() != NULL && vg_ocpp_conf()->deflate) {
        vg_upgrade_press(r, &entry.upgrade);
    }
    if (status == 0
        && (ngx_exiting || vg_ocpp_conf() == NULL
            || vg_handshakes >= VG_HANDSHAKE_MAX))
    {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    if (status) {
        return vg_entry_refuse(r, status);
    }
    vg_handshake_name(r, entry.identity);
    h = vg_handshake_create(r, &entry);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->main->count++;
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    vg_handshake_ask(h, "charge_point.credentials", vg_handshake_args(h, 0),
                     vg_handshake_found, vg_handshake_checked);
    return NGX_DONE;
}
