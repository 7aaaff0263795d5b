/*
 * orphan.c: jobs that a worker had taken when it died are due again at once.
 *
 * Each worker takes jobs under an id of its own, which a table in shared memory
 * knows with its pid. A row whose process is gone falls to the worker that
 * sees it first; it is free again when each database has heard. Where nobody is
 * left to see it, as when a whole node dies, the lease ends.
 */

#include <signal.h>

#include "job.h"

#define VG_ORPHAN_LOOK 2000 /* ms */

typedef struct {
    ngx_atomic_t pid; /* 0: free                                           */
    char         id[37];
} vg_orphan_t;

static vg_statement_t *vg_orphan_free;
static vg_orphan_t    *vg_orphans; /* VG_JOB_TAKERS of them, of the node    */
static char            vg_orphan_own[37];

/* what this worker tells the databases just now */
static struct {
    vg_orphan_t *of; /* NULL: nothing                                       */
    ngx_uint_t   database;
    char         id[37];
    const char  *values[1];
    vg_unit_t    unit;
    unsigned     inherits[VG_JOB_TAKERS]; /* rows that fell to it           */
} vg_orphan_now;

static ngx_event_t vg_orphan_timer;

static void vg_orphan_next(void);


/* The more often it was tried the later it is tried again: it may be what the
 * worker died of. */
ngx_int_t
vg_orphan_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_orphan_free, "job_orphan",
                     "update vg.job set"
                     " next_at = now() + interval '1 second' * (tries - 1)"
                     " where taker = $1::uuid and lease is not null"
                     " and dead_at is null",
                     1);
    if (vg_orphan_free == NULL) {
        return NGX_ERROR;
    }
    vg_orphan_free->change = vg_orphan_free->firm = 1;
    return NGX_OK;
}


size_t
vg_orphan_size(void)
{
    return VG_JOB_TAKERS * sizeof(vg_orphan_t);
}


const char *
vg_orphan_taker(void)
{
    return vg_orphan_own;
}


static void
vg_orphan_told(vg_unit_t *unit)
{
    ngx_uint_t i = vg_orphan_now.of - vg_orphans;

    if (!vg_kit_ok(unit)) {
        vg_orphan_now.of = NULL; /* at the next look */
        return;
    }
    if (++vg_orphan_now.database < vg_host->databases.nelts) {
        vg_orphan_next();
        return;
    }
    vg_orphan_now.inherits[i] = 0;
    vg_orphan_now.of->pid = 0;
    vg_orphan_now.of = NULL;
    vg_jobs_wake();
}


static void
vg_orphan_next(void)
{
    vg_kit_make(&vg_orphan_now.unit, vg_orphan_free, vg_orphan_now.values,
                VG_LANE_WRITE, vg_orphan_told, NULL);
    vg_orphan_now.unit.database = vg_orphan_now.database;
    vg_unit_submit(&vg_orphan_now.unit);
}


/* its process is gone, or fell to one that is gone, too */
static ngx_uint_t
vg_orphan_falls(ngx_uint_t i)
{
    vg_orphan_t      *o = &vg_orphans[i];
    ngx_atomic_uint_t pid = o->pid;

    if (pid != 0 && pid != (ngx_atomic_uint_t) ngx_pid
        && kill((pid_t) pid, 0) == -1 && ngx_errno == NGX_ESRCH)
    {
        vg_orphan_now.inherits[i] |= ngx_atomic_cmp_set(&o->pid, pid, ngx_pid);
    }
    return vg_orphan_now.inherits[i];
}


static void
vg_orphan_look(ngx_event_t *ev)
{
    ngx_uint_t i;

    for (i = 0; vg_orphan_now.of == NULL && i < VG_JOB_TAKERS; i++) {
        if (vg_orphan_falls(i)) {
            vg_orphan_now.of = &vg_orphans[i];
            vg_orphan_now.database = 0;
            ngx_memcpy(vg_orphan_now.id, vg_orphans[i].id,
                       sizeof(vg_orphan_now.id));
            vg_orphan_now.values[0] = vg_orphan_now.id;
            vg_orphan_next();
        }
    }
    if (!ngx_exiting) {
        ngx_add_timer(ev, VG_ORPHAN_LOOK);
    }
}


/* Where no row is free the worker's jobs have their lease alone. */
void
vg_orphan_start(void *shared)
{
    ngx_uint_t i;

    vg_orphans = shared;
    vg_uuid7(vg_orphan_own, vg_time_now());
    for (i = 0; i < VG_JOB_TAKERS; i++) {
        if (ngx_atomic_cmp_set(&vg_orphans[i].pid, 0, ngx_pid)) {
            ngx_memcpy(vg_orphans[i].id, vg_orphan_own, sizeof(vg_orphan_own));
            break;
        }
    }
    vg_orphan_timer.handler = vg_orphan_look;
    vg_orphan_timer.data = &vg_nobody;
    vg_orphan_timer.log = ngx_cycle->log;
    vg_orphan_timer.cancelable = 1;
    ngx_add_timer(&vg_orphan_timer, 200);
}
