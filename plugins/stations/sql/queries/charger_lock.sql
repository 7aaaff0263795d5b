-- in: chargePoint
select p.id
from stations.charge_point as p
where p.id = :chargePoint
for no key update;
