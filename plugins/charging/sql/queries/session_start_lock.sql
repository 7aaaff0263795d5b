-- in: connectorId, stationId, reservationId
-- An array and no "or", which in a plan for any value reads the whole table.
select c.connector_id
from charging.connector c
where c.removed_at is null
    and c.connector_id = any (array(
        select k.connector_id
        from charging.connector k
        where :connectorId is null
            and k.station_id = :stationId
        union all
        select r.connector_id
        from charging.reservation r
        where r.reservation_id = :reservationId
        union all
        select :connectorId
        where :connectorId is not null))
order by c.connector_id
for update;
