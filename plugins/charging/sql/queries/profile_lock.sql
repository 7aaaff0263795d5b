-- in: chargePointId
--
-- One profile replaces another: what a charge point holds is decided in turn.
select c.connector_id
from charging.connector c
where c.charge_point_id = :chargePointId
    and c.removed_at is null
order by c.connector_id
for no key update;
