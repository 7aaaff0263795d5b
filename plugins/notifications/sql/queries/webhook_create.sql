-- in: companyId, url, eventTypes; bound: secret
-- out: created, the webhook, which shows its secret this once
-- refuses: forbidden
--
-- A company's is its own; what an admin names no company for is the house's.
with made as (
    insert into notifications.webhook as r (id, company_id, url, types, secret, created_at, updated_at)
    select
        :newId, case when :callerRole = 'admin' then :companyId else :callerCompany end, :url, coalesce(:eventTypes, '[]'), :secret, :now, :now
    where notifications.owned(coalesce(:companyId, :callerCompany), :callerRole, :callerCompany)
    returning r as row
), answer (status, body, events) as (
    select 'created', notifications.webhook_body(m.row), null::jsonb
    from made as m
    union all
    select 'forbidden', null, null
    where not exists (select from made)
)
select * from answer;
