-- in: chargePoint
-- out: what it said that it is when it last booted, and its station's zone
select json_build_object(
    'vendor', l.vendor,
    'model', l.model,
    'firmware', l.firmware_version,
    'timeZone', s.time_zone) as body
from stations.charge_point as p
left join stations.link as l on l.charge_point_id = p.id
left join stations.station as s on s.id = p.station_id
where p.id = :chargePoint;
