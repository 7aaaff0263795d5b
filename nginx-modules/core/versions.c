/*
 * versions.c: versions that run, that are paused, and that are to blame.
 *
 * Before each hook a worker writes down whose code it runs, and clears it
 * after. A worker that starts looks for what dead ones left: a version that
 * killed three within a minute is quarantined, and the one before it runs.
 * SIGKILL comes from outside (an operator, the kernel out of memory) and is
 * nobody's fault.
 */

#include <signal.h>
#include <sys/wait.h>

#include "install.h"
#include "versions.h"

#define VG_VERSION_ROWS   64 /* plugins of one node                        */
#define VG_BLAMES         ((ngx_uint_t) 256)
#define VG_CRASHES        3
#define VG_CRASHES_WITHIN 60 /* seconds                                    */

typedef struct {
    ngx_atomic_t pid; /* 0: free                                           */
    ngx_atomic_t row; /* 1 + its number; 0: no plugin's code runs          */
    ngx_atomic_t version;
} vg_blame_t;

typedef struct {
    vg_version_t rows[VG_VERSION_ROWS];
    vg_blame_t   blames[VG_BLAMES];
} vg_versions_t;

static vg_versions_t *vg_versions;
static vg_blame_t    *vg_blame; /* this process's                          */


size_t
vg_versions_size(void)
{
    return sizeof(vg_versions_t);
}


vg_version_t *
vg_version_row(const ngx_str_t *name)
{
    ngx_uint_t        i;
    vg_version_t     *row;
    ngx_atomic_uint_t h = vg_hash(name, 1);

    for (i = 0; i < VG_VERSION_ROWS; i++) {
        row = &vg_versions->rows[(h + i) % VG_VERSION_ROWS];
        if (row->name == h || ngx_atomic_cmp_set(&row->name, 0, h)
            || row->name == h) {
            return row;
        }
    }
    return NULL;
}


