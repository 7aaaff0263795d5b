-- in: chargePointId
select l.charge_point_id
from charging.local_list l
where l.charge_point_id = :chargePointId
for no key update;
