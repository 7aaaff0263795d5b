/*
 * repeat.c: the Idempotency-Key of an import (VG_ROWS).
 *
 * Other changes store their answer in the commit of their unit. An import is
 * many units: its answer is stored in one of its own, once all rows are over.
 * One that was cut before that goes on when it is asked again, for its rows
 * make no twins; what is then counted as unchanged is what had been imported.
 */

#include <openssl/evp.h>

#include "outcome.h"
#include "repeat.h"

#define VG_REPEAT_PART 65536 /* bytes read at once                  */
#define VG_REPEAT_TURN 16    /* parts in one turn of the loop       */

typedef struct {
    vg_call_t   *call;
    vg_repeat_pt go;
    void        *data;
    ngx_chain_t *in;
    off_t        taken; /* of the buffer at hand */
    EVP_MD_CTX  *digest;
    ngx_event_t  again;
    u_char       part[VG_REPEAT_PART];
} vg_repeat_t;

static vg_statement_t *vg_repeat_keep;


ngx_int_t
vg_repeat_init(ngx_conf_t *cf)
{
    static const vg_bind_t binds[] = {
        VG_BIND_CALLER_ID, VG_BIND_ROUTE,         VG_BIND_KEY,
        VG_BIND_KEY_HASH,  VG_BIND_PLUGIN,        VG_BIND_REASON,
        VG_BIND_PAYLOAD,   VG_BIND_CORRELATION_ID
    };
    ngx_uint_t i, n = sizeof(binds) / sizeof(binds[0]);

    vg_statement_kit(
        cf, &vg_repeat_keep, "answer_keep",
        "insert into vg.answer"
        " (caller, route, key, hash, plugin, status, body, correlation_id)"
        " values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text,"
        " $7::text, $8::text)",
        n);
    if (vg_repeat_keep == NULL) {
        return NGX_ERROR;
    }
    vg_repeat_keep->firm = 1;
    for (i = 0; i < n; i++) {
        vg_repeat_keep->params[i].what = binds[i];
    }
    return NGX_OK;
}


static void
vg_repeat_send(vg_call_t *call, const vg_statement_t *statement,
               void (*done)(vg_unit_t *), void       *data)
{
    vg_unit_t *unit = vg_calloc(&call->arena, sizeof(vg_unit_t));

    if (unit != NULL) {
        unit->values = vg_bind_values(call, statement);
    }
    if (unit == NULL || unit->values == NULL) {
        vg_call_fail(call, "internal");
        return;
    }
    unit->statement = statement;
    unit->lane = VG_LANE_WRITE;
    unit->done = done;
    unit->data = data;
    unit->endpoint = call->endpoint;
    call->unit = unit;
    call->running = 1;
    vg_call_ref(call);
    vg_unit_submit(unit);
}


/* ----------------------------------------------------------- the beginning */

static void
vg_repeat_found(vg_unit_t *unit)
{
    vg_repeat_t *repeat = unit->data;
    vg_call_t   *call = repeat->call;

    call->running = 0;
    call->unit = NULL;
    if (!call->finished && unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
        vg_call_finish(call);
    } else if (!call->finished && PQntuples(unit->rows) > 0) {
        vg_outcome_stored(call, unit->rows);
        vg_call_finish(call);
    } else if (!call->finished) {
        repeat->go(repeat->data);
    }
    vg_call_release(call);
}


/* The body is digested: is this the first call of its key? */
static void
vg_repeat_ask(vg_repeat_t *repeat)
{
    u_char     md[EVP_MAX_MD_SIZE], *hex;
    unsigned   n = 0;
    vg_call_t *call = repeat->call;

    hex = vg_alloc(&call->arena, 2 * sizeof(md));
    if (hex == NULL || !EVP_DigestFinal_ex(repeat->digest, md, &n)) {
        vg_call_fail(call, "internal");
        return;
    }
    call->in.payload.data = (char *) hex;
    call->in.payload.len = ngx_hex_dump(hex, md, n) - hex;
    vg_http_hash(call);
    if (call->key.hash.data == NULL) {
        vg_call_fail(call, "internal");
    } else if (vg_key_take(call) != VG_OK) {
        call->retry_after = 1;
        vg_call_fail(call, "key_running");
    } else {
        vg_repeat_send(call, vg_outcome_lookup, vg_repeat_found, repeat);
    }
}


