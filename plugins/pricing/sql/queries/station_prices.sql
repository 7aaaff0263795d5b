-- in: stationId
-- out: the station, with the tariff at each connector
select pricing.station_board(s.station_id, :now) as body
from pricing.station as s
where s.station_id = :stationId;
