/*
 * swap.c: a worker goes from one generation of a plugin to the next.
 *
 * One worker tries the new version: it opens it beside the old one and has
 * the database prepare each statement. If all is well it says in shared
 * memory what runs from now on, and the others follow; each call ends on the
 * generation that it began with, and the last one closes it.
 */

#include "around.h"
#include "db.h"
#include "install.h"
#include "link.h"
#include "swap.h"
#include "versions.h"

#define VG_SWAP_POLL  1000 /* ms; a message by the link comes first        */
#define VG_SWAP_LIMIT 5000 /* ms, for other workers to follow              */

struct vg_swap_s {
    vg_plugin_slot_t *plugin; /* the new generation                        */
    vg_version_t     *row;
    vg_check_t        check;
    vg_swap_done_pt   done;
    void             *data;
    ngx_uint_t        asked; /* workers that have not answered             */
    ngx_uint_t        behind;
};

static ngx_queue_t       vg_swap_retired;
static ngx_event_t       vg_swap_sweep, vg_swap_timer;
static ngx_atomic_uint_t vg_swap_refused[VG_SWAP_PLUGINS]; /* by place      */


/* ------------------------------------------------------------ retirement */

static void
vg_swap_swept(ngx_event_t *ev)
{
    ngx_queue_t      *q, *next;
    vg_plugin_slot_t *plugin;

    (void) ev;
    for (q = ngx_queue_head(&vg_swap_retired);
         q != ngx_queue_sentinel(&vg_swap_retired); q = next)
    {
        next = ngx_queue_next(q);
        plugin = ngx_queue_data(q, vg_plugin_slot_t, queue);
        if (plugin->calls == 0) {
            ngx_queue_remove(q);
            vg_plugin_free(plugin);
        }
    }
}


void
vg_plugin_hold(vg_plugin_slot_t *plugin)
{
    plugin->calls++;
}


/* from the event loop, since somebody on the stack may look at it still */
void
vg_plugin_release(vg_plugin_slot_t *plugin)
{
    if (--plugin->calls == 0 && plugin->retired) {
        ngx_post_event(&vg_swap_sweep, &ngx_posted_events);
    }
}


static void
vg_swap_switch(vg_plugin_slot_t *plugin)
{
    char               why[512] = "";
    vg_plugin_slot_t **slot = vg_host->plugins.elts, *old;

    slot += plugin->place;
    old = *slot;
    *slot = plugin;
    if (vg_registry_join(vg_host, why, sizeof(why)) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "voltgate: %s", why);
    }
    vg_metrics_init(vg_shared(VG_SHARED_METRICS));
    if (vg_openapi_render(vg_host) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "voltgate: no memory for /openapi.json: it is old");
    }
    vg_events_switch(old, plugin);
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "voltgate: plugin %V goes from %s to %s", &plugin->name,
                  old->hash, plugin->hash);
    old->retired = 1;
    ngx_queue_insert_tail(&vg_swap_retired, &old->queue);
    ngx_post_event(&vg_swap_sweep, &ngx_posted_events);
}


/* --------------------------------------------------------------- to follow */

static vg_plugin_slot_t *
vg_swap_open(vg_plugin_slot_t *old, const char *hash)
{
    vg_plugin_slot_t *plugin;

    plugin = vg_plugin_load(vg_host, &old->name, hash);
    if (plugin != NULL) {
        plugin->place = old->place;
    }
    return plugin;
}


/* somebody of this node has tried it; what is not ready here is checked */
static void
vg_swap_follow(vg_plugin_slot_t *old, ngx_atomic_uint_t version)
{
    char              hash[VG_INSTALL_HASH + 1];
    vg_plugin_slot_t *plugin;

    (void) snprintf(hash, sizeof(hash), "%016lx", (unsigned long) version);
    plugin = vg_swap_open(old, hash);
    if (plugin == NULL) {
        return;
    }
    if (plugin->state == VG_PLUGIN_OUT) {
        vg_swap_refused[old->place] = version;
        vg_plugin_free(plugin);
        return;
    }
    plugin->state =
        old->state == VG_PLUGIN_READY ? VG_PLUGIN_READY : VG_PLUGIN_STARTING;
    vg_swap_refused[old->place] = 0;
    vg_swap_switch(plugin);
    if (plugin->state != VG_PLUGIN_READY) {
        vg_check_start();
    }
}


static void
vg_swap_look(void)
{
    ngx_uint_t         i;
    vg_version_t      *row;
    ngx_atomic_uint_t  version;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    for (i = 0; i < vg_host->plugins.nelts && i < VG_SWAP_PLUGINS; i++) {
        row = vg_version_row(&p[i]->name);
        version = row ? row->version : 0;
        if (version != 0 && version != p[i]->version
            && version != vg_swap_refused[i]) {
            vg_swap_follow(p[i], version);
        }
        if (vg_versions_barred(p[i])) {
            vg_plugin_out(p[i], "quarantined: it kept crashing");
        }
    }
}


static void
vg_swap_poll(ngx_event_t *ev)
{
    if (!ngx_exiting) {
        vg_swap_look();
        ngx_add_timer(ev, VG_SWAP_POLL);
    }
}


