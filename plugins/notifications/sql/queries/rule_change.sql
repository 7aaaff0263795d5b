-- in: id, name, condition, window, actions, enabled
-- out: ok, the rule
-- refuses: not_found, precondition_failed
with changed as (
    update notifications.rule as r
    set name = coalesce(:name, r.name),
        condition = coalesce(:condition, r.condition),
        span = case when :body ? 'window' then :window else r.span end,
        actions = coalesce(:actions, r.actions),
        enabled = coalesce(:enabled, r.enabled),
        version = r.version + 1,
        updated_at = :now
    where r.id = :id
        and notifications.owned(r.company_id, :callerRole, :callerCompany)
        and (:ifMatch is null or r.version = any (:ifMatch))
    returning r as row
), answer (status, body, events) as (
    select 'ok', notifications.rule_body(c.row), null::jsonb
    from changed as c
    union all
    select
        case
            when exists (
                select
                from notifications.rule as r
                where r.id = :id
                    and notifications.owned(r.company_id, :callerRole, :callerCompany)) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from changed)
)
select * from answer;
