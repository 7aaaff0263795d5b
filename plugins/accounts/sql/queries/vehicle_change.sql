-- in: id, companyId, plate, vin, make, model, color, odometerKm, batteryKwh, connectorTypes, kind, fuel
-- out: ok, the vehicle; event vehicle.updated.v1
-- refuses: not_found, precondition_failed, customer_erased, forbidden, company_unknown, plate_taken
--
-- In which fleet it runs is for that fleet to say, see vehicle_claimed().
with target as (
    select
        v.id,
        v.operator_id,
        case
            when :ifMatch is not null and not (v.row).version = any (:ifMatch) then 'precondition_failed'
            when v.customer_status <> 'ACTIVE' then 'customer_erased'
            when :body ? 'companyId'
                and not accounts.vehicle_claimed(v.company_id, :companyId, :callerRole, :callerCompany)
            then 'forbidden'
            when not accounts.company_known(:companyId, :callerRole) then 'company_unknown'
            else 'ok'
        end as verdict
    from accounts.vehicle_json as v
    where v.id = :id
        and vg.visible(:callerRole, :callerId, :callerCompany, v.customer_id, v.operator_id, v.company_id)
), vehicle as (
    update accounts.vehicle as v
    set company_id = case when :body ? 'companyId' then :companyId else v.company_id end,
        plate = coalesce(:plate, v.plate),
        vin = case when :body ? 'vin' then upper(:vin) else v.vin end,
        make = case when :body ? 'make' then :make else v.make end,
        model = case when :body ? 'model' then :model else v.model end,
        color = case when :body ? 'color' then :color else v.color end,
        odometer_km = case when :body ? 'odometerKm' then :odometerKm else v.odometer_km end,
        battery_kwh = case when :body ? 'batteryKwh' then :batteryKwh else v.battery_kwh end,
        connector_types = coalesce(:connectorTypes, v.connector_types),
        kind = coalesce(:kind, v.kind),
        fuel = coalesce(:fuel, v.fuel),
        version = v.version + 1,
        updated_at = :now
    from target as t
    where v.id = t.id
        and t.verdict = 'ok'
        and (:ifMatch is null or v.version = any (:ifMatch))
    returning v as row, t.operator_id as operator
), answer (status, body, events) as (
    select
        'ok',
        accounts.vehicle_body(v.row),
        jsonb_build_array(accounts.vehicle_event(v.row, v.operator, 'vehicle.updated.v1'))
    from vehicle as v
    union all
    select
        case
            when t.verdict <> 'ok' then t.verdict
            when t.id is not null and :ifMatch is not null then 'precondition_failed' -- it moved while this waited
            else 'not_found'
        end, null, null
    from (select) as one
    left join target as t on true
    where not exists (select from vehicle)
)
select * from answer;
