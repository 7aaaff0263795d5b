-- in: chargePoint
-- out: its row, held until the connection has its number: of two that come at
-- once on two nodes the later one must see the earlier
select p.id
from stations.charge_point as p
where p.id = :chargePoint
for no key update;
