-- in: connectorId, stationId
select c.connector_id
from charging.connector c
where c.removed_at is null
    and (c.connector_id = :connectorId or :connectorId is null and c.station_id = :stationId)
order by c.connector_id
for update;
