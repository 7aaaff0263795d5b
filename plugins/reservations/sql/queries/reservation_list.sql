-- in: connectorId, stationId, vehicleId, status, from, to
-- out: reservations, newest first
select j.body,
    j.id::text as cursor
from reservations.reservation_json j
where vg.visible(:callerRole, :callerId, :callerCompany, j.customer_id, j.operator_id, j.company_id)
    and (:connectorId is null or j.connector_id = :connectorId)
    and (:stationId is null or j.station_id = :stationId)
    and (:vehicleId is null or j.vehicle_id = :vehicleId)
    and (:status is null or j.status = :status)
    and (:from is null or upper(j.during) > :from)
    and (:to is null or lower(j.during) < :to)
    and (:cursor is null or j.id < vg.cursor_id(:cursor))
order by j.id desc
limit :limit;
