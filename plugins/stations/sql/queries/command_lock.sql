-- in: id
--
-- What the charger says of a transfer may come while its answer to the
-- command is being written down.
select p.id
from stations.charge_point as p
where p.id = :id
for no key update;
