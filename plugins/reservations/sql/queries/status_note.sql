-- in: chargePointId, connectorNumber, status
-- out: ok
with noted as (
    update reservations.connector
    set status = :status
    where charge_point_id = :chargePointId
        and connector_number = :connectorNumber
        and removed_at is null
), answer (status, body, events) as (
    select 'ok', null::json, null::jsonb
)
select * from answer;
