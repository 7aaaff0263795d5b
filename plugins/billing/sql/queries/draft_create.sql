-- in: issuer, customerId, companyId, currency, country, invoice
-- out: created, the draft
with made as (
    insert into billing.draft as d (id, issuer, customer_id, company_id, currency, country, lines, invoice, created_at)
    select :newId, :by, :customerId, :companyId, :currency, :country,
        coalesce((:row #> '{costs,lines}')::jsonb, '[]'), :invoice, :now
    where :callerRole in ('operator', 'admin')
    returning d as row
), answer (status, body, events) as (
    select 'created', billing.draft_json_of(m.row), null::jsonb
    from made m
)
select * from answer;
