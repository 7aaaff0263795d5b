-- in: id
-- out: the station, its statuses as slots: shape.c fills them
select stations.station_shape(
    s,
    (
        select json_agg(stations.connector_slot(c, t) order by c.charge_point_id, c.number)
        from stations.connector as c
        left join stations.connector_status as t
            on t.charge_point_id = c.charge_point_id
            and t.number = c.number
        where c.station_id = s.id
    ),
    (
        select count(*)::int
        from stations.connector as c
        where c.station_id = s.id
    ),
    '') as body
from stations.station as s
where s.id = :id;
