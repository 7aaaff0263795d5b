-- in: chargePointId, resolved
-- out: messages kept, newest first
select j.body,
    j.id::text as cursor
from charging.quarantine_json j
where :callerRole in ('admin', 'operator')
    and vg.visible(:callerRole, :callerId, :callerCompany, null, j.operator_id, null)
    and (:chargePointId is null or j.charge_point_id = :chargePointId)
    and (j.resolved_at is not null) = coalesce(:resolved, false)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