static ngx_uint_t
vg_version_gone(ngx_atomic_uint_t pid)
{
    return kill((pid_t) pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


vg_rc_t
vg_version_begin(vg_version_t *row)
{
    ngx_atomic_uint_t owner = row->swapper;

    if (owner != 0 && !vg_version_gone(owner)) {
        return VG_DECLINED;
    }
    return ngx_atomic_cmp_set(&row->swapper, owner, ngx_pid) ? VG_OK
                                                             : VG_DECLINED;
}


void
vg_version_end(vg_version_t *row)
{
    (void) ngx_atomic_cmp_set(&row->swapper, ngx_pid, 0);
}


void
vg_version_set(vg_version_t *row, ngx_atomic_uint_t version)
{
    if (row->version != version) {
        row->before = row->version;
        ngx_memory_barrier();
        row->version = version;
    }
}


/* a configuration has been taken into use: it says what runs, but for what
 * is in quarantine */
void
vg_versions_publish(vg_host_t *host)
{
    ngx_uint_t         i;
    vg_version_t      *row;
    vg_plugin_slot_t **p = host->plugins.elts;

    for (i = 0; i < host->plugins.nelts; i++) {
        row = p[i]->version ? vg_version_row(&p[i]->name) : NULL;
        if (row != NULL && row->bad != p[i]->version) {
            vg_version_set(row, p[i]->version);
        }
    }
}


/* by the master alone: workers may only read what is installed */
void
vg_versions_prune(vg_host_t *host)
{
    char               hashes[2][VG_INSTALL_HASH + 1];
    ngx_uint_t         i;
    const char        *keep[] = { hashes[0], hashes[1], NULL };
    vg_version_t      *row;
    vg_plugin_slot_t **p = host->plugins.elts;

    for (i = 0; i < host->plugins.nelts; i++) {
        row = vg_version_row(&p[i]->name);
        if (row != NULL) {
            (void) snprintf(hashes[0], sizeof(hashes[0]), "%016lx",
                            (unsigned long) row->version);
            (void) snprintf(hashes[1], sizeof(hashes[1]), "%016lx",
                            (unsigned long) row->before);
            vg_install_prune((const char *) host->installed.data,
                             (const char *) p[i]->name.data, keep);
        }
    }
}


ngx_uint_t
vg_versions_paused(const vg_plugin_slot_t *plugin)
{
    vg_version_t *row = vg_version_row(&plugin->name);

    return row != NULL && row->paused;
}


ngx_uint_t
vg_versions_barred(const vg_plugin_slot_t *plugin)
{
    vg_version_t *row = vg_version_row(&plugin->name);

    return row != NULL && row->bad != 0 && row->bad == plugin->version;
}


/* ----------------------------------------------------------------- blame */

static void
vg_version_crashed(vg_version_t *row, ngx_atomic_uint_t version)
{
    time_t now = ngx_time();

    if (row->crashed != version
        || (time_t) row->since + VG_CRASHES_WITHIN < now) {
        row->crashed = version;
        row->crashes = 0;
        row->since = now;
    }
    row->crashes++;
    ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                  "voltgate: a worker died in version %016xA of a plugin, "
                  "%uA times within a minute",
                  version, row->crashes);
    if (row->crashes < VG_CRASHES || row->version != version) {
        return;
    }
    row->bad = version;
    if (row->before != 0 && row->before != version) {
        row->version = row->before;
    }
}


/* NGX_OK: it crashed; NGX_DECLINED: it was killed; NGX_AGAIN: its successor
 * knows, whose table is the master's of the moment when it was born */
static ngx_int_t
vg_blame_end(ngx_atomic_uint_t pid)
{
    int       status;
    ngx_int_t i;

    for (i = 0; i < ngx_last_process; i++) {
        if (ngx_processes[i].pid == (ngx_pid_t) pid && ngx_processes[i].exited)
        {
            status = ngx_processes[i].status;
            return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                       ? NGX_DECLINED
                       : NGX_OK;
        }
    }
    return NGX_AGAIN;
}


static void
vg_blames_read(void)
{
    ngx_int_t         end;
    ngx_uint_t        i;
    vg_blame_t       *b;
    ngx_atomic_uint_t pid;

    for (i = 0; i < VG_BLAMES; i++) {
        b = &vg_versions->blames[i];
        pid = b->pid;
        if (pid == 0 || !vg_version_gone(pid)) {
            continue;
        }
        end = b->row ? vg_blame_end(pid) : NGX_DECLINED;
        if (end == NGX_AGAIN || !ngx_atomic_cmp_set(&b->pid, pid, ngx_pid)) {
            continue;
        }
        if (end == NGX_OK) {
            vg_version_crashed(&vg_versions->rows[b->row - 1], b->version);
        }
        b->row = 0;
        b->pid = 0;
    }
}


void
vg_versions_init(void *shared)
{
    vg_versions = shared;
}


/* in a process of its own: the master runs nobody's hooks. If all are taken,
 * then by dead ones whose end nobody came to know. */
void
vg_blame_start(void)
{
    ngx_uint_t        i;
    vg_blame_t       *b;
    ngx_atomic_uint_t pid;

    vg_blames_read();
    for (i = 0; i < 2 * VG_BLAMES && vg_blame == NULL; i++) {
        b = &vg_versions->blames[i % VG_BLAMES];
        pid = b->pid;
        if ((pid == 0 || (i >= VG_BLAMES && vg_version_gone(pid)))
            && ngx_atomic_cmp_set(&b->pid, pid, ngx_pid))
        {
            b->row = 0;
            vg_blame = b;
        }
    }
}


void
vg_blame_enter(const vg_plugin_slot_t *plugin)
{
    vg_version_t *row = vg_blame ? vg_version_row(&plugin->name) : NULL;

    if (row != NULL) {
        vg_blame->version = plugin->version;
        vg_blame->row = row - vg_versions->rows + 1;
        ngx_memory_barrier();
    }
}


void
vg_blame_leave(void)
{
    if (vg_blame != NULL) {
        ngx_memory_barrier();
        vg_blame->row = 0;
    }
}


/* hooks ask each other: the inner one's end is not the outer one's */
vg_rc_t
vg_hook_run(vg_call_t *call, vg_hook_pt hook)
{
    vg_rc_t           rc;
    ngx_atomic_uint_t row = vg_blame ? vg_blame->row : 0;
    ngx_atomic_uint_t version = vg_blame ? vg_blame->version : 0;

    vg_blame_enter(call->endpoint->plugin);
    rc = hook(call);
    vg_blame_leave();
    if (row != 0) {
        vg_blame->version = version;
        vg_blame->row = row;
    }
    return rc;
}
