-- in: chargePoint, epoch
-- out: ok, whether it was still the newest connection
with link as (
    update stations.link as l
    set connected = false,
        last_seen = :now
    where l.charge_point_id = :chargePoint
        and l.epoch = :epoch
        and l.connected
    returning l.epoch
), answer (status, body, events) as (
    select 'ok', json_build_object('closed', exists (select from link)), null::jsonb
)
select * from answer;
