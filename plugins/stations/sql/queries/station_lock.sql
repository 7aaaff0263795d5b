-- in: id
-- out: the station's row, held until the change is committed
select s.id
from stations.station as s
where s.id = :id
for update;
