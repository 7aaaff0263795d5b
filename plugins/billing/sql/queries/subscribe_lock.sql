-- in: subscriptionId
select s.id
from billing.subscription s
where s.id = :subscriptionId
for update;
