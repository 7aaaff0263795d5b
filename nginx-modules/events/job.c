/*
 * job.c: one job: its call, and what becomes of it.
 *
 * The call's statement and the end of the job are one commit, fenced by the
 * lease: who was too slow changes nothing. So are the undo of what failed for
 * good and its death. A worker that dies leaves a lease that ends; the other
 * side may then hear the same again, under the same idempotency key.
 */

#include "job.h"
#include "outcome.h"

typedef struct {
    vg_jobs_t        *jobs;
    vg_call_t        *call; /* held: the job lies in its arena            */
    const char       *id, *lease;
    ngx_uint_t        tries;
    vg_unit_t         head;
    vg_unit_t         undo;
    const char       *values[5];
    const vg_error_t *error;
    vg_job_end_t      end; /* when the head is done                       */
    unsigned          away:1;
    unsigned          chained:1;
} vg_job_t;

static vg_statement_t *vg_job_done, *vg_job_failed;

/* what the outside was not called for, so as to spare it: no try */
static const char *const vg_job_spares[] = { "breaker_open", "rate", "busy",
                                             NULL };


ngx_int_t
vg_job_init(ngx_conf_t *cf)
{
    vg_statement_kit(cf, &vg_job_done, "job_done",
                     "select vg.job_done($1::uuid, $2::uuid)", 2);
    vg_statement_kit(cf, &vg_job_failed, "job_failed",
                     "select vg.job_failed($1::uuid, $2::uuid, $3::text,"
                     " $4::boolean, $5::boolean)",
                     5);
    return vg_job_done && vg_job_failed ? NGX_OK : NGX_ERROR;
}


static void
vg_job_end(vg_job_t *job, vg_job_end_t end)
{
    vg_jobs_t *jobs = job->jobs;

    vg_call_release(job->call);
    vg_jobs_over(jobs, end);
}


static void
vg_job_submit_head(vg_job_t *job, const vg_statement_t *st, vg_unit_t *chained,
                   void (*done)(vg_unit_t *))
{
    job->values[0] = job->id;
    job->values[1] = job->lease;
    vg_kit_make(&job->head, st, job->values, VG_LANE_WRITE, done, job);
    job->head.database = job->jobs->plugin->database;
    job->head.relaxed = 0;
    if (chained != NULL) {
        vg_unit_chain(&job->head, chained);
    }
    vg_unit_submit(&job->head);
}


/* ---------------------------------------------------------- what failed */

static void
vg_job_buried(vg_unit_t *unit)
{
    vg_job_t *job = unit->data;

    if (unit->result == VG_UNIT_REFUSED) {
        vg_log(job->call, VG_LOG_ERROR, "job %s of %s was not given up: %s %s",
               job->id, job->jobs->kind.data, unit->sqlstate, unit->message);
    }
    vg_job_end(job, unit->result == VG_UNIT_OK        ? job->end
                    : unit->result == VG_UNIT_REFUSED ? VG_JOB_FENCED
                                                      : VG_JOB_LOST);
}


static void
vg_job_undone(vg_unit_t *unit)
{
    vg_call_t *call = unit->data;

    if (unit->result == VG_UNIT_OK) {
        vg_outcome_told(call, unit->rows, 0);
        if (unit->statement->jobs) {
            vg_jobs_bell(call->endpoint->plugin);
        }
    } else if (unit->result == VG_UNIT_REFUSED) {
        vg_log(call, VG_LOG_ERROR, "%s was not undone: %s %s",
               call->endpoint->label.data, unit->sqlstate, unit->constraint);
    }
}


/* the statement that undoes, with :reason; NULL: there is none */
static vg_unit_t *
vg_job_undo(vg_job_t *job)
{
    vg_call_t      *call = job->call;
    vg_statement_t *st =
        call->endpoint->steps ? call->endpoint->steps[0].undo : NULL;

    if (st == NULL) {
        return NULL;
    }
    call->in.reason = vg_str(job->error->name);
    job->undo = (vg_unit_t){ .statement = st,
                             .values = vg_bind_values(call, st),
                             .lane = VG_LANE_WRITE,
                             .endpoint = call->endpoint,
                             .done = vg_job_undone,
                             .data = call };
    return job->undo.values ? &job->undo : NULL;
}


/* The same words come of what is beyond the call: a statement that met a lock
 * is busy too, when the other side has acted already. */
static ngx_uint_t
vg_job_spared(const vg_job_t *job)
{
    ngx_uint_t i;

    if (job->chained || job->call->in.outcome.data != NULL) {
        return 0;
    }
    for (i = 0; vg_job_spares[i] != NULL; i++) {
        if (ngx_strcmp(job->error->name, vg_job_spares[i]) == 0) {
            return 1;
        }
    }
    return 0;
}


