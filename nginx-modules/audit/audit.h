/*
 * audit.h: the trail of who did what. What the host calls is in rooms.h.
 */

#ifndef VG_AUDIT_H
#define VG_AUDIT_H

#include "db.h"

#define VG_AUDIT_TEXT 200 /* bytes of a value; what is longer is cut        */

/* a row that is no part of a change's commit */
typedef struct {
    int64_t     at; /* us                                                  */
    const char *caller_id, *caller_role, *company_id;
    const char *route, *object, *error; /* object, error may be NULL       */
    ngx_int_t   status;
    uint64_t    calls;
    const char *correlation_id, *address, *plugin;
} vg_audit_row_t;

/* append.c: writes it soon, never waits; values are copied */
ngx_int_t vg_audit_append_init(ngx_conf_t *cf);
void      vg_audit_append(ngx_uint_t database, const vg_audit_row_t *row);
void      vg_audit_append_start(void);
void      vg_audit_append_stop(void);

/* refusal.c: of those alike, one row may stand for many */
void       vg_audit_refused(vg_call_t *call);
void       vg_audit_refusal_start(void);
ngx_uint_t vg_audit_refusal_stop(void); /* how many were not written      */

/* trail.c */
ngx_int_t vg_audit_trail_init(ngx_conf_t *cf);

/* What of a value may stand in the trail, with an end: empty unless it is
 * UTF-8 without control characters, cut where it is too long. */
const char *vg_audit_clean(vg_pool_t *pool, vg_str_t value);

/* seal.c; keep in s, 0: for good */
ngx_int_t vg_audit_seal_init(ngx_conf_t *cf);
void      vg_audit_seal_start(time_t keep);

/* list.c */
ngx_int_t vg_audit_list_init(ngx_conf_t *cf);

/* count.c */
typedef enum {
    VG_AUDIT_CHANGE,  /* in the change's commit, or before it was answered   */
    VG_AUDIT_REFUSAL, /* calls, many of which may be one row                 */
    VG_AUDIT_READ,
    VG_AUDIT_APPENDED, /* rows                                               */
    VG_AUDIT_DROPPED,
    VG_AUDIT_SEALED,
    VG_AUDIT_COUNTS,
} vg_audit_count_t;

void vg_audit_count(vg_audit_count_t what, uint64_t n);
/* all but the last so many ms is sealed, as of now; _begin: unless it is known */
void vg_audit_behind(ngx_uint_t database, uint64_t ms);
void vg_audit_behind_begin(ngx_uint_t database);

#endif /* VG_AUDIT_H */
