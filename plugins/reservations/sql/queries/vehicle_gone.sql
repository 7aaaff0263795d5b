-- in: vehicleId
-- out: ok
with noted as materialized (
    select reservations.vehicle_note(:vehicleId, null) as done
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from noted as n
)
select * from answer;
