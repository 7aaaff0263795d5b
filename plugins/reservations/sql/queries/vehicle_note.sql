-- in: vehicleId, customerId, operatorId, companyId, version
-- out: ok
with noted as materialized (
    select reservations.vehicle_note(:vehicleId, jsonb_build_object(
        'customerId', :customerId,
        'operatorId', :operatorId,
        'companyId', :companyId,
        'version', :version)) as done
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from noted as n
)
select * from answer;
