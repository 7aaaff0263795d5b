-- in: vehicleId
-- out: ok
with noted as materialized (
    select charging.party_note('vehicle', :vehicleId::text, null) as done
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
    from noted as n
)
select * from answer;
