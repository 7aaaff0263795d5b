-- in: id
-- out: the charge point's row, held until the change is committed
select p.id
from stations.charge_point as p
where p.id = :id
for update;
