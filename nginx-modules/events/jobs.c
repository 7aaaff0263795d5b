/*
 * jobs.c: who takes jobs: each worker of each node, for each kind, as many as
 * it may have at once. SKIP LOCKED keeps them apart, a lease says until when
 * one has what it took. This is the one place where rows are claimed.
 *
 * A change that wrote a job rings when it is durable; its worker takes them at
 * once, and calls the others when there are more than it may have.
 */

#include "job.h"
#include "link.h"

#define VG_JOBS_POLL  2000 /* ms */
#define VG_JOBS_ROWS  64   /* kinds that are counted                    */
#define VG_JOBS_BATCH 50   /* taken at once                             */

const vg_job_conf_t vg_job_default = {
    .tries = 10,
    .concurrent = 8,
    .lease = 60000,
};

typedef struct {
    ngx_atomic_t key; /* hash of plugin and kind; 0: free                 */
    ngx_atomic_t ends[VG_JOB_ENDS];
} vg_jobs_row_t;

static const char *const vg_jobs_words[VG_JOB_ENDS] = {
    [VG_JOB_DONE] = "done",     [VG_JOB_FAILED] = "failed",
    [VG_JOB_SPARED] = "spared", [VG_JOB_DEAD] = "dead",
    [VG_JOB_FENCED] = "fenced", [VG_JOB_LOST] = "lost",
};

static vg_statement_t      *vg_job_claim;
static ngx_queue_t          vg_jobs_all; /* of vg_jobs_t                  */
static ngx_uint_t           vg_jobs_up;
static ngx_event_t          vg_jobs_rung;
static const vg_job_conf_t *vg_jobs_confs;
static ngx_uint_t           vg_jobs_nconfs;
static vg_jobs_row_t       *vg_jobs_shared;

static void vg_jobs_take(vg_jobs_t *jobs);


/* The rows that are taken, and in how many ms the next one is due; one row at
 * least, without a job when there was none. */
ngx_int_t
vg_jobs_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_job_claim, "job_claim",
        "with next as materialized (select j.id from vg.job j"
        " where j.plugin = $1::text and j.kind = $2::text"
        " and j.dead_at is null and j.next_at <= now()"
        " order by j.next_at, j.id limit $3::int for update skip locked),"
        " taken as (update vg.job j set tries = j.tries + 1,"
        " lease = $4::uuid, taker = $6::uuid,"
        " next_at = now() + $5::interval from next"
        " where j.id = next.id returning j.*),"
        " later as (select (extract(epoch from min(j.next_at) - now()) * 1000)"
        "::bigint as ms from vg.job j where j.plugin = $1::text"
        " and j.kind = $2::text and j.dead_at is null and j.next_at > now())"
        " select t.id, t.payload::text, t.correlation_id, t.traceparent,"
        " t.actor_id, t.tries, l.ms from later l left join taken t on true",
        6);
    if (vg_job_claim == NULL || vg_orphan_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }
    /* The row may be seen before it is flushed; the world outside is called for
     * nothing that a crash could still take away. */
    vg_job_claim->change = vg_job_claim->firm = 1;
    return vg_job_init(cf);
}


/* ---------------------------------------------------------------- claims */

static vg_endpoint_t *
vg_jobs_endpoint(vg_plugin_slot_t *plugin, const ngx_str_t *kind)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        if (e[i]->row->method == VG_JOB
            && ngx_strcmp(e[i]->row->path, kind->data) == 0) {
            return e[i];
        }
    }
    return NULL;
}


static void
vg_jobs_rest(vg_jobs_t *jobs, ngx_msec_t ms)
{
    if (jobs->timer.timer_set) {
        ngx_del_timer(&jobs->timer);
    }
    if (!ngx_exiting) {
        ngx_add_timer(&jobs->timer, ms);
    }
}


