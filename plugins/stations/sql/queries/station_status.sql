-- in: id
-- out: the state of each connector
select json_build_object(
    'stationId', s.id,
    'status', v.status,
    'connectors', coalesce((
        select json_agg(stations.connector_state(c, :now) order by c.charge_point_id, c.number)
        from stations.connector as c
        where c.station_id = s.id), '[]')) as body
from stations.station as s
join stations.station_json as v on v.id = s.id
where s.id = :id;
