-- in: stationId
-- out: the station, held: its price is decided once at a time
select s.station_id
from dynamic_pricing.station as s
where s.station_id = :stationId
for update;
