-- in: id, name, country, vatId, email, billingAddress
-- out: ok, the company; event company.updated.v1
-- refuses: not_found, precondition_failed
with company as (
    update accounts.company as c
    set name = coalesce(:name, c.name),
        country = case when :body ? 'country' then :country else c.country end,
        vat_id = case when :body ? 'vatId' then :vatId else c.vat_id end,
        email = case when :body ? 'email' then :email else c.email end,
        billing_address = case
            when :body ? 'billingAddress' then accounts.address_merged(c.billing_address, :billingAddress)
            else c.billing_address
        end,
        version = c.version + 1,
        updated_at = :now
    where c.id = :id
        and accounts.company_owned(c, :callerRole, :callerCompany)
        and (:ifMatch is null or c.version = any (:ifMatch))
    returning c as row
), answer (status, body, events) as (
    select
        'ok',
        accounts.company_body(c.row),
        jsonb_build_array(accounts.company_event(c.row, 'company.updated.v1'))
    from company as c
    union all
    select
        case
            when exists (
                select
                from accounts.company_json as c
                where c.id = :id
                    and accounts.company_owned(c.row, :callerRole, :callerCompany)) then 'precondition_failed'
            else 'not_found'
        end, null, null
    where not exists (select from company)
)
select * from answer;
