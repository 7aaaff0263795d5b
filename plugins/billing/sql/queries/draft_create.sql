-- in: customer and operator (whose customer it must be, as accounts says: :outcome), customerId, companyId, currency, country, invoice
-- out: created, the draft
-- refuses: not_found
with made as (
    insert into billing.draft as d (id, issuer, customer_id, company_id, currency, country, lines, invoice, created_at)
    select :newId, :by, :customerId, :companyId, :currency, :country,
        coalesce((:row #> '{costs,lines}')::jsonb, '[]'), :invoice, :now
    where :callerRole in ('operator', 'admin')
        and (:operator is null or :outcome -> 'customer' ->> 'operatorId' = :callerCompany)
    returning d as row
), answer (status, body, events) as (
    select case when (m.row).id is not null then 'created' else 'not_found' end,
        case when (m.row).id is not null then billing.draft_json_of(m.row) end,
        null::jsonb
    from (select) as one
    left join made m on true
)
select * from answer;
