-- in: id
-- out: empty
-- refuses: not_found, precondition_failed
with gone as (
    delete from notifications.webhook as r
    where r.id = :id
        and notifications.owned(r.company_id, :callerRole, :callerCompany)
        and (:ifMatch is null or r.version = any (:ifMatch))
    returning r.id
), answer (status, body, events) as (
    select 'empty', null::json, null::jsonb
    from gone
    union all
    select
        case
            when :ifMatch is not null and exists (
                select
                from notifications.webhook as r
                where r.id = :id
                    and notifications.owned(r.company_id, :callerRole, :callerCompany)) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from gone)
)
select * from answer;
