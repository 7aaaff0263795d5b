-- in: id
-- out: the station
select s.body
from stations.station_json as s
where s.id = :id;
