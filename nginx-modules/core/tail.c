/*
 * tail.c: what takes the place of `select * from answer;` in a change: events
 * into the outbox, a keyed answer into vg.answer, and a row of the audit
 * trail, all in the commit of the change.
 */

#include "tail.h"

/* {"wake": topic} among the events is none: it is only told to streams, as
 * aggregates are */
static const char vg_tail_others[] = "? 'wake'";

static const char vg_tail_told[] =
    ", vg_told as ("
    "insert into vg.outbox (plugin, type, aggregate_id, payload,"
    " correlation_id, traceparent, actor_id) "
    "select :vgPlugin, e.value ->> 'type', e.value ->> 'aggregateId',"
    " e.value -> 'payload', :correlationId, :vgTraceparent, :callerId "
    "from answer a, jsonb_array_elements(a.events) with ordinality e"
    " where not e.value %s order by e.ordinality)";

/* Of a refusal the kit makes a row by itself: nothing was changed. Columns'
 * defaults say when. What was made has no id in its path: it is its own, or
 * the one that its event is about. */
static const char vg_tail_audit[] =
    ", vg_noted as ("
    "insert into vg.audit (caller_id, caller_role, company_id, route, object,"
    " status, correlation_id, address, node, plugin) "
    "select %s, :vgRoute,"
    " case when :vgObject is null or a.status = 'created'"
    " then nullif(concat_ws('/', :vgObject, coalesce(a.body ->> '%s',"
    " a.events -> 0 ->> 'aggregateId')), '') else :vgObject end,"
    " case a.status when 'created' then 201 when 'accepted' then 202"
    " when 'empty' then 204 else 200 end,"
    " :correlationId, :vgAddress, :vgNode, :vgPlugin "
    "from answer a where a.status in ('ok', 'created', 'accepted', 'empty'))";

static const char vg_tail_who[] = ":vgActor, :callerRole, :callerCompany";

/* Who logs in has no identity yet: the answer says whose token it will be. */
static const char vg_tail_login[] =
    "coalesce(nullif(:vgActor, ''), a.body ->> 'subject', ''),"
    " coalesce(nullif(:callerRole, ''), a.body ->> 'role', ''),"
    " coalesce(nullif(:callerCompany, ''), a.body ->> 'company', '')";

/* `again` raises, so that nothing of the unit stays when it is run once more */
static const char vg_tail_kept[] =
    ", vg_kept as ("
    "insert into vg.answer (caller, route, key, hash, plugin, status, body,"
    " correlation_id, at) "
    "select :callerId, :vgRoute, :vgKey, :vgKeyHash, :vgPlugin, a.status,"
    " a.body::text, :correlationId, :now "
    "from answer a where :vgKey is not null"
    ") select case a.status when 'again' then vg.again() else a.status end,"
    " a.body::text,"
    " (select count(*) from jsonb_array_elements(a.events) e"
    " where not e.value %s),"
    " (select string_agg(distinct"
    " coalesce(e.value ->> 'wake', e.value ->> 'aggregateId'), ' ')"
    " from jsonb_array_elements(a.events) e)";

/* Of a statement whose text has the word 'saga', so that no other pays for it:
 * {"saga": name, "id": …, "data": …} among the events is a row of the plugin's
 * sagas, held by this worker; without data it is told alone. */
static const char vg_tail_saga_others[] = "?| array['wake', 'saga']";

static const char vg_tail_begun[] =
    ", vg_begun as ("
    "insert into %s.saga (id, name, data, node, pid, caller_id, caller_role,"
    " caller_company, correlation_id, traceparent) "
    "select (e.value ->> 'id')::uuid, e.value ->> 'saga', e.value -> 'data',"
    " :vgNode, :vgPid, :callerId, :callerRole, :callerCompany,"
    " :correlationId, :vgTraceparent "
    "from answer a, jsonb_array_elements(a.events) e"
    " where e.value ? 'saga' and e.value ? 'data')";

static const char vg_tail_sagas[] =
    ", (select json_agg(e.value) from jsonb_array_elements(a.events) e"
    " where e.value ? 'saga')";

/* Of an :each statement, whose answer is (call, status, body, wake): a row for
 * each call, in their order. It tells no events, so that the many small rows
 * cost no more than themselves. */
static const char vg_tail_each[] =
    " select a.status, a.body::text, 0, a.wake from answer a order by a.call";


/* what changes something for who calls by HTTP */
static ngx_uint_t
vg_tail_noted(const vg_route_t *row, const char *statement)
{
    return !vg_audit_off && row->method >= VG_POST && row->method <= VG_DELETE
           && row->statement != NULL
           && ngx_strcmp(row->statement, statement) == 0;
}


vg_str_t
vg_tail(vg_pool_t *pool, const char *plugin, const vg_route_t *row,
        const char *name, const vg_sql_t *sql)
{
    bool        saga = strstr(sql->text.data, "'saga'") != NULL;
    bool        login = (row->flags & VG_OAUTH) != 0;
    vg_str_t    begun = VG_STR(""), noted = VG_STR(""), told, kept;
    const char *others = saga ? vg_tail_saga_others : vg_tail_others;

    if (sql->each) {
        return vg_str(vg_tail_each);
    }
    told = vg_printf(pool, vg_tail_told, others);
    kept = vg_printf(pool, vg_tail_kept, others);
    if (saga) {
        begun = vg_printf(pool, vg_tail_begun, plugin);
    }
    if (vg_tail_noted(row, name)) {
        noted =
            vg_printf(pool, vg_tail_audit, login ? vg_tail_login : vg_tail_who,
                      login ? "session" : "id");
    }
    if (told.data == NULL || kept.data == NULL || begun.data == NULL
        || noted.data == NULL)
    {
        return (vg_str_t){ NULL, 0 };
    }
    return vg_printf(pool, "%s%s%s%s%s from answer a", told.data, begun.data,
                     noted.data, kept.data, saga ? vg_tail_sagas : "");
}
