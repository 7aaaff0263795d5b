/*
 * list.c: GET /audit, of all databases, newest first.
 *
 * The place of a row is its time and id in digits of one length, so that rows
 * of several databases are put in order as text.
 */

#include "audit.h"
#include "fan.h"

static vg_statement_t *vg_audit_find;

#define VG_LIST_PLACE                                                          \
    "to_char((extract(epoch from a.at) * 1000000)::bigint, "                   \
    "'FM0000000000000000"                                                      \
    "') || '-' || to_char(a.id, 'FM0000000000000000000')"

/* what a cursor says, where it is one of ours; '': nothing is before it */
#define VG_LIST_CURSOR "~ '^[0-9]{16}-[0-9]{19}$'"


ngx_int_t
vg_audit_list_init(ngx_conf_t *cf)
{
    vg_statement_kit(
        cf, &vg_audit_find, "audit_list",
        "with c as (select to_timestamp(0) + interval '1 microsecond'"
        " * split_part($7::text, '-', 1)::bigint as at,"
        " split_part($7::text, '-', 2)::bigint as id"
        " where $7::text " VG_LIST_CURSOR ")"
        " select json_build_object('id', " VG_LIST_PLACE ", 'at', vg.z(a.at),"
        " 'userId', a.caller_id, 'role', a.caller_role, 'companyId',"
        " nullif(a.company_id, ''), 'route', a.route, 'object', a.object,"
        " 'status', a.status, 'error', a.error, 'calls', a.calls,"
        " 'correlationId', a.correlation_id, 'address', a.address,"
        " 'node', a.node, 'plugin', a.plugin), " VG_LIST_PLACE
        " from vg.audit a"
        " where ($1::text is null or a.caller_id = $1::text)"
        " and a.at >= coalesce($2::timestamptz, '-infinity')"
        " and a.at < coalesce($3::timestamptz, 'infinity')"
        " and ($4::text is null or a.route = $4::text)"
        " and ($5::text is null or a.object = $5::text)"
        " and ($6::int is null or a.status = $6::int)"
        " and ($7::text is null or (a.at, a.id) < (select c.at, c.id from c))"
        " order by a.at desc, a.id desc limit $8::bigint",
        8);
    return vg_audit_find ? NGX_OK : NGX_ERROR;
}


void
vg_audit_list(vg_call_t *call)
{
    static const char *const fields[] = { "userId", "from",   "to",
                                          "route",  "object", "status" };
    ngx_uint_t               i;
    const char             **v = vg_calloc(&call->arena, 8 * sizeof(char *));

    for (i = 0; v != NULL && i < sizeof(fields) / sizeof(fields[0]); i++) {
        v[i] = vg_fan_field(call, fields[i]);
    }
    if (v != NULL) {
        v[6] = vg_fan_cursor(call);
        v[7] = vg_fan_limit(call);
    }
    vg_fan_run(call, VG_FAN_LIST, vg_audit_find, v, VG_LANE_READ);
}
