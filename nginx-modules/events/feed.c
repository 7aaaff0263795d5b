/*
 * feed.c: GET /events/stream: the logs as one who may see a part of them
 * reads them, from a place on.
 *
 * The place is a position in each log, "12.7" for two: what a frame has as
 * its id, and what Last-Event-ID brings back. Without one it is the end. What
 * the caller does not own is passed over, so a place moves without a frame.
 */

#include "events.h"
#include "fan.h"
#include "outcome.h"

#define VG_FEED_READ 200 /* events of a log at once                      */

typedef struct {
    vg_call_t  *call;
    ngx_uint_t  log; /* that is asked                                     */
    vg_unit_t   unit;
    const char *values[5];
    char        places[VG_DATABASES][24];
    unsigned    more:1; /* one of them has some left                      */
} vg_feed_t;

static vg_statement_t *vg_feed_read;

static void vg_feed_next(vg_feed_t *feed);


ngx_int_t
vg_feed_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_feed_read, "feed_read",
        "select (r.e).pos, case when vg.visible($2::text, $3::text, $4::text,"
        " (r.e).payload ->> 'customerId', (r.e).payload ->> 'operatorId',"
        " (r.e).payload ->> 'companyId') then vg.event_json(r.e)::text end"
        " from (select e from vg.event e where e.pos > $1::bigint"
        " order by e.pos limit 200) r",
        4);
    return vg_feed_read ? NGX_OK : NGX_ERROR;
}


/* the place as a frame's id */
static vg_str_t
vg_feed_place(vg_feed_t *feed)
{
    char       text[VG_DATABASES * 24];
    size_t     n = 0;
    ngx_uint_t i;

    for (i = 0; i < vg_host->databases.nelts; i++) {
        n += snprintf(text + n, sizeof(text) - n, "%s%s", i ? "." : "",
                      feed->places[i]);
    }
    return vg_printf(&feed->call->arena, "%.*s", (int) n, text);
}


/* "12.7"; a log that has no place in it begins at its beginning */
static vg_rc_t
vg_feed_from(vg_feed_t *feed, vg_str_t place)
{
    size_t     i, n = 0;
    ngx_uint_t log = 0;

    for (i = 0; i < place.len; i++) {
        if (place.data[i] == '.' && n > 0 && log + 1 < VG_DATABASES) {
            log++;
            n = 0;
        } else if (place.data[i] >= '0' && place.data[i] <= '9' && n < 18) {
            feed->places[log][n++] = place.data[i];
        } else {
            return VG_ERROR;
        }
    }
    for (log = 0; log < VG_DATABASES; log++) {
        if (feed->places[log][0] == '\0') {
            feed->places[log][0] = '0';
        }
    }
    return n > 0 ? VG_OK : VG_ERROR;
}


static void
vg_feed_over(vg_feed_t *feed)
{
    vg_out_t           out;
    ngx_uint_t         i;
    vg_call_t         *call = feed->call;
    vg_stream_frame_t *frame = call->frames->elts;

    if (!call->finished && call->error == NULL) {
        call->frame = vg_feed_place(feed);
        call->more = feed->more;
        vg_out_init(&out, &call->arena);
        vg_out_open(&out, '{');
        vg_out_key(&out, "items");
        vg_out_open(&out, '[');
        for (i = 0; i < call->frames->nelts && !call->streams; i++) {
            vg_out_raw(&out, frame[i].body);
        }
        vg_out_close(&out, ']');
        vg_out_member(&out, "lastEventId", call->frame);
        vg_out_close(&out, '}');
        (void) vg_reply(call, vg_out_str(&out));
    }
    vg_call_awaited(call);
    vg_call_release(call);
}


static void
vg_feed_take(vg_feed_t *feed, PGresult *rows)
{
    int                i, n = PQntuples(rows);
    vg_stream_frame_t *frame;

    feed->more |= n == VG_FEED_READ;
    for (i = 0; i < n; i++) {
        (void) snprintf(feed->places[feed->log], 24, "%s",
                        PQgetvalue(rows, i, 0));
        if (PQgetisnull(rows, i, 1)) {
            continue;
        }
        frame = ngx_array_push(feed->call->frames);
        if (frame == NULL) {
            (void) vg_refuse(feed->call, "internal");
            return;
        }
        frame->body = vg_outcome_text(feed->call, rows, i, 1);
        frame->id = vg_feed_place(feed);
    }
}


static void
vg_feed_have(vg_unit_t *unit)
{
    vg_feed_t *feed = unit->data;
    vg_call_t *call = feed->call;

    if (!call->finished && unit->result != VG_UNIT_OK) {
        vg_outcome_error(call, unit);
    }
    if (call->finished || call->error != NULL) {
        vg_feed_over(feed);
        return;
    }
    if (unit->statement == vg_log_end) {
        (void) snprintf(feed->places[feed->log], 24, "%s",
                        PQgetvalue(unit->rows, 0, 0));
    } else {
        vg_feed_take(feed, unit->rows);
    }
    feed->log++;
    vg_feed_next(feed);
}


static void
vg_feed_next(vg_feed_t *feed)
{
    vg_call_t *call = feed->call;

    if (feed->log == vg_host->databases.nelts || call->error != NULL) {
        vg_feed_over(feed);
        return;
    }
    feed->values[0] = feed->places[feed->log];
    vg_kit_make(&feed->unit, call->in.since.len ? vg_feed_read : vg_log_end,
                feed->values, VG_LANE_READ, vg_feed_have, feed);
    feed->unit.database = feed->log;
    vg_unit_submit(&feed->unit);
}


void
vg_events_feed(vg_call_t *call)
{
    vg_feed_t *feed = vg_calloc(&call->arena, sizeof(vg_feed_t));

    call->frames = ngx_array_create(call->pool, 16, sizeof(vg_stream_frame_t));
    if (feed == NULL || call->frames == NULL) {
        (void) vg_refuse(call, "internal");
        vg_call_awaited(call);
        return;
    }
    feed->call = call;
    if (call->in.since.len > 0 && vg_feed_from(feed, call->in.since) != VG_OK) {
        (void) vg_refuse_with(call, "malformed",
                              VG_STR("{\"message\":\"Last-Event-ID is none of "
                                     "ours\"}"));
        vg_call_awaited(call);
        return;
    }
    feed->values[1] = vg_fan_text(call, call->caller.role);
    feed->values[2] = vg_fan_text(call, call->caller.id);
    feed->values[3] = vg_fan_text(call, call->caller.company);
    vg_call_ref(call);
    vg_feed_next(feed);
}