/* there are more than this worker may have: the others take them */
static void
vg_jobs_tell(vg_jobs_t *jobs)
{
    ngx_uint_t n;
    ngx_pid_t  pid;

    if (jobs->running < jobs->conf->concurrent) {
        return;
    }
    for (n = 0; n < VG_LINK_WORKERS; n++) {
        pid = vg_link_worker(n);
        if (pid != 0 && pid != ngx_pid) {
            (void) vg_link_tell(pid, VG_LINK_WAKE, VG_STR("jobs"));
        }
    }
}


static void
vg_jobs_taken(vg_unit_t *unit)
{
    int            i, n;
    ngx_int_t      ms = -1;
    vg_jobs_t     *jobs = unit->data;
    vg_endpoint_t *e = vg_jobs_endpoint(jobs->plugin, &jobs->kind);

    jobs->busy = 0;
    n = vg_kit_ok(unit) ? PQntuples(unit->rows) : 0;
    if (n > 0 && !PQgetisnull(unit->rows, 0, 6)) {
        ms = ngx_atoi((u_char *) PQgetvalue(unit->rows, 0, 6),
                      PQgetlength(unit->rows, 0, 6));
    }
    n = n > 0 && PQgetisnull(unit->rows, 0, 0) ? 0 : n;
    for (i = 0; i < n && e != NULL; i++) {
        jobs->running++;
        vg_job_begin(jobs, e, unit->rows, i);
    }
    jobs->more =
        n > 0 && n == ngx_atoi((u_char *) jobs->limit, ngx_strlen(jobs->limit));
    if (jobs->more) {
        vg_jobs_tell(jobs);
    }
    vg_jobs_rest(jobs, ms >= 0 && ms < VG_JOBS_POLL ? (ngx_msec_t) ms + 1
                                                    : VG_JOBS_POLL);
    if (jobs->again || (jobs->more && n == VG_JOBS_BATCH)) {
        jobs->again = 0;
        vg_jobs_take(jobs);
    }
}


static void
vg_jobs_take(vg_jobs_t *jobs)
{
    ngx_uint_t room = jobs->conf->concurrent - jobs->running;

    if (jobs->busy) {
        jobs->again = 1;
        return;
    }
    if (ngx_exiting || room == 0 || !vg_event_may(jobs->plugin)
        || vg_jobs_endpoint(jobs->plugin, &jobs->kind) == NULL)
    {
        jobs->more = 1;
        vg_jobs_rest(jobs, VG_JOBS_POLL);
        return;
    }
    vg_uuid7(jobs->lease, vg_time_now());
    (void) snprintf(jobs->limit, sizeof(jobs->limit), "%lu",
                    (unsigned long) ngx_min(room, VG_JOBS_BATCH));
    (void) snprintf(jobs->span, sizeof(jobs->span), "%lu ms",
                    (unsigned long) jobs->conf->lease);
    jobs->values[0] = (const char *) jobs->plugin->name.data;
    jobs->values[1] = (const char *) jobs->kind.data;
    jobs->values[2] = jobs->limit;
    jobs->values[3] = jobs->lease;
    jobs->values[4] = jobs->span;
    jobs->values[5] = vg_orphan_taker();
    jobs->busy = 1;
    vg_kit_make(&jobs->unit, vg_job_claim, jobs->values, VG_LANE_WRITE,
                vg_jobs_taken, jobs);
    jobs->unit.database = jobs->plugin->database;
    vg_unit_submit(&jobs->unit);
}


void
vg_jobs_over(vg_jobs_t *jobs, vg_job_end_t end)
{
    jobs->running--;
    if (jobs->ends != NULL) {
        (void) ngx_atomic_fetch_add(&jobs->ends[end], 1);
    }
    if (jobs->more && !jobs->busy) {
        jobs->more = 0;
        vg_jobs_rest(jobs, 0); /* a turn later: others may end with it */
    }
}


static void
vg_jobs_polled(ngx_event_t *ev)
{
    vg_jobs_take(ev->data);
}


/* ---------------------------------------------------------------- the bell */

