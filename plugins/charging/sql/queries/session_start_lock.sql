-- in: connectorId, stationId, reservationId
select c.connector_id
from charging.connector c
where c.removed_at is null
    and (c.connector_id = :connectorId
        or :connectorId is null and c.station_id = :stationId
        or c.connector_id = (
            select r.connector_id
            from charging.reservation r
            where r.reservation_id = :reservationId))
order by c.connector_id
for update;
