-- in: id (of an admin), company (whose customer it will be), name, email, phone, language, billingAddress
-- out: created, the customer; event customer.created.v1
-- refuses: company_unknown, customer_taken
with customer as (
    insert into accounts.customer as c (
        id, company_id, name, email, phone, language, billing_address, created_at, updated_at)
    select
        coalesce(:id, :newId::text), :company, :name, :email, :phone, :language,
        accounts.address_merged(null, :billingAddress), :now, :now
    where accounts.company_known(:company, :callerRole)
    returning c as row
), answer (status, body, events) as (
    select
        'created',
        accounts.customer_body(c.row),
        jsonb_build_array(accounts.customer_event(c.row, 'customer.created.v1'))
    from customer as c
    union all
    select 'company_unknown', null, null
    where not exists (select from customer)
)
select * from answer;
