-- in: chargePoint, status
-- out: ok, FirmwareStatusNotification.conf
with link as (
    update stations.link as l
    set firmware_status = :status,
        firmware_at = :now,
        last_seen = :now
    where l.charge_point_id = :chargePoint
), answer (status, body, events) as (
    select 'ok', '{}'::json, null::jsonb
)
select * from answer;
