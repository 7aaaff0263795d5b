-- in: id
select s.id
from charging.session s
where s.id = :id
for update;
