-- in: id
-- out: the state of each connector
select json_build_object(
    'stationId', s.id,
    'status', stations.station_status(array_agg(coalesce(t.status, 'Unavailable')) filter (where c.id is not null)),
    'connectors', coalesce(json_agg(
        json_build_object(
            'connectorId', c.id,
            'chargePointId', c.charge_point_id,
            'connectorNumber', c.number,
            'status', coalesce(t.status, 'Unavailable'),
            'errorCode', coalesce(t.error_code, 'NoError'),
            'info', t.info,
            'since', vg.z(t.since),
            'connected', coalesce(l.connected, false),
            'lastSeen', vg.z(l.last_seen))
        order by c.charge_point_id, c.number) filter (where c.id is not null), '[]')) as body
from stations.station as s
left join stations.connector as c on c.station_id = s.id
left join stations.connector_status as t
    on t.charge_point_id = c.charge_point_id
    and t.number = c.number
left join stations.link as l on l.charge_point_id = c.charge_point_id
where s.id = :id
group by s.id;
