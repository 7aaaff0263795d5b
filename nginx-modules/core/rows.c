/*
 * rows.c: a body of many rows (VG_ROWS): CSV or GeoJSON, each row a call of
 * the route that was asked.
 *
 * The body lies on disk, as nginx took it in; a window of it is in memory,
 * and so are the calls that are under way. Rows are units of their own: one
 * that is refused takes no other with it, and the write lane gives those of
 * one turn one flush. The request's own call only waits for them.
 */

#include "feature.h"
#include "repeat.h"
#include "row.h"

#define VG_ROWS_WINDOW   131072 /* bytes; the longest row                   */
#define VG_ROWS_FLIGHT   32     /* calls at a time                          */
#define VG_ROWS_TURN     200    /* rows read in one turn of the loop        */
#define VG_ROWS_TOLD     1000   /* failures that are listed                 */
#define VG_ROWS_DEADLINE 30000  /* ms without a row that ends               */

typedef struct {
    vg_call_t    *call;  /* the request's: holds all of this              */
    ngx_chain_t  *in;    /* of the body                                   */
    off_t         taken; /* of the buffer at hand                        */
    char         *window;
    vg_str_t      text; /* in the window, not yet read                   */
    vg_row_head_t head;
    vg_out_t      failed;
    ngx_event_t   again;
    ngx_uint_t    row, flight, imported, unchanged, failures;
    bool          features, begun, ended, pumping;
} vg_rows_t;

typedef struct {
    vg_rows_t *rows;
    ngx_uint_t row;
} vg_rows_one_t;

static void vg_rows_pump(vg_rows_t *rows);


static ngx_uint_t
vg_rows_last(vg_rows_t *rows)
{
    return rows->in == NULL;
}


/* Moves what is left to the front, and fills the window behind it. */
static ngx_int_t
vg_rows_fill(vg_rows_t *rows)
{
    size_t     room, n;
    ngx_buf_t *b;

    if (rows->text.len && rows->text.data != rows->window) {
        ngx_memmove(rows->window, rows->text.data, rows->text.len);
    }
    rows->text.data = rows->window;
    while (rows->in != NULL && rows->text.len < VG_ROWS_WINDOW) {
        b = rows->in->buf;
        room = VG_ROWS_WINDOW - rows->text.len;
        n = ngx_min((off_t) room, ngx_buf_size(b) - rows->taken);
        if (n > 0 && b->in_file) {
            if (ngx_read_file(b->file, (u_char *) rows->window + rows->text.len,
                              n, b->file_pos + rows->taken)
                != (ssize_t) n)
            {
                return NGX_ERROR;
            }
        } else {
            ngx_memcpy(rows->window + rows->text.len, b->pos + rows->taken, n);
        }
        rows->text.len += n;
        rows->taken += n;
        if (rows->taken == ngx_buf_size(b)) {
            rows->in = rows->in->next;
            rows->taken = 0;
        }
    }
    return NGX_OK;
}


static void
vg_rows_fail(vg_rows_t *rows, const char *message)
{
    vg_str_t detail;

    if (!rows->call->finished) {
        detail = vg_printf(&rows->call->arena,
                           "{\"message\":\"row %d: %s\",\"imported\":%d}",
                           (int) rows->row, message, (int) rows->imported);
        (void) vg_refuse_with(rows->call, "malformed", detail);
        vg_call_finish(rows->call);
    }
}


/* What was read of the text: a number of a card ends the import, as it would
 * end a call with one row. */
static bool
vg_rows_card(vg_rows_t *rows, const char *from)
{
    vg_str_t detail, read = { from, (size_t) (rows->text.data - from) };

    if (vg_card_check(rows->call, read, 0) == VG_OK) {
        return false;
    }
    detail = vg_printf(&rows->call->arena, "{\"row\":%d,\"imported\":%d}",
                       (int) rows->row, (int) rows->imported);
    (void) vg_refuse_with(rows->call, "card_number", detail);
    vg_call_finish(rows->call);
    return true;
}


