-- in: connectorId
select c.connector_id
from reservations.connector c
where c.connector_id = :connectorId
for update;
