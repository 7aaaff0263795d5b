-- in: operatorId
-- The issuer's counter: who has it may look whether the invoice exists.
select i.issuer
from billing.issuer i
where i.issuer = :operatorId
for update;
