-- in: name, companyId, eventType, condition, window, actions, enabled
-- out: created, the rule
-- refuses: forbidden
--
-- A company's is its own; what an admin names no company for is the house's.
with made as (
    insert into notifications.rule as r (id, company_id, name, event_type, condition, span, actions, enabled, created_at, updated_at)
    select
        :newId, case when :callerRole = 'admin' then :companyId else :callerCompany end, :name, :eventType, coalesce(:condition, '{}'), :window, :actions,
        coalesce(:enabled, true), :now, :now
    where notifications.owned(coalesce(:companyId, :callerCompany), :callerRole, :callerCompany)
    returning r as row
), answer (status, body, events) as (
    select 'created', notifications.rule_body(m.row), null::jsonb
    from made as m
    union all
    select 'forbidden', null, null
    where not exists (select from made)
)
select * from answer;
