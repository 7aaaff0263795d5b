-- in: stationId
-- What is being reserved at this moment is seen, and goes with its connector.
select c.connector_id
from reservations.connector c
where c.station_id = :stationId
order by c.connector_id
for update;
