-- in: name, locale, companyId, subject, text, html, short
-- out: created, the template
-- refuses: forbidden, template_taken
--
-- A company's is its own; what an admin names no company for is the house's.
with made as (
    insert into notifications.template as r (id, company_id, name, locale, subject, text, html, short, created_at, updated_at)
    select
        :newId, case when :callerRole = 'admin' then :companyId else :callerCompany end, :name, :locale, :subject, :text, :html, :short, :now, :now
    where notifications.owned(coalesce(:companyId, :callerCompany), :callerRole, :callerCompany)
    returning r as row
), answer (status, body, events) as (
    select 'created', notifications.template_body(m.row), null::jsonb
    from made as m
    union all
    select 'forbidden', null, null
    where not exists (select from made)
)
select * from answer;
