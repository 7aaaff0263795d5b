-- in: id, plugins (who is to answer)
-- out: accepted, the erasure of the customer, who is ERASING from now on; events customer.updated.v1 (or
--     customer.created.v1 of a driver who had no row) and customer.erasure_requested.v1; asked once more, it is the same
-- refuses: not_found, precondition_failed, customer_erased
--
-- again: another call made the row meanwhile, or changed it so that this one
-- did not. customer_erased: so long ago that the report is gone. A driver without a row here may be known elsewhere: what it did is
-- told by its id alone.
with known as (
    select c as row
    from accounts.customer as c
    where c.id = :id
), own as (
    select :callerRole = 'driver' and :id = :callerId and not exists (select from known) as blank
), made as (
    insert into accounts.customer as c (id, status, created_at, updated_at)
    select :id, 'ERASING', :now, :now
    from own as o
    where o.blank
        and (:ifMatch is null or 0 = any (:ifMatch))
    on conflict on constraint customer_taken do nothing
    returning c as row
), changed as (
    update accounts.customer as c
    set status = 'ERASING',
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
), begun as materialized (
    select
        accounts.customer_event(c.row, c.told) as changed,
        accounts.erasure_begun(:newId, (c.row).id, (c.row).company_id, :callerId, :plugins, :now) as requested
    from customer as c
), there as materialized (
    -- of an erasure that was begun before, or while this waited
    select accounts.erasure_of(:id) as report
    where not exists (select from customer)
), answer (status, body, events) as (
    select
        'accepted',
        case when b.requested is not null then accounts.erasure_of(:id) end,
        jsonb_build_array(b.changed, b.requested)
    from begun as b
    union all
    select
        case
            when o.blank and (:ifMatch is null or 0 = any (:ifMatch)) then 'again'
            when o.blank then 'precondition_failed'
            when (k.row).id is null
                or not coalesce(accounts.customer_visible(k.row, :callerId, :callerRole, :callerCompany), false)
            then 'not_found'
            when :ifMatch is not null and not (k.row).version = any (:ifMatch) then 'precondition_failed'
            when t.report is not null then 'accepted'
            when (k.row).status = 'ACTIVE' then 'again'
            else 'customer_erased'
        end,
        case
            when (k.row).id is not null
                and accounts.customer_visible(k.row, :callerId, :callerRole, :callerCompany)
                and (:ifMatch is null or (k.row).version = any (:ifMatch))
            then t.report
        end,
        null
    from own as o
    left join known as k on true
    left join there as t on true
    where not exists (select from customer)
)
select * from answer;
