/*
 * target.c: whom we call: those of the conf by name, those of users by host.
 *
 * What is shared lies in a fixed table. A named target finds its place again
 * by name over reloads; the places of users' hosts are given to others when
 * they have not been called for a while. Who finds none shares the crowd's.
 */

#include "outbound.h"

#define VG_TARGET_WAYS 8     /* places that a host may have              */
#define VG_TARGET_IDLE 60000 /* ms: then it may be another's             */
#define VG_TARGET_HEAD (8 * (size_t) 4096) /* the slab's own             */

typedef struct {
    vg_target_shared_t named[VG_OUTBOUND_NAMED];
    vg_target_shared_t users[VG_OUTBOUND_USERS + 1];  /* last: the crowd's */
    vg_target_counts_t counts[VG_OUTBOUND_NAMED + 1]; /* last: all users' */
} vg_outbound_shared_t;

static vg_outbound_conf_t *vg_targets_conf;
static vg_target_t         vg_target_users[VG_OUTBOUND_USERS + 1];
static vg_target_t *const vg_target_crowd = &vg_target_users[VG_OUTBOUND_USERS];


size_t
vg_targets_size(void)
{
    return VG_TARGET_HEAD
           + ngx_align(sizeof(vg_outbound_shared_t), (size_t) 4096);
}


static vg_outbound_shared_t *
vg_targets_shared(vg_outbound_conf_t *conf)
{
    return (vg_outbound_shared_t *) (conf->zone->shm.addr + VG_TARGET_HEAD);
}


/* the conf still has a target of that key */
static ngx_uint_t
vg_targets_has(vg_outbound_conf_t *conf, uint64_t key)
{
    ngx_uint_t   i;
    vg_target_t *target = conf->targets.elts;

    for (i = 0; i < conf->targets.nelts; i++) {
        if (vg_hash(&target[i].name, 1) == key) {
            return 1;
        }
    }
    return 0;
}


/* how unfit a place is for another target: workers of the conf before may
 * still use that of one that is gone, and give back what they took */
static ngx_uint_t
vg_targets_unfit(vg_outbound_conf_t *conf, const vg_target_shared_t *place)
{
    return place->key == 0                        ? 0
           : vg_targets_has(conf, place->key)     ? 3
           : vg_permit_taken(place->permits) == 0 ? 1
                                                  : 2;
}


static ngx_uint_t
vg_targets_find(vg_outbound_conf_t *conf, uint64_t key)
{
    ngx_uint_t            i, unfit, least = 3, at = 0;
    vg_outbound_shared_t *shared = vg_targets_shared(conf);

    for (i = 0; i < VG_OUTBOUND_NAMED; i++) {
        if (shared->named[i].key == key) {
            return i;
        }
        unfit = vg_targets_unfit(conf, &shared->named[i]);
        if (unfit < least) {
            least = unfit;
            at = i;
        }
    }
    ngx_memzero(&shared->named[at], sizeof(vg_target_shared_t));
    ngx_memzero(&shared->counts[at], sizeof(vg_target_counts_t));
    shared->named[at].key = key;
    return at;
}


/* The master, when the conf is taken into use: there are never more targets
 * than places, so one is found. */
void
vg_targets_place(vg_outbound_conf_t *conf)
{
    ngx_uint_t   i;
    vg_target_t *target = conf->targets.elts;

    for (i = 0; i < conf->targets.nelts; i++) {
        target[i].place = vg_targets_find(conf, vg_hash(&target[i].name, 1));
    }
}


static void
vg_target_start(vg_target_t *target, vg_target_shared_t *shared,
                vg_target_counts_t *counts)
{
    target->shared = shared;
    target->counts = counts;
    ngx_queue_init(&target->waiting);
    vg_permit_forget(shared->permits, (uint32_t) ngx_pid);
}


void
vg_targets_start(vg_outbound_conf_t *conf)
{
    ngx_uint_t            i;
    vg_target_t          *target = conf->targets.elts;
    vg_outbound_shared_t *shared = vg_targets_shared(conf);

    vg_targets_conf = conf;
    for (i = 0; i < conf->targets.nelts; i++) {
        vg_target_start(&target[i], &shared->named[target[i].place],
                        &shared->counts[target[i].place]);
    }
    for (i = 0; i <= VG_OUTBOUND_USERS; i++) {
        vg_target_start(&vg_target_users[i], &shared->users[i],
                        &shared->counts[VG_OUTBOUND_NAMED]);
        vg_target_users[i].terms = conf->defaults;
        vg_target_users[i].guarded = !conf->private;
        vg_target_users[i].users = 1;
        ngx_str_set(&vg_target_users[i].name, "-");
    }
    vg_target_crowd->crowd = 1;
}


