-- in: chargePoint, payload, verdict
-- out: ok, DataTransfer.conf
with noticed as (
    insert into stations.notice (id, charge_point_id, action, payload, received_at)
    select :newId, p.id, 'DataTransfer', :payload, :now
    from stations.charge_point as p
    where p.id = :chargePoint
), answer (status, body, events) as (
    select 'ok', json_build_object('status', :verdict), null::jsonb
)
select * from answer;
