-- in: id, name, email, phone, language, billingAddress
-- out: ok, the customer; event customer.updated.v1, or customer.created.v1 of a driver who had no row
-- refuses: not_found, precondition_failed, customer_erased
--
-- again: another call made the row meanwhile, or changed it so that this one did not.
with known as (
    select c as row
    from accounts.customer as c
    where c.id = :id
), own as (
    select :callerRole = 'driver' and :id = :callerId and not exists (select from known) as blank
), made as (
    insert into accounts.customer as c (id, name, email, phone, language, billing_address, created_at, updated_at)
    select
        :id, :name, :email, :phone, :language, accounts.address_merged(null, :billingAddress), :now, :now
    from own as o
    where o.blank
        and (:ifMatch is null or 0 = any (:ifMatch))
    on conflict on constraint customer_taken do nothing
    returning c as row
), changed as (
    update accounts.customer as c
    set name = case when :body ? 'name' then :name else c.name end,
        email = case when :body ? 'email' then :email else c.email end,
        phone = case when :body ? 'phone' then :phone else c.phone end,
        language = case when :body ? 'language' then :language else c.language end,
        billing_address = case
            when :body ? 'billingAddress' then accounts.address_merged(c.billing_address, :billingAddress)
            else c.billing_address
        end,
        version = c.version + 1,
        updated_at = :now
    where c.id = :id
        and c.status = 'ACTIVE'
        and accounts.customer_visible(c, :callerId, :callerRole, :callerCompany)
        and (:ifMatch is null or c.version = any (:ifMatch))
    returning c as row
), customer as (
    select m.row, 'customer.created.v1' as told
    from made as m
    union all
    select c.row, 'customer.updated.v1'
    from changed as c
), answer (status, body, events) as (
    select
        'ok',
        accounts.customer_body(c.row),
        jsonb_build_array(accounts.customer_event(c.row, c.told))
    from customer as c
    union all
    select
        case
            when o.blank and (:ifMatch is null or 0 = any (:ifMatch)) then 'again'
            when o.blank then 'precondition_failed'
            when (k.row).id is null
                or not coalesce(accounts.customer_visible(k.row, :callerId, :callerRole, :callerCompany), false)
            then 'not_found'
            when (k.row).status <> 'ACTIVE' then 'customer_erased'
            when :ifMatch is null then 'again'
            else 'precondition_failed'
        end, null, null
    from own as o
    left join known as k on true
    where not exists (select from customer)
)
select * from answer;
