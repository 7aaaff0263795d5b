-- in: vehicleId
-- out: its sessions that are over, newest first
select j.body,
    j.id::text as cursor
from charging.session_json j
where j.vehicle_id = :vehicleId
    and j.status in ('COMPLETED', 'FAILED')
    and vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.operator_id, j.company_id)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