/* VG_DONE: all of the body was taken; VG_OK: there is more */
static vg_rc_t
vg_repeat_part(vg_repeat_t *repeat)
{
    size_t     n;
    u_char    *bytes;
    ngx_buf_t *b;

    while (repeat->in != NULL && repeat->taken == ngx_buf_size(repeat->in->buf))
    {
        repeat->in = repeat->in->next;
        repeat->taken = 0;
    }
    if (repeat->in == NULL) {
        return VG_DONE;
    }
    b = repeat->in->buf;
    n = ngx_min((off_t) VG_REPEAT_PART, ngx_buf_size(b) - repeat->taken);
    bytes = b->in_file ? repeat->part : b->pos + repeat->taken;
    if (b->in_file
        && ngx_read_file(b->file, bytes, n, b->file_pos + repeat->taken)
               != (ssize_t) n)
    {
        return VG_ERROR;
    }
    repeat->taken += n;
    return EVP_DigestUpdate(repeat->digest, bytes, n) ? VG_OK : VG_ERROR;
}


/* 64 MiB take a fifth of a second, which is too long for one turn. */
static void
vg_repeat_read(ngx_event_t *ev)
{
    vg_rc_t      rc = VG_OK;
    vg_repeat_t *repeat = ev->data;
    vg_call_t   *call = repeat->call;
    ngx_uint_t   i;

    for (i = 0; i < VG_REPEAT_TURN && rc == VG_OK && !call->finished; i++) {
        rc = vg_repeat_part(repeat);
    }
    if (rc == VG_OK && !call->finished) {
        ngx_post_event(&repeat->again, &ngx_posted_next_events);
        return;
    }
    if (rc == VG_DONE) {
        vg_repeat_ask(repeat);
    } else if (rc == VG_ERROR) {
        vg_call_fail(call, "internal");
    }
    vg_call_release(call);
}


static void
vg_repeat_free(void *digest)
{
    EVP_MD_CTX_free(digest);
}


void
vg_repeat_begin(vg_call_t *call, ngx_chain_t *body, vg_repeat_pt go, void *data)
{
    vg_repeat_t        *repeat = vg_calloc(&call->arena, sizeof(vg_repeat_t));
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(call->pool, 0);

    if (repeat != NULL && cleanup != NULL) {
        repeat->digest = EVP_MD_CTX_new();
        cleanup->handler = vg_repeat_free;
        cleanup->data = repeat->digest;
    }
    if (repeat == NULL || cleanup == NULL || repeat->digest == NULL
        || !EVP_DigestInit_ex(repeat->digest, EVP_sha256(), NULL))
    {
        vg_call_fail(call, "internal");
        return;
    }
    repeat->call = call;
    repeat->in = body;
    repeat->go = go;
    repeat->data = data;
    repeat->again.handler = vg_repeat_read;
    repeat->again.data = repeat;
    repeat->again.log = call->log;
    vg_call_ref(call);
    vg_repeat_read(&repeat->again);
}


/* ----------------------------------------------------------------- the end */

static void
vg_repeat_kept(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    call->running = 0;
    call->unit = NULL;
    if (!call->finished) {
        if (unit->result != VG_UNIT_OK) {
            vg_outcome_error(call, unit); /* another node was first: 409 */
        }
        vg_call_finish(call);
    }
    vg_call_release(call);
}


void
vg_repeat_end(vg_call_t *call)
{
    call->status = call->status ? call->status : "ok";
    call->in.reason = vg_str(call->status);
    call->in.payload = call->text;
    vg_repeat_send(call, vg_repeat_keep, vg_repeat_kept, call);
}