void
vg_jobs_wake(void)
{
    ngx_queue_t *q;

    if (!vg_jobs_up || ngx_exiting) {
        return;
    }
    for (q = ngx_queue_head(&vg_jobs_all);
         q != ngx_queue_sentinel(&vg_jobs_all); q = ngx_queue_next(q))
    {
        vg_jobs_take(ngx_queue_data(q, vg_jobs_t, queue));
    }
}


static void
vg_jobs_heard(ngx_event_t *ev)
{
    vg_jobs_t   *jobs;
    ngx_queue_t *q;

    (void) ev;
    for (q = ngx_queue_head(&vg_jobs_all);
         q != ngx_queue_sentinel(&vg_jobs_all); q = ngx_queue_next(q))
    {
        jobs = ngx_queue_data(q, vg_jobs_t, queue);
        if (jobs->rung) {
            jobs->rung = 0;
            vg_jobs_take(jobs);
        }
    }
}


/* once a turn, however many changes wrote jobs */
void
vg_jobs_bell(const vg_plugin_slot_t *plugin)
{
    vg_jobs_t   *jobs;
    ngx_queue_t *q;

    if (!vg_jobs_up || ngx_exiting) {
        return;
    }
    for (q = ngx_queue_head(&vg_jobs_all);
         q != ngx_queue_sentinel(&vg_jobs_all); q = ngx_queue_next(q))
    {
        jobs = ngx_queue_data(q, vg_jobs_t, queue);
        jobs->rung |=
            ngx_strcmp(jobs->plugin->name.data, plugin->name.data) == 0;
    }
    ngx_post_event(&vg_jobs_rung, &ngx_posted_events);
}


/* ------------------------------------------------------------- kinds */

void
vg_jobs_conf_use(const vg_job_conf_t *confs, ngx_uint_t count, void *shared)
{
    vg_jobs_confs = confs;
    vg_jobs_nconfs = count;
    vg_jobs_shared = shared;
    vg_orphan_start(vg_jobs_shared + VG_JOBS_ROWS);
}


size_t
vg_jobs_size(void)
{
    return VG_JOBS_ROWS * sizeof(vg_jobs_row_t) + vg_orphan_size();
}


/* the kind's own, else the one named default, else the kit's */
static const vg_job_conf_t *
vg_jobs_conf(const ngx_str_t *kind)
{
    ngx_uint_t           i;
    const vg_job_conf_t *found = &vg_job_default;

    for (i = 0; i < vg_jobs_nconfs; i++) {
        if (ngx_strcmp(vg_jobs_confs[i].kind.data, kind->data) == 0) {
            return &vg_jobs_confs[i];
        }
        if (ngx_strcmp(vg_jobs_confs[i].kind.data, "default") == 0) {
            found = &vg_jobs_confs[i];
        }
    }
    return found;
}


/* NULL: there is no room, and nothing is counted */
static ngx_atomic_t *
vg_jobs_counts(const ngx_str_t *plugin, const ngx_str_t *kind)
{
    ngx_uint_t        i, at;
    ngx_str_t         parts[] = { *plugin, *kind };
    ngx_atomic_uint_t key = vg_hash(parts, 2);

    for (i = 0; vg_jobs_shared != NULL && i < VG_JOBS_ROWS; i++) {
        at = (key + i) % VG_JOBS_ROWS;
        if (vg_jobs_shared[at].key == key
            || ngx_atomic_cmp_set(&vg_jobs_shared[at].key, 0, key)
            || vg_jobs_shared[at].key == key)
        {
            return vg_jobs_shared[at].ends;
        }
    }
    return NULL;
}


