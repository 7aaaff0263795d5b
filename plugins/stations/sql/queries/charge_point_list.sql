-- in: stationId, connected
-- out: the operator's charge points, by identity
select p.body, p.id as cursor
from stations.charge_point_json as p
where (:callerRole = 'admin' or p.operator_id = :callerCompany)
    and (:cursor is null or p.id > :cursor)
    and (:stationId is null or p.station_id = :stationId)
    and (:connected is null or p.connected = :connected)
order by p.id
limit :limit;
