-- in: id
select p.id
from billing.plan p
where p.id = :id
for update;
