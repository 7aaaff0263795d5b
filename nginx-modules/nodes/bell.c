/*
 * bell.c: NOTIFY and LISTEN between nodes.
 *
 * "vg" means that the log has grown, a channel of each node's own that
 * vg.call has something for it. What is heard wakes and says nothing else: it
 * may be lost, and all it wakes looks by itself each second or two; streams,
 * at each of their heartbeats. After each new connection all is looked for
 * once. LISTEN is said again now and then: a connection that is gone without a
 * word is found so.
 */

#include <openssl/sha.h>

#include "events.h"
#include "nodes.h"

#define VG_BELL_PAUSE 50    /* ms between two NOTIFYs                      */
#define VG_BELL_AGAIN 15000 /* ms between two LISTENs                      */
#define VG_BELL_ROOM  7800  /* bytes of topics; a payload is below 8000    */
#define VG_BELL_WHO   (sizeof("vg_") - 1 + 32)

static vg_statement_t *vg_bell_notify, *vg_bell_house, *vg_bell_node;
static vg_unit_t       vg_bell_unit, vg_bell_listening;
static ngx_event_t     vg_bell_timer;
static ngx_msec_t      vg_bell_rung, vg_bell_said; /* ngx_current_msec     */
static ngx_uint_t      vg_bell_busy, vg_bell_asked, vg_bell_hears;
static ngx_uint_t      vg_bell_grown;
static char   vg_bell_topics[VG_BELL_ROOM + 1], vg_bell_sent[VG_BELL_ROOM + 3];
static size_t vg_bell_len;
static const char *vg_bell_values[2];


/* as vg.node_channel() has it; hex alone, so the quotes hold */
static ngx_int_t
vg_bell_listen_init(ngx_conf_t *cf)
{
    u_char      digest[SHA256_DIGEST_LENGTH], *text, *p;
    ngx_str_t  *node = &vg_host_conf(cf)->node;
    const char *before = "listen \"vg_";

    (void) SHA256(node->data, node->len, digest);
    text = ngx_pnalloc(cf->pool, ngx_strlen(before) + 32 + sizeof("\""));
    if (text == NULL) {
        return NGX_ERROR;
    }
    p = ngx_cpymem(text, before, ngx_strlen(before));
    p = ngx_hex_dump(p, digest, 16);
    ngx_memcpy(p, "\"", sizeof("\""));
    vg_statement_kit(cf, &vg_bell_house, "listen_house", "listen vg", 0);
    vg_statement_kit(cf, &vg_bell_node, "listen_node", (const char *) text, 0);
    return vg_bell_house && vg_bell_node ? NGX_OK : NGX_ERROR;
}


ngx_int_t
vg_bell_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_bell_notify, "bell_ring",
                     "select pg_notify('vg', vg.node_channel($1::text)"
                     " || $2::text)",
                     2);
    return vg_bell_notify ? vg_bell_listen_init(cf) : NGX_ERROR;
}


/* ----------------------------------------------------------------- ringing */

static void
vg_bell_done(vg_unit_t *unit)
{
    (void) unit;
    vg_bell_busy = 0;
}


/* Who rings; "-" unless the log has grown; " topic topic". */
static void
vg_bell_fired(ngx_event_t *ev)
{
    if (vg_bell_busy) {
        ngx_add_timer(ev, VG_BELL_PAUSE);
        return;
    }
    vg_bell_busy = 1;
    vg_bell_rung = ngx_current_msec;
    vg_bell_topics[vg_bell_len] = '\0';
    (void) snprintf(vg_bell_sent, sizeof(vg_bell_sent), "%s%s",
                    vg_bell_grown ? "" : "-", vg_bell_topics);
    vg_bell_grown = 0;
    vg_bell_len = 0;
    vg_bell_values[0] = vg_node_name();
    vg_bell_values[1] = vg_bell_sent;
    vg_kit_unit(&vg_bell_unit, vg_bell_notify, vg_bell_values, VG_LANE_WRITE,
                vg_bell_done, NULL);
}


/* A NOTIFY takes a lock of the whole server at its commit: few of them, of
 * the clerk alone, and none while nobody else is there. */
static void
vg_bell_ring(void)
{
    ngx_msec_t since = ngx_current_msec - vg_bell_rung;

    if (vg_bell_timer.timer_set) {
        return;
    }
    vg_bell_timer.handler = vg_bell_fired;
    vg_bell_timer.data = &vg_nobody;
    vg_bell_timer.log = ngx_cycle->log;
    vg_bell_timer.cancelable = 1;
    ngx_add_timer(&vg_bell_timer,
                  since >= VG_BELL_PAUSE ? 1 : VG_BELL_PAUSE - since);
}


void
vg_nodes_bell(void)
{
    if (!vg_node_alone() && !ngx_exiting) {
        vg_bell_grown = 1;
        vg_bell_ring();
    }
}


/* What moved here, of a worker. What finds no room is not told: streams look
 * by themselves. */
static void
vg_bell_moved(vg_link_ref_t ref, vg_str_t topics, ngx_msec_t timeout)
{
    (void) ref;
    (void) timeout;
    if (vg_node_alone() || ngx_exiting
        || vg_bell_len + topics.len + 1 > VG_BELL_ROOM)
    {
        return;
    }
    vg_bell_topics[vg_bell_len++] = ' ';
    ngx_memcpy(vg_bell_topics + vg_bell_len, topics.data, topics.len);
    vg_bell_len += topics.len;
    vg_bell_ring();
}


/* --------------------------------------------------------------- listening */

/* what we rang ourselves we know of */
static void
vg_bell_heard(const char *channel, const char *payload)
{
    const char *mine = vg_bell_node->text + sizeof("listen \"") - 1;

    if (ngx_strcmp(channel, "vg") != 0) {
        vg_near_tick();
        return;
    }
    if (ngx_strlen(payload) < VG_BELL_WHO
        || ngx_strncmp(mine, payload, VG_BELL_WHO) == 0)
    {
        return;
    }
    vg_node_met();
    payload += VG_BELL_WHO;
    if (*payload == '-') {
        payload++;
    } else {
        vg_events_heard();
    }
    vg_stream_heard(vg_str(payload));
}


static void
vg_bell_lost(void)
{
    vg_bell_hears = 0;
}


static void
vg_bell_listens(vg_unit_t *unit)
{
    vg_bell_asked = 0;
    if (!vg_kit_ok(unit)) {
        return; /* the next tick */
    }
    vg_bell_said = ngx_current_msec;
    if (vg_bell_hears) {
        return;
    }
    vg_bell_hears = 1;
    vg_near_tick(); /* what was rung for before */
    vg_events_heard();
}


void
vg_bell_tick(void)
{
    if (vg_bell_asked
        || (vg_bell_hears && ngx_current_msec - vg_bell_said < VG_BELL_AGAIN))
    {
        return;
    }
    vg_bell_asked = 1;
    vg_db_hear(vg_bell_heard, vg_bell_lost);
    vg_kit_unit(&vg_bell_listening, vg_bell_node, vg_bell_values,
                VG_LANE_LISTEN, vg_bell_listens, NULL);
    vg_bell_listening.lock = vg_bell_house;
    vg_bell_listening.lock_values = vg_bell_values;
}


void
vg_bell_start(void)
{
    vg_link_on(VG_LINK_AFAR, vg_bell_moved);
}