/* errors: an object, or data NULL for one word about the whole row */
static void
vg_rows_note(vg_rows_t *rows, ngx_uint_t row, vg_str_t errors, const char *word)
{
    if (rows->failures++ >= VG_ROWS_TOLD) {
        return;
    }
    vg_out_open(&rows->failed, '{');
    vg_out_key(&rows->failed, "row");
    vg_out_int(&rows->failed, (int64_t) row);
    vg_out_key(&rows->failed, "errors");
    if (errors.data != NULL) {
        vg_out_raw(&rows->failed, errors);
    } else {
        vg_out_open(&rows->failed, '{');
        vg_out_member(&rows->failed, "row", vg_str(word));
        vg_out_close(&rows->failed, '}');
    }
    vg_out_close(&rows->failed, '}');
}


static void
vg_rows_end(vg_rows_t *rows)
{
    vg_out_t   out;
    vg_call_t *call = rows->call;

    if (call->finished) {
        return;
    }
    vg_out_close(&rows->failed, ']');
    vg_out_init(&out, &call->arena);
    vg_out_open(&out, '{');
    vg_out_key(&out, "imported");
    vg_out_int(&out, (int64_t) rows->imported);
    vg_out_key(&out, "unchanged");
    vg_out_int(&out, (int64_t) rows->unchanged);
    vg_out_key(&out, "failures");
    vg_out_int(&out, (int64_t) rows->failures);
    vg_out_member_raw(&out, "failed", vg_out_str(&rows->failed));
    vg_out_close(&out, '}');
    call->status = "ok";
    call->text = vg_out_str(&out);
    if (call->text.data == NULL) {
        (void) vg_refuse(call, "internal");
    }
    if (call->error == NULL && call->key.key.len) {
        vg_repeat_end(call);
    } else {
        vg_call_finish(call);
    }
}


/* A row is over. What is not about the row itself (no database, no time) ends
 * the import: asked again it goes on where it was, for it makes no twins. */
static void
vg_rows_done(vg_call_t *one)
{
    vg_call_t     *call;
    vg_rows_t     *rows;
    vg_rows_one_t *which = one->owner;

    rows = which->rows;
    call = rows->call;
    rows->flight--;
    if (call->finished) {
        vg_call_release(call);
        return;
    }
    if (one->error == NULL) {
        if (vg_call_status(one) == NGX_HTTP_CREATED) {
            rows->imported++;
        } else {
            rows->unchanged++;
        }
    } else if (one->error->status >= 500) {
        call->retry_after = ngx_max(one->retry_after, 1);
        vg_call_fail(call, one->error->name);
    } else if (one->nproblems) {
        one->problems.comma = false;
        vg_out_close(&one->problems, '}');
        vg_rows_note(rows, which->row, vg_out_str(&one->problems), NULL);
    } else {
        vg_rows_note(rows, which->row, (vg_str_t){ NULL, 0 },
                     one->error->title);
    }
    if (!call->finished) {
        ngx_add_timer(&call->deadline, VG_ROWS_DEADLINE);
        vg_rows_pump(rows);
    }
    vg_call_release(call);
}


static vg_str_t
vg_rows_keep(vg_call_t *one, vg_str_t s)
{
    return s.data ? vg_printf(&one->arena, "%.*s", (int) s.len, s.data) : s;
}


