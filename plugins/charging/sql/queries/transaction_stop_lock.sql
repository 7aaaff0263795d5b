-- in: transactionId
-- The session itself, and those that it may have to be taken for.
select s.id
from charging.session s
where s.charge_point_id = :chargePoint
    and (s.transaction_id = :transactionId or s.status in ('ACTIVE', 'SUSPENDED', 'STOPPING'))
order by s.id
for update;
