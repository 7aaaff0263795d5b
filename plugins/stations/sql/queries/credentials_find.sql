-- in: chargePoint
-- out: what the handshake checks; salt and hash are null while there is no password
select json_build_object(
    'salt', p.salt,
    'hash', p.hash,
    'securityProfile', p.security_profile,
    'pending', p.station_id is null) as body
from stations.charge_point as p
where p.id = :chargePoint;