static void
vg_rows_run(vg_rows_t *rows, vg_call_t *one, vg_str_t body)
{
    const char    *wrong = "is no JSON object";
    vg_call_t     *call = rows->call;
    vg_rows_one_t *which = vg_calloc(&one->arena, sizeof(vg_rows_one_t));

    one->body = which ? vg_json_parse(&one->arena, body, &wrong) : NULL;
    if (one->body == NULL) {
        vg_rows_note(rows, rows->row, (vg_str_t){ NULL, 0 }, wrong);
        vg_call_release(one);
        return;
    }
    *which = (vg_rows_one_t){ rows, rows->row };
    one->owner = which;
    one->finish = vg_rows_done;
    one->caller.id = vg_rows_keep(one, call->caller.id);
    one->caller.role = vg_rows_keep(one, call->caller.role);
    one->caller.company = vg_rows_keep(one, call->caller.company);
    one->caller.scopes = vg_rows_keep(one, call->caller.scopes);
    one->correlation = vg_rows_keep(one, call->correlation);
    one->traceparent = vg_rows_keep(one, call->traceparent);
    one->address = vg_rows_keep(one, call->address);
    one->depth = call->depth + 1;
    rows->flight++;
    vg_call_ref(call);
    vg_call_run(one, VG_CALL_DEADLINE);
}


/* VG_OK: a row was begun, or noted; VG_DONE: none is left */
static vg_rc_t
vg_rows_csv(vg_rows_t *rows, vg_call_t *one)
{
    vg_str_t      body, field;
    const char   *wrong, *from = rows->text.data;
    vg_csv_rc_t   rc;
    vg_csv_row_t *row = vg_alloc(&one->arena, sizeof(vg_csv_row_t));

    if (row == NULL) {
        return VG_ERROR;
    }
    rc = vg_csv_read(&one->arena, &rows->text, vg_rows_last(rows), row);
    if (rc == VG_CSV_MORE || rc == VG_CSV_END) {
        return rc == VG_CSV_END ? VG_DONE : VG_DECLINED;
    }
    rows->row++;
    if (vg_rows_card(rows, from)) {
        vg_call_release(one);
        return VG_OK;
    }
    if (rc == VG_CSV_WRONG) {
        if (rows->head.count == 0) {
            return VG_ERROR;
        }
        vg_rows_note(rows, rows->row, (vg_str_t){ NULL, 0 }, row->error);
    } else if (rows->head.count == 0) {
        wrong = vg_row_head(&one->arena, &rows->head, row, &field);
        if (wrong != NULL) {
            (void) vg_refuse_field(rows->call,
                                   vg_str_utf8(field)
                                       ? vg_rows_keep(rows->call, field).data
                                       : "header",
                                   wrong);
            vg_call_finish(rows->call);
        }
    } else if (row->count > 1 || row->cells[0].len > 0) {
        body = vg_row_csv(&one->arena, &rows->head, row, &wrong);
        if (body.data != NULL) {
            vg_rows_run(rows, one, body);
            return VG_OK;
        }
        vg_rows_note(rows, rows->row, body, wrong);
    }
    vg_call_release(one);
    return VG_OK;
}


static vg_rc_t
vg_rows_feature(vg_rows_t *rows, vg_call_t *one)
{
    vg_str_t    feature, body;
    const char *wrong = "out of memory", *from = rows->text.data;

    switch (vg_feature_next(&rows->text, vg_rows_last(rows), &rows->begun,
                            &feature))
    {
    case VG_FEATURE_MORE:
        return VG_DECLINED;
    case VG_FEATURE_END:
        return VG_DONE;
    case VG_FEATURE_WRONG:
        return VG_ERROR;
    default:
        break;
    }
    rows->row++;
    if (vg_rows_card(rows, from)) {
        vg_call_release(one);
        return VG_OK;
    }
    body = vg_row_feature(&one->arena, feature, &wrong);
    if (body.data != NULL) {
        vg_rows_run(rows, one, body);
    } else {
        vg_rows_note(rows, rows->row, body, wrong);
        vg_call_release(one);
    }
    return VG_OK;
}


static vg_rc_t
vg_rows_next(vg_rows_t *rows)
{
    vg_rc_t    rc;
    vg_call_t *one = vg_call_create(rows->call->endpoint);

    if (one == NULL) {
        return VG_ERROR;
    }
    rc = rows->features ? vg_rows_feature(rows, one) : vg_rows_csv(rows, one);
    if (rc != VG_OK) {
        vg_call_release(one);
    }
    return rc;
}