/* What its undo could not write down is tried again with the lease's end, and
 * after as many tries again it dies without. */
static void
vg_job_fail(vg_job_t *job)
{
    vg_str_t   detail = job->call->detail;
    vg_unit_t *undo = NULL;
    ngx_uint_t most = job->jobs->conf->tries;

    job->end = vg_job_spared(job)   ? VG_JOB_SPARED
               : job->tries >= most ? VG_JOB_DEAD
                                    : VG_JOB_FAILED;
    job->values[2] = vg_printf(&job->call->arena, "%s%s%.*s", job->error->name,
                               detail.len ? " " : "", (int) detail.len,
                               detail.len ? detail.data : "")
                         .data;
    job->values[3] = job->end == VG_JOB_DEAD ? "t" : "f";
    job->values[4] = job->end == VG_JOB_SPARED ? "f" : "t";
    if (job->end == VG_JOB_DEAD && job->tries <= 2 * most) {
        undo = vg_job_undo(job);
    }
    vg_job_submit_head(job, vg_job_failed, undo, vg_job_buried);
}


/* ------------------------------------------------------------- its call */

static void
vg_job_sent(vg_unit_t *unit)
{
    vg_job_t *job = unit->data;

    if (unit->result == VG_UNIT_OK) {
        vg_job_end(job, VG_JOB_DONE);
    } else if (unit->result == VG_UNIT_REFUSED && job->error && !job->away) {
        vg_job_fail(job);
    } else {
        vg_job_end(job, unit->result == VG_UNIT_REFUSED ? VG_JOB_FENCED
                                                        : VG_JOB_LOST);
    }
}


static void
vg_job_submit(vg_call_t *call, vg_unit_t *unit)
{
    vg_job_t *job = call->owner;

    if (!unit->statement->change) {
        vg_unit_submit(unit); /* a load */
        return;
    }
    job->chained = 1;
    vg_job_submit_head(job, vg_job_done, unit, vg_job_sent);
}


/* the call is over, and its statement perhaps still under way */
static void
vg_job_called(vg_call_t *call)
{
    vg_job_t *job = call->owner;

    job->error = call->committed ? NULL : call->error;
    job->away = call->away;
    if (job->chained) {
        return; /* vg_job_sent() */
    }
    if (job->error == NULL) { /* check() answered it */
        vg_job_submit_head(job, vg_job_done, NULL, vg_job_sent);
    } else if (job->away) {
        vg_job_end(job, VG_JOB_LOST); /* the moment's fault: the lease ends */
    } else {
        vg_job_fail(job);
    }
}


/* ------------------------------------------------------------- the start */

static vg_str_t
vg_job_text(vg_call_t *call, PGresult *rows, int row, int column)
{
    return vg_outcome_text(call, rows, row, column);
}


static void
vg_job_nothing(vg_call_t *call)
{
    (void) call;
}


/* Each try was begun, and of the last one nobody saw the end: the other side
 * is not called again, and what is undone knows the fields alone. */
static void
vg_job_give_up(vg_job_t *job)
{
    job->call->finish = vg_job_nothing;
    (void) vg_fields_check(job->call);
    job->call->nproblems = 0;
    job->call->detail = (vg_str_t){ NULL, 0 };
    job->error = vg_kit_error("silent", 6);
    vg_job_fail(job);
    vg_call_release(job->call);
}


void
vg_job_begin(vg_jobs_t *jobs, vg_endpoint_t *e, PGresult *rows, int row)
{
    vg_job_t  *job;
    vg_call_t *call = vg_call_create(e);

    job = call ? vg_calloc(&call->arena, sizeof(vg_job_t)) : NULL;
    if (job == NULL) {
        if (call != NULL) {
            vg_call_release(call);
        }
        vg_jobs_over(jobs, VG_JOB_LOST);
        return;
    }
    job->jobs = jobs;
    job->call = call;
    call->in.job_id = vg_job_text(call, rows, row, 0);
    call->body =
        vg_json_parse(&call->arena, vg_job_text(call, rows, row, 1), NULL);
    call->correlation = vg_job_text(call, rows, row, 2);
    call->traceparent = vg_job_text(call, rows, row, 3);
    call->caller.id = vg_job_text(call, rows, row, 4);
    call->caller.role = VG_STR("system");
    call->finish = vg_job_called;
    call->owner = job;
    call->unit_submit = vg_job_submit;
    job->id = call->in.job_id.data;
    job->lease = vg_printf(&call->arena, "%s", jobs->lease).data;
    job->tries = strtoul(PQgetvalue(rows, row, 5), NULL, 10);
    call->in.job_try = (unsigned) job->tries;
    vg_call_ref(call);
    if (job->tries > jobs->conf->tries) {
        vg_job_give_up(job);
    } else {
        vg_call_run(call, VG_AWAIT_DEADLINE);
    }
}
