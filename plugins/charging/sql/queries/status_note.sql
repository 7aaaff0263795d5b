-- in: chargePointId, connectorNumber, status, errorCode, since, receivedAt
-- out: ok
-- The history that tells charging from parking; the open session follows it.
with noted as (
    insert into charging.connector_status (charge_point_id, connector_number, since, received_at, status, error_code)
    select :chargePointId, :connectorNumber, coalesce(:since, :receivedAt, :eventTime),
        coalesce(:receivedAt, :eventTime), :status, :errorCode
    on conflict on constraint connector_status_key do nothing
), shown as (
    update charging.connector
    set status = :status,
        status_since = coalesce(:since, :receivedAt, :eventTime)
    where charge_point_id = :chargePointId
        and connector_number = :connectorNumber
        and removed_at is null
), followed as (
    update charging.session
    set status = case when :status = 'Charging' then 'ACTIVE' else 'SUSPENDED' end,
        version = version + 1
    where charge_point_id = :chargePointId
        and connector_number = :connectorNumber
        and superseded_at is null
        and (status = 'ACTIVE' and :status in ('SuspendedEV', 'SuspendedEVSE')
            or status = 'SUSPENDED' and :status = 'Charging')
    returning id
), answer (status, body, events) as (
    select 'ok',
        null::json,
        (select jsonb_agg(jsonb_build_object('wake', f.id)) from followed f)
)
select * from answer;
