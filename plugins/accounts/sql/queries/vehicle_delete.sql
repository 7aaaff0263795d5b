-- in: id
-- out: empty; event vehicle.removed.v1
-- refuses: not_found, precondition_failed, forbidden
--
-- A driver does not take away what runs in a fleet of others.
with target as (
    select
        v.id,
        v.operator_id,
        case
            when :ifMatch is not null and not (v.row).version = any (:ifMatch) then 'precondition_failed'
            when :callerRole = 'driver'
                and not accounts.vehicle_claimed(v.company_id, null, :callerRole, :callerCompany)
            then 'forbidden'
            else 'empty'
        end as verdict
    from accounts.vehicle_json as v
    where v.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, v.customer_id, v.operator_id, v.company_id)
), vehicle as (
    delete from accounts.vehicle as v
    using target as t
    where v.id = t.id
        and t.verdict = 'empty'
        and (:ifMatch is null or v.version = any (:ifMatch))
    returning v as row, t.operator_id as operator
), answer (status, body, events) as (
    select
        'empty',
        null::json,
        jsonb_build_array(accounts.vehicle_event(v.row, v.operator, 'vehicle.removed.v1'))
    from vehicle as v
    union all
    select
        case
            when t.verdict <> 'empty' then t.verdict
            when t.id is not null and :ifMatch is not null then 'precondition_failed' -- it moved while this waited
            else 'not_found'
        end, null, null
    from (select) as one
    left join target as t on true
    where not exists (select from vehicle)
)
select * from answer;
