-- in: connectorId, stationId
-- In the order of ids, so that two stations' worth of callers queue and never
-- deadlock.
select c.connector_id
from reservations.connector c
where c.connector_id = any (array(
        select :connectorId
        union all
        select k.connector_id
        from reservations.connector k
        where k.station_id = :stationId
            and :connectorId is null))
order by c.connector_id
for update;
