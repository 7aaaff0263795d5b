-- in: kind, name, country, vatId, email, billingAddress
-- out: created, the company; event company.created.v1
-- refuses: forbidden
with company as (
    insert into accounts.company as c (
        id, kind, name, country, vat_id, email, billing_address, created_at, updated_at)
    select
        :newId, :kind, :name, :country, :vatId, :email, accounts.address_merged(null, :billingAddress), :now, :now
    where :callerRole = 'admin'
    returning c as row
), answer (status, body, events) as (
    select
        'created',
        accounts.company_body(c.row),
        jsonb_build_array(accounts.company_event(c.row, 'company.created.v1'))
    from company as c
    union all
    select 'forbidden', null, null
    where not exists (select from company)
)
select * from answer;