/* Calls that end at once come back here: they find it running. */
static void
vg_rows_pump(vg_rows_t *rows)
{
    vg_rc_t    rc = VG_OK;
    vg_call_t *call = rows->call;
    ngx_uint_t n = 0;

    if (rows->pumping) {
        return;
    }
    rows->pumping = true;
    while (!call->finished && !rows->ended && rows->flight < VG_ROWS_FLIGHT
           && n < VG_ROWS_TURN)
    {
        rc = vg_rows_next(rows);
        if (rc == VG_DECLINED
            && (rows->text.len == VG_ROWS_WINDOW || vg_rows_last(rows)))
        {
            vg_rows_fail(rows, "is longer than 128 KiB, or never ends");
        } else if (rc == VG_DECLINED && vg_rows_fill(rows) != NGX_OK) {
            vg_call_fail(call, "internal");
        } else if (rc == VG_ERROR) {
            vg_rows_fail(rows, rows->features
                                   ? "no FeatureCollection from here on"
                                   : "no header row");
        }
        rows->ended = rc == VG_DONE;
        n += rc == VG_OK;
    }
    rows->pumping = false;
    if (call->finished) {
        return;
    }
    if (rows->ended && rows->flight == 0) {
        vg_rows_end(rows);
    } else if (n == VG_ROWS_TURN && rows->flight < VG_ROWS_FLIGHT
               && !rows->again.posted)
    {
        vg_call_ref(call);
        ngx_post_event(&rows->again, &ngx_posted_next_events);
    }
}


static void
vg_rows_again(ngx_event_t *ev)
{
    vg_rows_t *rows = ev->data;
    vg_call_t *call = rows->call;

    if (!call->finished) {
        ngx_add_timer(&call->deadline, VG_ROWS_DEADLINE);
        vg_rows_pump(rows);
    }
    vg_call_release(call);
}


static void
vg_rows_go(void *data)
{
    vg_rows_t *rows = data;

    if (vg_rows_fill(rows) != NGX_OK) {
        vg_call_fail(rows->call, "internal");
        return;
    }
    if (rows->text.len >= 3
        && ngx_memcmp(rows->text.data, "\xef\xbb\xbf", 3) == 0) {
        rows->text.data += 3; /* a byte order mark */
        rows->text.len -= 3;
    }
    vg_rows_pump(rows);
}


void
vg_rows_start(vg_http_t *http, ngx_uint_t features)
{
    vg_rows_t *rows;
    vg_call_t *call = http->call;

    if (call->endpoint->plugin->state == VG_PLUGIN_OUT) {
        call->retry_after = 5;
        vg_call_fail(call, "plugin_out");
        return;
    }
    rows = vg_calloc(&call->arena, sizeof(vg_rows_t));
    if (rows != NULL) {
        rows->window = vg_alloc(&call->arena, VG_ROWS_WINDOW);
    }
    if (rows == NULL || rows->window == NULL) {
        vg_call_fail(call, "internal");
        return;
    }
    rows->call = call;
    rows->in = http->request->request_body->bufs;
    rows->features = features;
    rows->head.fields = call->endpoint->row->fields;
    rows->again.handler = vg_rows_again;
    rows->again.data = rows;
    rows->again.log = call->log;
    vg_out_init(&rows->failed, &call->arena);
    vg_out_open(&rows->failed, '[');
    http->request->read_event_handler = ngx_http_test_reading;
    ngx_add_timer(&call->deadline, VG_ROWS_DEADLINE);
    vg_call_ref(call);
    if (call->key.key.len) {
        vg_repeat_begin(call, rows->in, vg_rows_go, rows);
    } else {
        vg_rows_go(rows);
    }
    vg_call_release(call);
}
