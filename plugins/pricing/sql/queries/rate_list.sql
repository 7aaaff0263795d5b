-- in: stationId (null: all)
-- out: stations, each with the tariff at each connector
select
    pricing.station_board(s.station_id, :now) as body,
    s.station_id::text as cursor
from pricing.station as s
where (:stationId is null or s.station_id = :stationId)
    and (:cursor is null or s.station_id > vg.cursor_id(:cursor))
order by s.station_id
limit :limit;