vg_target_t *
vg_target_named(const char *name)
{
    ngx_uint_t   i;
    vg_target_t *target;

    if (vg_targets_conf == NULL) {
        return NULL;
    }
    target = vg_targets_conf->targets.elts;
    for (i = 0; i < vg_targets_conf->targets.nelts; i++) {
        if (ngx_strcmp(target[i].name.data, name) == 0) {
            return &target[i];
        }
    }
    return NULL;
}


/* Who still counts on a place that is given away counts for another from then
 * on; it was idle for a minute, so hardly anybody does. */
static ngx_uint_t
vg_target_seize(vg_target_t *target, uint64_t key)
{
    uint64_t            was = target->shared->key;
    vg_target_shared_t *shared = target->shared;

    if (was != 0
        && (ngx_current_msec - shared->used < VG_TARGET_IDLE
            || !ngx_queue_empty(&target->waiting)
            || vg_permit_taken(shared->permits)))
    {
        return 0;
    }
    if (!__atomic_compare_exchange_n(&shared->key, &was, key, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        return was == key;
    }
    shared->used = ngx_current_msec;
    shared->breaker = 0;
    shared->rate = 0;
    ngx_memzero(&shared->budget, sizeof(shared->budget));
    return 1;
}


static vg_target_t *
vg_target_way(uint64_t key, ngx_uint_t i)
{
    return &vg_target_users[(key + i) % VG_OUTBOUND_USERS];
}


vg_target_t *
vg_target_of_users(ngx_str_t host)
{
    uint64_t     key = vg_hash(&host, 1);
    ngx_uint_t   i, n;
    vg_target_t *target, *oldest = NULL;

    for (i = 0; vg_targets_conf != NULL && i < VG_TARGET_WAYS; i++) {
        target = vg_target_way(key, i);
        if (target->shared->key == key) {
            return target;
        }
    }
    for (n = 0; vg_targets_conf != NULL && n < VG_TARGET_WAYS; n++) {
        target = vg_target_way(key, n);
        if (target->shared->key == 0) {
            oldest = target;
            break;
        }
        if (oldest == NULL || target->shared->used < oldest->shared->used) {
            oldest = target;
        }
    }
    if (oldest == NULL) {
        return NULL;
    }
    return vg_target_seize(oldest, key) ? oldest : vg_target_crowd;
}


ngx_uint_t
vg_target_may(const vg_target_t *target, const struct sockaddr *address,
              socklen_t len)
{
    return !target->guarded
           || vg_address_may(address, len, vg_targets_conf->networks.elts,
                             vg_targets_conf->networks.nelts);
}


/* -------------------------------------------------------------- metrics */

static void
vg_targets_row(vg_out_t *out, const vg_target_t *target)
{
    out->comma = false;
    vg_out_raw(out,
               vg_printf(out->pool,
                         "voltgate_outbound_breaker_state{target=\"%s\"} %d\n"
                         "voltgate_outbound_running{target=\"%s\"} %u\n",
                         target->name.data,
                         (int) vg_breaker_look(&target->shared->breaker,
                                               ngx_current_msec),
                         target->name.data,
                         vg_permit_taken(target->shared->permits)));
}


static void
vg_targets_users(vg_out_t *out)
{
    ngx_uint_t i, states[3] = { 0, 0, 0 };
    ngx_uint_t running = vg_permit_taken(vg_target_crowd->shared->permits);

    for (i = 0; i < VG_OUTBOUND_USERS; i++) {
        if (vg_target_users[i].shared->key != 0) {
            states[vg_breaker_look(&vg_target_users[i].shared->breaker,
                                   ngx_current_msec)]++;
            running += vg_permit_taken(vg_target_users[i].shared->permits);
        }
    }
    out->comma = false;
    vg_out_raw(out,
               vg_printf(out->pool,
                         "voltgate_outbound_running{target=\"-\"} %lu\n"
                         "# TYPE voltgate_outbound_hosts gauge\n"
                         "voltgate_outbound_hosts{breaker=\"closed\"} %lu\n"
                         "voltgate_outbound_hosts{breaker=\"open\"} %lu\n"
                         "voltgate_outbound_hosts{breaker=\"half_open\"} %lu\n",
                         (unsigned long) running, (unsigned long) states[0],
                         (unsigned long) states[1], (unsigned long) states[2]));
}


void
vg_outbound_metrics(vg_out_t *out)
{
    ngx_uint_t   i;
    vg_target_t *target;

    if (vg_targets_conf == NULL) {
        return;
    }
    target = vg_targets_conf->targets.elts;
    vg_counts_heads(out);
    for (i = 0; i < vg_targets_conf->targets.nelts; i++) {
        vg_counts_render(out, &target[i]);
        vg_targets_row(out, &target[i]);
    }
    vg_counts_render(out, &vg_target_users[0]);
    vg_targets_users(out);
}
