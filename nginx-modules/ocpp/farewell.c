/*
 * farewell.c: tells the stations that a charge point's connection is over, or
 * all connections of this node's former life.
 *
 * The database may be away just then, so it is told until it has heard; there
 * are no more farewells than charge points, since nobody is let in meanwhile.
 * A late one is harmless: it ends its own connection alone, by the epoch, or
 * what was held in another life of this node.
 */

#include "charger.h"

#define VG_FAREWELL_FIRST 500  /* ms until the second try; doubles        */
#define VG_FAREWELL_MOST  5000 /* ms between two tries                    */
#define VG_FAREWELL_LEAVE 14   /* tries of a worker that leaves: a minute */

typedef struct {
    ngx_event_t timer;
    ngx_msec_t  pause;
    ngx_uint_t  tries;
    int64_t     epoch; /* or when this node started, in us               */
    size_t      len;   /* 0: all of the node                             */
    char        identity[VG_IDENTITY_MAX];
} vg_farewell_t;


static void
vg_farewell_again(vg_farewell_t *f)
{
    if (ngx_terminate || (++f->tries >= VG_FAREWELL_LEAVE && ngx_exiting)) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: could not tell that charge point \"%*s\" "
                      "left",
                      f->len, f->identity);
        ngx_free(f);
        return;
    }
    ngx_add_timer(&f->timer, f->pause);
    f->pause = ngx_min(f->pause * 2, VG_FAREWELL_MOST);
}


static void
vg_farewell_done(vg_call_t *call)
{
    vg_farewell_t *f = call->owner;

    if (call->error != NULL && call->error->status >= 500) {
        vg_farewell_again(f);
        return;
    }
    ngx_free(f); /* also when the charge point is no longer known */
}


static vg_str_t
vg_farewell_args(vg_farewell_t *f, vg_pool_t *arena)
{
    vg_out_t out;

    vg_out_init(&out, arena);
    vg_out_open(&out, '{');
    if (f->len == 0) {
        vg_out_member(&out, "node", vg_of(vg_host->node));
        vg_out_member(&out, "startedAt", vg_time_text(arena, f->epoch));
    } else {
        vg_out_member(&out, "chargePoint", (vg_str_t){ f->identity, f->len });
        vg_out_key(&out, "epoch");
        vg_out_int(&out, f->epoch);
    }
    vg_out_close(&out, '}');
    return vg_out_str(&out);
}


static void
vg_farewell_say(vg_farewell_t *f)
{
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(512, ngx_cycle->log);

    if (pool == NULL) {
        vg_farewell_again(f);
        return;
    }
    arena = vg_charger_arena(pool);
    if (vg_ask_start(f->len ? "charge_point.disconnected"
                            : "charge_point.node_started",
                     vg_farewell_args(f, &arena), (vg_str_t){ "", 0 },
                     vg_farewell_done, f)
        == NULL)
    {
        vg_farewell_again(f);
    }
    ngx_destroy_pool(pool);
}


static void
vg_farewell_due(ngx_event_t *ev)
{
    vg_farewell_say(ev->data);
}


/* from an event: whose socket just closed shall not wait for a call */
void
vg_farewell(vg_str_t identity, int64_t epoch)
{
    vg_farewell_t *f = ngx_calloc(sizeof(vg_farewell_t), ngx_cycle->log);

    if (f == NULL) {
        return;
    }
    f->pause = VG_FAREWELL_FIRST;
    f->epoch = epoch;
    f->len = ngx_min(identity.len, VG_IDENTITY_MAX);
    ngx_memcpy(f->identity, identity.data, f->len);
    f->timer.handler = vg_farewell_due;
    f->timer.data = f;
    f->timer.log = ngx_cycle->log;
    f->timer.cancelable = f->len == 0; /* the next start tells it, too */
    ngx_post_event(&f->timer, &ngx_posted_events);
}


void
vg_farewell_all(int64_t started)
{
    vg_farewell((vg_str_t){ "", 0 }, started);
}
