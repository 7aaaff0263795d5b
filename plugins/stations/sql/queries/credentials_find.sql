-- in: chargePoint
-- out: what the handshake checks; salt and hash are null while there is no password
--
-- booted: it has told who it is and has a station, so a connection that comes
-- back without a BootNotification goes on as accepted.
select json_build_object(
    'salt', p.salt,
    'hash', p.hash,
    'securityProfile', p.security_profile,
    'pending', p.station_id is null,
    'booted', p.station_id is not null and l.booted_at is not null) as body
from stations.charge_point as p
left join stations.link as l on l.charge_point_id = p.id
where p.id = :chargePoint;
