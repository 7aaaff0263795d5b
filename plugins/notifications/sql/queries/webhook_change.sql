-- in: id, url, eventTypes, enabled
-- out: ok, the webhook
-- refuses: not_found, precondition_failed
with changed as (
    update notifications.webhook as r
    set url = coalesce(:url, r.url),
        types = coalesce(:eventTypes, r.types),
        enabled = coalesce(:enabled, r.enabled),
        version = r.version + 1,
        updated_at = :now
    where r.id = :id
        and notifications.owned(r.company_id, :callerRole, :callerCompany)
        and (:ifMatch is null or r.version = any (:ifMatch))
    returning r as row
), answer (status, body, events) as (
    select 'ok', notifications.webhook_body(c.row), null::jsonb
    from changed as c
    union all
    select
        case
            when exists (
                select
                from notifications.webhook as r
                where r.id = :id
                    and notifications.owned(r.company_id, :callerRole, :callerCompany)) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from changed)
)
select * from answer;