/* the bytes are the place of the plugin, and the answer is what runs here */
static void
vg_swap_told(vg_link_ref_t ref, vg_str_t bytes, ngx_msec_t timeout)
{
    ngx_uint_t         place;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    (void) timeout;
    if (!ngx_exiting) {
        vg_swap_look();
    }
    if (bytes.len == sizeof(place)) {
        ngx_memcpy(&place, bytes.data, sizeof(place));
        if (place < vg_host->plugins.nelts) {
            vg_link_answer(ref, vg_str(p[place]->hash));
        }
    }
}


/* ------------------------------------------------------------------ to try */

static void
vg_swap_end(vg_swap_t *swap, const char *error, const char *why)
{
    vg_version_end(swap->row);
    swap->done(swap->data, error, why, swap->behind);
    ngx_free(swap);
}


static void
vg_swap_refuse(vg_swap_t *swap, const char *error)
{
    vg_plugin_slot_t *plugin = swap->plugin;

    vg_swap_end(swap, error, plugin->why);
    vg_plugin_free(plugin);
}


static void
vg_swap_followed(void *data, vg_rc_t rc, vg_str_t bytes)
{
    vg_swap_t *swap = data;

    /* a worker that is gone has no old version, a silent one may */
    swap->behind += rc == VG_ERROR
                    || (rc == VG_OK && !vg_str_eq(bytes, swap->plugin->hash));
    if (--swap->asked == 0) {
        vg_plugin_release(swap->plugin);
        vg_swap_end(swap, NULL, NULL);
    }
}


static void
vg_swap_tell(vg_swap_t *swap)
{
    vg_str_t   place = { (const char *) &swap->plugin->place,
                         sizeof(swap->plugin->place) };
    ngx_uint_t n;
    ngx_pid_t  pid;

    vg_plugin_hold(swap->plugin); /* another swap may come meanwhile */
    swap->asked = 1;
    for (n = 0; n < VG_LINK_WORKERS; n++) {
        pid = vg_link_worker(n);
        if (pid != 0 && pid != ngx_pid
            && vg_link_ask(pid, VG_LINK_SWAP, place, VG_SWAP_LIMIT,
                           vg_swap_followed, swap)
                   != NULL)
        {
            swap->asked++;
        }
    }
    vg_swap_followed(swap, VG_OK, vg_str(swap->plugin->hash));
}


static void
vg_swap_checked(vg_check_t *check)
{
    vg_swap_t *swap = check->data;

    if (check->verdict != VG_CHECK_OK) {
        vg_swap_refuse(swap,
                       check->verdict == VG_CHECK_PENDING ? "migrations_pending"
                       : check->verdict == VG_CHECK_AWAY  ? "unavailable"
                                                          : "plugin_refused");
        return;
    }
    vg_version_set(swap->row, swap->plugin->version);
    vg_swap_switch(swap->plugin);
    vg_swap_tell(swap);
}


const char *
vg_swap_start_one(vg_plugin_slot_t *old, const char *hash, vg_swap_done_pt done,
                  void *data)
{
    char          why[256];
    vg_swap_t    *swap;
    vg_version_t *row = vg_version_row(&old->name);

    if (row == NULL || vg_version_begin(row) != VG_OK) {
        return "plugin_swapping";
    }
    swap = ngx_calloc(sizeof(vg_swap_t), ngx_cycle->log);
    if (swap == NULL) {
        vg_version_end(row);
        return "internal";
    }
    swap->row = row;
    swap->done = done;
    swap->data = data;
    swap->plugin = vg_swap_open(old, hash);
    if (swap->plugin == NULL) {
        vg_version_end(row);
        ngx_free(swap);
        return "internal";
    }
    if (!vg_schemas_follow(&swap->plugin->schemas, &old->schemas, true)) {
        vg_plugin_out(swap->plugin, "event %s", swap->plugin->schemas.wrong);
    }
    if (vg_around_try(vg_host, swap->plugin, why, sizeof(why)) != NGX_OK) {
        vg_plugin_out(swap->plugin, "%s", why);
    }
    if (swap->plugin->state == VG_PLUGIN_OUT) {
        vg_swap_refuse(swap, "plugin_refused");
        return NULL;
    }
    swap->check.plugin = swap->plugin;
    swap->check.done = vg_swap_checked;
    swap->check.data = swap;
    vg_check_run(&swap->check);
    return NULL;
}


void
vg_swap_start(void)
{
    ngx_queue_init(&vg_swap_retired);
    vg_swap_sweep.handler = vg_swap_swept;
    vg_swap_sweep.data = &vg_nobody;
    vg_swap_sweep.log = ngx_cycle->log;
    vg_swap_timer.handler = vg_swap_poll;
    vg_swap_timer.log = ngx_cycle->log;
    vg_swap_timer.data = &vg_swap_timer;
    vg_swap_timer.cancelable = 1;
    vg_link_on(VG_LINK_SWAP, vg_swap_told);
    vg_swap_look();
    ngx_add_timer(&vg_swap_timer, VG_SWAP_POLL);
}
