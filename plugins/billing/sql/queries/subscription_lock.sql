-- in: id
select s.id
from billing.subscription s
where s.id = :id
for update;
