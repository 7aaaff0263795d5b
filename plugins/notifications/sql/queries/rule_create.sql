-- in: name, companyId, eventType, condition, window, actions, enabled
-- out: created, the rule
-- refuses: forbidden, rules_too_many
--
-- A company's is its own; what an admin names no company for is the house's. Each
-- has 200 at most, so that an event is not asked of more than it can be.
with may as (
    select (
        select count(*)
        from notifications.rule as o
        where o.company_id is not distinct from case when :callerRole = 'admin' then :companyId else :callerCompany end) as so_far
    where notifications.owned(coalesce(:companyId, :callerCompany), :callerRole, :callerCompany)
), made as (
    insert into notifications.rule as r (id, company_id, name, event_type, condition, span, actions, enabled, created_at, updated_at)
    select
        :newId, case when :callerRole = 'admin' then :companyId else :callerCompany end, :name, :eventType, coalesce(:condition, '{}'), :window, :actions,
        coalesce(:enabled, true), :now, :now
    from may as m
    where m.so_far < 200
    returning r as row
), answer (status, body, events) as (
    select 'created', notifications.rule_body(m.row), null::jsonb
    from made as m
    union all
    select case when exists (select from may) then 'rules_too_many' else 'forbidden' end, null, null
    where not exists (select from made)
)
select * from answer;
