/*
 * farewell.c: tells the stations that a charge point's connection is over.
 *
 * The database may be away just then, so it is told again for a while. The
 * epoch makes a late farewell harmless: it ends its own connection alone.
 */

#include "charger.h"

#define VG_FAREWELL_TRIES 8
#define VG_FAREWELL_FIRST 500 /* ms until the second try; doubles          */

typedef struct {
    ngx_event_t timer;
    ngx_uint_t  tries;
    int64_t     epoch;
    size_t      len;
    char        identity[VG_IDENTITY_MAX];
} vg_farewell_t;


static void
vg_farewell_again(vg_farewell_t *f)
{
    if (++f->tries == VG_FAREWELL_TRIES || ngx_terminate) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: could not tell that charge point \"%*s\" "
                      "left",
                      f->len, f->identity);
        ngx_free(f);
        return;
    }
    ngx_add_timer(&f->timer, (ngx_msec_t) VG_FAREWELL_FIRST << (f->tries - 1));
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


static void
vg_farewell_say(vg_farewell_t *f)
{
    vg_out_t    out;
    vg_pool_t   arena;
    ngx_pool_t *pool = ngx_create_pool(512, ngx_cycle->log);

    if (pool == NULL) {
        vg_farewell_again(f);
        return;
    }
    arena = vg_charger_arena(pool);
    vg_out_init(&out, &arena);
    vg_out_open(&out, '{');
    vg_out_member(&out, "chargePoint", (vg_str_t){ f->identity, f->len });
    vg_out_key(&out, "epoch");
    vg_out_int(&out, f->epoch);
    vg_out_close(&out, '}');
    if (vg_ask_start("charge_point.disconnected", vg_out_str(&out),
                     (vg_str_t){ "", 0 }, vg_farewell_done, f)
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
    f->epoch = epoch;
    f->len = ngx_min(identity.len, VG_IDENTITY_MAX);
    ngx_memcpy(f->identity, identity.data, f->len);
    f->timer.handler = vg_farewell_due;
    f->timer.data = f;
    f->timer.log = ngx_cycle->log;
    ngx_post_event(&f->timer, &ngx_posted_events);
}
