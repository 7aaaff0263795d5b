-- in: chargePointId, connectorNumber
select s.id
from charging.session s
where s.charge_point_id = :chargePointId
    and s.connector_number = :connectorNumber
    and s.status in ('ACTIVE', 'SUSPENDED')
order by s.id
for update;
