-- in: id
-- out: the station, its statuses as slots: shape.c fills them
select stations.station_shape(s, k.connectors, k.capacity, '') as body
from stations.station as s
cross join lateral (
    select json_agg(stations.connector_slot(c, t) order by c.charge_point_id, c.number) as connectors,
        count(*)::int as capacity
    from stations.connector as c
    left join stations.connector_status as t
        on t.charge_point_id = c.charge_point_id
        and t.number = c.number
    where c.station_id = s.id) k
where s.id = :id;
