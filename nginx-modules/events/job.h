/*
 * job.h: what a change leaves to be done later: rows of vg.job, each a call of
 * a VG_JOB row. See job.c for one of them, jobs.c for who takes them.
 */

#ifndef VG_JOB_H
#define VG_JOB_H

#include "events.h"

/* what `voltgate_job` says */
typedef struct {
    ngx_str_t  kind;
    ngx_uint_t tries;      /* then it is dead                             */
    ngx_uint_t concurrent; /* at once, of a worker                        */
    ngx_msec_t lease;      /* longer than a call may take                 */
} vg_job_conf_t;

#define VG_JOB_LEASE_LEAST (VG_AWAIT_DEADLINE + 5000) /* ms */

typedef enum {
    VG_JOB_DONE,
    VG_JOB_FAILED, /* and comes again                                     */
    VG_JOB_SPARED, /* not sent, and comes again                           */
    VG_JOB_DEAD,
    VG_JOB_FENCED, /* its lease was over                                  */
    VG_JOB_LOST,   /* the database was not there to write it down         */
    VG_JOB_ENDS,
} vg_job_end_t;

/* those of one kind, in this worker */
typedef struct {
    ngx_queue_t          queue;
    vg_plugin_slot_t    *plugin; /* its present generation                */
    ngx_str_t            kind;
    const vg_job_conf_t *conf;
    ngx_atomic_t        *ends; /* VG_JOB_ENDS of them, of the node        */
    ngx_event_t          timer;
    vg_unit_t            unit;
    const char          *values[6];
    char                 lease[37], limit[24], span[24];
    ngx_uint_t           running;
    unsigned             busy:1;  /* the claim is out                     */
    unsigned             again:1; /* it was rung meanwhile                */
    unsigned             rung:1;  /* of its plugin somebody wrote jobs    */
    unsigned             more:1;  /* there may be, beyond what was taken  */
} vg_jobs_t;

/* job.c: row of the claim's columns: id, payload, correlation_id, traceparent,
 * actor_id, tries */
ngx_int_t vg_job_init(ngx_conf_t *cf);
void vg_job_begin(vg_jobs_t *jobs, vg_endpoint_t *e, PGresult *rows, int row);

/* jobs.c: one is over */
ngx_int_t vg_jobs_init(ngx_conf_t *cf);
void      vg_jobs_over(vg_jobs_t *jobs, vg_job_end_t end);
void      vg_jobs_start(void);
size_t    vg_jobs_size(void);
void      vg_jobs_conf_use(const vg_job_conf_t *confs, ngx_uint_t count,
                           void *shared);

/* orphan.c: under which id this worker takes jobs; and what those had taken that
 * are gone is due again */
#define VG_JOB_TAKERS 128 /* workers of a node, with those that leave        */
ngx_int_t   vg_orphan_init(ngx_conf_t *cf);
size_t      vg_orphan_size(void);
void        vg_orphan_start(void *shared);
const char *vg_orphan_taker(void);

extern const vg_job_conf_t vg_job_default;

#endif /* VG_JOB_H */
