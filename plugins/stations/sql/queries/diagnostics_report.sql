-- in: chargePoint, status
-- out: ok, DiagnosticsStatusNotification.conf
with link as (
    update stations.link as l
    set diagnostics_status = left(:status, 50),
        diagnostics_at = :now,
        last_seen = :now
    where l.charge_point_id = :chargePoint
    returning l.charge_point_id
), answer (status, body, events) as (
    select 'ok', '{}'::json, null::jsonb
)
select * from answer;
