-- in: vehicleId, stationId, status, from, to, unpriced
-- out: sessions, newest first
select j.body,
    j.id::text as cursor
from charging.session_json j
where vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.operator_id, j.company_id)
    and (:vehicleId is null or j.vehicle_id = :vehicleId)
    and (:stationId is null or j.station_id = :stationId)
    and (:status is null or j.status = :status)
    and (:from is null or j.begun_at >= :from)
    and (:to is null or j.begun_at < :to)
    and (:unpriced is null or :unpriced = (j.status = 'COMPLETED' and j.cost is null and 'erased' <> all (j.flags)))
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
