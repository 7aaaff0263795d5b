-- in: chargePoint, status
-- out: ok, DiagnosticsStatusNotification.conf
with link as (
    update stations.link as l
    set diagnostics_status = :status,
        diagnostics_at = :now,
        last_seen = :now
    where l.charge_point_id = :chargePoint
), answer (status, body, events) as (
    select 'ok', '{}'::json, null::jsonb
)
select * from answer;
