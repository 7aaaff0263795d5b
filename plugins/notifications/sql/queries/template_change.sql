-- in: id, subject, text, html, short
-- out: ok, the template
-- refuses: not_found, precondition_failed
with changed as (
    update notifications.template as r
    set subject = coalesce(:subject, r.subject),
        text = coalesce(:text, r.text),
        html = case when :body ? 'html' then :html else r.html end,
        short = case when :body ? 'short' then :short else r.short end,
        version = r.version + 1,
        updated_at = :now
    where r.id = :id
        and notifications.owned(r.company_id, :callerRole, :callerCompany)
        and (:ifMatch is null or r.version = any (:ifMatch))
    returning r as row
), answer (status, body, events) as (
    select 'ok', notifications.template_body(c.row), null::jsonb
    from changed as c
    union all
    select
        case
            when exists (
                select
                from notifications.template as r
                where r.id = :id
                    and notifications.owned(r.company_id, :callerRole, :callerCompany)) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from changed)
)
select * from answer;
