-- in: id
-- out: the state of one connector
select stations.connector_state(c, :now) as body
from stations.connector as c
where c.id = :id;
