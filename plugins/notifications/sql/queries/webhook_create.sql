-- in: companyId, url, eventTypes; bound: secret
-- out: created, the webhook, which shows its secret this once
-- refuses: forbidden, webhooks_too_many
--
-- A company's is its own; what an admin names no company for is the house's. Each
-- has 50 at most, so that an event is not asked of more than it can be.
with may as (
    select (
        select count(*)
        from notifications.webhook as o
        where o.company_id is not distinct from case when :callerRole = 'admin' then :companyId else :callerCompany end) as so_far
    where notifications.owned(coalesce(:companyId, :callerCompany), :callerRole, :callerCompany)
), made as (
    insert into notifications.webhook as r (id, company_id, url, types, secret, created_at, updated_at)
    select
        :newId, case when :callerRole = 'admin' then :companyId else :callerCompany end, :url, coalesce(:eventTypes, '[]'), :secret, :now, :now
    from may as m
    where m.so_far < 50
    returning r as row
), answer (status, body, events) as (
    select 'created', notifications.webhook_body(m.row), null::jsonb
    from made as m
    union all
    select case when exists (select from may) then 'webhooks_too_many' else 'forbidden' end, null, null
    where not exists (select from made)
)
select * from answer;
