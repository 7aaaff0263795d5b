-- in: :chargePoint
-- The sessions that wait for this charge point to start.
select s.id
from charging.session s
where s.charge_point_id = :chargePoint
    and s.status in ('PENDING', 'STARTING')
order by s.id
for update;
