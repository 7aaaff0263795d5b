-- in: id (the customer's), company (the fleet that it runs in), plate, vin, make, model, color, odometerKm, batteryKwh,
--     connectorTypes, kind, fuel
-- out: created, the vehicle; event vehicle.created.v1, and customer.created.v1 of a driver who had no row
-- refuses: not_found, customer_erased, company_unknown, plate_taken
with known as (
    select c as row
    from accounts.customer as c
    where c.id = :id
), judged as (
    select
        case
            when :callerRole = 'driver' and :id = :callerId and (k.row).id is null then 'created'
            when (k.row).id is null
                or not coalesce(accounts.customer_visible(k.row, :callerId, :callerRole, :callerCompany), false)
            then 'not_found'
            when (k.row).status <> 'ACTIVE' then 'customer_erased'
            when not accounts.company_known(:company, :callerRole) then 'company_unknown'
            else 'created'
        end as verdict,
        (k.row).company_id as operator
    from (select) as one
    left join known as k on true
), arrived as materialized (
    select accounts.customer_of_user(:id, null, :now) as event
    from judged as j
    where j.verdict = 'created'
        and not exists (select from known)
), vehicle as (
    insert into accounts.vehicle as v (
        id, customer_id, company_id, plate, vin, make, model, color, odometer_km, battery_kwh, connector_types, kind,
        fuel, created_at, updated_at)
    select
        :newId, :id, :company, :plate, upper(:vin), :make, :model, :color, :odometerKm, :batteryKwh,
        coalesce(:connectorTypes, '[]'), coalesce(:kind, 'CAR'), coalesce(:fuel, 'EV'), :now, :now
    from judged as j
    left join arrived as a on true
    where j.verdict = 'created'
    returning v as row
), answer (status, body, events) as (
    select
        j.verdict,
        case when j.verdict = 'created' then accounts.vehicle_body(v.row) end,
        case
            when j.verdict = 'created'
            then case when a.event is null then '[]' else jsonb_build_array(a.event) end
                || accounts.vehicle_event(v.row, j.operator, 'vehicle.created.v1')
        end
    from judged as j
    left join arrived as a on true
    left join vehicle as v on true
)
select * from answer;