/* A kind stays, though another version of its plugin may not know it. */
static void
vg_jobs_add(vg_plugin_slot_t *plugin, vg_endpoint_t *e)
{
    size_t     len = ngx_strlen(e->row->path);
    vg_jobs_t *jobs = ngx_calloc(sizeof(vg_jobs_t) + len + 1, ngx_cycle->log);

    if (jobs == NULL) {
        return;
    }
    jobs->plugin = plugin;
    jobs->kind = (ngx_str_t){ len, (u_char *) (jobs + 1) };
    ngx_memcpy(jobs->kind.data, e->row->path, len + 1);
    jobs->conf = vg_jobs_conf(&jobs->kind);
    jobs->ends = vg_jobs_counts(&plugin->name, &jobs->kind);
    jobs->timer.handler = vg_jobs_polled;
    jobs->timer.data = jobs;
    jobs->timer.log = ngx_cycle->log;
    jobs->timer.cancelable = 1;
    ngx_queue_insert_tail(&vg_jobs_all, &jobs->queue);
    ngx_add_timer(&jobs->timer, 200);
}


static ngx_uint_t
vg_jobs_known(vg_plugin_slot_t *plugin, const char *kind)
{
    vg_jobs_t   *jobs;
    ngx_queue_t *q;

    for (q = ngx_queue_head(&vg_jobs_all);
         q != ngx_queue_sentinel(&vg_jobs_all); q = ngx_queue_next(q))
    {
        jobs = ngx_queue_data(q, vg_jobs_t, queue);
        if (jobs->plugin == plugin && ngx_strcmp(jobs->kind.data, kind) == 0) {
            return 1;
        }
    }
    return 0;
}


static void
vg_jobs_plugin(vg_plugin_slot_t *plugin)
{
    ngx_uint_t      i;
    vg_endpoint_t **e = plugin->endpoints.elts;

    for (i = 0; i < plugin->endpoints.nelts; i++) {
        if (e[i]->row->method == VG_JOB
            && !vg_jobs_known(plugin, e[i]->row->path)) {
            vg_jobs_add(plugin, e[i]);
        }
    }
}


/* Each claim looks at the present generation; a call holds its own. */
void
vg_jobs_switch(vg_plugin_slot_t *from, vg_plugin_slot_t *to)
{
    vg_jobs_t   *jobs;
    ngx_queue_t *q;

    if (!vg_jobs_up) {
        return; /* what starts takes what is there */
    }
    for (q = ngx_queue_head(&vg_jobs_all);
         q != ngx_queue_sentinel(&vg_jobs_all); q = ngx_queue_next(q))
    {
        jobs = ngx_queue_data(q, vg_jobs_t, queue);
        if (jobs->plugin == from) {
            jobs->plugin = to;
        }
    }
    vg_jobs_plugin(to);
}


void
vg_jobs_start(void)
{
    ngx_uint_t         i;
    vg_plugin_slot_t **p = vg_host->plugins.elts;

    ngx_queue_init(&vg_jobs_all);
    vg_jobs_rung.handler = vg_jobs_heard;
    vg_jobs_rung.log = ngx_cycle->log;
    for (i = 0; i < vg_host->plugins.nelts; i++) {
        vg_jobs_plugin(p[i]);
    }
    vg_jobs_up = 1;
}


/* -------------------------------------------------------------- metrics */

void
vg_jobs_metrics(vg_out_t *out)
{
    ngx_uint_t   i;
    vg_jobs_t   *jobs;
    ngx_queue_t *q;

    if (!vg_jobs_up) {
        return;
    }
    out->comma = false;
    vg_out_raw(out, VG_STR("# TYPE voltgate_jobs_total counter\n"));
    for (q = ngx_queue_head(&vg_jobs_all);
         q != ngx_queue_sentinel(&vg_jobs_all); q = ngx_queue_next(q))
    {
        jobs = ngx_queue_data(q, vg_jobs_t, queue);
        for (i = 0; jobs->ends != NULL && i < VG_JOB_ENDS; i++) {
            out->comma = false;
            vg_out_raw(out, vg_printf(out->pool,
                                      "voltgate_jobs_total{plugin=\"%s\","
                                      "kind=\"%s\",outcome=\"%s\"} %lu\n",
                                      jobs->plugin->name.data, jobs->kind.data,
                                      vg_jobs_words[i],
                                      (unsigned long) jobs->ends[i]));
        }
    }
}
